import { answerBy } from "../../front-end/call-deadline.js";
import type { Clock } from "../../kernel/clock.js";

/**
 * Until when an owner may work so that the answer still reaches the caller.
 *
 * @param deadline as grpc-js has it: milliseconds since the epoch, a Date, or Infinity for none
 * @returns a point of the monotonic clock in milliseconds, or `undefined` for as long as it takes
 */
export function ownDeadline(deadline: number | Date, clock: Clock): number | undefined {
  return answerBy(Number(deadline) - clock.now(), clock);
}
