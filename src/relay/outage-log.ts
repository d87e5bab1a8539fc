import type { Clock } from "../kernel/clock.js";
import { secondsText } from "../kernel/deadlines.js";
import type { Logger } from "../kernel/log.js";

/** How often an outage that goes on is told again. */
const reminderMs = 600_000;

interface OutageLogParts {
  readonly target: string;
  readonly log: Logger;
  readonly clock: Clock;
  /** How many results wait for the target. */
  waiting(): number;
}

/** Tells once that a target is down and once that it is back, and in between only now and then that it still is. */
export class OutageLog {
  private since: number | undefined;
  private told = 0;

  constructor(private readonly parts: OutageLogParts) {}

  failed(reason: string): void {
    const { target, log, clock, waiting } = this.parts;
    const now = clock.monotonic();
    if (this.since === undefined) {
      this.since = now;
      this.told = now;
      log.warn(`${target}: results wait, for they can't be delivered: ${reason}`);
    } else if (now - this.told >= reminderMs) {
      this.told = now;
      log.warn(`${target}: down for ${secondsText(now - this.since)} s, ${waiting()} results wait: ${reason}`);
    }
  }

  succeeded(): void {
    if (this.since === undefined) return;
    const { target, log, clock, waiting } = this.parts;
    const downMs = clock.monotonic() - this.since;
    this.since = undefined;
    log.info(`${target}: back after ${secondsText(downMs)} s, ${waiting()} results wait`);
  }
}
