import { BatchRefused, type OutgoingResult, type Sender, type Verdict } from "../../relay/relay.js";
import { nagiosHostState } from "../../wire/nagios-command.js";
import { renderNagiosText } from "../../wire/nagios-text.js";
import { type NrdpAnswer, type NrdpFormat, processedCount } from "../../wire/nrdp/answer.js";
import { parseAnswer } from "../../wire/nrdp/answer-reader.js";
import { type NrdpResult, nameProblem } from "../../wire/nrdp/check-result.js";
import { writeJsonDocument } from "../../wire/nrdp/json-document.js";
import { writeXmlDocument } from "../../wire/nrdp/xml-document.js";
import type { HttpAnswer, HttpReceiver } from "../http-receiver.js";

export interface NrdpSenderParts {
  readonly http: Pick<HttpReceiver, "request" | "close">;
  readonly path: string;
  readonly token: string;
  readonly format: NrdpFormat;
  /** Whether an answer has to say how many results were processed. */
  readonly requireCount: boolean;
}

/** Words of a receiver for a document that it can't read. What else it refuses has nothing to do with the results. */
const documentRefusals = /^BAD (?:XML|JSON)\b/i;

/** Sends all results of a batch in one request. */
export class NrdpSender implements Sender {
  constructor(private readonly parts: NrdpSenderParts) {}

  async send(batch: readonly OutgoingResult[], signal: AbortSignal): Promise<readonly Verdict[]> {
    const problems = batch.map(problemOf);
    const good = batch.filter((_result, index) => problems[index] === undefined);
    const text = good.length === 0 ? "" : await this.deliver(good.map(toNrdp), signal);
    return problems.map((reason) => (reason === undefined ? { kind: "delivered", text } : { kind: "refused", reason }));
  }

  async close(): Promise<void> {
    await this.parts.http.close();
  }

  /** @returns what the receiver said when it had taken all of them */
  private async deliver(results: readonly NrdpResult[], signal: AbortSignal): Promise<string> {
    const { http, path, token, format, requireCount } = this.parts;
    const body = new URLSearchParams({ token, cmd: "submitcheck" });
    if (format === "xml") body.set("XMLDATA", writeXmlDocument(results));
    else body.set("JSONDATA", writeJsonDocument(results));
    const answer = readAnswer(
      await http.request(
        {
          method: "POST",
          path,
          headers: { "content-type": "application/x-www-form-urlencoded" },
          body: body.toString(),
        },
        signal,
      ),
    );
    const output = answer.output ?? "";
    const count = processedCount(output);
    if (count === undefined && !requireCount) return answer.message || "OK";
    if (count === undefined) {
      throw new Error(`The receiver does not say how many results it took: ${answer.message} ${output}`.trimEnd());
    }
    if (count > results.length) throw new Error(`The receiver took ${count} results of ${results.length}`);
    if (count < results.length) throw new BatchRefused(`The receiver took ${count} results of ${results.length}`);
    return answer.message || "OK";
  }
}

/** What a receiver would make something else of, or file under another name. */
function problemOf({ host, service }: OutgoingResult): string | undefined {
  const problem = nameProblem("hostname", host) ?? (service === "" ? undefined : nameProblem("servicename", service));
  return problem === undefined ? undefined : `The result ${problem}, which NRDP can't carry`;
}

function toNrdp({ host, service, result, timeMs }: OutgoingResult): NrdpResult {
  return {
    type: service === "" ? "host" : "service",
    hostname: host,
    servicename: service,
    state: service === "" ? nagiosHostState(result.result) : result.result,
    output: renderNagiosText(result),
    time: Math.floor(timeMs / 1000),
  };
}

/**
 * The answer when it is a good one.
 *
 * @throws BatchRefused when the document was refused or is too large; Error with the receiver's words for all else
 */
function readAnswer({ status, headers, text }: HttpAnswer): NrdpAnswer {
  if (status >= 300 && status < 400) {
    throw new Error(
      `HTTP ${status}: the receiver is somewhere else: ${String(headers["location"] ?? "it does not say where")}`,
    );
  }
  const read = parseAnswer(text);
  const words = "problem" in read ? read.problem : wordsOf(read.answer);
  if (status === 413) throw new BatchRefused(`HTTP 413: ${words}`);
  if (status >= 400 || status < 200) throw new Error(`HTTP ${status}: ${words}`);
  if ("problem" in read) throw new Error(words);
  if (read.answer.status === 0) return read.answer;
  if (documentRefusals.test(read.answer.message)) throw new BatchRefused(words);
  throw new Error(words);
}

function wordsOf({ status, message, information = "" }: NrdpAnswer): string {
  const said = [message, information].filter((text) => text !== "").join(": ");
  return said === "" ? `The receiver answers status ${status}` : said;
}
