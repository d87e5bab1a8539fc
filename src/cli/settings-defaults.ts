import { joinPath, splitPath } from "../settings/names.js";
import { defaultText, type KeySpec, keyName, type SettingsSchema, sectionPath } from "../settings/schema.js";
import { shownValue } from "../settings/shown-value.js";
import type { SettingsStore } from "../settings/store.js";

/** Sets what is missing to its default, and adds the sections that a user fills; advanced keys stay out. */
export function addMissing(schema: SettingsSchema, alias: string, store: SettingsStore, samples: boolean): void {
  for (const { section, keys } of fixedSections(schema)) {
    const path = sectionPath(section, alias);
    for (const [property, spec] of Object.entries(keys)) {
      const isWanted = !spec.advanced && (samples || !spec.sample);
      const key = keyName(property, spec);
      if (isWanted && !store.has(path, key)) store.set(path, key, defaultText(spec));
    }
  }
  const free = [...Object.values(schema.maps ?? {}), ...Object.values(schema.objects ?? {})];
  for (const { section } of free) store.addSection(sectionPath(section, alias));
}

/**
 * Removes the keys that say what would be so without them, and then the sections without keys. What an object says
 * stays, for there the value of a parent would count, and so do sections that are objects.
 */
export function removeDefaults(store: SettingsStore): void {
  const { registry } = store;
  for (const path of store.allPaths()) {
    if (isObject(path, store)) continue;
    for (const { key, defaultValue, spec } of registry.keysOf(path)) {
      if (!spec || !store.has(path, key)) continue;
      const isInherited = spec.fallback !== undefined && store.has(spec.fallback, key);
      if (!isInherited && store.getString(path, key) === defaultValue) store.deleteKey(path, key);
    }
  }
  for (const path of store.allPaths()) {
    if (store.keys(path).length === 0 && !isObject(path, store)) store.deletePath(path, { recursive: false });
  }
}

function isObject(path: string, store: SettingsStore): boolean {
  const split = splitPath(path);
  return split !== undefined && store.registry.section(split.parent)?.kind === "objects";
}

function fixedSections(schema: SettingsSchema): { section: string; keys: Readonly<Record<string, KeySpec>> }[] {
  return [{ section: schema.section, keys: schema.keys ?? {} }, ...Object.values(schema.groups ?? {})];
}

/** `path.key=value` for every key below a section, children first; secrets are `***`. */
export function listLines(store: SettingsStore, root: string): string[] {
  const lines: string[] = [];
  const visit = (path: string) => {
    for (const name of store.sections(path)) visit(joinPath(path, name));
    for (const key of store.keys(path)) lines.push(`${path}.${key}=${shownValue(store, path, key)}`);
  };
  visit(root);
  // Sections that were written without a slash are below nothing.
  const loose = root === "" ? store.allPaths().filter((path) => path !== "" && !path.startsWith("/")) : [];
  for (const path of loose) visit(path);
  return lines;
}
