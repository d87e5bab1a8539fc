import { basename, extname } from "node:path";
import { openConfiguration } from "../gateway/configuration.js";
import type { BootOptions } from "../gateway/gateway.js";
import { errorText } from "../kernel/errors.js";
import { findScript } from "../script-host/find-script.js";
import type { ScriptModule } from "../script-host/script-module.js";
import { ScriptException } from "../script-host/script-session.js";
import { problemText } from "../settings/errors.js";
import type { SettingsStore } from "../settings/store.js";
import type { CliAction } from "./actions.js";
import type { CliIo } from "./context.js";
import { bootGateway } from "./gateway-run.js";
import { commandLog, logOptions } from "./logging.js";
import type { ScriptContext } from "./script-languages.js";
import { splitScriptWords } from "./script-words.js";
import { contextCommand, parseArguments, storeOptions } from "./store-options.js";

/** What a command answers that could not do its work: the state UNKNOWN. */
const failureCode = 3;

/** `nscp py execute` and its like. */
export function executeAction(scripts: ScriptContext): CliAction {
  return {
    name: "execute",
    usage: "--script FILE [arguments...]",
    summary: `Run a script by hand: init, ${scripts.main} with the arguments, shutdown`,
    run: (args, io) => execute(scripts, args, io),
  };
}

/** What the script prints goes to standard output as it is, what it logs as lines of the log. */
async function execute(scripts: ScriptContext, args: readonly string[], io: CliIo): Promise<number> {
  const command = contextCommand(`nscp ${scripts.context} execute`, "Run a script by hand", io)
    .usage("[options] --script <file> [arguments...]")
    .option("--script <file>", "the file, by path or by its name in the folder of scripts")
    .option("--file <file>", "the same")
    .addHelpText(
      "after",
      `\nThe arguments begin with the first word that is no option of ours, and go to ${scripts.main} as they are.`,
    );
  const { ours, script: words } = splitScriptWords(args);
  if (!parseArguments(command, ours)) return 1;
  const options = command.opts<{ script?: string; file?: string }>();
  const wanted = options.script ?? options.file;
  if (wanted === undefined) {
    io.stderr("Say which script: --script FILE\n");
    return failureCode;
  }
  const store = storeOptions(command, io);
  const configuration = openConfiguration(store);
  const file = scriptFile(scripts, configuration.store, wanted);
  if (file === undefined) {
    reportNotFound(configuration.store, wanted, io);
    return failureCode;
  }
  const boot = { ...store, log: commandLog(logOptions(command), "info", io) };
  const outcome = await runByHand(scripts, { file, words, boot, io });
  if (outcome === "failed") io.stdout(`Failed to execute ${scripts.main}\n`);
  io.stdout("\n");
  return outcome === "done" ? 0 : failureCode;
}

/** The file of the script that is named as settings name it. */
export function scriptFile(scripts: ScriptContext, store: SettingsStore, name: string): string | undefined {
  return findScript(store.paths.expand(name), store.paths.get("scripts"), scripts.language);
}

/** Says that there is no such script; settings that are not there are the reason, for scripts are looked for beside them. */
export function reportNotFound(store: SettingsStore, script: string, io: Pick<CliIo, "stdout" | "stderr">): void {
  io.stdout(`Script not found: ${script}\n`);
  for (const problem of store.loadProblems) if (problem.severity === "error") io.stderr(`${problemText(problem)}\n`);
}

export interface RunByHand {
  readonly file: string;
  readonly words: readonly string[];
  readonly boot: Pick<BootOptions, "settings" | "defines" | "pathOverrides" | "configuration" | "log">;
  readonly io: Pick<CliIo, "stdout" | "stderr">;
}

/**
 * Runs a script besides those of the settings, without time limits: init, main with the words, shutdown.
 *
 * @returns `failed` when main threw, and `not started` when it did not come that far. The log has the reason of both
 */
export async function runByHand(
  scripts: ScriptContext,
  { file, words, boot, io }: RunByHand,
): Promise<"done" | "failed" | "not started"> {
  const name = `${basename(file, extname(file))} (by hand)`;
  let module: ScriptModule | undefined;
  const { pluginAliasByHand: pluginAlias } = scripts;
  const definition = scripts.define({
    // A script that nobody configured has no name there.
    script: { name, alias: "", script: file, ...(pluginAlias === undefined ? {} : { pluginAlias }) },
    onOutput: (stream, text) => io[stream](`${text}\n`),
    onStart: (started) => {
      module = started;
    },
  });
  const gateway = await bootGateway({
    ...boot,
    unlimited: true,
    admits: false,
    modules: [scripts.module],
    extraModules: [definition],
  });
  try {
    if (module?.trouble(name) !== "") return "not started";
    await module.main(name, words);
    return "done";
  } catch (thrown) {
    const text = thrown instanceof ScriptException ? thrown.trace : errorText(thrown);
    boot.log.child(scripts.alias).error(`Exception in ${scripts.main}: ${text}`);
    return "failed";
  } finally {
    await gateway.stop();
  }
}
