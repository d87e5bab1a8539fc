import { errorText, GatewayError } from "../kernel/errors.js";
import type { Logger } from "../kernel/log.js";
import type { Breaker } from "./breaker.js";
import type { PendingResult } from "./incoming-results.js";
import { BatchRefused, type Sender, type Verdict } from "./relay.js";

/** A target of the group, with a breaker of its own. */
export interface FailoverMember {
  readonly name: string;
  readonly sender: Sender;
  readonly breaker: Breaker;
}

/**
 * Several receivers as one: the first that can be reached takes the batch. One that could not be reached is left alone for
 * a while and then tried with a single result; the first of the list is the first again when that arrives.
 */
export class FailoverSender implements Sender {
  private current: string;

  constructor(
    private readonly members: readonly [FailoverMember, ...FailoverMember[]],
    private readonly log: Logger,
  ) {
    this.current = members[0].name;
  }

  /** Who takes the results. */
  get active(): string {
    return this.current;
  }

  async send(batch: readonly PendingResult[], signal: AbortSignal): Promise<readonly Verdict[]> {
    const ready = this.members.filter(({ breaker }) => breaker.waitMs === 0);
    const reasons: string[] = [];
    // When nobody is ready the caller has waited long enough by itself.
    for (const member of ready.length > 0 ? ready : this.members) {
      const isProbe = member.breaker.state === "half-open" && batch.length > 1;
      const first = await this.attempt(member, isProbe ? batch.slice(0, 1) : batch, signal);
      if (signal.aborted) throw signal.reason;
      if (typeof first === "string") {
        reasons.push(`${member.name}: ${first}`);
        continue;
      }
      this.changeTo(member.name, reasons);
      if (!isProbe || first[0]?.kind === "failed") return first;
      return [...first, ...(await this.rest(member, batch.slice(1), signal))];
    }
    throw new GatewayError("UNAVAILABLE", reasons.join("; "));
  }

  async close(): Promise<void> {
    await Promise.all(this.members.map(({ sender }) => sender.close()));
  }

  /** What the member says, or why it could not be reached. */
  private async attempt(
    { sender, breaker }: FailoverMember,
    batch: readonly PendingResult[],
    signal: AbortSignal,
  ): Promise<readonly Verdict[] | string> {
    try {
      const verdicts = await sender.send(batch, signal);
      const failure = verdicts.find(({ kind }) => kind === "failed");
      if (verdicts.every(({ kind }) => kind === "failed")) {
        breaker.failed();
        return failure?.kind === "failed" ? failure.reason : "no answer";
      }
      breaker.succeeded();
      return verdicts;
    } catch (thrown) {
      if (thrown instanceof BatchRefused) {
        breaker.succeeded();
        throw thrown;
      }
      if (!signal.aborted) breaker.failed();
      return errorText(thrown);
    }
  }

  /** The rest of a batch whose first result has arrived: what fails of it is sent again without that one. */
  private async rest(
    { sender, breaker }: FailoverMember,
    batch: readonly PendingResult[],
    signal: AbortSignal,
  ): Promise<readonly Verdict[]> {
    try {
      return await sender.send(batch, signal);
    } catch (thrown) {
      if (!(thrown instanceof BatchRefused)) breaker.failed();
      return batch.map(() => ({ kind: "failed", reason: errorText(thrown) }));
    }
  }

  private changeTo(name: string, reasons: readonly string[]): void {
    if (name === this.current) return;
    const [primary] = this.members;
    if (name === primary.name) this.log.info(`${name}: takes its results again`);
    else this.log.warn(`${primary.name}: ${name} takes over: ${reasons.join("; ") || "the others can't be reached"}`);
    this.current = name;
  }
}
