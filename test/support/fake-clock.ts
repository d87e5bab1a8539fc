import type { Clock } from "../../src/kernel/clock.js";

interface Timer {
  readonly at: number;
  readonly fire: () => void;
}

/** A clock that stands still until a test moves it; timers fire in the order of their times. */
export class FakeClock implements Clock {
  private elapsed = 0;
  private readonly timers = new Set<Timer>();

  constructor(private readonly epoch = Date.UTC(2030, 0, 1)) {}

  now(): number {
    return this.epoch + this.elapsed;
  }

  monotonic(): number {
    return this.elapsed;
  }

  after(ms: number, fire: () => void): () => void {
    const timer = { at: this.elapsed + ms, fire };
    this.timers.add(timer);
    return () => this.timers.delete(timer);
  }

  /** How many timers wait. */
  get waiting(): number {
    return this.timers.size;
  }

  /** Moves the clock by so many milliseconds and fires what falls due on the way. */
  advance(ms: number): void {
    const until = this.elapsed + ms;
    for (;;) {
      const next = this.earliest();
      if (next === undefined || next.at > until) break;
      this.timers.delete(next);
      this.elapsed = Math.max(this.elapsed, next.at);
      next.fire();
    }
    this.elapsed = until;
  }

  private earliest(): Timer | undefined {
    let earliest: Timer | undefined;
    for (const timer of this.timers) if (earliest === undefined || timer.at < earliest.at) earliest = timer;
    return earliest;
  }
}
