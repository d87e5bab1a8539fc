import type { Clock } from "../../kernel/clock.js";

/** How long packets are decrypted before everything else in the process has its turn, in milliseconds. */
const turnMs = 10;

/**
 * Keeps decryption from holding up the rest of the gateway. A packet with a slow cipher takes milliseconds, and hundreds
 * of connections may have one ready at once: together they get a turn of the event loop's, and then others do.
 */
export class Turns {
  private startedAt = 0;
  private end: Promise<void> | undefined;

  constructor(private readonly clock: Clock) {}

  /**
   * To be asked before each packet, and again after waiting: others may have used up the turn meanwhile.
   * @returns undefined when the packet may be decrypted at once, else what to wait for
   */
  wait(): Promise<void> | undefined {
    if (this.end === undefined) this.begin();
    return this.clock.monotonic() - this.startedAt < turnMs ? undefined : this.end;
  }

  private begin(): void {
    this.startedAt = this.clock.monotonic();
    this.end = new Promise((resolve) => {
      setImmediate(() => {
        this.end = undefined;
        resolve();
      });
    });
  }
}
