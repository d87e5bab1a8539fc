import type { Call } from "../../../kernel/call.js";
import { ownerLabel, type QueryEntry } from "../../../kernel/registry.js";
import type { CallerRequest } from "../route.js";

/** What lists and details say of a query or an alias. */
export interface QueryFacts {
  readonly name: string;
  readonly plugin: string;
  readonly title: string;
  readonly description: string;
}

/** @param name as it is to be shown; the title is the name as the gateway knows it */
export function queryFacts(name: string, entry: QueryEntry): QueryFacts {
  const title = name.toLowerCase();
  // A second name of a command has no words of its own.
  const description = title === entry.name ? (entry.options.description ?? "") : `Alias for: ${entry.name}`;
  return { name, plugin: ownerLabel(entry.owner), title, description };
}

/** An entry of a list, for clients of the version of the request. */
export function listedQuery(request: CallerRequest, facts: QueryFacts) {
  const { name, plugin, title, description } = facts;
  return { name, plugin, query_url: `${queryUrl(request, name)}/`, title, metadata: {}, description };
}

export function queryUrl({ baseUrl, version }: CallerRequest, name: string): string {
  return `${baseUrl}/api/v${version}/queries/${encodeURIComponent(name)}`;
}

/**
 * Whether a caller is shown a query. Who may see queries but run only some of them is shown those; who may run none is shown
 * what the grant for seeing them says.
 */
export function isShown({ principal: { grants } }: Call, grant: string, name: string): boolean {
  return grants.allows(grant, name) && (!grants.allows("queries.execute") || grants.allows("queries.execute", name));
}
