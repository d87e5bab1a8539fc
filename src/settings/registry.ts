import { isWithin, normalisePath, splitPath } from "./names.js";
import {
  defaultText,
  isSensitive,
  type KeySpec,
  keyName,
  type ModuleSchema,
  type SettingsSchema,
  sectionPath,
} from "./schema.js";

/** A described section. */
export interface SectionInfo {
  readonly path: string;
  readonly title: string;
  readonly description: string;
  readonly advanced: boolean;
  readonly sample: boolean;
  /**
   * What its keys are: `fixed` ones with descriptions, a `map` of names that the user chose, or `objects`, each of
   * them a key here or a section below.
   */
  readonly kind: "fixed" | "map" | "objects";
  readonly icon: string;
  /** The modules that described it, first come first. */
  readonly owners: readonly string[];
}

/** A described key. */
export interface KeyInfo {
  readonly path: string;
  readonly key: string;
  readonly title: string;
  readonly description: string;
  readonly type: string;
  /** As a user would write it. */
  readonly defaultValue: string;
  readonly advanced: boolean;
  readonly sample: boolean;
  readonly sampleUsage: string;
  readonly sensitive: boolean;
  readonly icon: string;
  readonly owners: readonly string[];
  /** How the value is read; absent for keys that scripts described, which are texts. */
  readonly spec?: KeySpec | undefined;
}

/** A form that a user interface offers for a section. */
export interface TemplateInfo {
  readonly path: string;
  readonly title: string;
  readonly description: string;
  readonly icon: string;
  /** JSON. */
  readonly fields: string;
  readonly owners: readonly string[];
}

type Described<T> = Omit<T, "owners">;

interface SectionRecord {
  info: SectionInfo | undefined;
  readonly keys: Map<string, KeyInfo>;
  /** Of a map: any key. Of objects: `name = value`. */
  anyKey: KeyInfo | undefined;
  /** Of objects: the keys of every section below. */
  readonly objectKeys: Map<string, KeyInfo>;
}

/** The keys that every object has. */
export const objectKeys = {
  parent: {
    type: "string",
    title: "Parent",
    description: "The object whose values count where this one has none",
    default: "default",
  },
  isTemplate: {
    type: "bool",
    title: "Is template",
    description: "A template is inherited from and does nothing itself",
    default: false,
  },
  alias: { type: "string", title: "Alias", description: "The name that is used instead of the section's" },
} as const satisfies Record<string, KeySpec>;

/** What is known about sections and keys. The first description of a name stays; others only add their owner. */
export class SettingsRegistry {
  readonly #sections = new Map<string, SectionRecord>();
  readonly #templates: TemplateInfo[] = [];

  registerSection(info: Described<SectionInfo>, owner: string): void {
    const record = this.#record(info.path);
    record.info = record.info ? withOwner(record.info, owner) : { ...info, owners: [owner] };
  }

