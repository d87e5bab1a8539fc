import type { Gateway } from "../gateway/gateway.js";
import { moduleDefinitions } from "../gateway/module-list.js";
import { moduleKey } from "../kernel/modules.js";
import { localPrincipal } from "../kernel/principal.js";
import { flattenMetrics } from "../script-host/metrics.js";
import { modulesPath } from "../settings/modules.js";
import { shownValue } from "../settings/shown-value.js";
import {
  ExecuteRequest,
  ExecuteRequestMessage,
  PB,
  QueryRequest,
  QueryRequestMessage,
  type QueryResponse,
  ResultCode,
} from "../wire/messages.js";
import { renderPerfdata } from "../wire/perfdata.js";
import { splitWords } from "./words.js";

type Say = (text: string) => void;

interface ShellCommand {
  readonly names: readonly string[];
  readonly usage: string;
  readonly summary: string;
  run(gateway: Gateway, args: readonly string[], say: Say): Promise<void> | void;
}

const commands: readonly ShellCommand[] = [
  { names: ["queries", "commands"], usage: "", summary: "the queries that there are", run: listQueries },
  { names: ["aliases"], usage: "", summary: "the aliases that there are", run: listAliases },
  { names: ["list"], usage: "", summary: "queries and aliases", run: listAll },
  { names: ["desc"], usage: "<query>", summary: "what a query does and takes", run: describe },
  { names: ["plugins"], usage: "", summary: "the modules, [X] for those that run", run: listModules },
  { names: ["load"], usage: "<module> [alias]", summary: "load a module", run: load },
  { names: ["unload"], usage: "<module>", summary: "unload a module", run: unload },
  {
    names: ["enable"],
    usage: "<module>",
    summary: "switch a module on in the settings",
    run: (...of) => enable(true, ...of),
  },
  {
    names: ["disable"],
    usage: "<module>",
    summary: "switch a module off in the settings",
    run: (...of) => enable(false, ...of),
  },
  { names: ["reload"], usage: "[module]", summary: "read the settings again, or make a module do so", run: reload },
  { names: ["settings"], usage: "", summary: "all settings; secrets are ***", run: listSettings },
  { names: ["metrics"], usage: "[filter]", summary: "the metrics of the last cycle", run: listMetrics },
  {
    names: ["exec"],
    usage: "<target> <command> [arguments]",
    summary: "run a command of a module or gateway",
    run: execute,
  },
];

/** Runs one line of the shell; whatever doesn't begin with a command of the shell is a query. */
export async function runShellLine(gateway: Gateway, line: string, say: Say): Promise<"exit" | undefined> {
  const [word, ...args] = splitWords(line);
  if (word === undefined) return undefined;
  if (word === "exit") return "exit";
  if (word === "help") {
    help(say);
    return undefined;
  }
  const command = commands.find(({ names }) => names.includes(word));
  if (command !== undefined) await command.run(gateway, args, say);
  else await query(gateway, word, args, say);
  return undefined;
}

function help(say: Say): void {
  const rows = [
    ...commands.map(({ names, usage, summary }) => [`${names.join(", ")} ${usage}`.trimEnd(), summary] as const),
    ["exit", "end"] as const,
    ["<query> [arguments]", "run a query"] as const,
  ];
  const width = Math.max(...rows.map(([left]) => left.length));
  for (const [left, summary] of rows) say(`${left.padEnd(width)}  ${summary}`);
}

async function query(gateway: Gateway, command: string, args: string[], say: Say): Promise<void> {
  const message = QueryRequestMessage.create({ payload: [QueryRequest.create({ command, arguments: args })] });
  const answer = await gateway.core.query(message, shellCall(gateway));
  for (const payload of answer.payload) {
    for (const line of payload.lines) {
      say(`${ResultCode[payload.result] ?? "UNKNOWN"}: ${line.message}`);
      if (line.perf.length > 0) say(` Performance data: ${renderPerfdata(line.perf)}`);
    }
  }
}

async function execute(gateway: Gateway, [target, command, ...args]: readonly string[], say: Say): Promise<void> {
  if (target === undefined || command === undefined) return say("Usage: exec <target> <command> [arguments]");
  const request = ExecuteRequest.create({ command, arguments: args });
  const message = ExecuteRequestMessage.create({ payload: [request] });
  const outcome = await gateway.core.execute(target, message, shellCall(gateway));
  for (const payload of outcome.message.payload) say(payload.message);
}

