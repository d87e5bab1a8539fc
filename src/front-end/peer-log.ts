import type { Clock } from "../kernel/clock.js";
import type { Logger } from "../kernel/log.js";

/** Peers and kinds that are remembered. */
const maxEntries = 10_000;

/** Says what is wrong with what peers send, but not all the time of each peer and kind: peers come back. */
export class PeerLog {
  private readonly said = new Map<string, { at: number; more: number }>();

  constructor(
    private readonly log: Logger,
    private readonly clock: Clock,
    /** How long nothing of the same kind is said of the same peer, in milliseconds. */
    private readonly quietMs = 60_000,
  ) {}

  /** @param kind what is repeated, a word of the caller's */
  warn(peer: string, kind: string, text: string): void {
    this.say("warn", peer, kind, text);
  }

  /** What is no trouble of this machine. */
  info(peer: string, kind: string, text: string): void {
    this.say("info", peer, kind, text);
  }

  private say(level: "warn" | "info", peer: string, kind: string, text: string): void {
    const key = `${kind} ${peer}`;
    const now = this.clock.monotonic();
    const before = this.said.get(key);
    if (before !== undefined && now - before.at < this.quietMs) {
      before.more++;
      return;
    }
    const more =
      before === undefined || before.more === 0 ? "" : ` (and ${before.more} times more since the last time)`;
    this.said.delete(key);
    if (this.said.size >= maxEntries) this.said.delete(this.said.keys().next().value ?? "");
    this.said.set(key, { at: now, more: 0 });
    this.log[level](`${text}${more}`);
  }
}
