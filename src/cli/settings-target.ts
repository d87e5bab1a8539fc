import { openConfiguration } from "../gateway/configuration.js";
import grpcClient from "../modules/grpc-client/index.js";
import { readSettings } from "../settings/read.js";
import type { StoredTarget } from "./client-target.js";
import type { StoreOptions } from "./store-options.js";

/**
 * A target of `[/settings/GRPC/client/targets]` of this machine, with what it inherits.
 * @throws SettingsError when the settings can't be read or what they say about targets is wrong
 */
export function readTarget(name: string, options: StoreOptions): StoredTarget | undefined {
  const { store } = openConfiguration(options);
  const { targets } = readSettings(grpcClient.settings, store, grpcClient.defaultAlias);
  const wanted = name.toLowerCase();
  const target =
    wanted === "default"
      ? targets.default
      : [...targets.active.values()].find(
          (known) => known.id.toLowerCase() === wanted || known.name.toLowerCase() === wanted,
        );
  if (target === undefined) return undefined;
  const { timeout, ...address } = target.values;
  return { ...address, timeoutMs: timeout };
}
