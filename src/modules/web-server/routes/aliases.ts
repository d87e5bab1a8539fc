import type { CheckParts } from "../check-run.js";
import { listSchema } from "../check-schemas.js";
import { isShown, listedQuery, queryFacts } from "../query-entry.js";
import { jsonReply, olderVersions } from "../replies.js";
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
      answers: { 200: { "application/json": listSchema } },
    },
    handle: (request) => {
      const shown = registry.listAliases().filter(({ name }) => isShown(request.call, "aliases.list", name));
      return jsonReply(shown.map(({ name, entry }) => listedQuery(request, queryFacts(name, entry))));
    },
  }));
}
