import { Type } from "typebox";
import { jsonReply } from "../http/replies.js";
import type { Route } from "../route.js";
import type { RouteParts } from "../route-parts.js";
import type { KeptEvent } from "../state/event-ring.js";
import { restDate } from "../state/rest-date.js";
import { granted, inBothVersions } from "./granted-route.js";

const eventsSchema = Type.Array(
  Type.Object({
    index: Type.Integer({ description: "Counts the events of this server from 0" }),
    event: Type.String(),
    date: Type.String({ description: "Local time, 2026-Nov-22 15:48:26" }),
    data: Type.Record(Type.String(), Type.String()),
  }),
);

/** The last 1000 events, to look at and to take. */
export function eventRoutes({ events }: Pick<RouteParts, "events">): readonly Route[] {
  const answers = { 200: { "application/json": eventsSchema } };
  return inBothVersions((version, prefix) => [
    granted({
      methods: ["GET"],
      path: `${prefix}/events`,
      version,
      grants: ["events.list"],
      description: {
        tag: "events",
        summary: "The last events, the oldest first",
        parameters: [
          {
            name: "since",
            in: "query",
            description: "Only events with a greater index",
            schema: Type.Integer({ minimum: 0 }),
          },
        ],
        answers,
      },
      handle: ({ query }) => jsonReply(events.list(query.number("since", -1)).map(shownEvent)),
    }),
    granted({
      methods: ["DELETE"],
      path: `${prefix}/events`,
      version,
      grants: ["events.delete"],
      description: { tag: "events", summary: "Takes the last events out of the list", answers },
      audit: { action: "events.delete", objects: () => [] },
      handle: () => jsonReply(events.drain().map(shownEvent)),
    }),
  ]);
}

/** Names of data may be any text, so they are no properties of an object with a prototype. */
function shownEvent({ index, name: event, time, data }: KeptEvent) {
  return { index, event, date: restDate(time), data: Object.fromEntries(data) };
}
