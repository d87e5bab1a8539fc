import { basename, extname } from "node:path";
import { openConfiguration } from "../gateway/configuration.js";
import { errorText } from "../kernel/errors.js";
import type { ModuleDefinition } from "../modules/module.js";
import { nodeLanguage } from "../modules/node-script/host-command.js";
import { nodeScript } from "../modules/node-script/module.js";
import { findScript } from "../script-host/find-script.js";
import type { ScriptModule } from "../script-host/script-module.js";
import { ScriptException } from "../script-host/script-session.js";
import type { SettingsSchema } from "../settings/schema.js";
import type { CliAction } from "./actions.js";
import type { CliContext, CliIo } from "./context.js";
import { bootGateway } from "./gateway-run.js";
import { commandLog, logOptions } from "./logging.js";
import { type ScriptContext, scriptActions, scriptUsage } from "./script-commands.js";
import { contextCommand, parseArguments, storeOptions } from "./store-options.js";

const scripts: ScriptContext = { context: "node", module: "NodeScript", alias: "node", language: nodeLanguage };

const actions: readonly CliAction[] = [
  ...scriptActions(scripts),
  {
    name: "execute",
    usage: "--script FILE [arguments...]",
    summary: "Run a script by hand: init, main with the arguments, shutdown",
    run: execute,
  },
];

/** `nscp node`: scripts in TypeScript and JavaScript. */
export const nodeContext: Pick<CliContext, "run"> = {
  async run([word, ...args], io) {
    const action = actions.find(({ name }) => name === word);
    if (action !== undefined) return action.run(args, io);
    if (word === "--help" || word === "-h") return help(io);
    if (word !== undefined) io.stderr(`Unknown action: ${word}\n`);
    io.stdout(scriptUsage(scripts, actions));
    return 3;
  },
};

function help(io: CliIo): number {
  io.stdout(scriptUsage(scripts, actions));
  for (const { name, usage, summary } of actions) io.stdout(`\n  ${name} ${usage}\n      ${summary}\n`);
  return 1;
}

/** What the script prints goes to standard output as it is, what it logs as lines of the log. */
async function execute(args: readonly string[], io: CliIo): Promise<number> {
  const dashes = args.indexOf("--");
  const command = contextCommand("nscp node execute", "Run a script by hand", io)
    .argument("[arguments...]", "arguments of main; behind -- also those that look like options of ours")
    .allowUnknownOption()
    .option("--script <file>", "the file, by path or by its name in the folder of scripts")
    .option("--file <file>", "the same");
  if (!parseArguments(command, dashes < 0 ? args : args.slice(0, dashes))) return 1;
  const words = [...command.args, ...(dashes < 0 ? [] : args.slice(dashes + 1))];
  const options = command.opts<{ script?: string; file?: string }>();
  const wanted = options.script ?? options.file;
  if (wanted === undefined) {
    io.stderr("Say which script: --script FILE\n");
    return 3;
  }
  const store = storeOptions(command, io);
  const { paths } = openConfiguration(store).store;
  const file = findScript(paths.expand(wanted), paths.get("scripts"), nodeLanguage);
  if (file === undefined) {
    io.stdout(`Script not found: ${wanted}\n`);
    return 3;
  }
  const name = `${basename(file, extname(file))} (by hand)`;
  let module: ScriptModule | undefined;
  const definition = nodeScript({
    // A script that nobody configured has no name there.
    script: { name, alias: "", script: file },
    onOutput: (stream, text) => io[stream](`${text}\n`),
    onStart: (started) => {
      module = started;
    },
  });
  const log = commandLog(logOptions(command), "info", io);
  const gateway = await bootGateway({
    ...store,
    log,
    unlimited: true,
    modules: [scripts.module],
    extraModules: [definition as unknown as ModuleDefinition<SettingsSchema>],
  });
  try {
    const trouble = module === undefined ? "the module did not start" : module.trouble(name);
    if (module === undefined || trouble !== "") return 3;
    await module.main(name, words);
    return 0;
  } catch (thrown) {
    log
      .child(scripts.alias)
      .error(`Exception in main: ${thrown instanceof ScriptException ? thrown.trace : errorText(thrown)}`);
    io.stdout("Failed to execute main\n");
    return 3;
  } finally {
    await gateway.stop();
    io.stdout("\n");
  }
}
