import { readFileSync } from "node:fs";
import { errorText, GatewayError } from "../kernel/errors.js";
import {
  ExecuteRequest,
  Header,
  QueryRequest,
  QueryResponse,
  ResultCode,
  StatusCode,
  SubmitRequestMessage,
  type SubmitResponse,
} from "../wire/messages.js";
import { parseNagiosText, renderNagiosText } from "../wire/nagios-text.js";
import { hostCheck } from "../wire/passive-result.js";
import { parsePerfdata } from "../wire/perfdata.js";
import type { ClientBackend } from "./client-backend.js";
import { type ClientOptions, stateOf } from "./client-options.js";
import type { CliIo } from "./context.js";
import { splitWords } from "./words.js";

/** What is printed once everything is closed, and the exit code. */
export interface Outcome {
  readonly text: string;
  readonly code: number;
}

/** Runs one check: its text as plugins print it, its state as the exit code. */
export async function runQuery(backend: ClientBackend, name: string, args: string[]): Promise<Outcome> {
  const answers = await backend.query([QueryRequest.create({ id: 1, command: name, arguments: args })]);
  return { text: answers.map((answer) => `${renderNagiosText(answer)}\n`).join(""), code: worst(answers) };
}

/** Runs the checks of a file in one call: a line for each, in order, and the worst state as the exit code. */
export async function runBatch(backend: ClientBackend, file: string, io: CliIo): Promise<Outcome> {
  const requests = (await batchLines(file, io)).map(({ text, number }, index) => {
    const [command = "", ...args] = atLine(file, number, () => splitWords(text));
    return QueryRequest.create({ id: index + 1, command, arguments: args });
  });
  if (requests.length === 0) throw new GatewayError("INVALID_ARGUMENT", `There is no check in ${nameOf(file)}`);
  const answers = await backend.query(requests);
  return {
    text: answers.map((answer) => `${renderNagiosText(answer).replace(/\n+/g, " ")}\n`).join(""),
    code: worst(answers),
  };
}

/** Runs a command of the module, or of whoever has it: a line for each answer, the worst state as the exit code. */
export async function runCommand(
  backend: ClientBackend,
  module: string,
  name: string,
  args: string[],
): Promise<Outcome> {
  const request = ExecuteRequest.create({ id: 1, command: name, arguments: args });
  const answers = await backend.execute(module, request);
  if (answers === undefined) return { text: `Command not found: ${name}\n`, code: 1 };
  return { text: answers.map(({ message }) => `${message}\n`).join(""), code: worst(answers) };
}

/** Submits a result, or those of a file in one call: a line for each, exit code 0 when all were taken and else 3. */
export async function runSubmit(backend: ClientBackend, options: ClientOptions, io: CliIo): Promise<Outcome> {
  const messages =
    options.batch === undefined
      ? [submissionOf(options, [resultOf(options)])]
      : await submissionsIn(options.batch, options, io);
  const answers: SubmitResponse[] = [];
  let failed = false;
  for (const message of messages) {
    const some = await backend.submit(message);
    failed ||= some.length === 0 || some.some((answer) => !isAccepted(answer));
    answers.push(...some);
  }
  return { text: answers.map((answer) => `${submitText(answer)}\n`).join(""), code: failed ? ResultCode.UNKNOWN : 0 };
}

function submissionOf({ channel, source = "" }: ClientOptions, payload: QueryResponse[]): SubmitRequestMessage {
  if (channel === undefined) throw new GatewayError("INVALID_ARGUMENT", "--submit needs --channel");
  const header = source === "" ? null : Header.create({ senderId: source, sourceId: source });
  return SubmitRequestMessage.create({ header, channel, payload });
}

