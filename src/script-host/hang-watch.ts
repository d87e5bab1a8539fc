import type { Clock } from "../kernel/clock.js";
import type { Logger } from "../kernel/log.js";
import type { Overdue, ScriptSession } from "./script-session.js";

/** What happens to a script that hangs: it is ended and started again, or it is left alone and only reported. */
export type TimeoutAction = "restart" | "report";

/** What a script that answered too late has to say whether it could do anything else meanwhile; and its process. */
const probeMs = 1_000;

export interface HangEvents {
  /** It can't be told yet: who asks now had better wait. */
  hold(): void;
  /** The script reacts. */
  release(): void;
  /** The script hangs and is to be ended. */
  hangs(reason: string): void;
  /** The whole process does not react; the text says who was waited for. */
  isStuck(reason: string): void;
}

/**
 * Finds out whether a script that was late hangs, in one of its lives.
 *
 * Three things are told apart: a callback that is slow while others of the script go on (its `ping` is answered), a script
 * that can run nothing else (it is not), and an interpreter that does not even say where its scripts are (`where` is not
 * answered either). Hosts that don't know `where` are taken to react.
 */
export class HangWatch {
  private asking = false;
  private pinging = false;
  /** The process said something since the script was asked for a sign of life. */
  private processReacts = false;
  private place: string | undefined;
  private hanging = false;

  constructor(
    private readonly parts: {
      readonly name: string;
      readonly action: TimeoutAction;
      readonly clock: Clock;
      readonly log: Logger;
    },
    private readonly session: Pick<ScriptSession, "request" | "where" | "tellsWhere">,
    private readonly events: HangEvents,
  ) {}

  /** What the status says about a script that hangs; empty when it does not. */
  get report(): string {
    if (!this.hanging) return "";
    return this.place === undefined ? "hangs" : `hangs at ${this.place}`;
  }

  /** Nobody waits for the callback any more. */
  overdue(callback: Overdue): void {
    if (!this.pinging) this.processReacts = !this.session.tellsWhere;
    this.askWhere(callback);
    if (this.pinging) return;
    this.pinging = true;
    const { clock, action } = this.parts;
    const since = clock.monotonic();
    if (action === "restart") this.events.hold();
    const cancel = clock.after(probeMs, () => this.unanswered());
    this.session.request({ t: "ping" }).then(() => {
      cancel();
      this.reacts(since);
    }, cancel);
  }

  private askWhere({ id, what }: Overdue): void {
    if (this.asking || !this.session.tellsWhere) return;
    this.asking = true;
    const cancel = this.parts.clock.after(probeMs, () => {
      this.events.isStuck(`${what} of ${this.parts.name} did not react any more`);
    });
    this.session.where(id).then((found) => {
      cancel();
      this.asking = false;
      this.processReacts = true;
      if (!this.hanging) this.place = found?.place ?? this.place;
    }, cancel);
  }

  private unanswered(): void {
    const { name, action, log } = this.parts;
    const { place } = this;
    // The process was asked before the script, so that it has been found stuck by now.
    if (!this.processReacts) return;
    if (action === "restart") {
      this.events.hangs(`it did not react any more${place === undefined ? "" : `: ${place}`}`);
      return;
    }
    this.hanging = true;
    log.warn(`${name} ${this.report}`, { script: name });
  }

  private reacts(since: number): void {
    const { name, action, clock, log } = this.parts;
    this.pinging = false;
    if (this.hanging) {
      this.hanging = false;
      const seconds = Math.round((clock.monotonic() - since) / 100) / 10;
      log.info(`${name} answers again, ${seconds} s late`, { script: name });
    }
    this.place = undefined;
    if (action === "restart") this.events.release();
  }
}
