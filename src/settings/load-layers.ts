import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { errorText } from "../kernel/errors.js";
import { parseContext, type SettingsContext } from "./context.js";
import { closestPath } from "./did-you-mean.js";
import { type Problem, SettingsError } from "./errors.js";
import { IniLayer, type Layer, type MemoryLayer, trueName } from "./layer.js";
import { compareBytes } from "./names.js";
import type { PathTokens } from "./paths.js";
import type { LoadedLayers } from "./store.js";

type StoredContext = Exclude<SettingsContext, { readonly type: "dummy" }>;

/** The file of a settings folder that takes new keys and overrides its neighbours. */
const folderTop = "nscp.ini";

/**
 * Reads a store with its includes, depth first in the order of the keys under `[/includes]`; what includes overrides
 * what is included. A file that is reached twice counts where it is first.
 *
 * @param defines values that override all files and are never saved
 * @throws SettingsError for a file that can't be read, and for includes that go round in a circle
 */
export function loadLayers(context: StoredContext, paths: PathTokens, defines: MemoryLayer): LoadedLayers {
  const loader = new Loader(paths);
  const top = loader.file(context.type === "file" ? context.file : join(context.folder, folderTop), []);
  if (context.type === "folder") loader.folder(context.folder, [context.folder]);
  else if (!top.exists)
    loader.problems.push({ severity: "error", file: top.file, message: "the settings file is not there" });
  return { layers: [defines, ...loader.layers], top, problems: loader.problems };
}

class Loader {
  readonly layers: Layer[] = [];
  readonly problems: Problem[] = [];
  readonly #seen = new Set<string>();

  constructor(private readonly paths: PathTokens) {}

  file(file: string, chain: readonly string[]): IniLayer {
    const layer = new IniLayer(file, chain.length);
    this.layers.push(layer);
    this.#seen.add(trueName(file));
    const includes = new Map(
      layer
        .entries()
        .filter((entry) => entry.path.toLowerCase() === "/includes")
        .map((entry) => [entry.key, entry]),
    );
    for (const key of [...includes.keys()].sort(compareBytes)) {
      const entry = includes.get(key);
      if (entry && entry.value !== "") this.#include(layer, key, entry.value, entry.line, [...chain, file]);
    }
    return layer;
  }

  folder(folder: string, chain: readonly string[]): void {
    const names = readdirSync(folder, { withFileTypes: true })
      .filter((entry) => !entry.isDirectory() && !isLeftover(entry.name))
      .map((entry) => entry.name);
    for (const name of names.sort(compareBytes)) {
      const file = join(folder, name);
      if (!this.#skips(file, chain)) this.file(file, chain);
    }
  }

  #include(from: IniLayer, key: string, value: string, line: number, chain: readonly string[]): void {
    const place = { file: from.file, line, path: "/includes", key };
    let context: SettingsContext;
    try {
      context = parseContext(value, dirname(from.file), this.paths);
    } catch (error) {
      this.problems.push({ severity: "error", ...place, message: errorText(error) });
      return;
    }
    if (context.type === "dummy") return;
    if (context.type === "folder") {
      this.folder(context.folder, chain);
      return;
    }
    if (this.#skips(context.file, chain, place) || this.file(context.file, chain).exists) return;
    const suggestion = closestPath(context.file, siblings(context.file));
    this.problems.push({ severity: "error", ...place, message: `the file ${context.file} is not there`, suggestion });
  }

  /** Whether the file was read already. @throws SettingsError when it is being read right now */
  #skips(file: string, chain: readonly string[], place: Partial<Problem> = {}): boolean {
    const name = trueName(file);
    const start = chain.findIndex((above) => trueName(above) === name);
    if (start < 0) return this.#seen.has(name);
    const circle = [...chain.slice(start), file].join(" → ");
    throw new SettingsError([
      { severity: "error", file, ...place, message: `the includes go round in a circle: ${circle}` },
    ]);
  }
}

/** What editors and package managers leave beside the files that count, and unfinished writes. */
function isLeftover(name: string): boolean {
  return name.startsWith(".") || /(~|\.(bak|orig|swp|tmp|rej|dpkg-\w+|ucf-\w+|rpm(new|save|orig)))$/i.test(name);
}

function siblings(file: string): string[] {
  try {
    return readdirSync(dirname(file)).map((name) => join(dirname(file), name));
  } catch {
    return [];
  }
}
