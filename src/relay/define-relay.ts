import { hostname as systemHostname } from "node:os";
import type { ModuleRuntime } from "../kernel/modules.js";
import type { ModuleCheck, ObjectSpec, SettingsSchema } from "../settings/schema.js";
import type { RelayProtocol } from "./relay.js";
import type { RelayContext } from "./relay-context.js";
import { relayProblems } from "./relay-problems.js";
import { type AnyProtocol, relaySettings } from "./relay-settings.js";
import { RunningRelay } from "./running-relay.js";

/** A module as `[/modules]` can switch it on. */
export interface RelayModule {
  readonly name: string;
  readonly summary: string;
  readonly defaultAlias: string;
  readonly defaultSection: string;
  readonly settings: SettingsSchema;
  readonly check: ModuleCheck;
  /** What differs from relay to relay, for the command line. */
  readonly protocol: AnyProtocol;
  start(context: RelayContext): Promise<ModuleRuntime>;
}

/**
 * Makes a module of a protocol: its settings, its subscription, its commands, and a worker for each target that takes
 * results from the spool and brings them to the receiver.
 */
export function defineRelay<const Keys extends ObjectSpec["keys"]>(definition: RelayProtocol<Keys>): RelayModule {
  // A target is made by the declaration of the same protocol, so what handles it needs not know its keys.
  const protocol = definition as unknown as AnyProtocol;
  const { name, summary, defaultAlias, defaultSection = "client" } = protocol;
  return {
    ...{ name, summary, defaultAlias, defaultSection },
    ...{ settings: relaySettings(protocol), protocol },
    check: (store, alias) => relayProblems(protocol, store, alias, systemHostname()),
    start: (context) => RunningRelay.start(protocol, context, systemHostname()),
  };
}
