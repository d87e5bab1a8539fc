import { resolve } from "node:path";
import type { Command } from "commander";
import { errorText } from "../kernel/errors.js";
import { checkModules } from "../settings/check-modules.js";
import { problemText, SettingsError } from "../settings/errors.js";
import { modulesPath, readModules } from "../settings/modules.js";
import { normalisePath } from "../settings/names.js";
import { switchContext } from "../settings/open.js";
import type { ModuleSchema, SettingsSchema } from "../settings/schema.js";
import { shownValue } from "../settings/shown-value.js";
import type { SettingsStore } from "../settings/store.js";
import { copySettings } from "../settings/transfer.js";
import { validateSettings } from "../settings/validate.js";
import type { CliIo } from "./context.js";
import { addMissing, listLines, removeDefaults } from "./settings-defaults.js";
import {
  contextCommand,
  type OpenStore,
  parseArguments,
  quietened,
  type StoreOptions,
  storeOptions,
} from "./store-options.js";

/** What the commands need to know of the gateway they are part of. */
export interface SettingsCommandHost {
  /** The sections that belong to no module. */
  readonly core: SettingsSchema | readonly SettingsSchema[];
  readonly modules: readonly ModuleSchema[];
  readonly open: OpenStore;
}

type Output = Pick<CliIo, "stdout" | "stderr">;

interface SettingsOptions {
  readonly generate?: string | true;
  readonly update?: string | true;
  readonly migrateTo?: string;
  readonly migrateLayout?: true;
  readonly migrateFrom?: string;
  readonly set?: string | true;
  readonly delete?: true;
  readonly list?: true;
  readonly show?: true;
  readonly activateModule?: readonly string[];
  readonly validate?: true;
  readonly sort?: true;
  readonly switch?: string;
  readonly path?: string;
  readonly key?: string;
  readonly addMissing?: true;
  readonly addDefaults?: true;
  readonly removeDefaults?: true;
  readonly useSamples?: true;
  readonly loadAll?: true;
  readonly dryRun?: true;
}

/** What an action works with. */
interface Run {
  readonly options: SettingsOptions;
  readonly store: SettingsStore;
  readonly storeOptions: StoreOptions;
  readonly host: SettingsCommandHost;
  readonly io: Output;
}

const failed = 255;

/** The actions in the order in which they are looked for; the first that was asked for is done. */
const actions: readonly [wanted: (options: SettingsOptions) => unknown, act: (run: Run) => number | Promise<number>][] =
  [
    [({ generate, update }) => generate ?? update, generate],
    [({ migrateTo }) => migrateTo, (run) => migrate(run.store, open(run, run.options.migrateTo), run)],
    [({ migrateLayout }) => migrateLayout, migrateLayout],
    [({ migrateFrom }) => migrateFrom, (run) => migrate(open(run, run.options.migrateFrom), run.store, run)],
    [({ set }) => set, set],
    [({ delete: remove }) => remove, remove],
    [({ list }) => list, list],
    [({ show }) => show, show],
    [({ activateModule }) => activateModule, activate],
    [({ validate }) => validate, validate],
    [({ sort }) => sort, sort],
    [({ switch: context }) => context, switchStore],
  ];

/**
 * `nscp settings`: reads, writes and checks the store.
 * @param args the words behind `settings`
 * @returns the exit code: 0, 1 for problems that were found and for nothing to do, 255 for what failed
 */
export async function runSettings(args: readonly string[], output: Output, host: SettingsCommandHost): Promise<number> {
  const command = settingsOptions(contextCommand("nscp settings", "Read, write and check the settings", output));
  if (!parseArguments(command, args)) return 1;
  const options = command.opts<SettingsOptions>();
  const io = quietened(command, output);
  const action = actions.find(([wanted]) => wanted(options) !== undefined)?.[1];
  try {
    const opened = storeOptions(command, io);
    const store = host.open(opened);
    const run: Run = { options, store, storeOptions: opened, host, io };
    modify(run);
    if (action) return await action(run);
    io.stdout(`${command.helpInformation()}\nActive store: ${store.context}\n`);
    return 1;
  } catch (error) {
    io.stderr(`${errorText(error)}\n`);
    return options.validate && error instanceof SettingsError ? 1 : failed;
  }
}

/** `nscp config check`: what `nscp settings --validate` does. */
export async function runConfigCheck(
  args: readonly string[],
  output: Output,
  host: SettingsCommandHost,
): Promise<number> {
  const command = contextCommand("nscp config check", "Check the settings", output);
  if (!parseArguments(command, args)) return 1;
  const io = quietened(command, output);
  try {
    const opened = storeOptions(command, io);
    return validate({ options: {}, store: host.open(opened), storeOptions: opened, host, io });
  } catch (error) {
    io.stderr(`${errorText(error)}\n`);
    return error instanceof SettingsError ? 1 : failed;
  }
}

function settingsOptions(command: Command): Command {
  return command
    .option("--generate [store]", "save everything, or write it to another store")
    .option("--update [store]", "the same as --generate")
    .option("--migrate-to <store>", "copy everything to another store")
    .option("--migrate-layout", "not supported: there is one layout")
    .option("--migrate-from <store>", "take over everything from another store")
    .option("--set [value]", "set the key and save; without a value it is set to nothing")
    .option("--delete", "remove the key, or without --key the section, and save")
    .option("--list", "list all keys, or those below --path")
    .option("--show", "show the value of the key, or without --path and --key the store")
    .option("--activate-module <modules...>", "switch modules on and save")
    .option("--validate", "check the settings")
    .option("--sort", "save with the sections in alphabetical order")
    .option("--switch <store>", "make a store the first in boot.ini")
    .option("--path <section>", "the section")
    .option("--key <name>", "the key")
    .option("--add-missing", "first add what is missing, with its default")
    .option("--add-defaults", "the same as --add-missing")
    .option("--remove-defaults", "first remove keys that are at their default, and empty sections")
    .option("--use-samples", "samples are added too")
    .option("--load-all", "for all modules, not only the active ones")
    .option("--dry-run", "show what would change and save nothing");
}

