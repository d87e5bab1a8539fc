import type { Route } from "../route.js";
import type { RouteParts } from "../route-parts.js";
import { consoleRoutes } from "./console.js";
import { discoveryRoutes } from "./discovery.js";
import { healthRoutes } from "./health.js";
import { infoRoutes } from "./info.js";
import { legacyLoginRoutes } from "./legacy-login.js";
import { loginRoutes } from "./login.js";
import { pageRoutes } from "./pages.js";

/** Everything that the web server serves. A family is one line. */
export function allRoutes(parts: RouteParts): readonly Route[] {
  return [
    ...consoleRoutes(parts),
    ...discoveryRoutes(),
    ...healthRoutes(parts),
    ...infoRoutes(parts),
    ...legacyLoginRoutes(parts),
    ...loginRoutes(parts),
    ...pageRoutes(parts),
  ];
}
