import { randomInt } from "node:crypto";
import type { Clock } from "../kernel/clock.js";
import type { Principal } from "../kernel/principal.js";

/** How long a token of a login is good; it is not renewed by being used. */
const lifetimeMs = 8 * 3_600_000;
/** So many logins are open at once; the oldest end when there are more. */
const maxSessions = 4096;
/** A token has 190 random bits. */
const tokenLength = 32;
const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

interface Session {
  readonly principal: Principal;
  /** The name of the user; undefined for whoever is in no table of users. */
  readonly user: string | undefined;
  /** On the monotonic clock. */
  readonly until: number;
}

/** Those who logged in and were given a token for their further calls. A restart of the gateway ends all of them. */
export class Sessions {
  /** By token, the oldest first: all live equally long. */
  readonly #sessions = new Map<string, Session>();

  constructor(private readonly clock: Pick<Clock, "monotonic">) {}

  /** Begins a session. @returns its token, 32 letters and digits */
  open(principal: Principal, user: string | undefined): string {
    const token = makeToken();
    this.#sessions.set(token, { principal, user, until: this.clock.monotonic() + lifetimeMs });
    if (this.#sessions.size > maxSessions) {
      const oldest = this.#sessions.keys().next().value;
      if (oldest !== undefined) this.#sessions.delete(oldest);
    }
    return token;
  }

  find(token: string): Principal | undefined {
    const session = this.#sessions.get(token);
    if (session === undefined) return undefined;
    if (session.until > this.clock.monotonic()) return session.principal;
    this.#sessions.delete(token);
    return undefined;
  }

  /** @returns whether there was such a session */
  close(token: string): boolean {
    return this.#sessions.delete(token);
  }

  /**
   * Keeps the sessions of users who stayed as they were, with what they may do from then on; all others end.
   * @param stays the principal of a user of that name; undefined ends the session
   */
  renew(stays: (user: string) => Principal | undefined): void {
    for (const [token, session] of this.#sessions) {
      const principal = session.user === undefined ? undefined : stays(session.user);
      if (principal === undefined) this.#sessions.delete(token);
      else this.#sessions.set(token, { ...session, principal });
    }
  }
}

function makeToken(): string {
  return Array.from({ length: tokenLength }, () => alphabet[randomInt(alphabet.length)]).join("");
}
