import type { Clock } from "../kernel/clock.js";

/** How many crashes in {@link crashWindowMs} end the attempts. */
export const crashLimit = 3;
export const crashWindowMs = 5 * 60_000;

/** Waits before the restarts that follow each other within the window. */
export const backOffMs = [250, 2_000];

/** Decides when something that crashed is started again, and when no more. */
export class RestartPolicy {
  private crashes: number[] = [];

  constructor(private readonly clock: Clock) {}

  /** @returns milliseconds to wait before the restart, or `undefined` to give up: it was the third crash in 5 minutes */
  afterCrash(): number | undefined {
    const now = this.clock.monotonic();
    this.crashes = this.crashes.filter((at) => now - at < crashWindowMs);
    this.crashes.push(now);
    return this.crashes.length >= crashLimit ? undefined : backOffMs[this.crashes.length - 1];
  }
}

/** Waits before a script is started again that had to be ended because it hung; a hanging script is never given up. */
const hangBackOffMs = [0, 0, 1_000, 5_000, 15_000, 60_000];

/** Like {@link RestartPolicy} for scripts that hang: what polls them meanwhile shall not cost a processor for good. */
export class HangPolicy {
  private hangs: number[] = [];

  constructor(private readonly clock: Clock) {}

  afterHang(): number {
    const now = this.clock.monotonic();
    this.hangs = this.hangs.filter((at) => now - at < crashWindowMs);
    this.hangs.push(now);
    return hangBackOffMs[Math.min(this.hangs.length, hangBackOffMs.length) - 1] ?? 0;
  }
}
