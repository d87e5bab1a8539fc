import type { Problem } from "./errors.js";
import { readModules } from "./modules.js";
import type { ModuleSchema } from "./schema.js";
import type { SettingsStore } from "./store.js";

/** What the modules that are switched on find wrong with settings whose values are right, each by itself. */
export function checkModules(store: SettingsStore, modules: readonly ModuleSchema[]): Problem[] {
  const active = readModules(store).filter(({ enabled }) => enabled);
  return active.flatMap(({ module, alias }) => {
    const schema = modules.find(({ name }) => name.toLowerCase() === module.toLowerCase());
    return schema?.check?.(store, alias ?? schema.defaultAlias) ?? [];
  });
}
