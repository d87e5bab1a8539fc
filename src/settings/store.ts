import type { Problem } from "./errors.js";
import type { Layer, LayerEdit } from "./layer.js";
import { compareBytes, isWithin, normalisePath, trimBlanks } from "./names.js";
import type { PathTokens } from "./paths.js";
import type { SettingsRegistry } from "./registry.js";
import { checkSection, checkStorable } from "./storable.js";
import { type FoundEntry, SettingsTree } from "./tree.js";
import { parseBool, parseInteger, parseList, parseSize, parseTime } from "./values.js";

/** A change that is not saved yet. A section is reported as added only when it has no keys. */
export interface SettingsChange {
  readonly kind: "added" | "modified" | "removed" | "section-added" | "section-removed";
  readonly path: string;
  /** Empty for sections. */
  readonly key: string;
  readonly oldValue: string;
  readonly newValue: string;
}

/** The layers of a store as they were just read, those that override first. */
export interface LoadedLayers {
  readonly layers: readonly Layer[];
  /** The layer that takes what nobody has yet. */
  readonly top: Layer;
  /** What was wrong without keeping the rest from being read, such as a missing include. */
  readonly problems: readonly Problem[];
}

/** Where a value stands. */
export interface SettingsOrigin {
  readonly context: string;
  readonly file: string | undefined;
  /** Counted from 1; undefined for what is not in a file yet. */
  readonly line: number | undefined;
}

/**
 * The settings: texts by section path and key, from one store and its includes. Changes are seen at once and are written
 * by `save`. Names keep their case and are found exactly first, then without regard to case.
 */
export class SettingsStore {
  #loaded: LoadedLayers;
  #saved: SettingsTree<Layer>;
  #current: SettingsTree<Layer>;
  #saving: Promise<void> = Promise.resolve();

  /** @param load reads all layers; it is called again by `reload` */
  constructor(
    private readonly load: () => LoadedLayers,
    readonly paths: PathTokens,
    readonly registry: SettingsRegistry,
  ) {
    this.#loaded = load();
    this.#saved = treeOf(this.#loaded.layers);
    this.#current = this.#saved.clone();
  }

  /** The context of the top store, such as `ini:///etc/nscp-gateway/nscp.ini` or `dummy`. */
  get context(): string {
    return this.#loaded.top.context;
  }

  get type(): "ini" | "dummy" {
    return this.#loaded.top.type === "ini" ? "ini" : "dummy";
  }

  get layers(): readonly Layer[] {
    return this.#loaded.layers;
  }

  get loadProblems(): readonly Problem[] {
    return this.#loaded.problems;
  }

  get hasChanged(): boolean {
    return this.diff().length > 0;
  }

  /** The text of a key. */
  get(path: string, key: string): string | undefined {
    return this.#current.find(path, key)?.value;
  }

  has(path: string, key: string): boolean {
    return this.#current.find(path, key) !== undefined;
  }

  getString(path: string, key: string, otherwise = ""): string {
    return this.get(path, key) ?? otherwise;
  }

  /** `true`, `1` and `yes` are true, every other text is false. */
  getBool(path: string, key: string, otherwise = false): boolean {
    const text = this.get(path, key);
    return text === undefined ? otherwise : (parseBool(text) ?? false);
  }

  /** Otherwise also when the text is no whole number. */
  getInt(path: string, key: string, otherwise = 0): number {
    return parseInteger(this.get(path, key) ?? "") ?? otherwise;
  }

  /** Milliseconds. */
  getTime(path: string, key: string, otherwise = 0): number {
    return parseTime(this.get(path, key) ?? "") ?? otherwise;
  }

  /** Bytes. */
  getSize(path: string, key: string, otherwise = 0): number {
    return parseSize(this.get(path, key) ?? "") ?? otherwise;
  }

  getList(path: string, key: string, otherwise: readonly string[] = []): readonly string[] {
    const text = this.get(path, key);
    return text === undefined ? otherwise : parseList(text);
  }

  /** The keys of a section, merged over all layers, in byte order. */
  keys(path: string): string[] {
    return this.#current.keys(path);
  }

