import type { Command } from "commander";
import { ArgumentError } from "../kernel/arguments.js";
import { GatewayError } from "../kernel/errors.js";
import type { AnyProtocol } from "../relay/relay-settings.js";
import { readSubmitOptions, type SubmitOptions, submitOptionSpecs } from "../relay/submit-options.js";
import { batchLines, nameOf } from "./client-actions.js";
import type { CliIo } from "./context.js";
import { contextCommand } from "./store-options.js";

/** What was asked for: the arguments of the relay's submit command, and where the results go. */
interface RelayArguments {
  readonly words: readonly string[];
  /** Into the spool of the gateway that runs, instead of to the receiver. */
  readonly queue: boolean;
}

/** Options that are no arguments of the submit command. */
const ownNames = new Set(["queue", "settings", "define", "pathOverride", "debug", "log", "logBackend", "stderr"]);

/** `nscp <word>` with every option that the relay's submit command takes. */
export function relayCommand(protocol: AnyProtocol, io: Pick<CliIo, "stdout" | "stderr">): Command {
  const command = contextCommand(
    `nscp ${protocol.word}`,
    `${protocol.summary}: submits results and waits until the receiver has them`,
    io,
  )
    .argument("[arguments...]", "arguments of the form key=value")
    .allowUnknownOption()
    .option("--queue", "hand the results to the gateway that runs on this machine; done when they are in its spool");
  for (const [name, { description, isFlag, isRepeatable }] of submitOptionSpecs(protocol)) {
    const option = `--${name.replaceAll(" ", "-")}`;
    const text = name === "batch" ? `${description}; - for one per line on standard input` : description;
    if (isRepeatable) command.option(`${option} <value>`, text, collect, []);
    else command.option(isFlag ? `${option} [true|false]` : `${option} <value>`, text);
  }
  return command;
}

function collect(value: string, before: readonly string[]): string[] {
  return [...before, value];
}

/**
 * The arguments that were given; a batch from standard input is read.
 * @throws GatewayError INVALID_ARGUMENT naming the line that is no result
 */
export async function readRelayArguments(command: Command, io: CliIo): Promise<RelayArguments> {
  const { queue = false } = command.opts<{ queue?: boolean }>();
  const options = command.options.filter((option) => !ownNames.has(option.attributeName()));
  const values = command.opts<Record<string, string | true | readonly string[] | undefined>>();
  const words = options.flatMap((option) => {
    const value = values[option.attributeName()];
    const name = option.name();
    const texts = value === undefined ? [] : typeof value === "object" ? value : [value];
    return texts.map((text) => (text === true ? `${name}=true` : `${name}=${text}`));
  });
  const all = [...words, ...command.args];
  if (!all.includes(stdinWord)) return { words: all, queue };
  const separator = String(values["separator"] ?? "|");
  const parts = values["hostColumn"] === undefined ? batchParts : ["host", ...batchParts];
  const lines = await batchLines("-", io);
  if (lines.length === 0) throw new GatewayError("INVALID_ARGUMENT", `There is no result in ${nameOf("-")}`);
  const batch = lines.map(({ text, number }) => {
    if (text.split(separator).length >= parts.length) return `batch=${text.replaceAll("\\n", "\n")}`;
    throw new GatewayError("INVALID_ARGUMENT", `${nameOf("-")}:${number}: expected ${parts.join(separator)}`);
  });
  return { words: all.flatMap((word) => (word === stdinWord ? batch : [word])), queue };
}

const stdinWord = "batch=-";
const batchParts = ["command", "result", "message"];

/**
 * The arguments of the submit command, read.
 * @throws GatewayError INVALID_ARGUMENT naming the one that is unknown or wrong
 */
export function submitOptions(protocol: AnyProtocol, words: readonly string[]): SubmitOptions {
  try {
    return readSubmitOptions(submitOptionSpecs(protocol), [], words);
  } catch (thrown) {
    if (!(thrown instanceof ArgumentError)) throw thrown;
    throw new GatewayError("INVALID_ARGUMENT", thrown.message, { cause: thrown });
  }
}
