/**
 * The shape of a module: what users switch on in `[/modules]`.
 *
 * A module folder has `index.ts` (what it registers), `settings.ts` (its keys) and `README.md`. It knows the kernel and
 * the shared services that its context hands it, and no other module.
 */
import type { GatewayControl } from "../kernel/control.js";
import type { Logger } from "../kernel/log.js";
import type { ModuleInstance, ModuleRuntime } from "../kernel/modules.js";
import type { Security } from "../security/security.js";
import type { ModuleCheck, SettingsOf, SettingsSchema } from "../settings/schema.js";
import type { SettingsStore } from "../settings/store.js";
import type { Spool } from "../spool/spool.js";
import type { LogService } from "../telemetry/log.js";

/** What a module is given when it starts: who it is, what it is told, and whom it may use. */
export interface ModuleContext<Schema extends SettingsSchema> extends ModuleInstance {
  /** The module's settings as they are at the start; wrong ones never get here, the start fails and names them. */
  readonly settings: SettingsOf<Schema>;
  /** The settings as they are now, for a reload in place. Throws SettingsError when they are wrong. */
  readSettings(): SettingsOf<Schema>;
  /** The whole store, for what belongs to no module: paths of scripts, free sections. */
  readonly store: SettingsStore;
  readonly gateway: GatewayControl;
  readonly security: Security;
  /** Writes with the alias as sender. */
  readonly log: Logger;
  /** Where passive results rest, opened when it is wanted for the first time; nothing where results go out at once. */
  spool(): Promise<Spool | undefined>;
  /** The log itself, for those who show it to others. */
  readonly logService: LogService;
}

export interface ModuleDefinition<Schema extends SettingsSchema> {
  /** As users write it in `[/modules]`. */
  readonly name: string;
  readonly summary: string;
  /** What the module is called when `[/modules]` gives no alias: in the log, in targets of commands, in `${alias}`. */
  readonly defaultAlias: string;
  /** What `${alias}` is in its sections then, where that differs: `GRPCServer` is `grpc` and keeps `/settings/GRPC/server`. */
  readonly defaultSection?: string;
  readonly settings: Schema;
  /** What keeps these settings from working, for `config check`: the same as the start finds, without starting anything. */
  readonly check?: ModuleCheck | undefined;
  /**
   * Registers what the module offers. Whoever needs more than registrations returns it: `serve` opens ports, `stop`
   * closes them, `reload` takes changed settings in place.
   */
  // biome-ignore lint/suspicious/noConfusingVoidType: a module that only registers returns nothing
  start(context: ModuleContext<Schema>): ModuleRuntime | void | Promise<ModuleRuntime | void>;
}

export function defineModule<Schema extends SettingsSchema>(
  definition: ModuleDefinition<Schema>,
): ModuleDefinition<Schema> {
  return definition;
}
