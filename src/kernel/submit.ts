import {
  PB,
  ResultCode,
  StatusCode,
  SubmitRequestMessage,
  SubmitResponse,
  SubmitResponseMessage,
} from "../wire/messages.js";
import type { Call } from "./call.js";
import type { Clock } from "./clock.js";
import { type ErrorCode, errorText, GatewayError } from "./errors.js";
import { countAnswer, figuresFor } from "./figures.js";
import { responseHeader } from "./header.js";
import type { Logger } from "./log.js";
import { type Registry, type SubmissionHandler, splitNames } from "./registry.js";

/** What became of a submission: one answer per passive result, and whether any channel had a subscriber. */
export interface SubmitOutcome {
  readonly handled: boolean;
  readonly message: SubmitResponseMessage;
}

interface SubmitDispatchParts {
  readonly registry: Registry;
  readonly log: Logger;
  readonly clock: Clock;
}

/** What a subscriber throws that can't take anything right now: a full disk, a spool that is closing. */
const transportCodes: ReadonlySet<ErrorCode> = new Set(["RESOURCE_EXHAUSTED", "UNAVAILABLE"]);

/** How often it is told that results are not taken, in milliseconds. */
const refusalPause = 10_000;

/**
 * Hands passive results to everyone who subscribed to the channel. The answers of several subscribers become one per
 * result: OK when all are, otherwise an error with all texts.
 */
export class SubmitDispatch {
  private refusalTold = Number.NEGATIVE_INFINITY;

  constructor(private readonly parts: SubmitDispatchParts) {}

  /**
   * @param channels a channel or a comma separated list; `noop` takes anything, `log` writes it to the log
   * @throws GatewayError PERMISSION_DENIED when the caller may not submit to any channel; RESOURCE_EXHAUSTED or UNAVAILABLE
   * when that is the answer of everybody who was asked, so that nobody has taken anything
   */
  async run(channels: string, submission: SubmitRequestMessage, call: Call): Promise<SubmitOutcome> {
    const { grants, name } = call.principal;
    if (!grants.allows("submit")) throw new GatewayError("PERMISSION_DENIED", `${name} is not allowed to submit.`);
    const results = submission.payload.map(() => new Aggregate());
    const refusals: GatewayError[] = [];
    let asked = 0;
    let handled = false;
    const names = splitNames(channels);
    for (const channel of names) {
      if (!grants.allows("submit", channel)) {
        for (const result of results)
          result.refuse(`Permission denied: ${name} is not allowed to submit to ${channel}`);
        handled = true;
        asked++;
        continue;
      }
      const answered = await this.deliver(channel, submission, call, results, refusals);
      // Who is not there counts as one who was asked: it takes nothing later either.
      asked += Math.max(answered, 1);
      if (answered > 0) handled = true;
      else for (const result of results) result.refuse(nobodyListensText(channel));
    }
    const [first] = refusals;
    if (first !== undefined && refusals.length === asked && refusals.every(({ code }) => code === first.code))
      throw first;
    if (names.length === 0) for (const result of results) result.refuse(nobodyListensText("no channel given"));
    const payload = submission.payload.map((request, index) =>
      SubmitResponse.create({
        id: request.id,
        command: request.command,
        result: (results[index] ?? new Aggregate()).result(),
      }),
    );
    const header = submission.header === null ? null : responseHeader(submission.header);
    return { handled, message: SubmitResponseMessage.create({ header, payload }) };
  }

