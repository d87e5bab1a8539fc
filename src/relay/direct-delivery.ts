import type { Clock } from "../kernel/clock.js";
import { sendInParts } from "./batch-parts.js";
import type { PendingResult } from "./incoming-results.js";
import type { Sender, Verdict } from "./relay.js";

/** The break before the first retry; whoever waits for the answer has no time for long ones. */
const firstPauseMs = 250;

interface DirectDelivery {
  readonly sender: Pick<Sender, "send">;
  /** How many results go out together. */
  readonly batchSize: number;
  readonly retries: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Sends results while somebody waits for the answer: nothing rests on disk, and what fails is tried again a few times.
 * Answers a verdict for each result, in order.
 */
export async function deliverDirectly(
  results: readonly PendingResult[],
  { sender, batchSize, retries, clock, signal }: DirectDelivery,
): Promise<readonly Verdict[]> {
  const verdicts = new Array<Verdict>(results.length).fill({ kind: "failed", reason: "It was not sent" });
  let open = [...results.keys()];
  for (let attempt = 0; ; attempt++) {
    for (let from = 0; from < open.length; from += batchSize) {
      const batch = open.slice(from, from + batchSize);
      if (!(await sendOnce(batch))) break;
    }
    open = open.filter((index) => verdicts[index]?.kind === "failed");
    if (open.length === 0 || attempt >= retries || signal.aborted) return verdicts;
    await pause(clock, firstPauseMs * 2 ** attempt, signal);
  }

  /** Whether it makes sense to go on with what comes behind. */
  async function sendOnce(indexes: readonly number[]): Promise<boolean> {
    const batch = indexes.flatMap((index) => results[index] ?? []);
    let done = 0;
    let failure: Verdict | undefined;
    for await (const part of sendInParts(sender, batch, signal)) {
      for (const verdict of part) {
        const index = indexes[done++];
        if (index !== undefined) verdicts[index] = verdict;
        if (verdict.kind === "failed") failure = verdict;
      }
    }
    if (failure === undefined) return true;
    for (const index of open.slice(open.indexOf(indexes[0] ?? 0) + done)) verdicts[index] = failure;
    return false;
  }
}

function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      cancel();
      signal.removeEventListener("abort", end);
      resolve();
    };
    const cancel = clock.after(ms, end);
    if (signal.aborted) end();
    else signal.addEventListener("abort", end, { once: true });
  });
}
