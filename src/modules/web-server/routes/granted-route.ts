import { olderVersions } from "../http/replies.js";
import type { GrantedRoute, Route } from "../route.js";

/** A route for callers that are known. */
export function granted(route: Omit<GrantedRoute, "access">): GrantedRoute {
  return { ...route, access: "granted" };
}

/** The same routes for both generations of the API. */
export function inBothVersions(routesOf: (version: 1 | 2, prefix: string) => readonly Route[]): readonly Route[] {
  return olderVersions.flatMap((version) => routesOf(version, `/api/v${version}`));
}