  /** How many were asked. Those that can't take anything right now are added to `refusals`. */
  private async deliver(
    channel: string,
    submission: SubmitRequestMessage,
    parent: Call,
    results: readonly Aggregate[],
    refusals: GatewayError[],
  ): Promise<number> {
    const pseudo = channel.toLowerCase();
    if (pseudo === "noop" || pseudo === "log") {
      if (pseudo === "log") this.writeToLog(submission);
      for (const result of results) result.accept("seems ok", "");
      return 1;
    }
    const { clock, registry } = this.parts;
    const subscribers = registry.findChannel(channel);
    if (subscribers.length === 0) return 0;
    const byFrontEnd = registry.channelFigures.get(pseudo) ?? new Map();
    // A channel that only those hear who hear all has a name that the caller made up.
    if (registry.isChannel(pseudo)) registry.channelFigures.set(pseudo, byFrontEnd);
    const figures = figuresFor(byFrontEnd, parent.frontEnd);
    const started = clock.monotonic();
    figures.inFlight++;
    const answers = await Promise.all(subscribers.map(({ handler }) => this.ask(handler, channel, submission, parent)));
    for (const answer of answers) {
      if (answer instanceof GatewayError) refusals.push(answer);
      const given = answer instanceof GatewayError ? [failure(answer.message)] : answer;
      const shared = given.length === 1 ? given[0] : undefined;
      for (const [index, result] of results.entries()) result.add(given[index] ?? shared, channel);
    }
    const isAccepted = results.every((result) => result.isAccepted);
    countAnswer(figures, clock.monotonic() - started, isAccepted ? ResultCode.OK : ResultCode.CRITICAL);
    return subscribers.length;
  }

  /** The answers, or the refusal of a subscriber that can't take anything right now. */
  private async ask(
    handler: SubmissionHandler,
    channel: string,
    submission: SubmitRequestMessage,
    parent: Call,
  ): Promise<SubmitResponse[] | GatewayError> {
    let call: Call | undefined;
    try {
      call = parent.nested();
      return await handler(SubmitRequestMessage.create({ ...submission, channel }), call);
    } catch (thrown) {
      const message = `Failed to process submission on ${channel}: ${errorText(thrown)}`;
      if (call !== undefined && thrown instanceof GatewayError && transportCodes.has(thrown.code)) {
        this.tellRefusal(message, parent);
        return thrown;
      }
      this.parts.log.error(message, { error: thrown, traceId: parent.traceId });
      return [failure(message)];
    } finally {
      call?.finish();
    }
  }

  /** A full spool refuses thousands in a second, and the log need not have them all. */
  private tellRefusal(message: string, { traceId }: Call): void {
    const now = this.parts.clock.monotonic();
    if (now - this.refusalTold < refusalPause) return;
    this.refusalTold = now;
    this.parts.log.error(message, { traceId });
  }

  private writeToLog(submission: SubmitRequestMessage): void {
    for (const payload of submission.payload) {
      const text = payload.lines.map((line) => line.message).join(" ");
      this.parts.log.info(`${payload.alias || payload.command}: ${text}`);
    }
  }
}

/** What a result is answered with whose channel has no subscriber. */
export function nobodyListensText(channel: string): string {
  return `Failed to submit message: ${channel}`;
}

function failure(message: string): SubmitResponse {
  return SubmitResponse.create({ result: PB.Common.Result.create({ code: StatusCode.STATUS_ERROR, message }) });
}

/** What several subscribers said about one passive result. */
class Aggregate {
  private readonly errors: string[] = [];
  private accepted = "";
  private data = "";

  get isAccepted(): boolean {
    return this.errors.length === 0;
  }

  /** An answer without a result is taken for success. */
  add(answer: SubmitResponse | undefined, channel: string): void {
    const result = answer?.result;
    if (answer === undefined) this.refuse(`No answer from ${channel}`);
    else if (!result || result.code === StatusCode.STATUS_OK) this.accept(result?.message ?? "", result?.data ?? "");
    else this.refuse(result.message);
  }

  accept(text: string, data: string): void {
    if (text !== "") this.accepted = text;
    if (data !== "") this.data = data;
  }

  refuse(text: string): void {
    if (!this.errors.includes(text)) this.errors.push(text);
  }

  result(): PB.Common.Result {
    const ok = this.errors.length === 0;
    return PB.Common.Result.create({
      code: ok ? StatusCode.STATUS_OK : StatusCode.STATUS_ERROR,
      message: ok ? this.accepted : this.errors.join("; "),
      data: ok ? this.data : "",
    });
  }
}
