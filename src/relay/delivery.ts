import type { Clock } from "../kernel/clock.js";
import { errorText } from "../kernel/errors.js";
import type { Logger } from "../kernel/log.js";
import type { ClaimLimits, Settlement, SpoolQueue, SpoolRecord } from "../spool/spool.js";
import { sendInParts } from "./batch-parts.js";
import type { Breaker } from "./breaker.js";
import { decodeResult, type PendingResult } from "./incoming-results.js";
import type { OutageLog } from "./outage-log.js";
import type { Sender, Verdict } from "./relay.js";

interface DeliveryParts {
  readonly target: string;
  readonly queue: SpoolQueue;
  readonly sender: Sender;
  readonly limits: ClaimLimits;
  readonly breaker: Breaker;
  readonly outage: OutageLog;
  readonly clock: Clock;
  readonly log: Logger;
  /** Counted on: a reload does not begin again. */
  readonly figures: DeliveryFigures;
}

/** How the deliveries to a target went. */
export interface DeliveryFigures {
  delivered: number;
  refused: number;
  retried: number;
  failures: number;
  lastError: string;
  lastErrorMs: number;
}

export function noDeliveries(): DeliveryFigures {
  return { delivered: 0, refused: 0, retried: 0, failures: 0, lastError: "", lastErrorMs: 0 };
}

/** How long a batch in flight may take to its end when the worker is stopped, and then to give up. */
const patienceMs = 5_000;
const giveUpMs = 2_000;

/** How long the worker waits when the spool itself fails. */
const spoolPauseMs = 5_000;

/**
 * Brings what waits in one queue to its receiver, in order and one batch at a time:
 *
 *     claim → send → what became of it → ONE settle, on disk → next
 *
 * What fails stays and is sent again after a break. What the receiver refuses for good becomes a dead letter with its
 * words. So a crash repeats one batch and no more.
 */
export class DeliveryWorker {
  private readonly figures: DeliveryFigures;
  private readonly controller = new AbortController();
  private isEnding = false;
  private hasNews = false;
  private wake = () => {};
  private highestSent = 0;
  private running: Promise<void> = Promise.resolve();
  private readonly stopListening: () => void;

  constructor(private readonly parts: DeliveryParts) {
    this.figures = parts.figures;
    this.stopListening = parts.queue.onAppended(() => {
      this.hasNews = true;
      this.wake();
    });
  }

  start(): void {
    this.running = this.run();
  }

  /**
   * Waits for the batch in flight, ends it when it takes too long, and gives the queue up. What has no answer by then
   * stays in the queue.
   */
  async stop(): Promise<void> {
    this.isEnding = true;
    this.stopListening();
    this.wake();
    const { clock, queue, sender, log, target } = this.parts;
    if (!(await isDoneIn(this.running, patienceMs, clock))) {
      this.controller.abort(new Error("The relay is stopped"));
      if (!(await isDoneIn(this.running, giveUpMs, clock))) log.error(`${target}: a batch can't be ended`);
    }
    await sender.close();
    queue.release();
  }

  private async run(): Promise<void> {
    const { breaker, queue, limits, log, target } = this.parts;
    while (!this.isEnding) {
      if (breaker.waitMs > 0) {
        await this.sleep(breaker.waitMs);
        continue;
      }
      this.hasNews = false;
      try {
        const isProbe = breaker.state === "half-open";
        const records = await queue.claim(isProbe ? { ...limits, count: 1 } : limits);
        if (this.isEnding) return;
        if (records.length === 0) await this.untilNews();
        else await this.deliver(records);
      } catch (thrown) {
        if (this.isEnding) return;
        log.error(`${target}: the spool fails: ${errorText(thrown)}`, { error: thrown });
        await this.sleep(spoolPauseMs);
      }
    }
  }

