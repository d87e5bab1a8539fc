import type { CheckParts } from "../checks/check-run.js";
import { listSchema } from "../checks/check-schemas.js";
import { isShown, listedQuery, queryFacts } from "../checks/query-entry.js";
import { olderVersions } from "../http/replies.js";
import { listReply, pageParameters } from "../pages/pages.js";
import type { Route } from "../route.js";

/** `/api/v1/aliases` and `/api/v2/aliases`: other names of checks, and names for checks with arguments. */
export function aliasRoutes({ gateway: { registry } }: CheckParts): readonly Route[] {
  return olderVersions.map((version) => ({
    methods: ["GET"],
    path: `/api/v${version}/aliases`,
    version,
    access: "granted",
    grants: ["aliases.list"],
    isTagged: true,
    description: {
      tag: "aliases",
      summary: "The aliases that the caller may see, sorted by name",
      parameters: pageParameters,
      answers: { 200: { "application/json": listSchema } },
    },
    handle: (request) => {
      const shown = registry.listAliases().filter(({ name }) => isShown(request.call, "aliases.list", name));
      return listReply(shown, request, ({ name, entry }) => listedQuery(request, queryFacts(name, entry)));
    },
  }));
}
