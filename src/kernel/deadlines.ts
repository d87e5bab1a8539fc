import type { Clock } from "./clock.js";

/** Deadlines are kept to this many milliseconds; those that fall together share one timer. */
const granularity = 10;

/** Many deadlines, few timers: a gateway with thousands of checks in flight sets one timer per slot of 10 ms. */
export class Deadlines {
  private readonly slots = new Map<number, { entries: Set<() => void>; cancel: () => void }>();

  constructor(private readonly clock: Clock) {}

  /**
   * Calls `expire` once when the monotonic clock passes `at` (never before it).
   *
   * @returns a function that takes the deadline back
   */
  add(at: number, expire: () => void): () => void {
    const slotAt = Math.ceil(at / granularity) * granularity;
    let slot = this.slots.get(slotAt);
    if (slot === undefined) {
      const entries = new Set<() => void>();
      const cancel = this.clock.after(Math.max(0, slotAt - this.clock.monotonic()), () => {
        this.slots.delete(slotAt);
        for (const entry of entries) entry();
      });
      slot = { entries, cancel };
      this.slots.set(slotAt, slot);
    }
    const { entries, cancel } = slot;
    entries.add(expire);
    return () => {
      if (!entries.delete(expire) || entries.size > 0 || this.slots.get(slotAt)?.entries !== entries) return;
      this.slots.delete(slotAt);
      cancel();
    };
  }
}
