import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Configuration, openConfiguration } from "../gateway/configuration.js";
import type { Gateway } from "../gateway/gateway.js";
import { errorText, GatewayError } from "../kernel/errors.js";
import type { LogService } from "../telemetry/log.js";
import { type Outcome, runQuery } from "./client-actions.js";
import { localBackend } from "./client-backend.js";
import type { CliContext, CliIo } from "./context.js";
import { bootGateway, serveGateway } from "./gateway-run.js";
import { commandLog, logOptions } from "./logging.js";
import { reportNotFound, runByHand, scriptFile } from "./script-execute.js";
import { nodeScripts, pythonScripts, type ScriptContext } from "./script-languages.js";
import { beforeSignalEnds } from "./signals.js";
import { contextCommand, parseArguments, type StoreOptions, storeOptions } from "./store-options.js";

const languages: Readonly<Record<string, ScriptContext>> = {
  python: pythonScripts,
  py: pythonScripts,
  node: nodeScripts,
  typescript: nodeScripts,
  ts: nodeScripts,
  javascript: nodeScripts,
  js: nodeScripts,
};

const languageNames = Object.keys(languages).join(", ");

/** A test that could not be run has the state UNKNOWN. */
const unknownState = 3;

interface UnitOptions {
  readonly language: string;
  readonly script: string;
  readonly showAll?: true;
  readonly case: readonly string[];
}

/**
 * `nscp unit`: runs a script with the argument `install`, loads what that configured, as the service would, and asks for
 * the check `py_unittest` or `node_unittest`. Unless settings are given they are in memory, so that no test touches those of the machine.
 */
export const unitContext: Pick<CliContext, "run"> = {
  async run(args, io) {
    const command = contextCommand("nscp unit", "Run the tests of a script; the exit code is their state", io)
      .requiredOption("-l, --language <name>", `one of ${languageNames}`)
      .requiredOption("--script <file>", "the script with the tests, by path or by its name in the folder of scripts")
      .option("--show-all", "name the tests that succeeded too")
      .option("-c, --case <name...>", "run just these tests", collect, []);
    if (!parseArguments(command, args)) return 1;
    const options = command.opts<UnitOptions>();
    const scripts = languages[options.language.toLowerCase()];
    if (scripts === undefined) {
      io.stderr(`Not a language: ${options.language} (there are ${languageNames})\n`);
      return unknownState;
    }
    const state = mkdtempSync(join(tmpdir(), "nscp-unit-"));
    const removeState = () => rmSync(state, { recursive: true, force: true, maxRetries: 3 });
    const keepOnSignal = beforeSignalEnds(removeState);
    try {
      const log = commandLog(logOptions(command), "info", io);
      return await runUnit(scripts, options, surroundings(storeOptions(command, io), state), log, io);
    } finally {
      removeState();
      keepOnSignal();
    }
  },
};

/**
 * Settings in memory and a data folder of its own, where nobody said otherwise; scripts are looked for where the settings
 * of this machine have them.
 */
function surroundings(given: StoreOptions, state: string): StoreOptions {
  if (given.settings !== undefined) return given;
  const pathOverrides = new Map([["data-path", state], ...given.pathOverrides]);
  if (!pathOverrides.has("scripts")) pathOverrides.set("scripts", openConfiguration(given).store.paths.get("scripts"));
  return { settings: "dummy", defines: given.defines, pathOverrides };
}

async function runUnit(
  scripts: ScriptContext,
  { script, showAll, case: cases }: UnitOptions,
  store: StoreOptions,
  log: LogService,
  io: CliIo,
): Promise<number> {
  const configuration = openConfiguration(store);
  const file = scriptFile(scripts, configuration.store, script);
  if (file === undefined) reportNotFound(configuration.store, script, io);
  const boot = { ...store, configuration, log };
  if (file === undefined || (await runByHand(scripts, { file, words: ["install"], boot, io })) !== "done") {
    io.stderr("Failed to setup unit test\n");
    return unknownState;
  }
  const gateway = await restart(configuration, store, log, io);
  if (gateway === undefined) return unknownState;
  let outcome: Outcome;
  try {
    outcome = await askForTests(gateway, scripts.unitPrefix, showAll === true, cases);
  } finally {
    await gateway.stop();
  }
  io.stdout(outcome.text);
  return outcome.code;
}

/** Everything that was configured, as the service starts it: what of it can't be loaded is in the log. */
async function restart(
  configuration: Configuration,
  store: StoreOptions,
  log: LogService,
  io: CliIo,
): Promise<Gateway | undefined> {
  try {
    configuration.store.reload();
    const gateway = await bootGateway({ ...store, configuration, log, unlimited: true });
    await serveGateway(gateway);
    return gateway;
  } catch (thrown) {
    if (!(thrown instanceof GatewayError)) throw thrown;
    io.stderr(`Failed to reload configuration: ${errorText(thrown)}\n`);
    return undefined;
  }
}

async function askForTests(
  gateway: Gateway,
  prefix: string,
  showAll: boolean,
  cases: readonly string[],
): Promise<Outcome> {
  const backend = localBackend(gateway, undefined);
  const preparations: [name: string, args: readonly string[]][] = [
    ...(showAll ? [[`${prefix}_unittest_show_ok`, []] satisfies [string, string[]]] : []),
    ...(cases.length > 0 ? [[`${prefix}_unittest_add_case`, cases] satisfies [string, readonly string[]]] : []),
  ];
  for (const [name, args] of preparations) {
    const outcome = await runQuery(backend, name, [...args]);
    if (outcome.code !== 0) return outcome;
  }
  return runQuery(backend, `${prefix}_unittest`, []);
}

function collect(value: string, before: readonly string[]): string[] {
  return [...before, value];
}