/** What is done in memory before the action. */
function modify({ options, store, host }: Run): void {
  if (options.removeDefaults) removeDefaults(store);
  if (!options.addMissing && !options.addDefaults) return;
  const samples = options.useSamples ?? false;
  for (const schema of [host.core].flat()) addMissing(schema, "", store, samples);
  const active = readModules(store).filter((entry) => entry.enabled);
  for (const module of host.modules) {
    const isAdded = options.loadAll || options.activateModule?.some((name) => same(name, module.name));
    const aliases = active.filter((entry) => same(entry.module, module.name)).map((entry) => entry.alias);
    const wanted = new Set([...aliases, ...(isAdded ? [undefined] : [])].map((alias) => alias ?? module.defaultAlias));
    for (const alias of wanted) addMissing(module.schema, alias, store, samples);
  }
}

/** Writes the changes, or shows them. */
async function save(store: SettingsStore, { options, io }: Pick<Run, "options" | "io">): Promise<number> {
  if (!options.dryRun) {
    await store.save();
    return 0;
  }
  for (const { kind, path, key, newValue } of store.diff()) {
    const value = store.registry.isSensitive(path, key) && newValue !== "" ? "***" : newValue;
    const name = key === "" ? `[${path}]` : `${path}.${key}${kind === "removed" ? "" : `=${value}`}`;
    io.stdout(`${kind}: ${name}\n`);
  }
  return 0;
}

async function generate(run: Run): Promise<number> {
  const target = run.options.generate ?? run.options.update;
  try {
    if (target === true || target === "settings") return await save(run.store, run);
    return await migrate(run.store, open(run, target), run);
  } catch (error) {
    run.io.stderr(`Failed to save settings: ${errorText(error)}\n`);
    return 1;
  }
}

function migrate(from: SettingsStore, to: SettingsStore, run: Pick<Run, "options" | "io">): Promise<number> {
  const missing = from.loadProblems.find((problem) => problem.path === undefined);
  if (missing) throw new SettingsError([missing]);
  copySettings(from, to);
  return save(to, run);
}

function migrateLayout({ io }: Run): number {
  io.stderr("--migrate-layout is not supported: there is only one layout\n");
  return failed;
}

function set({ options, store, io }: Run): number | Promise<number> {
  const { path, key, set: value } = options;
  if (path === undefined || key === undefined) return invalid(io, "set");
  store.set(path, key, typeof value === "string" ? value : "");
  return save(store, { options, io });
}

function remove({ options, store, io }: Run): number | Promise<number> {
  const { path, key } = options;
  if (path === undefined) return invalid(io, "delete");
  if (key === undefined) store.deletePath(path);
  else store.deleteKey(path, key);
  return save(store, { options, io });
}

function list({ options, store, io }: Run): number {
  for (const line of listLines(store, normalisePath(options.path ?? ""))) io.stdout(`${line}\n`);
  return 0;
}

function show({ options: { path, key }, store, io }: Run): number {
  if (path !== undefined && key !== undefined) io.stdout(shownValue(store, path, key));
  else if (path === undefined && key === undefined) io.stdout(describeStore(store));
  else return invalid(io, "show");
  return 0;
}

function invalid(io: Output, action: string): number {
  io.stderr(`Invalid command line please use --path and --key with ${action}\n`);
  return failed;
}

/** The store and its includes, each a step further in. */
function describeStore(store: SettingsStore): string {
  const shown = store.layers.filter((layer) => layer.type !== "define");
  return shown.map((layer) => `${"  ".repeat(layer.depth)}${layer.context}\n`).join("");
}

async function activate(run: Run): Promise<number> {
  const { options, store, host, io } = run;
  let code = 0;
  for (const name of options.activateModule ?? []) {
    const module = host.modules.find((candidate) => same(candidate.name, name));
    if (module) store.set(modulesPath, module.name, "enabled");
    else {
      io.stderr(`Failed to load module (Wont activate): ${name}\n`);
      code = failed;
    }
  }
  return (await save(store, run)) || code;
}

function validate({ store, host, io }: Run): number {
  const found = validateSettings(store, { core: host.core, modules: host.modules });
  const problems = found.some(({ severity }) => severity === "error")
    ? found
    : [...found, ...checkModules(store, host.modules)];
  for (const problem of problems) io.stderr(`${problemText(problem)}\n`);
  if (problems.length > 0) return 1;
  io.stdout(`No problems found in ${store.context}\n`);
  return 0;
}

async function sort({ options, store, io }: Run): Promise<number> {
  if (options.dryRun) return save(store, { options, io });
  try {
    await store.sort();
  } catch (error) {
    io.stderr(`Failed to save settings: ${errorText(error)}\n`);
    return 1;
  }
  io.stdout(`Sorted settings written to: ${store.context}\n`);
  return 0;
}

async function switchStore(run: Run): Promise<number> {
  const context = run.options.switch ?? "";
  const target = open(run, context);
  // boot.ini is read from any folder.
  const isRelative = !/^([a-z]+:\/\/|dummy$|[/$%])/i.test(context);
  if (!run.options.dryRun) await switchContext(isRelative ? resolve(context) : context, run.store.paths);
  run.io.stdout(describeStore(target));
  return 0;
}

/** Another store with the same path tokens. */
function open({ host, storeOptions }: Pick<Run, "host" | "storeOptions">, settings: string | undefined): SettingsStore {
  return host.open({ ...storeOptions, defines: [], settings });
}

function same(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
