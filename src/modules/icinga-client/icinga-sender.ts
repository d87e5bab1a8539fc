import { errorText } from "../../kernel/errors.js";
import type { OutgoingResult, Sender, Verdict } from "../../relay/relay.js";
import { answerText, type IcingaAnswer, maySubmit, type Outcome, readAnswer, submitPermission } from "./answer.js";
import { type CheckResultOptions, checkResultBody, type IcingaObject, objectOf } from "./check-result.js";
import type { IcingaApi } from "./icinga-api.js";
import type { ObjectMaker } from "./object-maker.js";
import type { UnknownObjects } from "./unknown-objects.js";

export interface IcingaSenderParts {
  readonly api: Pick<IcingaApi, "request" | "close">;
  readonly unknown: UnknownObjects;
  /** Undefined: unknown objects stay unknown. */
  readonly maker: ObjectMaker | undefined;
  readonly checkResult: CheckResultOptions;
  readonly concurrency: number;
  /** Who submits, for messages. */
  readonly user: string;
}

/**
 * Sends results side by side, one request each. Results for the same object go one after the other, so that the newest state
 * is the last to arrive; when one of them has to wait, those behind it wait too.
 */
export class IcingaSender implements Sender {
  /** Set once Icinga said that the user may submit. */
  #mayBeAsked = false;

  constructor(private readonly parts: IcingaSenderParts) {}

  async send(batch: readonly OutgoingResult[], signal: AbortSignal): Promise<readonly Verdict[]> {
    const run = new BatchRun(batch);
    const lanes = run.lanes[Symbol.iterator]();
    const work = async () => {
      for (const lane of lanes) await this.#sendLane(lane, run, signal);
    };
    await Promise.all(Array.from({ length: Math.min(this.parts.concurrency, run.lanes.length) }, work));
    return run.verdicts;
  }

  async close(): Promise<void> {
    await this.parts.api.close();
  }

  async #sendLane(lane: readonly number[], run: BatchRun, signal: AbortSignal): Promise<void> {
    let held: string | undefined;
    for (const index of lane) {
      held ??= run.stopped;
      const outgoing = run.batch[index];
      if (outgoing === undefined) continue;
      if (held !== undefined) {
        run.verdicts[index] = { kind: "failed", reason: held };
        continue;
      }
      const outcome = await this.#sendOne(outgoing, signal);
      run.verdicts[index] = verdictOf(outcome);
      if (outcome.kind !== "failed") continue;
      held = outcome.text;
      if (!outcome.isAboutResult) run.stopped ??= outcome.text;
    }
  }

  async #sendOne(outgoing: OutgoingResult, signal: AbortSignal): Promise<Outcome> {
    const object = objectOf(outgoing);
    const remembered = this.parts.unknown.find(object.name);
    if (remembered !== undefined) return { kind: "refused", text: remembered };
    try {
      const outcome = readAnswer(await this.#post(outgoing, signal));
      return outcome.kind === "unknown" ? await this.#handleUnknown(outgoing, object, outcome.text, signal) : outcome;
    } catch (error) {
      return { kind: "failed", text: errorText(error), isAboutResult: false };
    }
  }

  async #handleUnknown(
    outgoing: OutgoingResult,
    object: IcingaObject,
    said: string,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const obstacle = await this.#permissionProblem(signal);
    if (obstacle !== undefined) return { kind: "failed", text: obstacle, isAboutResult: false };
    const { maker, unknown } = this.parts;
    let reason = `${said} (${object.type} ${object.name})`;
    if (maker !== undefined) {
      const problem = await maker.ensure(object, signal);
      if (problem === undefined) {
        const outcome = readAnswer(await this.#post(outgoing, signal));
        if (outcome.kind !== "unknown") return outcome;
        reason = `${outcome.text} (${object.type} ${object.name}, though it was created)`;
      } else reason = problem;
    }
    unknown.remember(object.name, reason);
    return { kind: "refused", text: reason };
  }

  /** Releases up to 2.13 answer alike when an object is unknown and when the user may not submit at all. */
  async #permissionProblem(signal: AbortSignal): Promise<string | undefined> {
    if (this.#mayBeAsked) return undefined;
    const answer = await this.parts.api.request("GET", "/v1/", undefined, signal);
    if (answer.status === 401) return answerText(answer);
    if (maySubmit(answer) === false) return `The API user ${this.parts.user} has no permission ${submitPermission}`;
    this.#mayBeAsked = true;
    return undefined;
  }

  #post(outgoing: OutgoingResult, signal: AbortSignal): Promise<IcingaAnswer> {
    const body = checkResultBody(outgoing, this.parts.checkResult);
    return this.parts.api.request("POST", "/v1/actions/process-check-result", body, signal);
  }
}

/** One batch on its way. */
class BatchRun {
  readonly verdicts: Verdict[];
  /** Indexes of results by object, in order. */
  readonly lanes: readonly (readonly number[])[];
  /** Why nothing more is to be sent. */
  stopped: string | undefined;

  constructor(readonly batch: readonly OutgoingResult[]) {
    this.verdicts = batch.map(() => ({ kind: "failed", reason: "It was not sent" }));
    const lanes = new Map<string, number[]>();
    for (const [index, outgoing] of batch.entries()) {
      const { name } = objectOf(outgoing);
      const lane = lanes.get(name);
      if (lane === undefined) lanes.set(name, [index]);
      else lane.push(index);
    }
    this.lanes = [...lanes.values()];
  }
}

function verdictOf(outcome: Outcome): Verdict {
  if (outcome.kind === "delivered") return { kind: "delivered", text: outcome.text };
  return outcome.kind === "failed"
    ? { kind: "failed", reason: outcome.text }
    : { kind: "refused", reason: outcome.text };
}
