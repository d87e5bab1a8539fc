import { encode, type IniLine, type LineEnd, readLine, splitLines } from "./ini-line.js";
import { normalisePath } from "./names.js";
import { checkSection, checkStorable } from "./storable.js";

/** A key as it stands in the file. */
export interface IniEntry {
  readonly path: string;
  readonly key: string;
  readonly value: string;
  /** Counted from 1. */
  readonly line: number;
}

/** The comment above a section or key that the document wrote itself, or is to write; without the `; `. */
export type Description = string | undefined;

const byteOrderMark = "\u00ef\u00bb\u00bf";

/**
 * An ini file that keeps everything it does not understand. What is not edited is written back byte for byte: comments,
 * order, blank lines, mixed line ends, a byte order mark, lines that say nothing, and bytes that are not UTF-8.
 *
 * Sections of the same name are one section, of keys of the same name the last one counts, and names are found exactly
 * first, then without regard to case.
 */
export class IniDocument {
  readonly #mark: string;
  #lines: IniLine[];

  private constructor(mark: string, lines: IniLine[]) {
    this.#mark = mark;
    this.#lines = lines;
  }

  static parse(bytes: Uint8Array): IniDocument {
    const text = Buffer.from(bytes).toString("latin1");
    const mark = text.startsWith(byteOrderMark) ? byteOrderMark : "";
    return new IniDocument(mark, splitLines(text.slice(mark.length)));
  }

  serialise(): Buffer {
    return Buffer.from(this.#mark + this.#lines.map((line) => line.raw + line.end).join(""), "latin1");
  }

  /** Every key line in file order, also those that a later one overrides. */
  entries(): IniEntry[] {
    return this.#keys().map(({ path, index, line }) => ({ path, key: line.key, value: line.value, line: index + 1 }));
  }

  /** Every section header in file order, with what stands behind its bracket. */
  sections(): { path: string; line: number; rest: string }[] {
    return this.#lines.flatMap((line, index) =>
      line.kind === "section" ? [{ path: line.path, line: index + 1, rest: line.rest }] : [],
    );
  }

