import { openConfiguration } from "../gateway/configuration.js";
import type { StoreOptions } from "./store-options.js";

const section = "/settings/GRPC/client/targets";

/**
 * A target of the settings of this machine, keys as they stand there and path tokens replaced. Only the name itself is
 * looked at, so that the command line needs no module.
 */
export function readTarget(name: string, options: StoreOptions): Readonly<Record<string, string>> | undefined {
  const { store } = openConfiguration(options);
  const wanted = name.toLowerCase();
  const path = `${section}/${store.sections(section).find((known) => known.toLowerCase() === wanted) ?? name}`;
  if (store.hasSection(path)) {
    return Object.fromEntries(
      store.keys(path).map((key) => [key.toLowerCase(), store.paths.expand(store.getString(path, key))]),
    );
  }
  const oneLiner = store.get(section, name);
  return oneLiner === undefined ? undefined : { address: oneLiner };
}