  /** The names of the sections directly below a section, in byte order. */
  sections(path: string): string[] {
    return this.#current.children(path);
  }

  hasSection(path: string): boolean {
    return this.#current.section(path) !== undefined || this.#current.children(path).length > 0;
  }

  /** Every section path, in byte order. */
  allPaths(): string[] {
    return this.#current.paths();
  }

  /** Where the value of a key stands, or a section's header. */
  origin(path: string, key?: string): SettingsOrigin | undefined {
    if (key === undefined) {
      const layer = this.layers.find((candidate) => candidate.lineOf(normalisePath(path)) !== undefined);
      return layer && { context: layer.context, file: layer.file, line: layer.lineOf(normalisePath(path)) };
    }
    const found = this.#current.find(path, key);
    if (!found) return undefined;
    const { context, file } = found.origin;
    return { context, file, line: found.origin.lineOf(found.path, found.key) };
  }

  /**
   * Sets a key; an empty text is a value too. The text is kept without blanks around it, as a file would give it back.
   * @throws GatewayError INVALID_ARGUMENT when the name or the text can't stand in a settings file
   */
  set(path: string, key: string, value: string): void {
    const text = trimBlanks(value);
    const name = trimBlanks(key);
    checkStorable(path, name, text);
    const found = this.#current.find(path, name) ?? this.#saved.find(path, name);
    const section = found?.path ?? this.#spelling(path);
    const layer = found && found.origin.type !== "define" ? found.origin : this.#layerFor(section, name);
    this.#current.put(section, found?.key ?? name, { value: text, origin: layer });
  }

  addSection(path: string): void {
    checkSection(path);
    this.#current.addSection(this.#spelling(path));
  }

