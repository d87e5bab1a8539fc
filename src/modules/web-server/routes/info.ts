import { Type } from "typebox";
import { jsonReply, olderVersions } from "../http/replies.js";
import type { Route } from "../route.js";
import type { RouteParts } from "../route-parts.js";

const versionSchema = Type.Object({ version: Type.String() });
const infoSchema = Type.Object({ name: Type.String(), version: Type.String(), version_url: Type.String() });

/** What program this is. Clients know it by the name of another one; the header `Server` has its own. */
export function infoRoutes(parts: RouteParts): readonly Route[] {
  const { version } = parts.gateway;
  const product = { Server: `nscp-gateway/${version}` };
  return olderVersions.flatMap((generation): Route[] => [
    {
      methods: ["GET"],
      path: `/api/v${generation}/info`,
      version: generation,
      access: "granted",
      grants: ["info.get"],
      isTagged: true,
      description: {
        tag: "info",
        summary: "Name and version of the program",
        answers: { 200: { "application/json": infoSchema } },
      },
      // The URL is that of the first version in both, as it always was.
      handle: ({ baseUrl }) =>
        jsonReply(
          { name: parts.settings.applicationName, version, version_url: `${baseUrl}/api/v1/info/version` },
          product,
        ),
    },
    {
      methods: ["GET"],
      path: `/api/v${generation}/info/version`,
      version: generation,
      access: "granted",
      grants: ["info.get.version"],
      isTagged: true,
      description: {
        tag: "info",
        summary: "Version of the program",
        answers: { 200: { "application/json": versionSchema } },
      },
      handle: () => jsonReply({ version }, product),
    },
  ]);
}
