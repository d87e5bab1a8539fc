import { type Problem, SettingsError } from "./errors.js";
import { CaseMap, joinPath } from "./names.js";
import { keyName, type ObjectSpec, type SettingsObject, type SettingsObjects, sectionPath } from "./schema.js";
import type { SettingsStore } from "./store.js";
import { defaultValue, readTyped } from "./typed-value.js";
import { parseBool } from "./values.js";

type Values = Readonly<Record<string, unknown>>;

/**
 * Reads the objects of a section. An object is `name = value` in the section, a section of that name below it, or both:
 * then the section's keys count. A value that an object does not have comes from its parent, that one's parent and so on,
 * from the object `default`, and at last from the declaration. `default` is a template; a parent that nobody wrote is an
 * empty one; an object that is its own parent has none.
 *
 * @throws SettingsError naming every value of a wrong type and every circle of parents
 */
export function readObjects(
  spec: ObjectSpec,
  section: string,
  store: SettingsStore,
  alias: string,
): SettingsObjects<Values> {
  const reader = new ObjectReader(spec, section, store, alias);
  const objects = reader.ids().map((id) => reader.object(id));
  const fallback = reader.object("default");
  if (reader.problems.length > 0) throw new SettingsError(reader.problems);
  const byId = (wanted: SettingsObject<Values>[]) => new Map(wanted.map((object) => [object.id, object]));
  return {
    active: byId(objects.filter((object) => !object.isTemplate)),
    templates: byId(objects.filter((object) => object.isTemplate)),
    default: fallback,
  };
}

/** The names of the objects of a section, in byte order of keys and then sections. */
export function objectIds(section: string, store: SettingsStore): string[] {
  return [...namesOf(section, store).names()];
}

class ObjectReader {
  readonly problems: Problem[] = [];
  readonly #names: CaseMap<true>;

  constructor(
    private readonly spec: ObjectSpec,
    private readonly section: string,
    private readonly store: SettingsStore,
    private readonly alias: string,
  ) {
    this.#names = namesOf(section, store);
  }

  ids(): string[] {
    return [...this.#names.names()];
  }

  object(id: string): SettingsObject<Values> {
    const parents = this.#parents(id);
    const path = joinPath(this.section, id);
    return {
      id,
      path,
      name: this.store.get(path, "alias") || id,
      isTemplate: id.toLowerCase() === "default" || this.#isTemplate(path),
      parents,
      values: Object.fromEntries(
        Object.keys(this.spec.keys).map((property) => [property, this.#value(property, [id, ...parents])]),
      ),
    };
  }

  #isTemplate(path: string): boolean {
    const text = this.store.get(path, "is template") ?? "";
    const is = text === "" ? false : parseBool(text);
    if (is === undefined) this.#problem(path, "is template", `"${text}" is neither true nor false`);
    return is ?? false;
  }

  /** The chain of parents, nearest first, `default` last. */
  #parents(id: string): string[] {
    const chain = [id];
    const isWritten: boolean[] = [];
    for (let current = id; ; ) {
      const path = joinPath(this.section, current);
      const written = this.store.get(path, "parent") || undefined;
      if (written?.toLowerCase() === current.toLowerCase()) break;
      const wanted = written ?? "default";
      const next = this.#names.spelling(wanted) ?? wanted;
      isWritten.push(written !== undefined);
      const start = chain.findIndex((above) => above.toLowerCase() === next.toLowerCase());
      if (start >= 0) {
        // That `default` is the parent of its own parent is not what anybody wrote.
        const circle = [...chain.slice(start), next].join(" → ");
        if (isWritten.slice(start).every((edge) => edge))
          this.#problem(path, "parent", `the parents go round in a circle: ${circle}`);
        break;
      }
      chain.push(next);
      current = next;
    }
    return chain.slice(1);
  }

  #value(property: string, chain: readonly string[]): unknown {
    const spec = this.spec.keys[property];
    if (!spec) return undefined;
    const key = keyName(property, spec);
    const places = chain.map((id) => ({ own: joinPath(this.section, id), id }));
    if (spec.fallback !== undefined) places.push({ own: sectionPath(spec.fallback, this.alias), id: "" });
    for (const { own, id } of places) {
      const inSection = this.store.get(own, key);
      const oneLine = property === this.spec.oneLiner && id !== "" ? this.store.get(this.section, id) : undefined;
      const text = inSection ?? (oneLine === "" ? undefined : oneLine);
      if (text === undefined) continue;
      const typed = readTyped(spec, text, this.store.paths);
      if (typed.ok && typed.value !== undefined) return typed.value;
      if (typed.ok) continue;
      const [path, name] = inSection === undefined ? [this.section, id] : [own, key];
      this.#problem(path, name, typed.message, typed.suggestion);
      return undefined;
    }
    return defaultValue(spec, this.store.paths);
  }

  /** A value that several objects inherit is wrong once. */
  #problem(path: string, key: string, message: string, suggestion?: string): void {
    if (this.problems.some((problem) => problem.path === path && problem.key === key)) return;
    const { file, line } = this.store.origin(path, key) ?? {};
    this.problems.push({ severity: "error", file, line, path, key, message, suggestion });
  }
}

function namesOf(section: string, store: SettingsStore): CaseMap<true> {
  const names = new CaseMap<true>();
  for (const name of [...store.keys(section), ...store.sections(section)]) {
    if (names.spelling(name) === undefined) names.set(name, true);
  }
  return names;
}
