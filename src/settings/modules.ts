import type { SettingsStore } from "./store.js";

/** A line of `[/modules]`. */
export interface ModuleEntry {
  /** The key in the file. */
  readonly key: string;
  readonly module: string;
  /** The alias that was given; undefined means the module's default alias. */
  readonly alias: string | undefined;
  readonly enabled: boolean;
}

export const modulesPath = "/modules";

const on = new Set(["enabled", "1", "true"]);
const off = new Set(["disabled", "0", "false", ""]);

/**
 * Reads `[/modules]`: `Module = enabled` or `disabled`, `alias = Module`, and the old form `enabled = Module`. A `.dll`
 * at the end of a module's name is left out.
 */
export function readModules(store: SettingsStore): ModuleEntry[] {
  return store.keys(modulesPath).map((key) => readModuleEntry(key, store.getString(modulesPath, key)));
}

export function readModuleEntry(key: string, value: string): ModuleEntry {
  const word = value.toLowerCase();
  if (on.has(word) || off.has(word)) return { key, module: bare(key), alias: undefined, enabled: on.has(word) };
  if (on.has(key.toLowerCase())) return { key, module: bare(value), alias: undefined, enabled: true };
  if (off.has(key.toLowerCase())) return { key, module: bare(value), alias: undefined, enabled: false };
  return { key, module: bare(value), alias: key, enabled: true };
}

function bare(module: string): string {
  return module.replace(/\.dll$/i, "");
}
