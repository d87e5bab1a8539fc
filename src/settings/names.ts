/** Byte order of the UTF-8 form, the order in which sections, keys and scripts are listed and loaded. */
export function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** A section path without blanks around it and without slashes at its end; the root is the empty path. */
export function normalisePath(path: string): string {
  const trimmed = trimBlanks(path);
  let end = trimmed.length;
  while (end > 0 && trimmed[end - 1] === "/") end--;
  return trimmed.slice(0, end);
}

/** Joins a section path and the name of a section below it. */
export function joinPath(path: string, name: string): string {
  return `${normalisePath(path)}/${name}`;
}

/** The path above, and the last name of it; undefined for the root and for a name without a slash. */
export function splitPath(path: string): { parent: string; name: string } | undefined {
  const slash = path.lastIndexOf("/");
  if (slash < 0) return undefined;
  return { parent: path.slice(0, slash), name: path.slice(slash + 1) };
}

/** Whether `path` is `root` or lies below it, whatever the case. */
export function isWithin(path: string, root: string): boolean {
  const top = root.toLowerCase();
  const lower = path.toLowerCase();
  return lower === top || lower.startsWith(`${top}/`);
}

/** Removes the blanks of the ini dialect. `String.trim` would also take no-break spaces, which belong to the value. */
export function trimBlanks(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text, start)) start++;
  while (end > start && isBlank(text, end - 1)) end--;
  return text.slice(start, end);
}

/** Whether the character is a blank of the ini dialect: space, tab, vertical tab or form feed. */
export function isBlank(text: string, index: number): boolean {
  const code = text.charCodeAt(index);
  return code === 0x20 || code === 0x09 || code === 0x0b || code === 0x0c;
}

/**
 * A map whose names keep their case and are found exactly first, then without regard to it. Of several names that
 * differ by case only, the one that was added first answers for spellings that are not there.
 */
export class CaseMap<V> {
  readonly #values = new Map<string, V>();
  readonly #spellings = new Map<string, string[]>();

  get size(): number {
    return this.#values.size;
  }

  /** The spelling under which the name is found. */
  spelling(name: string): string | undefined {
    if (this.#values.has(name)) return name;
    return this.#spellings.get(name.toLowerCase())?.[0];
  }

  /** All spellings of the name that are there, the exact one first. */
  spellings(name: string): string[] {
    const all = this.#spellings.get(name.toLowerCase()) ?? [];
    return this.#values.has(name) ? [name, ...all.filter((other) => other !== name)] : [...all];
  }

  get(name: string): V | undefined {
    const spelling = this.spelling(name);
    return spelling === undefined ? undefined : this.#values.get(spelling);
  }

  set(name: string, value: V): void {
    if (!this.#values.has(name)) {
      const lower = name.toLowerCase();
      const others = this.#spellings.get(lower);
      if (others) others.push(name);
      else this.#spellings.set(lower, [name]);
    }
    this.#values.set(name, value);
  }

  /** Removes this spelling of the name. */
  delete(name: string): void {
    if (!this.#values.delete(name)) return;
    const lower = name.toLowerCase();
    const rest = (this.#spellings.get(lower) ?? []).filter((other) => other !== name);
    if (rest.length > 0) this.#spellings.set(lower, rest);
    else this.#spellings.delete(lower);
  }

  names(): IterableIterator<string> {
    return this.#values.keys();
  }

  entries(): IterableIterator<[string, V]> {
    return this.#values.entries();
  }
}
