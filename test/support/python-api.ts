/** Python scripts under test whose functions are looked at from inside: expressions go in, what Python makes of them comes out. */
import {
  ExecuteRequest,
  ExecuteRequestMessage,
  QueryResponse,
  SubmitRequestMessage,
} from "../../dist/wire/messages.js";
import { type GatewayProcess, startGateway } from "./gateway-process.js";
import { type Harness, type HarnessOptions, startScripts } from "./script-harness.js";

/** A script with everything of the API at hand, and the checks `evaluate`, `value` and `execute`. */
export const consoleScript = `
import json, os, threading, time
import NSCP
from NSCP import Core, Registry, Settings, log, log_deb, log_debug, log_err, log_error, sleep, status

def outcome(source):
    try:
        return repr(eval(source, globals()))
    except BaseException as error:
        return "%s: %s" % (type(error).__name__, error)

def evaluate(args):
    return status.OK, outcome(args[0])

def value(args):
    return status.OK, json.dumps(eval(args[0], globals()), default=lambda block: block.hex())

def execute(args):
    exec(args[0], globals())
    return status.OK, "done"

def init(plugin_id, plugin_alias, script_alias):
    global registry, core, settings, ids
    ids = (plugin_id, plugin_alias, script_alias)
    registry, core, settings = Registry.get(plugin_id), Core.get(plugin_id), Settings.get(plugin_id)
    registry.simple_function("evaluate", evaluate, "")
    registry.simple_function("value", value, "")
    registry.simple_function("execute", execute, "")
`;

export interface PythonConsole extends Harness {
  /** The `repr` of what an expression is in the script, or the exception that it raises: `TypeError: …`. */
  evaluate(expression: string): Promise<string>;
  /** What an expression is; bytes are hexadecimal. */
  value<Value>(expression: string): Promise<Value>;
  /** Runs statements in the script. */
  execute(statements: string): Promise<void>;
  /** What was logged since the last time: `[level, text]`. */
  logged(): [level: string, text: string][];
}

/** Starts {@link consoleScript} as `console.py`, and more scripts beside it. */
export async function startConsole(
  files: Readonly<Record<string, string>> = {},
  options: HarnessOptions = {},
): Promise<PythonConsole> {
  const harness = await startScripts({ "console.py": consoleScript, ...files }, { ...options, language: "python" });
  let seen = harness.log.records.length;
  return {
    ...harness,
    async evaluate(expression) {
      return (await harness.query("evaluate", expression))[1];
    },
    async value(expression) {
      return JSON.parse((await harness.query("value", expression))[1]);
    },
    async execute(statements) {
      const [, message] = await harness.query("execute", statements);
      if (message !== "done") throw new Error(harness.log.texts("error").join("\n"));
    },
    logged() {
      const records = harness.log.records.slice(seen);
      seen = harness.log.records.length;
      return records.map(({ level, text }) => [level, text]);
    },
  };
}

/** Submits results with these lines and texts; answers whether each was taken, and the text. */
export async function submit(
  { core, call }: Harness,
  channel: string,
  payload: readonly Parameters<typeof QueryResponse.fromObject>[0][],
): Promise<[taken: boolean, text: string | undefined][]> {
  const results = payload.map((result) => QueryResponse.fromObject(result));
  const { message } = await core.submit(channel, SubmitRequestMessage.create({ channel, payload: results }), call());
  return message.payload.map(({ result }) => [result?.code === 0, result?.message]);
}

/** Runs a command: exit code and text of each answer. */
export async function executed(
  { core, call }: Harness,
  command: string,
  ...args: string[]
): Promise<[code: number, text: string][]> {
  const payload = [ExecuteRequest.create({ command, arguments: args })];
  const { message } = await core.execute("", ExecuteRequestMessage.create({ payload }), call());
  return message.payload.map(({ result, message: text }) => [result, text]);
}

/** A bytes literal in Python for a serialized message. */
export function bytesLiteral(message: Uint8Array): string {
  return `bytes.fromhex("${Buffer.from(message).toString("hex")}")`;
}

const evaluator = `
import json, os
from NSCP import Core, Registry, Settings, log, log_error, sleep, status

def outcome(source):
    try:
        return repr(eval(source, globals()))
    except BaseException as error:
        return "%s: %s" % (type(error).__name__, error)

def init(plugin_id, plugin_alias, script_alias):
    global registry, core, settings
    registry, core, settings = Registry.get(plugin_id), Core.get(plugin_id), Settings.get(plugin_id)
    with open(os.path.join(os.path.dirname(__file__), "rows.json"), encoding="utf-8") as file:
        content = json.load(file)
    exec(content["before"], globals())
    outcomes = json.dumps([outcome(row) for row in content["rows"]])
    log("outcomes: " + outcomes.encode().hex())
`;

/**
 * Evaluates expressions, one after another, in the init of a script in a gateway of its own.
 *
 * @param settings sections besides those that load the script
 * @param before statements that run first
 * @param words more words for the command line of the gateway
 * @returns the `repr` of each or its exception, and the gateway
 */
export async function evaluateInGateway(
  rows: readonly string[],
  { settings = "", before = "", words = [] }: { settings?: string; before?: string; words?: readonly string[] },
): Promise<{ outcomes: string[]; gateway: GatewayProcess }> {
  const executable = process.env["NSCP_TEST_PYTHON"] ?? "";
  const gateway = await startGateway({
    settings: `[/modules]\nPythonScript = enabled\n[/settings/python]\npython executable = ${executable}\n[/settings/python/scripts]\nrows = rows.py\n${settings}`,
    files: { "scripts/python/rows.py": evaluator, "scripts/python/rows.json": JSON.stringify({ before, rows }) },
    certificates: false,
    arguments: words,
  });
  try {
    // The log has its own ways to write quotes and other letters than these.
    const [, hex = ""] = await gateway.waitForLog(/outcomes: ([0-9a-f]+)/);
    return { outcomes: JSON.parse(Buffer.from(hex, "hex").toString()), gateway };
  } catch (thrown) {
    await gateway.stop();
    throw thrown;
  }
}
