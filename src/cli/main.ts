/** The entry of `nscp`: what it prints reaches whoever reads it before the process ends with the exit code. */
import { basename } from "node:path";
import type { CliIo } from "./context.js";
import { runCli } from "./run.js";

// A reader that went away, as `head` does, is no error: the rest is written to nobody.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});

const io: CliIo = {
  stdout: (text) => void process.stdout.write(text),
  stderr: (text) => void process.stderr.write(text),
  get stdin() {
    return process.stdin;
  },
};

// A command ends by itself. While it waits for a timer of the gateway's clock, as before a retry, nothing else keeps the process.
setInterval(() => {}, 2 ** 31 - 1);
const [, program = "", ...args] = process.argv;
// A link of this name stands in for the program that monitoring servers have in their configurations.
const isCheckNrpe = basename(program) === "check_nrpe";
const code = await (isCheckNrpe ? (await import("./check-nrpe.js")).checkNrpe(args, io) : runCli(args, io));
for (const stream of [process.stdout, process.stderr]) {
  await new Promise<void>((resolve) => stream.write("", () => resolve()));
}
process.exit(code);
