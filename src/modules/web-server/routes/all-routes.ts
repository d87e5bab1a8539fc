import type { Route } from "../route.js";
import type { RouteParts } from "../route-parts.js";
import { aliasRoutes } from "./aliases.js";
import { consoleRoutes } from "./console.js";
import { discoveryRoutes } from "./discovery.js";
import { healthRoutes } from "./health.js";
import { infoRoutes } from "./info.js";
import { legacyLoginRoutes } from "./legacy-login.js";
import { legacyQueryRoutes } from "./legacy-query.js";
import { loginRoutes } from "./login.js";
import { pageRoutes } from "./pages.js";
import { queryRoutes } from "./queries.js";

/** Everything that the web server serves. A family is one line. */
export function allRoutes(parts: RouteParts): readonly Route[] {
  return [
    ...aliasRoutes(parts),
    ...consoleRoutes(parts),
    ...discoveryRoutes(),
    ...healthRoutes(parts),
    ...infoRoutes(parts),
    ...legacyLoginRoutes(parts),
    ...legacyQueryRoutes(parts),
    ...loginRoutes(parts),
    ...pageRoutes(parts),
    ...queryRoutes(parts),
  ];
}
