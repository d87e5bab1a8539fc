import type { Command } from "commander";
import { errorText, GatewayError } from "../kernel/errors.js";
import { type Outcome, runBatch, runCommand, runQuery, runSubmit } from "./client-actions.js";
import { type ClientBackend, localBackend, remoteBackend } from "./client-backend.js";
import { type ClientOptions, checkArguments, clientCommand, timeoutOf } from "./client-options.js";
import { type RemoteTarget, remoteTarget } from "./client-target.js";
import type { CliContext, CliIo } from "./context.js";
import { commandLog, logOptions } from "./logging.js";
import { parseArguments, storeOptions } from "./store-options.js";

/** What monitoring servers make of a check that could not be asked for. */
const unknownState = 3;

export const clientContext: Pick<CliContext, "run"> = {
  async run(args, io) {
    const command = clientCommand(io);
    const { ours, verbatim } = splitAtDashes(args);
    if (!parseArguments(command, ours)) return 1;
    const words = [...command.args, ...verbatim];
    const options = command.opts<ClientOptions>();
    let target: RemoteTarget | undefined;
    try {
      target = await remoteTarget(options, async (name) => {
        const { readTarget } = await import("./settings-target.js");
        return readTarget(name, storeOptions(command, io));
      });
    } catch (thrown) {
      return unanswered(thrown, io);
    }
    return target === undefined ? runHere(command, words, options, io) : runThere(target, words, options, io);
  },
};

/** What stands behind `--` is for the check or command, whatever it looks like. */
function splitAtDashes(args: readonly string[]): { ours: readonly string[]; verbatim: readonly string[] } {
  const dashes = args.indexOf("--");
  return dashes < 0 ? { ours: args, verbatim: [] } : { ours: args.slice(0, dashes), verbatim: args.slice(dashes + 1) };
}

/** Monitoring servers read standard output, so that is where the reason stands. */
function unanswered(thrown: unknown, io: CliIo): number {
  if (!(thrown instanceof GatewayError)) throw thrown;
  io.stdout(`${errorText(thrown)}\n`);
  return unknownState;
}

async function runThere(
  target: RemoteTarget,
  words: readonly string[],
  options: ClientOptions,
  io: CliIo,
): Promise<number> {
  let backend: ClientBackend | undefined;
  try {
    backend = remoteBackend({ ...target, timeoutMs: timeLeft(target.timeoutMs) });
    const outcome = await act(backend, words, options, io);
    if (outcome === undefined) {
      throw new GatewayError("INVALID_ARGUMENT", "Say what to do: --query, --batch, --exec, --command or --submit");
    }
    io.stdout(outcome.text);
    return outcome.code;
  } catch (thrown) {
    return unanswered(withTimeout(thrown, target.timeoutMs), io);
  } finally {
    await backend?.close();
  }
}

/** Whoever calls us counts from the start of this process to its end: a part of the time is gone, and printing takes some. */
function timeLeft(timeoutMs: number): number {
  const toEnd = Math.min(200, timeoutMs / 20);
  return Math.max(1, timeoutMs - performance.now() - toEnd);
}

/** Names the time that was asked for, and not what was left of it. */
function withTimeout(thrown: unknown, timeoutMs: number): unknown {
  if (!(thrown instanceof GatewayError) || thrown.code !== "DEADLINE_EXCEEDED") return thrown;
  const message = thrown.message.replace(/within [\d.]+ s\.$/, `within ${timeoutMs / 1000} s.`);
  return new GatewayError(thrown.code, message, { cause: thrown });
}

async function runHere(command: Command, words: readonly string[], options: ClientOptions, io: CliIo): Promise<number> {
  const { startLocalGateway } = await import("./gateway-run.js");
  if (options.exec !== undefined && options.module === undefined) {
    io.stdout("No module was specified...\n");
    return 1;
  }
  const isNothing = [options.query, options.batch, options.exec, options.command, options.submit, options.module].every(
    (given) => given === undefined,
  );
  if (isNothing) {
    command.outputHelp();
    return 1;
  }
  const timeoutMs = timeoutOf(options.timeout);
  const log = commandLog(logOptions(command), "info", io);
  const gateway = await startLocalGateway({
    store: storeOptions(command, io),
    log,
    modules: options.loadAll ? "all" : options.module === undefined ? "active" : { only: options.module },
    serve: options.boot ?? false,
  });
  const backend = localBackend(gateway, timeoutMs);
  let outcome: Outcome;
  try {
    outcome = (await act(backend, words, options, io)) ?? commandsOf(gateway, options.module ?? "");
  } finally {
    await backend.close();
  }
  io.stdout(outcome.text);
  return outcome.code;
}

/** Does what the options ask for; `undefined` when they ask for nothing. */
async function act(
  backend: ClientBackend,
  words: readonly string[],
  options: ClientOptions,
  io: CliIo,
): Promise<Outcome | undefined> {
  const args = checkArguments(words, options);
  if (options.submit) return runSubmit(backend, options, io);
  if (options.batch !== undefined) return runBatch(backend, options.batch, io);
  if (options.query !== undefined) return runQuery(backend, options.query, args);
  const name = options.command ?? (typeof options.exec === "string" ? options.exec : undefined);
  if (name !== undefined) return runCommand(backend, options.module ?? "", name, args);
  const [first, ...rest] = args;
  return first === undefined ? undefined : runCommand(backend, options.module ?? "", first, rest);
}

/** What a module can be asked, for those who named only the module. */
function commandsOf(gateway: { registry: RegistryOfCommands }, module: string): Outcome {
  const wanted = module.toLowerCase();
  const names = gateway.registry
    .listCommands()
    .filter(({ owner }) => owner.name.toLowerCase() === wanted || owner.alias.toLowerCase() === wanted)
    .map(({ name }) => name);
  const text = names.length === 0 ? `${module} has no commands\n` : `Commands of ${module}: ${names.join(", ")}\n`;
  return { text, code: unknownState };
}

interface RegistryOfCommands {
  listCommands(): { name: string; owner: { name: string; alias: string } }[];
}
