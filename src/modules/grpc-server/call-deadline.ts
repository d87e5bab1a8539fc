import type { Clock } from "../../kernel/clock.js";

/** An answer needs this share of the caller's time for its way back, but no more than {@link longestMarginMs}. */
const marginShare = 0.1;
const longestMarginMs = 250;

/** Later than this is never: timers count no further. */
const furthestMs = 2 ** 31 - 1;

/**
 * Until when an owner may work so that the answer still reaches the caller.
 *
 * @param deadline as grpc-js has it: milliseconds since the epoch, a Date, or Infinity for none
 * @returns a point of the monotonic clock in milliseconds, or `undefined` for as long as it takes
 */
export function ownDeadline(deadline: number | Date, clock: Clock): number | undefined {
  if (deadline === Number.POSITIVE_INFINITY) return undefined;
  const left = Number(deadline) - clock.now();
  if (!Number.isFinite(left) || left > furthestMs) return undefined;
  return clock.monotonic() + left - Math.min(longestMarginMs, Math.max(0, left) * marginShare);
}
