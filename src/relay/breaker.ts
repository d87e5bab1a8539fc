import type { Clock } from "../kernel/clock.js";

interface BreakerParts {
  /** After so many failures in a row it opens. */
  readonly failures: number;
  /** The longest break after the first failure; it doubles with each one that follows. */
  readonly delayMs: number;
  readonly maximumDelayMs: number;
  readonly clock: Clock;
  /** A number from 0 to 1, so that many who fail together do not come back together. */
  readonly random: () => number;
}

type BreakerState = "closed" | "open" | "half-open";

/**
 * When to try a receiver again: after exponentially growing breaks of random length (full jitter), and after some failures
 * in a row only with a single result, until one arrives.
 */
export class Breaker {
  private inARow = 0;
  private retryAt = Number.NEGATIVE_INFINITY;

  constructor(private readonly parts: BreakerParts) {}

  get state(): BreakerState {
    if (this.inARow < this.parts.failures) return "closed";
    return this.waitMs > 0 ? "open" : "half-open";
  }

  /** How long nothing is to be tried, in milliseconds. */
  get waitMs(): number {
    return Math.max(0, this.retryAt - this.parts.clock.monotonic());
  }

  succeeded(): void {
    this.inARow = 0;
    this.retryAt = Number.NEGATIVE_INFINITY;
  }

  failed(): void {
    const { delayMs, maximumDelayMs, clock, random } = this.parts;
    const longest = Math.min(maximumDelayMs, delayMs * 2 ** Math.min(this.inARow, 30));
    this.inARow++;
    // At least a moment: a receiver that refuses at once is not to be asked as fast as the machine can.
    this.retryAt = clock.monotonic() + Math.max(1, Math.round(random() * longest));
  }
}
