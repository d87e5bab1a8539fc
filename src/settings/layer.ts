import { readFileSync, realpathSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { errorText } from "../kernel/errors.js";
import { writeAtomically } from "./atomic-write.js";
import { SettingsError } from "./errors.js";
import { IniDocument, type IniEntry } from "./ini-document.js";
import { CaseMap, compareBytes } from "./names.js";

/** What a save does to a layer, in order. */
export type LayerEdit =
  | { readonly kind: "set"; readonly path: string; readonly key: string; readonly value: string }
  | { readonly kind: "add-section"; readonly path: string }
  | { readonly kind: "delete"; readonly path: string; readonly key: string }
  | { readonly kind: "delete-section"; readonly path: string };

/** The comment for a section, or for a key of it. */
export type Describe = (path: string, key?: string) => string | undefined;

/** One place that settings come from. Layers earlier in the store's list override later ones. */
export interface Layer {
  /** As a user would name it: `ini:///etc/nscp-gateway/nscp.ini`, `dummy`, `define`. */
  readonly context: string;
  readonly type: "ini" | "dummy" | "define";
  readonly file: string | undefined;
  /** How deep in includes it is; the top is 0. */
  readonly depth: number;
  /** Key lines in order; of the same names the last one counts. */
  entries(): IniEntry[];
  sections(): string[];
  lineOf(path: string, key?: string): number | undefined;
  save(edits: readonly LayerEdit[], describe: Describe): Promise<void>;
  /** Puts the sections in order where they are written one after the other. */
  sort(): Promise<void>;
}

/** An ini file. It may be missing: then it is empty, and made when something is saved to it. */
export class IniLayer implements Layer {
  readonly type = "ini";
  readonly context: string;
  readonly exists: boolean;
  document: IniDocument;

  /** @throws SettingsError when the file is there but can't be read */
  constructor(
    readonly file: string,
    readonly depth: number,
  ) {
    this.context = `ini://${file}`;
    const bytes = readIfThere(file);
    this.exists = bytes !== undefined;
    this.document = IniDocument.parse(bytes ?? new Uint8Array());
  }

  entries(): IniEntry[] {
    return this.document.entries();
  }

  sections(): string[] {
    return this.document.sections().map((section) => section.path);
  }

  lineOf(path: string, key?: string): number | undefined {
    if (key !== undefined) return this.document.find(path, key)?.line;
    return this.document.sections().find((section) => section.path.toLowerCase() === path.toLowerCase())?.line;
  }

  /** Edits the file as it is now, so that what somebody wrote to it since it was read is not lost. */
  save(edits: readonly LayerEdit[], describe: Describe): Promise<void> {
    return this.#rewrite((document) => {
      for (const edit of edits) applyEdit(document, edit, describe);
    });
  }

  sort(): Promise<void> {
    return this.#rewrite((document) => document.sort(compareBytes));
  }

  async #rewrite(change: (document: IniDocument) => void): Promise<void> {
    const before = await readFile(this.file).catch((error) => ignoreMissing(error, this.file));
    const document = IniDocument.parse(before ?? new Uint8Array());
    change(document);
    const after = document.serialise();
    if (!before || !after.equals(before)) await writeAtomically(this.file, after);
    this.document = document;
  }
}

function applyEdit(document: IniDocument, edit: LayerEdit, describe: Describe): void {
  const section = describe(edit.path) ?? "Undocumented section";
  if (edit.kind === "set") {
    document.set(edit.path, edit.key, edit.value, { section, key: describe(edit.path, edit.key) });
  } else if (edit.kind === "delete") {
    document.deleteKey(edit.path, edit.key, describe(edit.path, edit.key));
  } else if (edit.kind === "add-section") {
    document.addSection(edit.path, section);
  } else {
    document.deleteSection(edit.path, section);
  }
}

/** Values that live in memory: the `dummy` store, and what `--define` gave. */
export class MemoryLayer implements Layer {
  readonly context: string;
  readonly file = undefined;
  readonly depth = 0;
  readonly #sections = new CaseMap<CaseMap<string>>();

  constructor(
    readonly type: "dummy" | "define",
    values: Iterable<{ path: string; key: string; value: string }> = [],
  ) {
    this.context = type;
    for (const { path, key, value } of values) this.#set(path, key, value);
  }

  entries(): IniEntry[] {
    return [...this.#sections.entries()].flatMap(([path, keys]) =>
      [...keys.entries()].map(([key, value]) => ({ path, key, value, line: 0 })),
    );
  }

  sections(): string[] {
    return [...this.#sections.names()];
  }

  lineOf(): undefined {
    return undefined;
  }

  async save(edits: readonly LayerEdit[]): Promise<void> {
    for (const edit of edits) {
      if (edit.kind === "set") this.#set(edit.path, edit.key, edit.value);
      else if (edit.kind === "add-section") this.#section(edit.path);
      else if (edit.kind === "delete-section") this.#sections.delete(edit.path);
      else this.#delete(edit.path, edit.key);
    }
  }

  async sort(): Promise<void> {}

  #delete(path: string, key: string): void {
    const keys = this.#sections.get(path);
    const spelling = keys?.spelling(key);
    if (spelling !== undefined) keys?.delete(spelling);
  }

  #set(path: string, key: string, value: string): void {
    this.#section(path).set(key, value);
  }

  #section(path: string): CaseMap<string> {
    const existing = this.#sections.get(path);
    if (existing) return existing;
    const added = new CaseMap<string>();
    this.#sections.set(path, added);
    return added;
  }
}

/** The file behind links, to tell whether two names are the same file. */
export function trueName(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return file;
  }
}

function readIfThere(file: string): Buffer | undefined {
  try {
    const bytes = readFileSync(file);
    const utf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
    if (!utf16) return bytes;
  } catch (error) {
    return ignoreMissing(error, file);
  }
  throw new SettingsError([{ severity: "error", file, message: "the file is UTF-16; save it as UTF-8" }]);
}

function ignoreMissing(error: unknown, file?: string): undefined {
  if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
  const message = `can't be read: ${errorText(error)}`;
  throw new SettingsError([{ severity: "error", file, message }], { cause: error });
}
