import { openConfiguration } from "../gateway/configuration.js";
import { moduleKey } from "../kernel/modules.js";
import grpcClient from "../modules/grpc-client/index.js";
import { targetSettings } from "../modules/grpc-client/settings.js";
import { readModules } from "../settings/modules.js";
import { readSettings } from "../settings/read.js";
import { sectionAlias } from "../settings/schema.js";
import type { StoredTarget } from "./client-target.js";
import type { StoreOptions } from "./store-options.js";

/**
 * A target of `[/settings/GRPC/client/targets]` of this machine, with what it inherits.
 * @throws SettingsError when the settings can't be read or what they say about targets is wrong
 */
export function readTarget(name: string, options: StoreOptions): StoredTarget | undefined {
  const { store } = openConfiguration(options);
  const written = readModules(store).filter(({ module }) => moduleKey(module) === moduleKey(grpcClient.name));
  const aliases = new Set([grpcClient.defaultAlias, ...written.map(({ alias }) => alias ?? grpcClient.defaultAlias)]);
  for (const alias of aliases) {
    const { targets } = readSettings(targetSettings, store, sectionAlias(grpcClient, alias));
    const target = isNamed(targets.default, name)
      ? targets.default
      : [...targets.active.values()].find((known) => isNamed(known, name));
    if (target === undefined) continue;
    const { timeout, remoteChannel: _channel, ...address } = target.values;
    return { ...address, timeoutMs: timeout };
  }
  return undefined;
}

function isNamed(target: { readonly id: string; readonly name: string }, wanted: string): boolean {
  return [target.id, target.name].some((name) => name.toLowerCase() === wanted.toLowerCase());
}