function shellCall(gateway: Gateway) {
  return gateway.call({ principal: localPrincipal, frontEnd: "cli" });
}

function listQueries(gateway: Gateway, _args: readonly string[], say: Say): void {
  for (const { name, options } of gateway.registry.listQueries()) say(`${name}\t-${options.description ?? ""}`);
}

function listAliases(gateway: Gateway, _args: readonly string[], say: Say): void {
  for (const { name, entry } of gateway.registry.listAliases()) say(`${name}\t-${entry.options.description ?? ""}`);
}

function listAll(gateway: Gateway, args: readonly string[], say: Say): void {
  listQueries(gateway, args, say);
  listAliases(gateway, args, say);
}

async function describe(gateway: Gateway, [name]: readonly string[], say: Say): Promise<void> {
  if (name === undefined) return say("Usage: desc <query>");
  const entry = gateway.registry.findQuery(name);
  if (entry === undefined) return say(`Command not found: ${name}`);
  say(`${entry.name}: ${entry.options.description || "no description"}`);
  for (const { name: parameter, shortDescription, longDescription, defaultValue } of await parametersOf(
    gateway,
    name,
  )) {
    const usual = defaultValue === "" ? "" : ` (${defaultValue} unless given)`;
    say(`  ${parameter}: ${shortDescription || longDescription}${usual}`);
  }
}

async function parametersOf(gateway: Gateway, command: string): Promise<PB.Registry.ParameterDetail[]> {
  const request = QueryRequest.create({ command, arguments: ["help-pb"] });
  const answer = await gateway.core.query(QueryRequestMessage.create({ payload: [request] }), shellCall(gateway));
  const first: QueryResponse | undefined = answer.payload[0];
  if (first === undefined || first.data.length === 0) return [];
  return PB.Registry.ParameterDetails.decode(first.data).parameter;
}

function listModules(gateway: Gateway, _args: readonly string[], say: Say): void {
  const loaded = gateway.modules();
  for (const { name, alias, state, summary, failure } of loaded) {
    const title = alias === name ? name : `${name} (${alias})`;
    say(`[${state === "running" ? "X" : " "}] ${title} - ${failure === "" ? summary : failure}`);
  }
  for (const { name, summary } of moduleDefinitions) {
    if (!loaded.some((module) => module.name === name)) say(`[ ] ${name} - ${summary}`);
  }
}

async function load(gateway: Gateway, [module, alias = ""]: readonly string[], say: Say): Promise<void> {
  if (module === undefined) return say("Usage: load <module> [alias]");
  const done = await gateway.loadModule(module, alias);
  say(done ? `${module} loaded successfully...` : `Failed to load module: ${module}`);
}

async function unload(gateway: Gateway, [module]: readonly string[], say: Say): Promise<void> {
  if (module === undefined) return say("Usage: unload <module>");
  const done = await gateway.unloadModule(module);
  say(done ? `${module} unloaded successfully...` : `Failed to unload module: ${module}`);
}

async function enable(isOn: boolean, gateway: Gateway, [module]: readonly string[], say: Say): Promise<void> {
  const verb = isOn ? "enable" : "disable";
  if (module === undefined) return say(`Usage: ${verb} <module>`);
  const known = moduleDefinitions.find(({ name }) => moduleKey(name) === moduleKey(module));
  if (known === undefined) return say(`Failed to ${verb} module: there is no ${module}`);
  gateway.store.set(modulesPath, known.name, `${verb}d`);
  await gateway.store.save();
  say(`${known.name} is ${verb}d in ${gateway.settingsContext}`);
}

async function reload(gateway: Gateway, [module = "service"]: readonly string[], say: Say): Promise<void> {
  const { reloaded, problems } = await gateway.reload(module);
  for (const problem of problems) say(problem);
  say(reloaded ? `Reloaded ${module}` : `Failed to reload ${module}`);
}

function listSettings({ store }: Gateway, _args: readonly string[], say: Say): void {
  for (const path of store.allPaths()) {
    for (const key of store.keys(path)) say(`${path}/${key}=${shownValue(store, path, key)}`);
  }
}

async function listMetrics(gateway: Gateway, [filter = ""]: readonly string[], say: Say): Promise<void> {
  const metrics = gateway.core.metrics ?? (await gateway.core.collectMetrics());
  for (const [key, value] of Object.entries(flattenMetrics(metrics))) {
    if (key.includes(filter)) say(`${key}=${value}`);
  }
}
