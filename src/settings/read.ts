import { type Problem, SettingsError } from "./errors.js";
import { readObjects } from "./objects.js";
import { type KeySpec, keyName, type MapSpec, type SettingsOf, type SettingsSchema, sectionPath } from "./schema.js";
import type { SettingsStore } from "./store.js";
import { defaultValue, readTyped } from "./typed-value.js";

/**
 * Reads everything that a schema declares: times in milliseconds, sizes in bytes, paths with their tokens replaced.
 *
 * @param alias the module's alias in `[/modules]`, or its default alias
 * @throws SettingsError naming all values that are wrong, each with file and line
 */
export function readSettings<const S extends SettingsSchema>(
  schema: S,
  store: SettingsStore,
  alias: string,
): SettingsOf<S> {
  const problems: Problem[] = [];
  const values: Record<string, unknown> = readKeys(
    schema.keys ?? {},
    sectionPath(schema.section, alias),
    store,
    problems,
  );
  for (const [name, group] of Object.entries(schema.groups ?? {})) {
    values[name] = readKeys(group.keys, sectionPath(group.section, alias), store, problems);
  }
  for (const [name, map] of Object.entries(schema.maps ?? {})) {
    values[name] = readMap(map, sectionPath(map.section, alias), store, problems);
  }
  for (const [name, spec] of Object.entries(schema.objects ?? {})) {
    try {
      values[name] = readObjects(spec, sectionPath(spec.section, alias), store, alias);
    } catch (error) {
      if (!(error instanceof SettingsError)) throw error;
      problems.push(...error.problems);
    }
  }
  if (problems.length > 0) throw new SettingsError(problems);
  return values as SettingsOf<S>;
}

function readKeys(
  keys: Readonly<Record<string, KeySpec>>,
  path: string,
  store: SettingsStore,
  problems: Problem[],
): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const [property, spec] of Object.entries(keys)) {
    const key = keyName(property, spec);
    const places = spec.fallback === undefined ? [path] : [path, spec.fallback];
    const place = places.find((candidate) => store.has(candidate, key));
    const value = place === undefined ? undefined : readOne(spec, place, key, store, problems);
    values[property] = value ?? defaultValue(spec, store.paths);
  }
  return values;
}

function readMap(map: MapSpec, path: string, store: SettingsStore, problems: Problem[]): Map<string, unknown> {
  const spec = map.value ?? { type: "string", title: map.title, description: map.description };
  const entries = store.keys(path).map((key) => [key, readOne(spec, path, key, store, problems)] as const);
  return new Map(entries.filter(([, value]) => value !== undefined));
}

function readOne(spec: KeySpec, path: string, key: string, store: SettingsStore, problems: Problem[]): unknown {
  const typed = readTyped(spec, store.getString(path, key), store.paths);
  if (typed.ok) return typed.value;
  const { file, line } = store.origin(path, key) ?? {};
  problems.push({ severity: "error", file, line, path, key, message: typed.message, suggestion: typed.suggestion });
  return undefined;
}