  private async deliver(records: readonly SpoolRecord[]): Promise<void> {
    const { queue, sender, breaker, outage, target, log } = this.parts;
    const readable: SpoolRecord[] = [];
    const results: PendingResult[] = [];
    const unreadable: Settlement["bury"][number][] = [];
    for (const record of records) {
      try {
        results.push(decodeResult(record.bytes));
        readable.push(record);
      } catch (thrown) {
        unreadable.push({ sequence: record.sequence, reason: `It can't be read: ${errorText(thrown)}` });
      }
    }
    if (unreadable.length > 0) {
      log.error(`${target}: ${unreadable.length} results can't be read and are dead letters`);
      await queue.settle({ remove: [], bury: unreadable });
    }
    if (results.length === 0) return;
    this.countSent(readable);
    let done = 0;
    let failure: string | undefined;
    for await (const verdicts of sendInParts(sender, results, this.controller.signal)) {
      const part = settlementOf(verdicts, readable.slice(done, done + verdicts.length));
      this.tellRefused(part.refused);
      done += verdicts.length;
      const { remove, bury } = part.settlement;
      if (remove.length + bury.length > 0) {
        // On disk before anything else is sent, or a crash would repeat more than one batch.
        await queue.settle(part.settlement);
        this.figures.delivered += remove.length;
        this.figures.refused += bury.length;
        breaker.succeeded();
        if (part.failure === undefined) outage.succeeded();
      }
      failure = part.failure ?? failure;
    }
    if (failure !== undefined && !this.controller.signal.aborted) this.fail(failure);
  }

  private fail(reason: string): void {
    const { breaker, outage, clock } = this.parts;
    this.figures.failures++;
    this.figures.lastError = reason;
    this.figures.lastErrorMs = clock.now();
    breaker.failed();
    outage.failed(reason);
  }

  private countSent(records: readonly SpoolRecord[]): void {
    this.figures.retried += records.filter(({ sequence }) => sequence <= this.highestSent).length;
    this.highestSent = Math.max(this.highestSent, ...records.map(({ sequence }) => sequence));
  }

  /** A line for each part, with the first of what was refused in it. */
  private tellRefused([first, ...others]: readonly { subject: string; reason: string }[]): void {
    if (first === undefined) return;
    const more = others.length === 0 ? "" : ` (and ${others.length} more)`;
    this.parts.log.warn(`${this.parts.target}: ${first.subject} was refused: ${first.reason}${more}`);
  }

  private untilNews(): Promise<void> {
    if (this.hasNews || this.isEnding) return Promise.resolve();
    return new Promise((resolve) => {
      this.wake = resolve;
    });
  }

  /** Ends early only when the worker is stopped: news do not shorten the breaks of a receiver that is down. */
  private sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.parts.clock.after(ms, resolve);
      this.wake = () => {
        if (!this.isEnding) return;
        cancel();
        resolve();
      };
      this.wake();
    });
  }
}

/**
 * What of a part leaves the queue. A result that arrived behind one that failed and is about the same subject stays: it is
 * sent again behind that one, or the receiver would be left with the older state.
 */
function settlementOf(
  verdicts: readonly Verdict[],
  records: readonly SpoolRecord[],
): {
  settlement: Settlement;
  refused: { subject: string; reason: string }[];
  failure: string | undefined;
} {
  const remove: number[] = [];
  const bury: Settlement["bury"][number][] = [];
  const refused: { subject: string; reason: string }[] = [];
  const waiting = new Set<string>();
  let failure: string | undefined;
  for (const [index, verdict] of verdicts.entries()) {
    const record = records[index];
    if (record === undefined) continue;
    const { sequence, subject } = record;
    if (verdict.kind === "failed") {
      failure ??= verdict.reason;
      waiting.add(subject);
    } else if (verdict.kind === "refused") {
      bury.push({ sequence, reason: verdict.reason });
      refused.push({ subject, reason: verdict.reason });
    } else if (!waiting.has(subject)) remove.push(sequence);
  }
  return { settlement: { remove, bury }, refused, failure };
}

function isDoneIn(work: Promise<void>, ms: number, clock: Clock): Promise<boolean> {
  return new Promise((resolve) => {
    const cancel = clock.after(ms, () => resolve(false));
    const done = () => {
      cancel();
      resolve(true);
    };
    work.then(done, done);
  });
}
