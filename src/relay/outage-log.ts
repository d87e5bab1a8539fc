import type { Clock } from "../kernel/clock.js";
import { secondsText } from "../kernel/deadlines.js";
import type { Logger } from "../kernel/log.js";

/** How often an outage that goes on is told again. */
const reminderMs = 600_000;

/** An outage that begins so soon after one that was told is told only when it lasts. */
const quietMs = 60_000;

interface OutageLogParts {
  readonly target: string;
  readonly log: Logger;
  readonly clock: Clock;
  /** How many results wait for the target. */
  waiting(): number;
}

/**
 * Tells once that a target is down and once that it is back, in between only now and then that it still is, and of one that
 * comes and goes only how often it went.
 */
export class OutageLog {
  private since: number | undefined;
  private isTold = false;
  private lastTold = Number.NEGATIVE_INFINITY;
  private untold = 0;

  constructor(private readonly parts: OutageLogParts) {}

  failed(reason: string): void {
    const { target, log, clock, waiting } = this.parts;
    const now = clock.monotonic();
    this.since ??= now;
    if (now - this.lastTold < (this.isTold ? reminderMs : quietMs)) return;
    this.lastTold = now;
    if (this.isTold) {
      log.warn(`${target}: down for ${secondsText(now - this.since)} s, ${waiting()} results wait: ${reason}`);
      return;
    }
    this.isTold = true;
    const before = this.untold === 0 ? "" : ` (and ${this.untold} times since it was told)`;
    this.untold = 0;
    log.warn(`${target}: results wait, for they can't be delivered: ${reason}${before}`);
  }

  succeeded(): void {
    if (this.since === undefined) return;
    const { target, log, clock, waiting } = this.parts;
    const downMs = clock.monotonic() - this.since;
    this.since = undefined;
    if (this.isTold) log.info(`${target}: back after ${secondsText(downMs)} s, ${waiting()} results wait`);
    else this.untold++;
    this.isTold = false;
  }
}