  registerKey(info: Described<KeyInfo>, owner: string): void {
    addKey(this.#record(info.path).keys, { ...info, owners: [owner] }, owner);
  }

  registerTemplate(info: Described<TemplateInfo>, owner: string): void {
    this.#templates.push({ ...info, owners: [owner] });
  }

  /** Describes everything that a module declared. */
  registerSchema(schema: SettingsSchema, alias: string, owner: string): void {
    const { section, title, description, keys = {} } = schema;
    const fixed = [{ section, title, description, keys }, ...Object.values(schema.groups ?? {})];
    for (const group of fixed) {
      const path = this.#registerSpec(group, "fixed", alias, owner);
      for (const info of keyInfos(path, group.keys)) this.registerKey(info, owner);
    }
    for (const map of Object.values(schema.maps ?? {})) {
      const path = this.#registerSpec(map, "map", alias, owner);
      const value = map.value ?? { type: "string", title: map.title, description: map.description };
      this.#record(path).anyKey = { ...keyInfo(path, "", value), owners: [owner] };
    }
    for (const object of Object.values(schema.objects ?? {})) {
      const path = this.#registerSpec(object, "objects", alias, owner);
      const record = this.#record(path);
      for (const info of keyInfos(path, { ...objectKeys, ...object.keys })) {
        addKey(record.objectKeys, { ...info, owners: [owner] }, owner);
      }
      const line = object.oneLiner === undefined ? undefined : object.keys[object.oneLiner];
      if (line) record.anyKey = { ...keyInfo(path, "", line), owners: [owner] };
    }
  }

  /** Forgets what only this owner described. */
  removeOwner(owner: string): void {
    for (const [name, record] of this.#sections) {
      if (record.info) record.info = withoutOwner(record.info, owner);
      if (record.anyKey) record.anyKey = withoutOwner(record.anyKey, owner);
      for (const keys of [record.keys, record.objectKeys]) {
        for (const [key, info] of keys) {
          const rest = withoutOwner(info, owner);
          if (rest) keys.set(key, rest);
          else keys.delete(key);
        }
      }
      if (!record.info && record.keys.size === 0 && record.objectKeys.size === 0) this.#sections.delete(name);
    }
    const kept = this.#templates.filter((template) => withoutOwner(template, owner));
    this.#templates.splice(0, this.#templates.length, ...kept);
  }

  /** The description of a section; a section below objects has that of its parent's, with its own path. */
  section(path: string): SectionInfo | undefined {
    const own = this.#sections.get(lower(path))?.info;
    if (own) return own;
    const objects = this.#objectsAbove(path)?.info;
    return objects && { ...objects, path: normalisePath(path), kind: "fixed" };
  }

  /** The description of a key: its own, that of any key of the section, or that of a key of every object. */
  key(path: string, key: string): KeyInfo | undefined {
    const record = this.#sections.get(lower(path));
    const own = record?.keys.get(key.toLowerCase());
    if (own) return own;
    if (record?.anyKey) return { ...record.anyKey, key };
    const shared = this.#objectsAbove(path)?.objectKeys.get(key.toLowerCase());
    return shared && { ...shared, path: normalisePath(path) };
  }

  /** The keys that are described by name for a section. */
  keysOf(path: string): KeyInfo[] {
    const own = [...(this.#sections.get(lower(path))?.keys.values() ?? [])];
    const shared = [...(this.#objectsAbove(path)?.objectKeys.values() ?? [])];
    return [...own, ...shared.map((info) => ({ ...info, path: normalisePath(path) }))];
  }

  sections(): SectionInfo[] {
    return [...this.#sections.values()].flatMap((record) => record.info ?? []);
  }

  /** Paths with a described section or key. */
  paths(): string[] {
    return [...this.#sections.values()].flatMap((record) => {
      const path = record.info?.path ?? record.keys.values().next().value?.path;
      return path === undefined ? [] : [path];
    });
  }

  templates(path: string, recursive: boolean): TemplateInfo[] {
    return this.#templates.filter((template) =>
      recursive ? isWithin(template.path, path) : lower(template.path) === lower(path),
    );
  }

  /**
   * Whether the value is shown as `***`: described as sensitive, or undescribed and either named like a secret or where
   * somebody may have written the secret of an object in place of its section (`[…/users] joe = password`).
   */
  isSensitive(path: string, key: string): boolean {
    const info = this.key(path, key);
    if (info?.spec || info?.sensitive) return info.sensitive;
    return secretName.test(key) || (info === undefined && this.#holdsSecrets(path));
  }

  #holdsSecrets(path: string): boolean {
    const record = this.#sections.get(lower(path));
    return record?.info?.kind === "objects" && [...record.objectKeys.values()].some((key) => key.sensitive);
  }

  /** `title - description` of a section or a key, as the comment in a settings file has it. */
  describe(path: string, key?: string): string | undefined {
    const info = key === undefined ? this.section(path) : this.#namedKey(path, key);
    if (!info || (info.title === "" && info.description === "")) return undefined;
    return [info.title, info.description].filter((text) => text !== "").join(" - ");
  }

  /** Names that the user chose are not described one by one. */
  #namedKey(path: string, key: string): KeyInfo | undefined {
    return this.keysOf(path).find((info) => info.key.toLowerCase() === key.toLowerCase());
  }

  #registerSpec(
    spec: { section: string; title: string; description: string },
    kind: SectionInfo["kind"],
    alias: string,
    owner: string,
  ): string {
    const path = sectionPath(spec.section, alias);
    const { title, description } = spec;
    this.registerSection({ path, title, description, kind, advanced: false, sample: false, icon: "" }, owner);
    return path;
  }

  #objectsAbove(path: string): SectionRecord | undefined {
    const split = splitPath(normalisePath(path));
    const above = split && this.#sections.get(lower(split.parent));
    return above?.info?.kind === "objects" ? above : undefined;
  }

  #record(path: string): SectionRecord {
    const name = lower(path);
    const existing = this.#sections.get(name);
    if (existing) return existing;
    const record: SectionRecord = { info: undefined, keys: new Map(), anyKey: undefined, objectKeys: new Map() };
    this.#sections.set(name, record);
    return record;
  }
}

/** How keys end that nobody described and that hold what nobody should read. */
const secretName =
  /(^|[\s_-])(password|passwd|passphrase|pwd|secret|token|credentials?|(api|access|secret|private)[\s_-]?key)$/i;

/** A registry that knows what belongs to no module, and every module under its default and under the given aliases. */
export function registryOf(
  core: SettingsSchema | readonly SettingsSchema[],
  modules: readonly ModuleSchema[],
  aliases: Iterable<{ module: ModuleSchema; alias: string }> = [],
): SettingsRegistry {
  const registry = new SettingsRegistry();
  for (const schema of [core].flat()) registry.registerSchema(schema, "", "core");
  for (const { module, alias } of aliases) registry.registerSchema(module.schema, alias, module.name);
  for (const { name, defaultAlias, schema } of modules) registry.registerSchema(schema, defaultAlias, name);
  return registry;
}

function keyInfos(path: string, keys: Readonly<Record<string, KeySpec>>): Described<KeyInfo>[] {
  return Object.entries(keys).map(([property, spec]) => keyInfo(path, keyName(property, spec), spec));
}

function keyInfo(path: string, key: string, spec: KeySpec): Described<KeyInfo> {
  return {
    path,
    key,
    title: spec.title,
    description: spec.description,
    type: spec.type,
    defaultValue: defaultText(spec),
    advanced: spec.advanced ?? false,
    sample: spec.sample ?? false,
    sampleUsage: "",
    sensitive: isSensitive(spec),
    icon: "",
    spec,
  };
}

function addKey(keys: Map<string, KeyInfo>, info: KeyInfo, owner: string): void {
  const name = info.key.toLowerCase();
  const existing = keys.get(name);
  keys.set(name, existing ? withOwner(existing, owner) : info);
}

function withOwner<T extends { readonly owners: readonly string[] }>(info: T, owner: string): T {
  return info.owners.includes(owner) ? info : { ...info, owners: [...info.owners, owner] };
}

function withoutOwner<T extends { readonly owners: readonly string[] }>(info: T, owner: string): T | undefined {
  const owners = info.owners.filter((other) => other !== owner);
  return owners.length > 0 ? { ...info, owners } : undefined;
}

function lower(path: string): string {
  return normalisePath(path).toLowerCase();
}