/** One submission of all lines; lines that `nscp queue export` wrote as objects are a submission each. */
async function submissionsIn(file: string, options: ClientOptions, io: CliIo): Promise<SubmitRequestMessage[]> {
  const lines = await batchLines(file, io);
  if (lines.length === 0) throw new GatewayError("INVALID_ARGUMENT", `There is no result in ${nameOf(file)}`);
  if (lines[0]?.text.startsWith("{") !== true)
    return [submissionOf(options, resultsIn(file, lines, options.source ?? ""))];
  return lines.map(({ text, number }) => atLine(file, number, () => exportedSubmission(text, options.channel)));
}

function exportedSubmission(line: string, channel: string | undefined): SubmitRequestMessage {
  const { submission }: { submission?: Record<string, unknown> } = JSON.parse(line);
  if (submission === undefined) throw new GatewayError("INVALID_ARGUMENT", "there is no submission in the object");
  const message = SubmitRequestMessage.fromObject(submission);
  if (channel !== undefined) message.channel = channel;
  return message;
}

function resultOf({ command, result, message = "", perf, source = "" }: ClientOptions): QueryResponse {
  if (command === undefined || result === undefined) {
    throw new GatewayError("INVALID_ARGUMENT", "--submit needs --command (the service) and --result (its state)");
  }
  const line = parseNagiosText(message);
  if (perf !== undefined) line.perf.push(...parsePerfdata(perf));
  return QueryResponse.create({ id: 1, command, source, result: stateOf(result), lines: [line] });
}

/** Lines of `source, service, result, text` with tabs between them; without the service the host itself is meant. */
function resultsIn(file: string, lines: readonly NumberedLine[], source: string): QueryResponse[] {
  return lines.map(({ text, number }, index) => {
    const fields = text.split("\t");
    if (fields.length < 3) {
      throw new GatewayError(
        "INVALID_ARGUMENT",
        `${nameOf(file)}:${number}: expected source, service, result and text with tabs between`,
      );
    }
    const [host = "", service = "", result = "", ...message] =
      fields.length === 3 ? [fields[0], hostCheck, fields[1], fields[2]] : fields;
    return QueryResponse.create({
      id: index + 1,
      command: service,
      source: host || source,
      result: atLine(file, number, () => stateOf(result)),
      lines: [parseNagiosText(message.join("\t").replaceAll("\\n", "\n"))],
    });
  });
}

function isAccepted({ result }: SubmitResponse): boolean {
  return result === null || result.code === StatusCode.STATUS_OK;
}

function submitText(answer: SubmitResponse): string {
  const text = answer.result?.message ?? "";
  if (text !== "") return text;
  return isAccepted(answer) ? "Submission successful" : "Submission failed";
}

interface NumberedLine {
  readonly text: string;
  readonly number: number;
}

/** The lines of the file that are neither empty nor begin with `#`. */
export async function batchLines(file: string, io: CliIo): Promise<NumberedLine[]> {
  let content: string;
  try {
    content = file === "-" ? await readAll(io) : readFileSync(file, "utf8");
  } catch (thrown) {
    throw new GatewayError("INVALID_ARGUMENT", `Cannot read the batch: ${errorText(thrown)}`, { cause: thrown });
  }
  return content
    .replace(/^\ufeff/, "")
    .split(/\r?\n/)
    .map((text, index) => ({ text, number: index + 1 }))
    .filter(({ text }) => text.trim() !== "" && !text.trimStart().startsWith("#"));
}

export function nameOf(file: string): string {
  return file === "-" ? "standard input" : file;
}

async function readAll(io: CliIo): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of io.stdin) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString("utf8");
}

/** Says in which line something was wrong. */
function atLine<Result>(file: string, number: number, work: () => Result): Result {
  try {
    return work();
  } catch (thrown) {
    const place = `${nameOf(file)}:${number}`;
    throw new GatewayError("INVALID_ARGUMENT", `${place}: ${errorText(thrown)}`, { cause: thrown });
  }
}

function worst(answers: readonly { result: number }[]): number {
  return Math.max(0, ...answers.map(({ result }) => (result >= 0 && result <= 3 ? result : ResultCode.UNKNOWN)));
}
