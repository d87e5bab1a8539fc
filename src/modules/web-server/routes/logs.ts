import { Type } from "typebox";
import type { LogFields, Logger } from "../../../kernel/log.js";
import type { LogLevel, LogRecord } from "../../../telemetry/log-record.js";
import { bodyOf, isObject, jsonReply, textReply } from "../http/replies.js";
import { badPage, pageOf, pageParameters } from "../pages/pages.js";
import type { CallerRequest, ParameterDescription, Route, WebReply } from "../route.js";
import type { RouteParts } from "../route-parts.js";
import { type LogFilter, type LogView, shownLevel } from "../state/log-view.js";
import { restDate } from "../state/rest-date.js";
import { granted, inBothVersions } from "./granted-route.js";

type LogState = Pick<RouteParts, "logView" | "log">;

/** The log: `/api/vN/logs`, and `/log/…` of older clients. */
export function logRoutes(parts: LogState): readonly Route[] {
  return [...inBothVersions((version, prefix) => apiRoutes(version, prefix, parts)), ...oldRoutes(parts)];
}

const entrySchema = Type.Object({
  file: Type.String({ description: "The source file, or who wrote the entry" }),
  line: Type.Integer(),
  level: Type.Enum(["critical", "error", "warning", "info", "debug"]),
  date: Type.String({ description: "Local time, 2026-Nov-22 15:48:26" }),
  message: Type.String(),
});

const newEntrySchema = Type.Object({
  level: Type.Optional(Type.String({ default: "error" })),
  message: Type.Optional(Type.String({ default: "no message" })),
  file: Type.Optional(Type.String({ default: "REST" })),
  line: Type.Optional(Type.Integer({ default: 0 })),
});

const listParameters: readonly ParameterDescription[] = [
  ...pageParameters,
  { name: "level", in: "query", description: "Levels that are wanted, with commas between", schema: Type.String() },
];

const sinceParameter: ParameterDescription = {
  ...{ name: "since", in: "query", description: "The X-Log-Index of the answer before" },
  schema: Type.Integer({ minimum: 0, default: 0 }),
};

function apiRoutes(version: 1 | 2, prefix: string, { logView, log }: LogState): readonly Route[] {
  const path = `${prefix}/logs`;
  const tag = "logs";
  const list = { 200: { "application/json": Type.Array(entrySchema) } };
  const empty = { 200: { "application/json": Type.Never() } };
  const status = Type.Object({ errors: Type.Integer(), last_error: Type.String() });
  return [
    granted({
      methods: ["GET"],
      path,
      version,
      grants: ["logs.list"],
      description: { tag, summary: "Entries of the log, the oldest first", parameters: listParameters, answers: list },
      handle: (request) => listPage(logView, request, path, false),
    }),
    granted({
      methods: ["GET"],
      path: `${path}/since`,
      version,
      grants: ["logs.list"],
      description: {
        tag,
        summary: "Entries that are newer than one that is known",
        parameters: [sinceParameter, ...listParameters],
        answers: list,
      },
      handle: (request) => listPage(logView, request, `${path}/since`, true),
    }),
    granted({
      methods: ["POST"],
      path,
      version,
      grants: ["logs.put"],
      description: { tag, summary: "Writes an entry", body: { "application/json": newEntrySchema }, answers: empty },
      audit: { action: "logs.put", objects: () => [] },
      handle: (request) => write(log, request),
    }),
    granted({
      methods: ["DELETE"],
      path,
      version,
      grants: ["logs.delete"],
      description: {
        tag,
        summary: "Clears the view of this server; the log itself stays",
        answers: { 200: { "application/json": Type.Object({ count: Type.Literal(0) }) } },
      },
      audit: { action: "logs.delete", objects: () => ["entries"] },
      handle: () => {
        logView.clear();
        return jsonReply({ count: 0 });
      },
    }),
    granted({
      methods: ["GET"],
      path: `${path}/status`,
      version,
      grants: ["logs.list"],
      description: { tag, summary: "How many errors there were", answers: { 200: { "application/json": status } } },
      handle: () => {
        const { errors, lastError } = logView.status();
        return jsonReply({ errors, last_error: lastError });
      },
    }),
    granted({
      methods: ["DELETE"],
      path: `${path}/status`,
      version,
      grants: ["logs.list"],
      description: { tag, summary: "Counts errors from 0 again", answers: empty },
      audit: { action: "logs.delete", objects: () => ["status"] },
      handle: () => {
        logView.resetStatus();
        return { status: 200, body: "" };
      },
    }),
  ];
}

