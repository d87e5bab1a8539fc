import type { Clock } from "./clock.js";

/** A timer waits no longer than this; the timers of the operating system overflow at 2^31 ms, 25 days. */
const longestWait = 86_400_000;

/** Deadlines are kept to this many milliseconds; those that fall together share one timer. */
const granularity = 10;

/** Many deadlines, few timers: a gateway with thousands of checks in flight sets one timer per slot of 10 ms. */
export class Deadlines {
  private readonly slots = new Map<number, Slot>();

  constructor(private readonly clock: Clock) {}

  /**
   * Calls `expire` once when the monotonic clock passes `at` (never before it).
   *
   * @returns a function that takes the deadline back
   */
  add(at: number, expire: () => void): () => void {
    const slotAt = Math.ceil(at / granularity) * granularity;
    const slot = this.slots.get(slotAt) ?? this.open(slotAt);
    const entry = { expire };
    slot.entries.add(entry);
    return () => {
      if (!slot.entries.delete(entry) || slot.entries.size > 0 || this.slots.get(slotAt) !== slot) return;
      this.slots.delete(slotAt);
      slot.cancel();
    };
  }

  private open(slotAt: number): Slot {
    const slot: Slot = { entries: new Set(), cancel: () => {} };
    this.slots.set(slotAt, slot);
    this.wait(slotAt, slot);
    return slot;
  }

  /** Timers may fire a little early, and a far deadline is waited for in stages. */
  private wait(slotAt: number, slot: Slot): void {
    const left = Math.min(longestWait, Math.max(0, Math.ceil(slotAt - this.clock.monotonic())));
    slot.cancel = this.clock.after(left, () => {
      if (this.clock.monotonic() < slotAt) return this.wait(slotAt, slot);
      this.slots.delete(slotAt);
      for (const { expire } of slot.entries) expire();
    });
  }
}

/** A duration for people, in seconds: `60` where they are whole, otherwise with what matters behind the point: `0.25`. */
export function secondsText(ms: number): string {
  return String(Math.round(Math.max(0, ms)) / 1000);
}

interface Slot {
  readonly entries: Set<{ readonly expire: () => void }>;
  cancel: () => void;
}
