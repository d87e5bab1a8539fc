import type { SettingsStore } from "./store.js";

/** Sets everything that one store has in the other one; what only the other has stays. Nothing is saved. */
export function copySettings(from: SettingsStore, to: SettingsStore): void {
  for (const path of from.allPaths()) {
    to.addSection(path);
    for (const key of from.keys(path)) to.set(path, key, from.getString(path, key));
  }
}
