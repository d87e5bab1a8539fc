import { Type } from "typebox";
import { jsonReply, olderVersions } from "../http/replies.js";
import type { Route } from "../route.js";

const families = ["scripts", "modules", "queries", "aliases", "settings", "logs", "info", "tags"] as const;

const apiSchema = Type.Object({
  current_api: Type.String(),
  legacy_api: Type.String(),
  beta_api: Type.String(),
});

const familiesSchema = Type.Object(Object.fromEntries(families.map((name) => [`${name}_url`, Type.String()])));

/** `/api` and its versions: where everything else is. Both versions name the URLs of the second. */
export function discoveryRoutes(): readonly Route[] {
  return [
    {
      methods: ["GET"],
      path: "/api",
      version: 0,
      access: "granted",
      grants: ["public"],
      description: {
        tag: "discovery",
        summary: "The versions of the API",
        answers: { 200: { "application/json": apiSchema } },
      },
      handle: ({ baseUrl }) =>
        jsonReply({
          current_api: `${baseUrl}/api/v2`,
          legacy_api: `${baseUrl}/api/v1`,
          beta_api: `${baseUrl}/api/v2`,
        }),
    },
    ...olderVersions.map(
      (version): Route => ({
        methods: ["GET"],
        path: `/api/v${version}`,
        version,
        access: "granted",
        grants: ["public"],
        description: {
          tag: "discovery",
          summary: "The parts of the API",
          answers: { 200: { "application/json": familiesSchema } },
        },
        handle: ({ baseUrl }) =>
          jsonReply(Object.fromEntries(families.map((name) => [`${name}_url`, `${baseUrl}/api/v2/${name}`]))),
      }),
    ),
  ];
}
