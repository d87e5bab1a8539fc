import { Type } from "typebox";
import { ownerLabel } from "../../../kernel/registry.js";
import { jsonReply, textReply } from "../http/replies.js";
import type { Route } from "../route.js";
import type { RouteParts } from "../route-parts.js";
import { granted, inBothVersions } from "./granted-route.js";

const tag = "metadata";

const listSchema = Type.Array(Type.Object({ name: Type.String(), title: Type.String(), url: Type.String() }));

const channelsSchema = Type.Array(Type.Object({ name: Type.String(), plugins: Type.Array(Type.String()) }));

const titles = { counters: "Performance counters", channels: "Registered submission channels" } as const;

/** Channels that every gateway has; they are nothing to choose from. */
const builtInChannels: ReadonlySet<string> = new Set(["noop", "log"]);

/** Lists of names that user interfaces offer. */
export function metadataRoutes({ gateway }: Pick<RouteParts, "gateway">): readonly Route[] {
  return inBothVersions((version, prefix) => [
    granted({
      methods: ["GET"],
      path: `${prefix}/metadata`,
      version,
      grants: ["metadata.list"],
      description: { tag, summary: "Which lists there are", answers: { 200: { "application/json": listSchema } } },
      handle: ({ baseUrl }) =>
        jsonReply(
          Object.entries(titles).map(([name, title]) => ({ name, title, url: `${baseUrl}${prefix}/metadata/${name}` })),
        ),
    }),
    granted({
      methods: ["GET"],
      path: `${prefix}/metadata/channels`,
      version,
      grants: ["metadata.get.channels"],
      description: {
        tag,
        summary: "The channels for passive results, with the modules that take them",
        answers: { 200: { "application/json": channelsSchema } },
      },
      handle() {
        const channels = gateway.registry.listChannels().filter(({ name }) => !builtInChannels.has(name));
        return jsonReply(channels.map(({ name, owners }) => ({ name, plugins: owners.map(ownerLabel) })));
      },
    }),
    granted({
      methods: ["GET"],
      path: `${prefix}/metadata/counters`,
      version,
      grants: ["metadata.get.counters"],
      description: {
        tag,
        summary: "The performance counters of the system; only CheckSystem has any",
        answers: { 200: { "application/json": Type.Array(Type.String()) } },
      },
      handle: () => textReply("No response from module, is the CheckSystem module loaded?", 500),
    }),
  ]);
}
