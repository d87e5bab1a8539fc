import { fstatSync } from "node:fs";
import { createInterface } from "node:readline";
import type { Gateway } from "../gateway/gateway.js";
import { errorText } from "../kernel/errors.js";
import { consoleText } from "../telemetry/log-text.js";
import type { CliContext, CliIo } from "./context.js";
import { bootGateway, serveGateway } from "./gateway-run.js";
import { commandLog, logOptions } from "./logging.js";
import { runShellLine } from "./shell-commands.js";
import { endSignal, signalCode } from "./signals.js";
import { contextCommand, parseArguments, storeOptions } from "./store-options.js";

/** `nscp test`: the gateway as it would run, its log on the screen, and a line for everything one wants to try. */
export const testContext: Pick<CliContext, "run"> = {
  async run(args, io) {
    const command = contextCommand("nscp test", "Run the gateway with a shell for trying things out", io);
    if (!parseArguments(command, args)) return 1;
    const options = logOptions(command);
    const signals = endSignal((signal) => process.exit(signalCode(signal)));
    const log = commandLog(options, "debug", io);
    try {
      const gateway = await bootGateway({ ...storeOptions(command, io), log, durable: true });
      await serveGateway(gateway);
      const say = (text: string) => {
        for (const line of text.split("\n")) io.stdout(answerLine(line, options.oneLine));
      };
      say("Type help for what can be typed here, exit to end.");
      await readLines(gateway, say, io, signals.received);
      await gateway.stop();
      return 0;
    } finally {
      signals.stop();
      await log.close();
    }
  },
};

/** An answer looks like a log record, but is shown at every level: it was asked for. */
function answerLine(text: string, oneLine: boolean): string {
  const record = { index: 0, time: Date.now(), level: "info", sender: "cli", message: text.trimEnd() } as const;
  return consoleText(record, { oneLine });
}

/** Runs the lines one after another until `exit`, a signal, or the end of the input and of what it began. */
async function readLines(
  gateway: Gateway,
  say: (text: string) => void,
  io: CliIo,
  signal: Promise<unknown>,
): Promise<void> {
  const lines = createInterface({ input: io.stdin, terminal: false });
  let ended = false;
  const work = (async () => {
    for await (const line of lines) {
      if (ended) return;
      if ((await shellLine(gateway, line, say)) === "exit") return;
    }
    // Started without any input, as service managers and test suites do, it runs until a signal.
    if (isNullDevice()) await signal;
  })();
  await Promise.race([work, signal]);
  ended = true;
  lines.close();
}

async function shellLine(gateway: Gateway, line: string, say: (text: string) => void): Promise<"exit" | undefined> {
  try {
    return await runShellLine(gateway, line, say);
  } catch (thrown) {
    say(errorText(thrown));
    return undefined;
  }
}

function isNullDevice(): boolean {
  try {
    return fstatSync(0).isCharacterDevice() && !process.stdin.isTTY;
  } catch {
    return true;
  }
}
