import { readFile, realpath, stat } from "node:fs/promises";
import { extname, isAbsolute, join, relative, sep } from "node:path";
import { moduleKey } from "../../../kernel/modules.js";
import { type ScriptLanguage, scriptCandidates } from "../../../script-host/find-script.js";
import { nodeLanguage, pythonLanguage, scriptFiles } from "../../../script-host/script-files.js";
import { objectIds } from "../../../settings/objects.js";
import type { RouteParts } from "../route-parts.js";

type ScriptState = Pick<RouteParts, "gateway" | "store">;

/** What the API calls the modules that run scripts. */
const shortNames = new Map([
  ["ext", "CheckExternalScripts"],
  ["py", "PythonScript"],
  ["node", "NodeScript"],
  ["lua", "LUAScript"],
]);

/** Modules whose scripts can be looked at. */
const languages = new Map<string, ScriptLanguage>([
  ["PythonScript", pythonLanguage],
  ["NodeScript", nodeLanguage],
]);

/** Larger files are no scripts. */
const largestFile = 1024 * 1024;

/** The module that a runtime of the API stands for; what is no short name is the name of a module. */
export function moduleOf(runtime: string): string {
  return shortNames.get(runtime) ?? runtime;
}

/** The runtimes whose modules are loaded: short name and module. */
export function loadedRuntimes({ gateway }: Pick<ScriptState, "gateway">): readonly (readonly [string, string])[] {
  const modules = gateway.modules();
  return [...shortNames].filter(([, module]) =>
    modules.some(({ name, state }) => name === module && state === "running"),
  );
}

/** The scripts of one runtime, as those may see them who can't change them. */
export class ScriptRuntime {
  private constructor(
    private readonly state: ScriptState,
    private readonly language: ScriptLanguage,
    private readonly instances: readonly { readonly id: number; readonly alias: string }[],
  ) {}

  /** Undefined for a module that is not loaded or has no scripts. */
  static of(state: ScriptState, module: string): ScriptRuntime | undefined {
    const running = state.gateway
      .modules()
      .filter(({ name, state: now }) => moduleKey(name) === moduleKey(module) && now === "running");
    const language = languages.get(running[0]?.name ?? "");
    return language === undefined ? undefined : new ScriptRuntime(state, language, running);
  }

  /** The checks that the scripts have registered. */
  commands(): string[] {
    const { registry } = this.state.gateway;
    const isOurs = (owner: number) => this.instances.some(({ id }) => id === owner);
    return registry
      .listQueries()
      .filter(({ owner }) => isOurs(owner.id))
      .map(({ name }) => name);
  }

  /** The files that could be scripts, as they are written in the settings; what is in a folder called `lib` is none. */
  files(): string[] {
    const { folder } = this;
    return scriptFiles(join(folder, this.language.folder), this.language)
      .map((file) => relative(folder, file).replaceAll(sep, "/"))
      .sort();
  }

  /** What is known about a check, or how a script stands in the settings; undefined for what is neither. */
  definition(name: string): string | undefined {
    const { gateway, store } = this.state;
    const lower = name.toLowerCase();
    if (this.commands().includes(lower)) {
      return `${lower}: ${gateway.registry.findQuery(lower)?.options.description ?? ""}`;
    }
    for (const { alias } of this.instances) {
      const section = `/settings/${alias}/scripts`;
      const id = objectIds(section, store).find((one) => one.toLowerCase() === lower);
      if (id === undefined) continue;
      return `${id} = ${store.getString(`${section}/${id}`, "script") || store.getString(section, id) || id}`;
    }
    return undefined;
  }

  /**
   * The text of a script below the folder of scripts; undefined for everything else, also where a link leads out of it.
   * @param name as it would stand in the settings
   */
  async content(name: string): Promise<string | undefined> {
    const root = await realpath(this.folder).catch(() => undefined);
    if (root === undefined) return undefined;
    for (const candidate of scriptCandidates(name, this.folder, this.language)) {
      // A name that is no path is looked for in the folder of scripts only.
      if (!isAbsolute(candidate)) continue;
      const file = await realpath(candidate).catch(() => undefined);
      if (file === undefined || !file.startsWith(root + sep)) continue;
      if (!this.language.extensions.includes(extname(file))) continue;
      const about = await stat(file);
      if (about.isFile() && about.size <= largestFile) return readFile(file, "utf8");
    }
    return undefined;
  }

  private get folder(): string {
    return this.state.store.paths.get("scripts");
  }
}