  /** The lines that say nothing and are skipped. */
  oddities(): { line: number; reason: string }[] {
    return this.#lines.flatMap((line, index) =>
      line.kind === "unknown" ? [{ line: index + 1, reason: line.reason }] : [],
    );
  }

  /** The entry that counts for the key. */
  find(path: string, key: string): IniEntry | undefined {
    return this.#matches(path, key).at(-1);
  }

  /**
   * Sets a key: replaces the value in its line, or adds a line behind the last one of the section, with the description
   * above it. A section that is not there is added at the end.
   * @throws GatewayError INVALID_ARGUMENT when the text cannot stand in a line
   */
  set(path: string, key: string, value: string, describe?: { section?: Description; key?: Description }): void {
    checkStorable(path, key, value);
    const existing = this.find(path, key);
    if (existing) this.#replaceValue(existing.line - 1, value);
    else {
      const at = this.#endOfSection(this.addSection(path, describe?.section));
      this.#insert(at, [...commentLines(describe?.key), `${key} = ${value}`]);
    }
  }

  /** Adds a section at the end unless it is there; the path under which it is found. */
  addSection(path: string, description?: Description): string {
    const wanted = normalisePath(path);
    const existing = this.#sectionSpelling(wanted);
    if (existing !== undefined) return existing;
    checkSection(wanted);
    const last = this.#lines.at(-1);
    const gap = last === undefined || last.kind === "blank" ? [] : [""];
    this.#insert(this.#lines.length, [...gap, ...commentLines(description), `[${wanted}]`]);
    return wanted;
  }

  /**
   * Removes a key from everywhere in the document, and the comment above it if it is the given description. Other
   * comments stay: they may hold what the user still wants to read.
   */
  deleteKey(path: string, key: string, description?: Description): void {
    const lines = this.#matches(path, key).map((entry) => entry.line - 1);
    for (const index of lines.reverse()) this.#remove(this.#startWithDescription(index, description), index + 1);
  }

  /** Removes a section in all its spellings: headers, keys and what stands between them. Sections below it stay. */
  deleteSection(path: string, description?: Description): void {
    const wanted = normalisePath(path).toLowerCase();
    for (let index = this.#lines.length - 1; index >= 0; index--) {
      const line = this.#lines[index];
      if (line?.kind !== "section" || line.path.toLowerCase() !== wanted) continue;
      this.#remove(this.#startWithDescription(index, description), this.#startOfNext(index + 1));
    }
    if (wanted === "") this.#remove(0, this.#startOfNext(0));
  }

  /** Puts the sections in alphabetical order, `/modules` first; each takes its comments and blank lines along. */
  sort(compare: (a: string, b: string) => number): void {
    const starts = this.#lines.flatMap((line, index) =>
      line.kind === "section" ? [this.#startOfComments(index)] : [],
    );
    if (starts.length === 0) return;
    // The last line may have no end; it gets one, for it may not stay the last.
    const last = this.#lines.at(-1);
    if (last?.end === "") this.#lines[this.#lines.length - 1] = { ...last, end: this.#lineEnd(this.#lines.length - 1) };
    const blocks = starts.map((start, index) => this.#lines.slice(start, starts[index + 1]));
    const pathOf = (block: IniLine[]) => block.find((line) => line.kind === "section")?.path ?? "";
    const rank = (path: string) => (path.toLowerCase() === "/modules" ? 0 : 1);
    blocks.sort((a, b) => rank(pathOf(a)) - rank(pathOf(b)) || compare(pathOf(a), pathOf(b)));
    this.#lines = [...this.#lines.slice(0, starts[0]), ...blocks.flat()];
  }

  #keys() {
    let path = "";
    return this.#lines.flatMap((line, index) => {
      if (line.kind === "section") path = line.path;
      return line.kind === "key" ? [{ path, index, line }] : [];
    });
  }

  #matches(path: string, key: string): IniEntry[] {
    const wantedPath = normalisePath(path).toLowerCase();
    const wantedKey = key.toLowerCase();
    const all = this.entries().filter(
      (entry) => entry.path.toLowerCase() === wantedPath && entry.key.toLowerCase() === wantedKey,
    );
    const exactPath = all.filter((entry) => entry.path === normalisePath(path));
    const inPath = exactPath.length > 0 ? exactPath : all;
    const exact = inPath.filter((entry) => entry.key === key);
    return exact.length > 0 ? exact : inPath;
  }

  #sectionSpelling(path: string): string | undefined {
    if (path === "") return "";
    const sections = this.sections().map((section) => section.path);
    if (sections.includes(path)) return path;
    return sections.find((section) => section.toLowerCase() === path.toLowerCase());
  }

  #replaceValue(index: number, value: string): void {
    const line = this.#lines[index];
    if (line?.kind !== "key" || line.value === value) return;
    // `key=` and `key =` get a blank before the new value only if there is one before the `=`.
    const equals = line.raw.indexOf("=");
    const blank =
      line.from === equals + 1 && line.from === line.to && /[ \t]$/.test(line.raw.slice(0, equals)) ? " " : "";
    this.#lines[index] = readLine(
      line.raw.slice(0, line.from) + blank + encode(value) + line.raw.slice(line.to),
      line.end,
    );
  }

  /** Where a new key of the section goes: behind its last line, before the comments of the section that follows. */
  #endOfSection(path: string): number {
    const header = this.#lines.findLastIndex((line) => line.kind === "section" && line.path === path);
    let end = this.#startOfNext(header + 1);
    while (end > header + 1 && this.#lines[end - 1]?.kind === "blank") end--;
    return end;
  }

  /** The first line behind `from` that belongs to another section: its comments, or its header. */
  #startOfNext(from: number): number {
    const next = this.#lines.findIndex((line, index) => index >= from && line.kind === "section");
    return next < 0 ? this.#lines.length : Math.max(from, this.#startOfComments(next));
  }

  #startOfComments(index: number): number {
    let start = index;
    while (this.#lines[start - 1]?.kind === "comment") start--;
    return start;
  }

  #startWithDescription(index: number, description: Description): number {
    const comments = commentLines(description);
    const above = this.#lines.slice(Math.max(0, index - comments.length), index);
    return above.length === comments.length && above.every((line, at) => line.raw === encode(comments[at] ?? ""))
      ? index - comments.length
      : index;
  }

  #insert(at: number, texts: readonly string[]): void {
    const end = this.#lineEnd(at - 1);
    const added = texts.map((text) => readLine(encode(text), end));
    const before = this.#lines[at - 1];
    if (before?.end === "") {
      this.#lines[at - 1] = { ...before, end };
      const last = added.at(-1);
      if (last) added[added.length - 1] = { ...last, end: "" };
    }
    this.#lines.splice(at, 0, ...added);
  }

  #remove(from: number, to: number): void {
    const hadEnd = this.#lines.at(-1)?.end !== "";
    this.#lines.splice(from, to - from);
    const last = this.#lines.at(-1);
    if (!hadEnd && last && from === this.#lines.length) this.#lines[this.#lines.length - 1] = { ...last, end: "" };
  }

  /** The line end that a new line takes: that of the nearest line before it, else of the first line, else LF. */
  #lineEnd(index: number): Exclude<LineEnd, ""> {
    const before = this.#lines.slice(0, index + 1).findLast((line) => line.end !== "");
    return (before?.end || this.#lines[0]?.end || "\n") as Exclude<LineEnd, "">;
  }
}

function commentLines(description: Description): string[] {
  return description === undefined ? [] : [`; ${description.replace(/[\r\n]+/g, " ")}`];
}
