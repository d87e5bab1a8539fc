import type { Problem } from "./errors.js";
import type { PathTokens } from "./paths.js";
import type { SettingsStore } from "./store.js";

/**
 * The declaration of a module's settings. Loader, `nscp config check`, documentation, REST and UI all read this one.
 *
 * Sections may hold `${alias}`, which is the module's alias in `[/modules]`.
 */
export interface SettingsSchema {
  readonly section: string;
  readonly title: string;
  readonly description: string;
  readonly keys?: Readonly<Record<string, KeySpec>>;
  /** Further sections with fixed keys. */
  readonly groups?: Readonly<Record<string, GroupSpec>>;
  /** Sections in which every key is a name that the user chose. */
  readonly maps?: Readonly<Record<string, MapSpec>>;
  /** Sections whose sub-sections are objects with parents and templates. */
  readonly objects?: Readonly<Record<string, ObjectSpec>>;
}

export interface GroupSpec {
  readonly section: string;
  readonly title: string;
  readonly description: string;
  readonly keys: Readonly<Record<string, KeySpec>>;
}

export interface MapSpec {
  readonly section: string;
  readonly title: string;
  readonly description: string;
  /** What a value is; its title and description speak of one entry. A text unless given. */
  readonly value?: KeySpec;
}

export interface ObjectSpec {
  readonly section: string;
  readonly title: string;
  readonly description: string;
  /** The property that `name = value` in the parent section sets. */
  readonly oneLiner?: string;
  readonly keys: Readonly<Record<string, KeySpec>>;
}

/**
 * Says what is wrong with a value beyond its type, such as a script that is not there.
 * @returns undefined when all is well
 */
export type ValueCheck = (
  value: string,
  context: { readonly name: string; readonly paths: PathTokens },
) => string | undefined;

interface KeyBase<D> {
  /** The key in the file. Unless given it is the property's name in words: `bindTo` is `bind to`. */
  readonly key?: string;
  readonly title: string;
  readonly description: string;
  /** Written as a user would write it; the value when the key is absent. */
  readonly default?: D;
  readonly advanced?: boolean;
  readonly sample?: boolean;
  /** Shown as `***`; passwords always are. */
  readonly sensitive?: boolean;
  /**
   * A section that is asked for the same key when this one has none, such as `/settings/default`; for a key of an object
   * when neither it nor its parents have one.
   */
  readonly fallback?: string;
  readonly check?: ValueCheck;
}

/** One key: its type decides what the reader gives. */
export type KeySpec =
  | (KeyBase<string> & { readonly type: "string" })
  | (KeyBase<string> & { readonly type: "password" })
  /** A text with path tokens, read with the tokens replaced. */
  | (KeyBase<string> & {
      readonly type: "path";
      /** What must be there when the key is set. */
      readonly mustExist?: "file" | "folder";
      /** The file holds a secret, such as a private key: nobody but its owner and group may read it. */
      readonly secretFile?: boolean;
    })
  | (KeyBase<number> & { readonly type: "int"; readonly min?: number; readonly max?: number })
  | (KeyBase<boolean> & { readonly type: "bool" })
  /** A time span, read in milliseconds; with `allowOff` the words none, off, false, never and infinite are Infinity. */
  | (KeyBase<string> & { readonly type: "time"; readonly allowOff?: boolean })
  /** A size, read in bytes. */
  | (KeyBase<string> & { readonly type: "size" })
  /** Elements between commas. */
  | (KeyBase<readonly string[]> & { readonly type: "list" })
  /** One of the choices, in any case; read as it stands in `choices`. */
  | (KeyBase<string> & {
      readonly type: "enum";
      readonly choices: readonly string[];
      /** Other words for a choice, in lower case. */
      readonly synonyms?: Readonly<Record<string, string>>;
    });

/** The value of a key: of its type, and undefined only when it has no default. A list is never undefined. */
export type ValueOf<K> = K extends { readonly type: "list" }
  ? readonly string[]
  : K extends { readonly default: unknown }
    ? Parsed<K>
    : Parsed<K> | undefined;

type Parsed<K> = K extends { readonly type: "int" | "time" | "size" }
  ? number
  : K extends { readonly type: "bool" }
    ? boolean
    : K extends { readonly type: "enum"; readonly choices: readonly (infer C)[] }
      ? C
      : string;

/** The values of some keys, under the names of their properties. */
export type ValuesOf<K> = { readonly [name in keyof K]: ValueOf<K[name]> };

/** An object of an object section. */
export interface SettingsObject<V> {
  /** The name of its section. */
  readonly id: string;
  /** The key `alias`, else the id. */
  readonly name: string;
  readonly path: string;
  readonly isTemplate: boolean;
  /** The objects it inherits from, nearest first. */
  readonly parents: readonly string[];
  readonly values: V;
}

/** The objects of an object section. */
export interface SettingsObjects<V> {
  /** Those that are no templates, by id. */
  readonly active: ReadonlyMap<string, SettingsObject<V>>;
  readonly templates: ReadonlyMap<string, SettingsObject<V>>;
  /** The template `default`; it is there even when nobody wrote it. */
  readonly default: SettingsObject<V>;
}

/** What the reader makes of a schema. */
export type SettingsOf<S> = (S extends { readonly keys: infer K } ? ValuesOf<K> : unknown) &
  (S extends { readonly groups: infer G }
    ? { readonly [name in keyof G]: G[name] extends { readonly keys: infer K } ? ValuesOf<K> : never }
    : unknown) &
  (S extends { readonly maps: infer M }
    ? {
        readonly [name in keyof M]: ReadonlyMap<
          string,
          M[name] extends { readonly value: infer V } ? Exclude<ValueOf<V>, undefined> : string
        >;
      }
    : unknown) &
  (S extends { readonly objects: infer O }
    ? { readonly [name in keyof O]: SettingsObjects<O[name] extends { readonly keys: infer K } ? ValuesOf<K> : never> }
    : unknown);

/** A module's name in `[/modules]`, the alias it has without one, and its settings. */
export interface ModuleSchema {
  readonly name: string;
  readonly defaultAlias: string;
  readonly schema: SettingsSchema;
  /** What can't work though each value by itself is right; asked only when all values are. */
  readonly check?: ModuleCheck | undefined;
}

/** @param alias what `${alias}` is in the module's sections */
export type ModuleCheck = (store: SettingsStore, alias: string) => readonly Problem[];

/** Declares settings; the literal types stay, so that `SettingsOf` knows every key. */
export function defineSettings<const S extends SettingsSchema>(schema: S): S {
  return schema;
}

/** The section with the alias filled in. */
export function sectionPath(section: string, alias: string): string {
  return section.replaceAll("${alias}", alias);
}

/** What `${alias}` stands for in the sections of a module that is loaded under this alias. */
export function sectionAlias(
  { defaultAlias, defaultSection }: { readonly defaultAlias: string; readonly defaultSection?: string | undefined },
  alias: string,
): string {
  return alias.toLowerCase() === defaultAlias.toLowerCase() ? (defaultSection ?? alias) : alias;
}

/** The key in the file of a property. */
export function keyName(property: string, spec: KeySpec): string {
  return spec.key ?? property.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

/** The default as a user would write it; empty without one. */
export function defaultText(spec: KeySpec): string {
  if (spec.default === undefined) return "";
  return Array.isArray(spec.default) ? spec.default.join(",") : String(spec.default);
}

export function isSensitive(spec: KeySpec): boolean {
  return spec.sensitive ?? spec.type === "password";
}
