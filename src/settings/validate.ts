import { type Stats, statSync } from "node:fs";
import { closest, closestPath } from "./did-you-mean.js";
import { type Problem, SettingsError } from "./errors.js";
import type { IniEntry } from "./ini-document.js";
import { IniLayer, type Layer } from "./layer.js";
import { modulesPath, readModuleEntry, readModules } from "./modules.js";
import { isWithin, joinPath, normalisePath, splitPath } from "./names.js";
import { objectIds, readObjects } from "./objects.js";
import { type KeyInfo, registryOf, type SettingsRegistry } from "./registry.js";
import { type KeySpec, type ModuleSchema, type SettingsSchema, sectionPath } from "./schema.js";
import type { SettingsStore } from "./store.js";
import { readTyped } from "./typed-value.js";

/** What the settings are compared with. */
export interface ValidateOptions {
  /** The sections that belong to no module. */
  readonly core: SettingsSchema | readonly SettingsSchema[];
  /** All modules there are, active or not. */
  readonly modules: readonly ModuleSchema[];
  /** What scripts described while they ran, if they did. */
  readonly registry?: SettingsRegistry;
}

/**
 * Checks everything that is written in the files of the store: lines that say nothing, unknown sections and keys, values
 * of a wrong type, unknown modules, files that are not there, and secrets that everybody can read. Values that another
 * file overrides are checked too. The problems come by file and line.
 */
export function validateSettings(store: SettingsStore, options: ValidateOptions): Problem[] {
  const checker = new Checker(store, options);
  checker.checkAll();
  const order = new Map(store.layers.map((layer, index) => [layer.file, index]));
  const rank = (problem: Problem) => order.get(problem.file) ?? -1;
  return checker.problems.sort((a, b) => rank(a) - rank(b) || (a.line ?? 0) - (b.line ?? 0));
}

class Checker {
  readonly problems: Problem[];
  readonly #known: SettingsRegistry;
  readonly #aliases: readonly { module: ModuleSchema; alias: string }[];
  readonly #scriptSections: readonly string[];

