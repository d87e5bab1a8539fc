import type {
  RegistryRequestMessage,
  RegistryResponseMessage,
  SettingsRequestMessage,
  SettingsResponseMessage,
} from "../wire/messages.js";
import type { Call, CallingModule, CallOrigin } from "./call.js";
import type { Clock } from "./clock.js";
import type { Core } from "./core.js";
import type { LoadedModule } from "./modules.js";
import type { Registry } from "./registry.js";
import type { SpoolFigures } from "./relay-status.js";

/** The running gateway as modules, script hosts and the command line may use it. */
export interface GatewayControl {
  readonly version: string;
  readonly startedAtMs: number;
  readonly core: Core;
  readonly registry: Registry;
  readonly clock: Clock;

  /** The call of somebody who comes in. A trace id is made when none is given. */
  call(origin: Omit<CallOrigin, "traceId"> & { traceId?: string }): Call;

  /** A call that a module or script makes on its own, outside of any other call. */
  moduleCall(module: CallingModule): Call;

  /**
   * Inventory, registrations and module control; see the registry messages of the wire contract.
   * @throws GatewayError PERMISSION_DENIED for what the caller has no grant for
   */
  registryQuery(message: RegistryRequestMessage, call: Call): Promise<RegistryResponseMessage>;

  /**
   * Reads and writes settings; a call that came over a network never reaches what is executed.
   * @throws GatewayError PERMISSION_DENIED for what the caller has no grant for
   */
  settingsQuery(message: SettingsRequestMessage, call: Call): Promise<SettingsResponseMessage>;

  loadModule(module: string, alias: string): Promise<boolean>;

  /** By alias or name. */
  unloadModule(name: string): Promise<boolean>;

  /**
   * @param what `service`, `settings` or the alias or name of a module; with `delayed,` in front it happens in the
   * background and the answer comes at once, with `instant,` it is as without
   */
  reload(what: string): Promise<ReloadOutcome>;

  /** Replaces `${name}` and `%(name)` by the folders they stand for. */
  expandPath(text: string): string;

  /** The loaded modules, in load order. */
  modules(): LoadedModule[];

  /** What rests in the spool; nothing as long as nobody has wanted one. */
  spoolFigures(): SpoolFigures | undefined;

  /** All metrics in the text format of Prometheus, those of the last cycle included. */
  metricsText(): Promise<string>;

  /** Whether every front end is open and no drain has begun. */
  readonly serving: boolean;

  /** Name of the settings store, such as `ini:///etc/nscp-gateway/nsclient.ini`. */
  readonly settingsContext: string;
}

export interface ReloadOutcome {
  readonly reloaded: boolean;
  /**
   * What is wrong with the new configuration, each with file and line; after a reload, modules that did not run before
   * and still don't.
   */
  readonly problems: readonly string[];
}
