import type { Clock } from "../kernel/clock.js";

/** An answer needs this share of the caller's time for its way back, but no more than {@link longestMarginMs}. */
const marginShare = 0.1;
const longestMarginMs = 250;

/** Later than this is never: timers count no further. */
const furthestMs = 2 ** 31 - 1;

/**
 * Until when an owner may work so that the answer still reaches the caller.
 *
 * @param leftMs how long the caller waits; Infinity for as long as it takes
 * @returns a point of the monotonic clock in milliseconds, or `undefined` for as long as it takes
 */
export function answerBy(leftMs: number, clock: Pick<Clock, "monotonic">): number | undefined {
  if (!Number.isFinite(leftMs) || leftMs > furthestMs) return undefined;
  return clock.monotonic() + leftMs - Math.min(longestMarginMs, Math.max(0, leftMs) * marginShare);
}
