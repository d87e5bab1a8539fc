import { closeSync, openSync, writeSync } from "node:fs";
import { type Command, InvalidArgumentError, Option } from "commander";
import { errorText, GatewayError } from "../kernel/errors.js";
import { type Init, nscp } from "../wire/messages.js";
import { type CliAction, runAction } from "./actions.js";
import type { CliContext, CliIo } from "./context.js";
import { type AskQueues, withQueues } from "./queue-backend.js";
import { type ExportFormat, exportFormats, exportLine } from "./queue-export.js";
import { count, headText, queuesText, recordsText } from "./queue-text.js";
import { verify } from "./queue-verify.js";
import { contextCommand, parseArguments, storeOptions } from "./store-options.js";

const { v1 } = nscp.gateway;

const actions: readonly CliAction[] = [
  { name: "list", usage: "[QUEUE…]", summary: "Show how much waits, and how receivers fare", run: list },
  { name: "show", usage: "QUEUE [--dead]", summary: "Show what waits, or what was given up and why", run: show },
  { name: "retry", usage: "QUEUE --all|--sequence N…", summary: "Put dead letters back into their queue", run: retry },
  { name: "drop", usage: "QUEUE [--dead] --all|--sequence N…", summary: "Remove results for good", run: drop },
  {
    name: "export",
    usage: "QUEUE [--dead]",
    summary: "Write results as lines that can be submitted again",
    run: exportAll,
  },
  { name: "verify", usage: "", summary: "Look at every record on disk; 0 when all are sound, 2 when not", run: verify },
];

/** `nscp queue`: what waits for receivers, in the gateway that runs, or in its spool when none does. */
export const queueContext: Pick<CliContext, "run"> = {
  run: (args, io) => runAction("queue", actions, args, io),
};

/** Exit code of help and of what was not understood. */
const helpCode = 1;
/** Records of one order. */
const pageLimit = 500;

type Choice = Init<nscp.gateway.v1.QueueChoice>;
type QueueRecord = nscp.gateway.v1.QueueRecord;

interface ChoiceOptions {
  readonly dead?: true;
  readonly sequence?: number[];
  readonly host?: string;
  readonly service?: string;
  readonly all?: true;
  readonly json?: true;
}

async function list(args: readonly string[], io: CliIo): Promise<number> {
  const command = contextCommand("nscp queue list", "Show the queues", io)
    .argument("[queue...]", "names, with * and ? as wildcards; all unless given")
    .option("--json", "as an object, for programs");
  if (!parseArguments(command, args)) return helpCode;
  await withQueues(storeOptions(command, io), io, async (ask, isRunning) => {
    const answer = await ask({ list: { queue: command.args } });
    const { json } = command.opts<ChoiceOptions>();
    io.stdout(json ? jsonText(queuesObject(answer)) : queuesText(answer, Date.now(), isRunning));
  });
  return 0;
}

async function show(args: readonly string[], io: CliIo): Promise<number> {
  const command = choiceCommand("nscp queue show", "Show the results of a queue", io)
    .option("--dead", "what was given up, and why")
    .option("--limit <n>", "how many at most", wholeNumber, 50)
    .option("--after <n>", "only those behind this number", wholeNumber, 0)
    .option("--json", "as an array of objects, for programs");
  if (!parseArguments(command, args)) return helpCode;
  const options = command.opts<ChoiceOptions & { limit: number; after: number }>();
  const records: QueueRecord[] = [];
  let head = "";
  let next = 0;
  await withQueues(storeOptions(command, io), io, async (ask, isRunning) => {
    const { queue } = await ask({ list: { queue: [queueOf(command)] } });
    if (isRunning && queue[0] !== undefined) head = headText(queue[0], Date.now());
    const pages = pagesOf(
      ask,
      { ...choiceOf(command), after: options.after },
      false,
      () => options.limit - records.length,
    );
    for await (const page of pages) {
      records.push(...page.records);
      next = page.next;
    }
  });
  if (options.json) io.stdout(jsonText(records.map(recordObject)));
  else {
    io.stdout(head + recordsText(records, options.dead === true, Date.now()));
    if (next > 0) io.stdout(`There may be more: --after ${next}\n`);
  }
  return 0;
}

async function retry(args: readonly string[], io: CliIo): Promise<number> {
  const command = choiceCommand("nscp queue retry", "Put dead letters back at the end of their queue", io).option(
    "--all",
    "all dead letters of the queue",
  );
  if (!parseArguments(command, args)) return helpCode;
  requireChoice(command, "retry");
  const done = await change(command, io, (choice) => ({ retry: choice }));
  io.stdout(
    done === 0 ? "There was nothing to retry\n" : `Put ${count(done, "dead letter")} back into ${queueOf(command)}\n`,
  );
  return 0;
}

