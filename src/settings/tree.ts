import { CaseMap, compareBytes, normalisePath } from "./names.js";

/** A value and whatever stands for the place it came from. */
export interface TreeEntry<O> {
  readonly value: string;
  readonly origin: O;
}

/** An entry under the names by which it was found. */
export interface FoundEntry<O> extends TreeEntry<O> {
  readonly path: string;
  readonly key: string;
}

/**
 * Sections with their keys. Names keep their case; a name is found exactly first, then without regard to case, so that a
 * section written in two ways is one section to its readers.
 */
export class SettingsTree<O> {
  readonly #sections = new CaseMap<CaseMap<TreeEntry<O>>>();

  addSection(path: string): void {
    if (!this.#sections.spellings(path).includes(path)) this.#sections.set(path, new CaseMap());
  }

  put(path: string, key: string, entry: TreeEntry<O>): void {
    this.addSection(path);
    this.#sections.get(path)?.set(key, entry);
  }

  find(path: string, key: string): FoundEntry<O> | undefined {
    for (const spelling of this.#sections.spellings(normalisePath(path))) {
      const keys = this.#sections.get(spelling);
      const found = keys?.spelling(key);
      const entry = found === undefined ? undefined : keys?.get(found);
      if (found !== undefined && entry) return { path: spelling, key: found, ...entry };
    }
    return undefined;
  }

  /** The spelling of a section that is there. */
  section(path: string): string | undefined {
    return this.#sections.spelling(normalisePath(path));
  }

  /** All sections in byte order. */
  paths(): string[] {
    return [...this.#sections.names()].sort(compareBytes);
  }

  /** The keys of a section, in byte order, each once. */
  keys(path: string): string[] {
    const merged = new CaseMap<true>();
    for (const spelling of this.#sections.spellings(normalisePath(path))) {
      const before = new Set([...merged.names()].map((key) => key.toLowerCase()));
      for (const key of this.#sections.get(spelling)?.names() ?? []) {
        if (!before.has(key.toLowerCase())) merged.set(key, true);
      }
    }
    return [...merged.names()].sort(compareBytes);
  }

  /** The names directly below a section, in byte order, each once. */
  children(path: string): string[] {
    const prefix = `${normalisePath(path)}/`.toLowerCase();
    const names = new CaseMap<true>();
    for (const section of this.#sections.names()) {
      if (!section.toLowerCase().startsWith(prefix)) continue;
      const name = section.slice(prefix.length).split("/", 1)[0] ?? "";
      if (name !== "" && names.get(name) === undefined) names.set(name, true);
    }
    return [...names.names()].sort(compareBytes);
  }

  /** Every entry, by section and key in byte order. */
  *entries(): IterableIterator<FoundEntry<O>> {
    for (const path of this.paths()) yield* this.entriesOf(path);
  }

  /** The entries of the section in exactly this spelling. */
  *entriesOf(path: string): IterableIterator<FoundEntry<O>> {
    const section = [...(this.#sections.get(path)?.entries() ?? [])];
    for (const [key, entry] of section.sort(([a], [b]) => compareBytes(a, b))) yield { path, key, ...entry };
  }

  /** Removes the entry that `find` gives, and those that it would give next from other spellings of the section. */
  remove(path: string, key: string): void {
    const found = this.find(path, key);
    if (!found) return;
    this.#sections.get(found.path)?.delete(found.key);
    for (const spelling of this.#sections.spellings(found.path).filter((other) => other !== found.path)) {
      const keys = this.#sections.get(spelling);
      for (const same of keys?.spellings(key) ?? []) keys?.delete(same);
    }
  }

  /** Removes the section in all its spellings; sections below it stay. */
  removeSection(path: string): void {
    for (const spelling of this.#sections.spellings(normalisePath(path))) this.#sections.delete(spelling);
  }

  clone(): SettingsTree<O> {
    const copy = new SettingsTree<O>();
    for (const path of this.#sections.names()) {
      copy.addSection(path);
      for (const [key, entry] of this.#sections.get(path)?.entries() ?? []) copy.put(path, key, entry);
    }
    return copy;
  }
}
