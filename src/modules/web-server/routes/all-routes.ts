import type { Route } from "../route.js";
import type { RouteParts } from "../route-parts.js";
import { aliasRoutes } from "./aliases.js";
import { consoleRoutes } from "./console.js";
import { discoveryRoutes } from "./discovery.js";
import { documentationRoutes } from "./documentation.js";
import { eventRoutes } from "./events.js";
import { healthRoutes } from "./health.js";
import { infoRoutes } from "./info.js";
import { legacyLoginRoutes } from "./legacy-login.js";
import { legacyMessageRoutes } from "./legacy-messages.js";
import { legacyQueryRoutes } from "./legacy-query.js";
import { loginRoutes } from "./login.js";
import { logRoutes } from "./logs.js";
import { metadataRoutes } from "./metadata.js";
import { metricRoutes } from "./metrics.js";
import { moduleRoutes } from "./modules.js";
import { pageRoutes } from "./pages.js";
import { queryRoutes } from "./queries.js";
import { scriptRoutes } from "./scripts.js";
import { settingsRoutes } from "./settings.js";
import { settingsProtobufRoutes } from "./settings-protobuf.js";
import { tagRoutes } from "./tags.js";
import { messageRoutes } from "./v3/messages.js";
import { streamRoutes } from "./v3/streams.js";

/** Everything that the web server serves. A family is one line. */
export function allRoutes(parts: RouteParts): readonly Route[] {
  const routes: readonly Route[] = [
    ...aliasRoutes(parts),
    ...consoleRoutes(parts),
    ...discoveryRoutes(),
    ...documentationRoutes(parts, () => routes),
    ...eventRoutes(parts),
    ...healthRoutes(parts),
    ...infoRoutes(parts),
    ...legacyLoginRoutes(parts),
    ...legacyMessageRoutes(parts),
    ...legacyQueryRoutes(parts),
    ...loginRoutes(parts),
    ...logRoutes(parts),
    ...messageRoutes(parts),
    ...metadataRoutes(parts),
    ...metricRoutes(parts),
    ...moduleRoutes(parts),
    ...pageRoutes(parts),
    ...queryRoutes(parts),
    ...scriptRoutes(parts),
    ...settingsProtobufRoutes(parts),
    ...settingsRoutes(parts),
    ...streamRoutes(parts),
    ...tagRoutes(parts),
  ];
  return routes;
}