  constructor(
    private readonly store: SettingsStore,
    private readonly options: ValidateOptions,
  ) {
    this.problems = [...store.loadProblems];
    const entries = readModules(store);
    this.#aliases = options.modules.flatMap((module) => {
      const named = entries.filter((entry) => sameName(entry.module, module.name));
      return named.map((entry) => ({ module, alias: entry.alias ?? module.defaultAlias }));
    });
    this.#known = registryOf(options.core, options.modules, this.#aliases);
    this.#scriptSections = store.getList("/settings/core", "script sections").map(normalisePath);
  }

  checkAll(): void {
    for (const layer of this.store.layers) {
      if (layer instanceof IniLayer) this.#checkFile(layer);
      for (const entry of layer.entries()) this.#checkEntry(layer, entry);
    }
    this.#checkObjects();
  }

  #checkFile(layer: IniLayer): void {
    const { file } = layer;
    for (const { line, reason } of layer.document.oddities()) {
      this.problems.push({ severity: "error", file, line, message: reason });
    }
    for (const { path, line, rest } of layer.document.sections()) {
      if (rest !== "" && !/^[;#]/.test(rest))
        this.problems.push({ severity: "warning", file, line, path, message: `"${rest}" behind the ] is ignored` });
      if (!this.#isKnownSection(path)) {
        const suggestion = this.#similarSection(path);
        this.problems.push({ severity: "warning", file, line, path, message: "unknown section", suggestion });
      }
    }
    this.#checkDuplicates(layer);
    this.#checkReaders(layer);
  }

  #checkDuplicates({ file, document }: IniLayer): void {
    const later = new Map<string, number>();
    for (const { path, key, line } of document.entries().reverse()) {
      const name = `${path}\n${key}`.toLowerCase();
      const winner = later.get(name);
      if (winner === undefined) later.set(name, line);
      else {
        const message = `is set again in line ${winner}, and that one counts`;
        this.problems.push({ severity: "warning", file, line, path, key, message });
      }
    }
  }

  #checkReaders({ file, document }: IniLayer): void {
    if (!isOpenToAll(file)) return;
    const secret = document.entries().find((entry) => entry.value !== "" && this.#isSensitive(entry.path, entry.key));
    if (!secret) return;
    const { path, key, line } = secret;
    const message = `a secret in a file that everybody can read (mode ${modeText(file)})`;
    this.problems.push({ severity: "warning", file, line, path, key, message });
  }

  #checkEntry(layer: Layer, entry: IniEntry): void {
    const { path, key, value } = entry;
    const report = (severity: Problem["severity"], message: string, suggestion?: string) => {
      const line = layer.file === undefined ? undefined : entry.line;
      this.problems.push({ severity, file: layer.file, line, path, key, message, suggestion });
    };
    const info = this.#describe(path, key);
    if (path.toLowerCase() === modulesPath) this.#checkModule(key, value, report);
    else if (info?.spec) this.#checkValue(info.spec, key, value, report);
    else if (path === "") report("warning", "stands before any [section]");
    else if (!info && this.#isKnownSection(path) && !this.#isScripts(path)) {
      const names = this.#known.keysOf(path).map((known) => known.key);
      report("warning", "unknown key", closest(key, names));
    }
  }

  #checkModule(key: string, value: string, report: Report): void {
    const entry = readModuleEntry(key, value);
    const names = this.options.modules.map((module) => module.name);
    if (names.some((name) => sameName(name, entry.module))) return;
    if (entry.alias !== undefined && names.some((name) => sameName(name, key))) {
      report("error", `"${value}" is neither enabled nor disabled`, closest(value, ["enabled", "disabled"]));
    } else {
      const severity = entry.enabled ? "error" : "warning";
      report(severity, `there is no module ${entry.module}`, closest(entry.module, names));
    }
  }

  #checkValue(spec: KeySpec, key: string, value: string, report: Report): void {
    const { paths } = this.store;
    if (spec.type === "path") {
      for (const { name, suggestion } of paths.unknownTokens(value))
        report("error", `there is no path token \${${name}}`, suggestion);
    }
    const typed = readTyped(spec, value, paths);
    if (!typed.ok) report("error", typed.message, typed.suggestion);
    else if (value !== "") {
      if (spec.type === "path") checkFile(spec, String(typed.value), report);
      const wrong = spec.check?.(value, { name: key, paths });
      if (wrong !== undefined) report("error", wrong);
    }
  }

  /** Parents that are not there, and circles of them. Wrong values were found where they stand. */
  #checkObjects(): void {
    const all = this.options.modules.map((module) => ({ module, alias: module.defaultAlias }));
    const done = new Set<string>();
    for (const { module, alias } of [...this.#aliases, ...all]) {
      for (const spec of Object.values(module.schema.objects ?? {})) {
        const section = sectionPath(spec.section, alias);
        if (done.has(section.toLowerCase())) continue;
        done.add(section.toLowerCase());
        this.#checkParents(section);
        try {
          readObjects({ ...spec, keys: {} }, section, this.store, alias);
        } catch (error) {
          if (!(error instanceof SettingsError)) throw error;
          this.problems.push(...error.problems.filter((problem) => problem.key === "parent"));
        }
      }
    }
  }

  #checkParents(section: string): void {
    const ids = objectIds(section, this.store);
    for (const id of ids) {
      const path = joinPath(section, id);
      const parent = this.store.getString(path, "parent");
      if (parent === "" || ["default", ...ids].some((other) => sameName(other, parent))) continue;
      const { file, line } = this.store.origin(path, "parent") ?? {};
      const message = `there is no object "${parent}" to inherit from`;
      this.problems.push({
        severity: "warning",
        file,
        line,
        path,
        key: "parent",
        message,
        suggestion: closest(parent, ids),
      });
    }
  }

  #describe(path: string, key: string): KeyInfo | undefined {
    return this.#known.key(path, key) ?? this.options.registry?.key(path, key);
  }

  #isSensitive(path: string, key: string): boolean {
    return this.#known.isSensitive(path, key) || (this.options.registry?.isSensitive(path, key) ?? false);
  }

  /** Described, above something that is described, or said to belong to a script. */
  #isKnownSection(path: string): boolean {
    if (path === "" || this.#known.section(path) || this.options.registry?.section(path)) return true;
    return this.#isScripts(path) || this.#allSections().some((known) => isWithin(known, path));
  }

  #isScripts(path: string): boolean {
    return this.#scriptSections.some((section) => isWithin(path, section));
  }

  #allSections(): string[] {
    return [...this.#known.paths(), ...(this.options.registry?.paths() ?? [])];
  }

  #similarSection(path: string): string | undefined {
    const absolute = path.startsWith("/") ? path : `/${path}`;
    const known = this.#allSections();
    const exact = known.find((candidate) => sameName(candidate, absolute));
    if (exact !== undefined) return exact;
    // An object of a misspelt section is compared by the section.
    const split = splitPath(absolute);
    const similar = closestPath(absolute, known);
    const above = split && known.includes(split.parent) ? undefined : split && closestPath(split.parent, known);
    return similar ?? (above && joinPath(above, split?.name ?? ""));
  }
}

type Report = (severity: Problem["severity"], message: string, suggestion?: string) => void;

function checkFile(spec: Extract<KeySpec, { type: "path" }>, file: string, report: Report): void {
  const stat = statusOf(file);
  if (spec.mustExist === "file" && !stat?.isFile()) report("error", `the file ${file} is not there`);
  else if (spec.mustExist === "folder" && !stat?.isDirectory()) report("error", `the folder ${file} is not there`);
  else if (spec.secretFile && isOpenToAll(file))
    report("warning", `everybody can read the secret in ${file} (mode ${modeText(file)})`);
}

/** Nothing for what is not there and for what is out of reach, such as below a file or in a closed folder. */
function statusOf(file: string): Stats | undefined {
  try {
    return statSync(file, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

function isOpenToAll(file: string): boolean {
  return ((statusOf(file)?.mode ?? 0) & 0o004) !== 0;
}

function modeText(file: string): string {
  return ((statusOf(file)?.mode ?? 0) & 0o777).toString(8).padStart(4, "0");
}

function sameName(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
