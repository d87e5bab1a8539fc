import type { Call } from "./call.js";
import type { Clock } from "./clock.js";

/** Who works on calls and can say what a late one waits for. */
export interface Witness {
  /** Such as `disk is at check_disk.py:12 in check`; undefined: it is not known, or there is nothing to wait for any more. */
  locate(call: Call): Promise<string | undefined>;
  /** What is said when `locate` takes too long. */
  readonly silence: string;
}

/** How long the answer of a late call waits for its explanation. */
export const explainMs = 100;

/** In less than this nobody can be expected to say anything. */
const shortestMs = 20;

/** Front ends keep a tenth of a caller's time for the way back of the answer; the explanation may have half of that. */
const shareOfDeadline = 0.05;

/**
 * How long the explanation of a call that is late may take, so that a caller with a deadline still gets its answer.
 *
 * @param started when the call began, on the monotonic clock
 */
export function timeToExplain(call: Call, started: number, now: number): number {
  const { deadline } = call;
  if (deadline === undefined) return explainMs;
  return Math.min(explainMs, deadline + (deadline - started) * shareOfDeadline - now);
}

/**
 * Adds to the text about a late call what its witness says, and hands it on once: immediately where there is no witness,
 * otherwise after `withinMs` at the latest.
 */
export function explain(
  clock: Clock,
  call: Call,
  text: string,
  withinMs: number,
  tell: (explained: string) => void,
): void {
  const { witness } = call;
  if (witness === undefined || withinMs < shortestMs) {
    tell(text);
    return;
  }
  let told = false;
  const say = (place: string | undefined) => {
    if (told) return;
    told = true;
    cancel();
    tell(place === undefined ? text : `${text}: ${place}`);
  };
  // Of a short time nothing can be concluded.
  const cancel = clock.after(withinMs, () => say(withinMs >= explainMs ? witness.silence : undefined));
  witness.locate(call).then(say, () => say(undefined));
}
