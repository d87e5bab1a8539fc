import type { GatewayControl } from "../../kernel/control.js";
import type { Logger } from "../../kernel/log.js";
import type { Owner } from "../../kernel/registry.js";
import type { Security } from "../../security/security.js";
import type { SettingsStore } from "../../settings/store.js";
import type { LogService } from "../../telemetry/log.js";
import type { ServerSettings } from "./settings.js";
import type { EventRing } from "./state/event-ring.js";
import type { LogView } from "./state/log-view.js";

/** What the handlers of all families get when their routes are made. */
export interface RouteParts {
  readonly gateway: GatewayControl;
  readonly security: Security;
  readonly store: SettingsStore;
  /** The settings of this server as they are now: read them at every request, a reload changes them. */
  readonly settings: ServerSettings;
  readonly logService: LogService;
  /** Writes with the alias of this server as sender. */
  readonly log: Logger;
  readonly state: ServerState;
  /** This server as a module. */
  readonly self: Owner;
  /** The log as this server shows it. */
  readonly logView: LogView;
  /** The last events. */
  readonly events: EventRing;
}

/** How this server is. */
export interface ServerState {
  /** Whether connections are secured. */
  readonly isSecure: boolean;
  /** Whether a reload that was asked for here is not over. */
  isReloading: boolean;
}
