import type { GatewayControl } from "../kernel/control.js";
import type { Logger } from "../kernel/log.js";
import type { ModuleInstance } from "../kernel/modules.js";
import type { SettingsStore } from "../settings/store.js";
import type { Spool } from "../spool/spool.js";

/** What a relay needs of the context of its module. */
export interface RelayContext extends ModuleInstance {
  /** By the declaration of the protocol. */
  readonly settings: unknown;
  /** As they are now, for a reload. Throws SettingsError when they are wrong. */
  readSettings(): unknown;
  readonly store: SettingsStore;
  readonly gateway: GatewayControl;
  readonly log: Logger;
  /** The gateway's spool, opened when it is wanted for the first time; nothing where results go out at once. */
  spool(): Promise<Spool | undefined>;
}
