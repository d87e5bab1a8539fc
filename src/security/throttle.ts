import type { Clock } from "../kernel/clock.js";
import { parseIp } from "./ip-address.js";

/** When failed logins block an address. */
export interface ThrottleSettings {
  /** So many failed logins block; 0 never does. */
  readonly maxFailures: number;
  readonly blockMs: number;
}

interface Entry {
  failures: number;
  /** Logins that are being checked right now. */
  running: number;
  /** On the monotonic clock; 0 when not blocked. */
  blockedUntil: number;
  lastFailure: number;
}

/** Addresses that are remembered; a peer with more of them than this would otherwise fill the memory. */
const maxEntries = 10_000;
/** Failures that lie back so long don't count any more. */
const forgetMs = 15 * 60_000;

/**
 * Counts failed logins per address. At the limit the address is blocked for a while, also for the right credentials. An
 * IPv6 network of 64 bits counts as one address, for whoever has one address of it usually has all.
 */
export class LoginThrottle {
  readonly #entries = new Map<string, Entry>();

  constructor(
    private readonly clock: Pick<Clock, "monotonic">,
    public settings: ThrottleSettings,
  ) {}

  /** How many milliseconds the address is still blocked; 0 when it is not. */
  blockedFor(peer: string): number {
    if (this.#entries.size === 0) return 0;
    const entry = this.#entries.get(addressKey(peer));
    return entry === undefined ? 0 : Math.max(0, entry.blockedUntil - this.clock.monotonic());
  }

  /**
   * Begins to check a login. Logins that are being checked count like failures until their result is known, so that
   * nobody tries a thousand passwords before the first of them has failed.
   * @returns what to call with the result; undefined when too many of this address are being checked
   */
  begin(peer: string): ((succeeded: boolean) => void) | undefined {
    if (this.settings.maxFailures <= 0) return () => {};
    const key = addressKey(peer);
    const entry = this.#entry(key);
    if (entry.failures + entry.running >= this.settings.maxFailures) return undefined;
    entry.running++;
    return (succeeded) => {
      entry.running--;
      if (succeeded) this.succeeded(peer);
      else this.failed(peer);
    };
  }

  /** @returns whether this failure has blocked the address */
  failed(peer: string): boolean {
    const { maxFailures, blockMs } = this.settings;
    if (maxFailures <= 0) return false;
    const entry = this.#entry(addressKey(peer));
    const now = this.clock.monotonic();
    entry.failures = now - entry.lastFailure > forgetMs ? 1 : entry.failures + 1;
    entry.lastFailure = now;
    if (entry.failures < maxFailures) return false;
    entry.failures = 0;
    entry.blockedUntil = now + blockMs;
    return true;
  }

  succeeded(peer: string): void {
    if (this.#entries.size === 0) return;
    const key = addressKey(peer);
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    entry.failures = 0;
    if (entry.running === 0 && entry.blockedUntil <= this.clock.monotonic()) this.#entries.delete(key);
  }

  /** The entry moves to the end: the address that was quiet for longest is forgotten first. */
  #entry(key: string): Entry {
    const entry = this.#entries.get(key) ?? {
      failures: 0,
      running: 0,
      blockedUntil: 0,
      lastFailure: this.clock.monotonic(),
    };
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    if (this.#entries.size > maxEntries) {
      const oldest = this.#entries.keys().next().value;
      if (oldest !== undefined) this.#entries.delete(oldest);
    }
    return entry;
  }
}

function addressKey(peer: string): string {
  const address = parseIp(peer);
  if (address === undefined) return peer;
  return address.bits === 32 ? `4:${address.value}` : `6:${address.value >> 64n}`;
}
