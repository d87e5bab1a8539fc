/** What `nscp py` and `nscp node` do with the scripts of the settings. Of all of it only `list --query` runs them. */
import { copyFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { basename, dirname, extname, join, relative } from "node:path";
import { openConfiguration } from "../gateway/configuration.js";
import { GatewayError } from "../kernel/errors.js";
import { scriptFiles } from "../script-host/script-files.js";
import { closest } from "../settings/did-you-mean.js";
import type { SettingsStore } from "../settings/store.js";
import type { CliAction } from "./actions.js";
import type { CliIo } from "./context.js";
import { commandLog, logOptions } from "./logging.js";
import { scriptFile } from "./script-execute.js";
import type { ScriptContext } from "./script-languages.js";
import { scriptQueries } from "./script-queries.js";
import { contextCommand, parseArguments, storeOptions } from "./store-options.js";

const helpCode = 1;
/** What a command answers that could not do its work: the state UNKNOWN. */
const failureCode = 3;

/** `add`, `install`, `list`, `show` and `delete`. */
export function scriptActions(scripts: ScriptContext): CliAction[] {
  const action = (
    name: string,
    usage: string,
    summary: string,
    run: (scripts: ScriptContext, args: readonly string[], io: CliIo) => Promise<number>,
  ): CliAction => ({ name, usage, summary, run: (args, io) => run(scripts, args, io) });
  return [
    action("add", "--script FILE [--alias NAME] [--import FILE]", "Add a script to the settings", add),
    action(
      "install",
      "[--add FILE] [--remove FILE]",
      "Add and remove several scripts, and switch the module on",
      install,
    ),
    action(
      "list",
      "[--json] [--configured|--query]",
      "List the files that can be added, the scripts in the settings, or the checks that they have",
      list,
    ),
    action("show", "--script NAME", "Show a script of the settings and its text", show),
    action("delete", "--script NAME", "Take a script out of the settings; its file stays", remove),
  ];
}

async function add(scripts: ScriptContext, args: readonly string[], io: CliIo): Promise<number> {
  const command = contextCommand(`nscp ${scripts.context} add`, "Add a script to the settings", io)
    .option("--script <file>", "the file, by path or by its name in the folder of scripts")
    .option("--alias <name>", "what the script is called in the settings; the file's name without its ending")
    .option("--import <file>", "copy this file to the folder of scripts first")
    .option("--replace", "overwrite what has that name already")
    .option("--no-config", "leave the settings alone, which makes sense with --import")
    .option("--list", "accepted for compatibility");
  if (!parseArguments(command, args)) return helpCode;
  const options = command.opts<{
    script?: string;
    alias?: string;
    import?: string;
    replace?: true;
    config: boolean;
  }>();
  const wanted = options.script ?? (options.import === undefined ? undefined : basename(options.import));
  if (wanted === undefined) {
    io.stderr("Say which script: --script FILE or --import FILE\n");
    return failureCode;
  }
  const { store } = openConfiguration(storeOptions(command, io));
  const script = options.import === undefined ? wanted : basename(wanted);
  if (options.import !== undefined) importScript(scripts, store, options.import, script, options.replace ?? false);
  if (scriptFile(scripts, store, script) === undefined) {
    io.stdout(`Script not found: ${script}\n`);
    return failureCode;
  }
  const alias = options.alias ?? basename(script, extname(script));
  if (options.config) {
    const section = sectionOf(scripts);
    const present = store.get(section, alias);
    if (present !== undefined && present !== script && options.replace !== true) {
      throw new GatewayError("FAILED_PRECONDITION", `${alias} is ${present} already; replace it with --replace.`);
    }
    store.set(section, alias, script);
    store.set("/modules", scripts.module, "enabled");
    await store.save();
  }
  io.stdout(`Added ${alias} as ${script}\n`);
  return 0;
}

function importScript(
  scripts: ScriptContext,
  store: SettingsStore,
  source: string,
  name: string,
  replace: boolean,
): void {
  if (!existsSync(source)) throw new GatewayError("NOT_FOUND", `Script not found: ${source}`);
  const target = join(store.paths.get("scripts"), scripts.language.folder, name);
  if (existsSync(target) && !replace) {
    throw new GatewayError("FAILED_PRECONDITION", `${target} exists already; overwrite it with --replace.`);
  }
  mkdirSync(dirname(target), { recursive: true });
  copyFileSync(source, target);
}

async function install(scripts: ScriptContext, args: readonly string[], io: CliIo): Promise<number> {
  const command = contextCommand(`nscp ${scripts.context} install`, "Add and remove scripts", io)
    .option("--add <file>", "add this script under its own name (repeat)", collect, [])
    .option("--remove <file>", "remove this script (repeat)", collect, []);
  if (!parseArguments(command, args)) return helpCode;
  const options = command.opts<{ add: string[]; remove: string[] }>();
  const { store } = openConfiguration(storeOptions(command, io));
  const section = sectionOf(scripts);
  for (const script of options.add) {
    if (scriptFile(scripts, store, script) === undefined) {
      io.stdout(`Script not found: ${script}\n`);
      return failureCode;
    }
    store.set(section, script, script);
  }
  for (const script of options.remove) {
    for (const { alias } of configured(scripts, store).filter((entry) => isMeant(entry, script))) {
      store.deleteKey(section, alias);
    }
  }
  store.set("/modules", scripts.module, "enabled");
  await store.save();
  for (const key of store.keys(section)) io.stdout(`${key}\n`);
  return 0;
}

async function list(scripts: ScriptContext, args: readonly string[], io: CliIo): Promise<number> {
  const command = contextCommand(`nscp ${scripts.context} list`, "List scripts", io)
    .option("--json", "as a JSON array")
    .option("--configured", "those in the settings instead of the files: name and file")
    .option("--query", "the checks that those in the settings register, which starts them")
    .option("--include-lib", "also what is in a folder called lib");
  if (!parseArguments(command, args)) return helpCode;
  const options = command.opts<{ json?: true; configured?: true; query?: true; includeLib?: true }>();
  const print = <Item>(items: readonly Item[], line: (item: Item) => string) => {
    if (options.json === true) io.stdout(`${JSON.stringify(items)}\n`);
    else for (const item of items) io.stdout(`${line(item)}\n`);
  };
  const given = storeOptions(command, io);
  if (options.query === true) {
    // What they log is beside the list and not in it.
    const log = commandLog(logOptions(command), "warning", { stdout: io.stderr });
    print(await scriptQueries(scripts, { ...given, log }), (name) => name);
    return 0;
  }
  const { store } = openConfiguration(given);
  if (options.configured === true) {
    print(configured(scripts, store), ({ alias, script }) => `${alias} = ${script}`);
    return 0;
  }
  const root = store.paths.get("scripts");
  const files = scriptFiles(join(root, scripts.language.folder), scripts.language, options.includeLib ?? false)
    .map((file) => relative(root, file))
    .sort();
  print(files, (file) => file);
  return 0;
}

async function show(scripts: ScriptContext, args: readonly string[], io: CliIo): Promise<number> {
  const found = select(scripts, "show", "Show a script of the settings", args, io);
  if (typeof found === "number") return found;
  const { store, alias, script } = found;
  const file = scriptFile(scripts, store, script);
  io.stdout(`${alias} = ${script}\n`);
  if (file === undefined) {
    io.stdout(`Script not found: ${script}\n`);
    return failureCode;
  }
  io.stdout(`${file}\n\n${readFileSync(file, "utf8")}`);
  return 0;
}

async function remove(scripts: ScriptContext, args: readonly string[], io: CliIo): Promise<number> {
  const found = select(scripts, "delete", "Take a script out of the settings", args, io);
  if (typeof found === "number") return found;
  const { store, alias } = found;
  const section = sectionOf(scripts);
  store.deleteKey(section, alias);
  store.deletePath(`${section}/${alias}`);
  await store.save();
  io.stdout(`Removed ${alias}\n`);
  return 0;
}

/** The script of the settings that `--script` means, or the exit code when there is none. */
function select(
  scripts: ScriptContext,
  action: string,
  summary: string,
  args: readonly string[],
  io: CliIo,
): { store: SettingsStore; alias: string; script: string } | number {
  const command = contextCommand(`nscp ${scripts.context} ${action}`, summary, io).requiredOption(
    "--script <name>",
    "its name in the settings, or its file as it stands there",
  );
  if (!parseArguments(command, args)) return helpCode;
  const { script: wanted } = command.opts<{ script: string }>();
  const { store } = openConfiguration(storeOptions(command, io));
  const entries = configured(scripts, store);
  const found = entries.find((entry) => isMeant(entry, wanted));
  if (found !== undefined) return { store, ...found };
  const meant = closest(
    wanted,
    entries.map(({ alias }) => alias),
  );
  io.stdout(`Script not found: ${wanted}${meant === undefined ? "" : ` (did you mean "${meant}"?)`}\n`);
  return failureCode;
}

interface Configured {
  readonly alias: string;
  readonly script: string;
}

/** The scripts in the settings: keys of the section, and sections below it. */
function configured(scripts: ScriptContext, store: SettingsStore): Configured[] {
  const section = sectionOf(scripts);
  const names = [...new Set([...store.keys(section), ...store.sections(section)])].filter((name) => name !== "default");
  return names.map((alias) => ({
    alias,
    script: store.getString(`${section}/${alias}`, "script") || store.getString(section, alias) || alias,
  }));
}

function isMeant({ alias, script }: Configured, wanted: string): boolean {
  return alias.toLowerCase() === wanted.toLowerCase() || script === wanted;
}

function sectionOf({ alias }: ScriptContext): string {
  return `/settings/${alias}/scripts`;
}

function collect(value: string, before: readonly string[]): string[] {
  return [...before, value];
}