async function drop(args: readonly string[], io: CliIo): Promise<number> {
  const command = choiceCommand("nscp queue drop", "Remove results for good; what is being sent right now stays", io)
    .option("--dead", "dead letters, and not what waits")
    .option("--all", "all of them");
  if (!parseArguments(command, args)) return helpCode;
  requireChoice(command, "drop");
  const done = await change(command, io, (choice) => ({ drop: choice }));
  const noun = command.opts<ChoiceOptions>().dead ? "dead letter" : "result";
  io.stdout(done === 0 ? "There was nothing to drop\n" : `Dropped ${count(done, noun)} of ${queueOf(command)}\n`);
  return 0;
}

async function exportAll(args: readonly string[], io: CliIo): Promise<number> {
  const command = choiceCommand("nscp queue export", "Write results as lines that can be submitted again", io)
    .option("--dead", "dead letters, and not what waits")
    .addOption(new Option("--format <format>", "what a line is").choices([...exportFormats]).default("json"))
    .option("--output <file>", "write to a new file instead of standard output");
  if (!parseArguments(command, args)) return helpCode;
  const { format, output } = command.opts<{ format: ExportFormat; output?: string }>();
  const sink = output === undefined ? undefined : newFile(output);
  let written = 0;
  let unreadable = 0;
  try {
    await withQueues(storeOptions(command, io), io, async (ask) => {
      for await (const { records } of pagesOf(ask, choiceOf(command), true)) {
        const lines = records.map((record) => exportLine(queueOf(command), record, format));
        const text = lines.filter((line) => line !== undefined).join("");
        if (sink === undefined) io.stdout(text);
        else writeSync(sink, text);
        written += lines.length;
        unreadable += lines.filter((line) => line === undefined).length;
      }
    });
  } finally {
    if (sink !== undefined) closeSync(sink);
  }
  if (output !== undefined) io.stderr(`Wrote ${count(written - unreadable, "result")} to ${output}\n`);
  if (unreadable === 0) return 0;
  io.stderr(`Left out ${count(unreadable, "result")} that can't be read\n`);
  return 3;
}

/** Orders by pages, until there is no more or `left` says that it is enough. */
async function* pagesOf(ask: AskQueues, choice: Choice, complete: boolean, left = () => pageLimit) {
  let after = Number(choice.after ?? 0);
  do {
    const limit = Math.min(left(), pageLimit);
    if (limit <= 0) return;
    const { record, next } = await ask({ show: { choice: { ...choice, after }, limit, complete } });
    after = Number(next);
    yield { records: record, next: after };
  } while (after > 0);
}

async function change(
  command: Command,
  io: CliIo,
  order: (choice: Choice) => Parameters<AskQueues>[0],
): Promise<number> {
  return withQueues(storeOptions(command, io), io, async (ask) => {
    let done = 0;
    let after = 0;
    do {
      const answer = await ask(order({ ...choiceOf(command), after }));
      done += Number(answer.count);
      after = Number(answer.next);
    } while (after > 0);
    return done;
  });
}

function choiceCommand(name: string, summary: string, io: CliIo): Command {
  return contextCommand(name, summary, io)
    .argument("<queue>", "see nscp queue list")
    .option("--sequence <n>", "the result with this number (repeat)", collectNumber)
    .option("--host <glob>", "results about these hosts")
    .option("--service <glob>", "results about these services; host_check is the host itself");
}

function choiceOf(command: Command): Choice {
  const { dead, sequence, host, service, all } = command.opts<ChoiceOptions>();
  return {
    queue: queueOf(command),
    dead: dead ?? false,
    sequence: sequence ?? [],
    host: host ?? "",
    service: service ?? "",
    all: all ?? false,
  };
}

function queueOf(command: Command): string {
  return command.args[0] ?? "";
}

/** What is removed by mistake is gone, so everything has to be asked for by name. */
function requireChoice(command: Command, order: string): void {
  const { sequence, host, service, all } = command.opts<ChoiceOptions>();
  if (sequence !== undefined || host !== undefined || service !== undefined || all) return;
  throw new GatewayError("INVALID_ARGUMENT", `Say what to ${order}: --sequence, --host, --service, or --all`);
}

function collectNumber(text: string, before: number[] | undefined): number[] {
  return [...(before ?? []), wholeNumber(text)];
}

function wholeNumber(text: string): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(number)) throw new InvalidArgumentError("It is no whole number.");
  return number;
}

function newFile(path: string): number {
  try {
    return openSync(path, "wx", 0o600);
  } catch (thrown) {
    const exists = thrown instanceof Error && "code" in thrown && thrown.code === "EEXIST";
    const why = exists ? "it exists already" : errorText(thrown);
    throw new GatewayError("INVALID_ARGUMENT", `Cannot write ${path}: ${why}`, { cause: thrown });
  }
}

function jsonText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** Numbers of 64 bits as numbers, states by name, and everything that is not set. */
const readable = { longs: Number, enums: String, defaults: true, arrays: true } as const;

function recordObject(record: QueueRecord): Record<string, unknown> {
  const { result: _result, ...rest } = v1.QueueRecord.toObject(record, readable);
  return rest;
}

function queuesObject(answer: nscp.gateway.v1.QueueResponse): Record<string, unknown> {
  const { queue, spool } = v1.QueueResponse.toObject(answer, readable);
  return { queue, spool };
}
