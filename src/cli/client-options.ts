import type { Command } from "commander";
import { GatewayError } from "../kernel/errors.js";
import { parseTime } from "../settings/values.js";
import { ResultCode } from "../wire/messages.js";
import type { CliIo } from "./context.js";
import { contextCommand } from "./store-options.js";

/** The options of `nscp client` as commander gives them. */
export interface ClientOptions {
  readonly query?: string;
  readonly exec?: string | true;
  readonly submit?: true;
  readonly command?: string;
  readonly batch?: string;
  readonly module?: string;
  readonly boot?: true;
  readonly loadAll?: true;
  readonly argument: readonly string[];
  readonly rawArgument: readonly string[];
  readonly channel?: string;
  readonly result?: string;
  readonly message?: string;
  readonly perf?: string;
  readonly source?: string;
  readonly address?: string;
  readonly target?: string;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly tokenFile?: string;
  readonly serverName?: string;
  readonly insecure?: true;
  readonly timeout?: string;
}

/** `nscp client` with its options; what it does not know is kept, in order, for the check or command. */
export function clientCommand(io: Pick<CliIo, "stdout" | "stderr">): Command {
  const command = contextCommand(
    "nscp client",
    "Run checks and commands and submit results: with the settings of this machine, or with --address or --target at a gateway somewhere else",
    io,
  );
  return command
    .argument(
      "[arguments...]",
      "arguments of the check or command; behind -- also those that look like options of ours",
    )
    .allowUnknownOption()
    .option("-q, --query <name>", "run a check; the exit code is its state")
    .option("--batch <file>", "run the checks of a file, one a line, in one call; - is standard input")
    .option("-e, --exec [name]", "run a command of --module")
    .option("--command <name>", "run a command of whoever has it; with --submit the name of the service")
    .option(
      "-s, --submit",
      "submit a result, or with --batch one per line: source, service, result and text between tabs",
    )
    .option("-M, --module <name>", "load just this module")
    .option("-b, --boot", "open ports and start schedules before the command")
    .option("--load-all", "load every module there is")
    .option("-a, --argument <key[=value]>", "becomes the arguments --key value (repeat)", collect, [])
    .option("--raw-argument <key[=value]>", "becomes the arguments key value (repeat)", collect, [])
    .option("--channel <name>", "where to submit to")
    .option("--result <state>", "the state to submit: 0 to 3, or OK, WARNING, CRITICAL, UNKNOWN")
    .option("--message <text>", "the text to submit; performance data may stand behind a |")
    .option("--perf <data>", "the performance data to submit")
    .option("--source <host>", "the host that the submitted result is about")
    .option("--address <host:port>", "ask this gateway; [address]:port for IPv6")
    .option("--target <name>", "ask the gateway of this name in client.ini or [/settings/GRPC/client/targets]")
    .option("--ca <file>", "the authorities that the gateway's certificate may come from")
    .option("--cert <file>", "the client certificate")
    .option("--key <file>", "the key of the client certificate")
    .option("--token-file <file>", "the file with the token")
    .option("--server-name <name>", "the name in the gateway's certificate, when it is not that of the address")
    .option("--insecure", "take any certificate of the gateway")
    .option("--timeout <time>", "how long to wait for all of it: 10, 500ms, 2m; 30 s at a gateway, without end here");
}

function collect(value: string, before: readonly string[]): string[] {
  return [...before, value];
}

/** The arguments of the check or command: the words that were left, then those of `--argument` and `--raw-argument`. */
export function checkArguments(words: readonly string[], { argument, rawArgument }: ClientOptions): string[] {
  return [
    ...words,
    ...argument.flatMap((text) => keyAndValue(text, "--")),
    ...rawArgument.flatMap((text) => keyAndValue(text, "")),
  ];
}

function keyAndValue(text: string, prefix: string): string[] {
  const equals = text.indexOf("=");
  return equals < 0 ? [prefix + text] : [prefix + text.slice(0, equals), text.slice(equals + 1)];
}

/**
 * Milliseconds of `--timeout`.
 * @throws GatewayError INVALID_ARGUMENT
 */
export function timeoutOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const time = parseTime(text);
  if (time === undefined || time === 0) {
    throw new GatewayError("INVALID_ARGUMENT", `Not a time for --timeout: ${text} (write 10, 10s, 500ms or 2m)`);
  }
  return time;
}

const stateNames = new Map<string, ResultCode>([
  ["ok", ResultCode.OK],
  ["warning", ResultCode.WARNING],
  ["warn", ResultCode.WARNING],
  ["critical", ResultCode.CRITICAL],
  ["crit", ResultCode.CRITICAL],
  ["unknown", ResultCode.UNKNOWN],
]);

/**
 * A state as people write it: `0` to `3` or its name.
 * @throws GatewayError INVALID_ARGUMENT
 */
export function stateOf(text: string): ResultCode {
  const word = text.trim().toLowerCase();
  const code = /^[0-3]$/.test(word) ? (Number(word) as ResultCode) : stateNames.get(word);
  if (code === undefined) {
    throw new GatewayError(
      "INVALID_ARGUMENT",
      `Not a state: ${text} (there are 0 to 3, OK, WARNING, CRITICAL, UNKNOWN)`,
    );
  }
  return code;
}