function listPage(logView: LogView, { query, baseUrl }: CallerRequest, path: string, isSince: boolean): WebReply {
  const levels = (query.get("level") ?? "").toLowerCase();
  const filter: LogFilter = {
    since: isSince ? query.number("since", 0) : 0,
    levels: new Set(levels.split(",").filter((level) => level !== "")),
  };
  const kept = [
    ...(isSince ? [`since=${filter.since}`] : []),
    ...(levels === "" ? [] : [`level=${encodeURIComponent(levels).replaceAll("%2C", ",")}`]),
  ];
  const page = pageOf(logView.list(filter), query, `${baseUrl}${path}`, kept);
  if (page === undefined) return badPage;
  const index = String(page.items.at(-1)?.index ?? filter.since);
  const headers = isSince ? { ...page.headers, "X-Log-Index": index } : page.headers;
  return jsonReply(page.items.map(shownEntry), headers);
}

function shownEntry(record: LogRecord) {
  const { file, sender, line = 0, time, message } = record;
  return { file: file ?? sender, line, level: shownLevel(record), date: restDate(time), message };
}

type Writer = (log: Logger, message: string, fields: LogFields) => void;

const writers: Readonly<Record<LogLevel | "all" | "off", Writer>> = {
  critical: (log, message, fields) => log.critical(message, fields),
  error: (log, message, fields) => log.error(message, fields),
  warning: (log, message, fields) => log.warn(message, fields),
  info: (log, message, fields) => log.info(message, fields),
  debug: (log, message, fields) => log.debug(message, fields),
  trace: (log, message, fields) => log.trace(message, fields),
  all: (log, message, fields) => log.trace(message, fields),
  off: () => {},
};

/** Longest name of a file in an entry. */
const longestFile = 256;

function write(log: Logger, { body, call }: CallerRequest): WebReply {
  const entry = bodyOf({ body });
  if (!isObject(entry)) return textReply("Problems parsing JSON", 400);
  const { level = "error", message = "no message", file = "REST", line = 0 } = entry;
  const isText = typeof level === "string" && typeof message === "string" && typeof file === "string";
  if (!isText || !Number.isSafeInteger(line)) return textReply("Problems parsing JSON", 400);
  // The name of a file stands in log files as it is.
  const place = file.replace(/\p{C}/gu, "?").slice(0, longestFile);
  const fields = { file: place, line, traceId: call.traceId };
  const word = level.toLowerCase();
  if (isWriter(word)) writers[word](log, message, fields);
  else log.critical(`Invalid log level for: ${message}`, fields);
  return { status: 200, body: "" };
}

function isWriter(word: string): word is keyof typeof writers {
  return Object.hasOwn(writers, word);
}

function oldRoutes({ logView }: LogState): readonly Route[] {
  const grants = ["legacy"];
  const about = { tag: "logs", deprecated: true } as const;
  const status = Type.Object({ status: Type.Object({ count: Type.Integer(), error: Type.String() }) });
  const oldEntry = Type.Object({ ...Type.Omit(entrySchema, ["level"]).properties, type: Type.String() });
  const messages = Type.Object({ log: Type.Object({ data: Type.Array(oldEntry), pos: Type.Integer() }) });
  return [
    granted({
      methods: ["GET"],
      path: "/log/status",
      version: 0,
      grants,
      description: {
        ...about,
        summary: "How many errors there were",
        answers: { 200: { "application/json": status } },
      },
      handle: () => {
        const { errors, lastError } = logView.status();
        return jsonReply({ status: { count: errors, error: lastError } });
      },
    }),
    granted({
      methods: ["GET"],
      path: "/log/messages",
      version: 0,
      grants,
      description: {
        ...about,
        summary: "Entries of the log without the first of them",
        parameters: [
          { name: "pos", in: "query", description: "How many are left out", schema: Type.Integer({ default: 0 }) },
        ],
        answers: { 200: { "application/json": messages } },
      },
      handle: ({ query }) => {
        const pos = query.number("pos", 0);
        const entries = logView.list({ since: 0, levels: new Set() }).slice(pos).map(shownEntry);
        const data = entries.map(({ file, line, level: type, date, message }) => ({ file, line, type, date, message }));
        return jsonReply({ log: { data, pos } });
      },
    }),
    granted({
      methods: ["POST"],
      path: "/log/reset",
      version: 0,
      grants,
      description: {
        ...about,
        summary: "Counts errors from 0 again",
        answers: { 200: { "application/json": Type.Object({ status: Type.String() }) } },
      },
      audit: { action: "logs.delete", objects: () => ["status"] },
      handle: () => {
        logView.resetStatus();
        // The blanks are those that older servers send.
        return { status: 200, body: '{"status" : "ok"}' };
      },
    }),
  ];
}
