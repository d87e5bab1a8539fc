/** The log and the events as they happen: `/api/v3/logs/stream` and `/api/v3/events/stream`, in version 2 as well. */
import Type, { type TSchema } from "typebox";
import type { Security } from "../../../../security/security.js";
import type { LogService } from "../../../../telemetry/log.js";
import type { LogRecord } from "../../../../telemetry/log-record.js";
import type { CallerRequest, GrantedRoute, ParameterDescription } from "../../route.js";
import type { RouteParts } from "../../route-parts.js";
import type { EventRing, KeptEvent } from "../../state/event-ring.js";
import { eventStream, type StreamEntry, type StreamRules, type StreamSource } from "../../state/event-stream.js";

export function streamRoutes({
  security,
  logService,
  events,
}: Pick<RouteParts, "security" | "logService" | "events">): readonly GrantedRoute[] {
  return [
    ...routesOf({
      ...{ tag: "logs", grant: "logs.list", schema: logSchema },
      summary: "Entries of the log as they are written",
      more: [levelParameter],
      source: logSource(logService),
      isWanted: wantedLevels,
      security,
    }),
    ...routesOf({
      ...{ tag: "events", grant: "events.list", schema: eventSchema },
      summary: "Events as they are emitted",
      more: [],
      source: eventSource(events),
      isWanted: () => () => true,
      security,
    }),
  ];
}

const logSchema = Type.String({
  description:
    "Server-sent events: id is the count of this process and the index of the entry, event is log, data an object with index, time, level, sender, " +
    "message, and file, line and traceId where they are known.",
});

const eventSchema = Type.String({
  description:
    "Server-sent events: id is the count of this server and the index, event is event, data an object with index, time, event and data.",
});

const levelParameter: ParameterDescription = {
  ...{ name: "level", in: "query", schema: Type.String({ examples: ["error,warning"] }) },
  description: "Levels that are wanted, with commas between: critical, error, warning, info, debug, trace.",
};

const parameters: readonly ParameterDescription[] = [
  {
    ...{ name: "Last-Event-ID", in: "header", schema: Type.String() },
    description:
      "The id of the last entry that was seen; the stream begins with those after it, as far as they are kept.",
  },
  {
    ...{ name: "since", in: "query", schema: Type.Integer({ minimum: 0 }) },
    description: "The same as Last-Event-ID, for clients that can't send it.",
  },
  {
    ...{ name: "tail", in: "query", schema: Type.Integer({ minimum: 0 }) },
    description: "Begin with so many of the entries that are kept.",
  },
];

interface StreamParts {
  readonly tag: string;
  readonly grant: string;
  readonly summary: string;
  readonly schema: TSchema;
  readonly more: readonly ParameterDescription[];
  readonly source: StreamSource;
  readonly security: Security;
  isWanted(request: CallerRequest): StreamRules["isWanted"];
}

function routesOf({ tag, grant, summary, schema, more, source, security, isWanted }: StreamParts): GrantedRoute[] {
  return ([3, 2] as const).map((version) => ({
    methods: ["GET"],
    path: `/api/v${version}/${tag}/stream`,
    version,
    access: "granted",
    grants: [grant],
    description: {
      ...{ tag, summary },
      parameters: [...parameters, ...more],
      answers: { 200: { "text/event-stream": schema } },
    },
    handle: (request) =>
      eventStream(source, request, { isWanted: isWanted(request), isAllowed: allowance(security, request) }),
  }));
}

/** Roles, users and tokens may have changed since the stream began, and its token or login may have ended. */
function allowance(security: Security, { shownToken }: CallerRequest): () => boolean {
  const { revision } = security;
  return () => security.revision === revision && (shownToken === undefined || security.isGood(shownToken));
}

/** The log counts from the start of the process on. */
const processCount = Math.round(performance.timeOrigin).toString(36);

interface LogEntry extends StreamEntry {
  readonly data: ReturnType<typeof shownRecord>;
}

function logSource(log: LogService): StreamSource {
  const entryOf = (record: LogRecord): LogEntry => ({ index: record.index, data: shownRecord(record) });
  return {
    event: "log",
    count: processCount,
    kept: () => log.recent(Number.POSITIVE_INFINITY).map(entryOf),
    subscribe: (listener) => log.subscribe((record) => listener(entryOf(record))),
  };
}

function shownRecord({ index, time, level, sender, message, file, line, traceId }: LogRecord) {
  return { index, time: new Date(time).toISOString(), level, sender, message, file, line, traceId };
}

function wantedLevels({ query }: CallerRequest): StreamRules["isWanted"] {
  const levels = new Set((query.get("level") ?? "").toLowerCase().split(",").filter(Boolean));
  return ({ data }) => levels.size === 0 || levels.has(String(data["level"]));
}

function eventSource(events: EventRing): StreamSource {
  const entryOf = ({ index, name, time, data }: KeptEvent): StreamEntry => ({
    index,
    data: { index, time: new Date(time).toISOString(), event: name, data: Object.fromEntries(data) },
  });
  return {
    event: "event",
    count: events.count,
    kept: () => events.list(Number.NEGATIVE_INFINITY).map(entryOf),
    subscribe: (listener) => events.subscribe((event) => listener(entryOf(event))),
  };
}