  deleteKey(path: string, key: string): void {
    const section = this.#current.find(path, key)?.path;
    this.#current.remove(path, key);
    const isNew = section !== undefined && this.#saved.section(section) === undefined;
    if (isNew && this.#current.keys(section).length === 0) this.#current.removeSection(section);
  }

  /** Removes a section, and unless told otherwise those below it. */
  deletePath(path: string, { recursive = true } = {}): void {
    const wanted = normalisePath(path);
    for (const section of this.#current.paths()) {
      if (recursive ? isWithin(section, wanted) : section.toLowerCase() === wanted.toLowerCase())
        this.#current.removeSection(section);
    }
  }

  /** The changes since the last load or save, by path and key. */
  diff(): SettingsChange[] {
    const changes: SettingsChange[] = [];
    const paths = [...new Set([...this.#saved.paths(), ...this.#current.paths()])].sort(compareBytes);
    for (const path of paths) {
      const before = new Map([...this.#saved.entriesOf(path)].map((entry) => [entry.key, entry.value]));
      const after = new Map([...this.#current.entriesOf(path)].map((entry) => [entry.key, entry.value]));
      const isGone = this.#current.section(path) === undefined;
      const isNew = this.#saved.section(path) === undefined && after.size === 0;
      if (isGone) changes.push({ kind: "section-removed", path, key: "", oldValue: "", newValue: "" });
      if (isNew) changes.push({ kind: "section-added", path, key: "", oldValue: "", newValue: "" });
      for (const key of [...new Set([...before.keys(), ...after.keys()])].sort(compareBytes)) {
        const oldValue = before.get(key);
        const newValue = after.get(key);
        if (oldValue === newValue) continue;
        const kind = oldValue === undefined ? "added" : newValue === undefined ? "removed" : "modified";
        changes.push({ kind, path, key, oldValue: oldValue ?? "", newValue: newValue ?? "" });
      }
    }
    return changes;
  }

  /**
   * Writes the changes to the files they belong to. Each file is replaced at once, and only what changed in it changes.
   * @throws the error of the file system; what is not written then is still a change
   */
  save(): Promise<void> {
    const saved = this.#saving.then(() => this.#save());
    this.#saving = saved.catch(() => {});
    return saved;
  }

  /** Saves, and puts the sections of the top file in alphabetical order, `/modules` first. */
  async sort(): Promise<void> {
    await this.save();
    await this.#loaded.top.sort();
  }

  /** Drops unsaved changes and reads everything again. When that fails, nothing has changed. */
  reload(): void {
    const loaded = this.load();
    const tree = treeOf(loaded.layers);
    this.#loaded = loaded;
    this.#saved = tree;
    this.#current = tree.clone();
  }

  /** What the store holds now, unsaved changes too: the result brings it back. */
  snapshot(): () => void {
    const [loaded, saved, current] = [this.#loaded, this.#saved, this.#current.clone()];
    return () => {
      this.#loaded = loaded;
      this.#saved = saved;
      this.#current = current;
    };
  }

  async #save(): Promise<void> {
    const target = this.#current.clone();
    const loaded = this.#loaded;
    const edits = this.#editsByLayer(this.diff(), target);
    for (const [layer, list] of edits) await layer.save(list, (path, key) => this.registry.describe(path, key));
    // A reload in between has read newer files.
    if (this.#loaded === loaded) this.#saved = target;
  }

  #editsByLayer(changes: readonly SettingsChange[], target: SettingsTree<Layer>): Map<Layer, LayerEdit[]> {
    const edits = new Map<Layer, LayerEdit[]>();
    const add = (layer: Layer, edit: LayerEdit) => edits.set(layer, [...(edits.get(layer) ?? []), edit]);
    for (const { kind, path, key, newValue: value } of changes) {
      if (kind === "section-added") add(this.#loaded.top, { kind: "add-section", path });
      else if (kind === "section-removed") {
        for (const layer of this.layers) if (hasSection(layer, path)) add(layer, { kind: "delete-section", path });
      } else if (kind === "removed") {
        const origin = this.#saved.find(path, key)?.origin;
        if (origin) add(origin, { kind: "delete", path, key });
        // What it has overridden must not come to light, however it is spelt.
        for (const layer of this.layers.filter((other) => other !== origin))
          for (const hidden of spellings(layer, path, key)) add(layer, { kind: "delete", ...hidden });
      } else {
        add(target.find(path, key)?.origin ?? this.#loaded.top, { kind: "set", path, key, value });
        // What the command line gave would hide the new value for ever.
        for (const layer of this.layers) if (layer.type === "define") add(layer, { kind: "delete", path, key });
      }
    }
    return edits;
  }

  /** The spelling of a section that is there, or was there and is not yet removed from its file. */
  #spelling(path: string): string {
    return this.#current.section(path) ?? this.#saved.section(path) ?? normalisePath(path);
  }

  /** A key that only `--define` has goes to the file that has it underneath, else to the top. */
  #layerFor(path: string, key: string): Layer {
    const below = this.layers.find((layer) => layer.type !== "define" && spellings(layer, path, key).length > 0);
    return below ?? this.#loaded.top;
  }
}

function treeOf(layers: readonly Layer[]): SettingsTree<Layer> {
  const tree = new SettingsTree<Layer>();
  for (const layer of layers) {
    // Backwards, for of keys of the same name in a file the last one counts.
    for (const { path, key, value } of layer.entries().reverse()) {
      const found: FoundEntry<Layer> | undefined = tree.find(path, key);
      const overridden = found && (found.origin !== layer || (found.path === path && found.key === key));
      if (!overridden) tree.put(path, key, { value, origin: layer });
    }
    for (const path of layer.sections()) if (tree.section(path) === undefined) tree.addSection(path);
  }
  return tree;
}

/** The names under which a layer has a key, one for each spelling. */
function spellings(layer: Layer, path: string, key: string): { path: string; key: string }[] {
  const all = layer.entries().filter((entry) => same(entry.path, path) && same(entry.key, key));
  return [
    ...new Map(all.map((entry) => [`${entry.path}\n${entry.key}`, { path: entry.path, key: entry.key }])).values(),
  ];
}

function hasSection(layer: Layer, path: string): boolean {
  return layer.sections().some((section) => same(section, path));
}

function same(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
