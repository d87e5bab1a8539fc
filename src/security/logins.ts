import { createHmac, randomBytes } from "node:crypto";
import type { Clock } from "../kernel/clock.js";
import { GatewayError } from "../kernel/errors.js";
import type { Principal } from "../kernel/principal.js";
import type { LoginMemory, RememberedLogin } from "./login-memory.js";
import type { LoginThrottle } from "./throttle.js";
import { Users } from "./users.js";

/** How long a password that was right is not hashed again. Milliseconds. */
const rememberMs = 5 * 60_000;
const maxRemembered = 1_000;
/** Passwords that are hashed at a time; a hash takes a thread of Node's pool of four. */
const maxHashing = 2;
const maxWaiting = 64;

/**
 * Logins with name and password. A poller that sends its password with every call pays for one hash in five minutes, and
 * calls that come with it at the same time share that one.
 */
export class Logins {
  /** Remembered logins are looked up by a hash that is worth nothing outside of this process. */
  readonly #key = randomBytes(32);
  readonly #remembered = new Map<string, RememberedLogin>();
  readonly #running = new Map<string, Promise<Principal | undefined>>();
  readonly #waiting: (() => void)[] = [];
  #hashing = 0;
  #users = new Users();
  #makePrincipal: ((name: string, role: string) => Principal) | undefined;

  constructor(
    private readonly clock: Pick<Clock, "monotonic">,
    private readonly throttle: LoginThrottle,
  ) {}

  /** Takes new users; whoever logged in before has to be checked again. */
  use(users: Users, makePrincipal: (name: string, role: string) => Principal): void {
    this.#users = users;
    this.#makePrincipal = makePrincipal;
    for (const login of this.#remembered.values()) login.until = 0;
    this.#remembered.clear();
    this.#running.clear();
  }

  /**
   * The principal of the user; undefined when user or password are wrong.
   * @throws GatewayError UNAUTHENTICATED when the address tries too many at once, RESOURCE_EXHAUSTED when all do
   */
  async login(user: string, password: string, peer: string): Promise<Principal | undefined> {
    const known = this.known(user, password, peer);
    if (known !== undefined) return known;
    const key = this.#keyOf(user, password);
    const runningKey = `${key} ${peer}`;
    const running = this.#running.get(runningKey);
    if (running !== undefined) return running;
    const checking = this.#check(user, password, peer, key);
    this.#running.set(runningKey, checking);
    try {
      return await checking;
    } finally {
      if (this.#running.get(runningKey) === checking) this.#running.delete(runningKey);
    }
  }

  /**
   * The principal of a user whose password was right a short while ago; found without waiting.
   * @param memory of the connection that it came over
   */
  known(user: string, password: string, peer: string, memory?: LoginMemory): Principal | undefined {
    if (this.#remembered.size === 0) return undefined;
    const now = this.clock.monotonic();
    let known = memory?.recall(user, password);
    if (known === undefined || known.until <= now) {
      known = this.#remembered.get(this.#keyOf(user, password));
      if (known === undefined || known.until <= now) return undefined;
      memory?.keep(user, password, known);
    }
    this.throttle.succeeded(peer);
    return known.principal;
  }

  #keyOf(user: string, password: string): string {
    return createHmac("sha256", this.#key).update(`${user.length} ${user}${password}`).digest("base64");
  }

  async #check(user: string, password: string, peer: string, key: string): Promise<Principal | undefined> {
    const users = this.#users;
    if (this.#waiting.length >= maxWaiting) {
      throw new GatewayError("RESOURCE_EXHAUSTED", "Too many logins are being checked; try again in a moment.");
    }
    const finish = this.throttle.begin(peer);
    if (finish === undefined) {
      throw new GatewayError("UNAUTHENTICATED", `Too many logins from ${peer} at once; try again in a moment.`);
    }
    let role: string | undefined;
    try {
      role = await this.#inTurn(() => users.login(user, password));
    } finally {
      finish(role !== undefined);
    }
    // Who was a user when this began need not be one any more.
    if (users !== this.#users) return this.#check(user, password, peer, key);
    const principal = role === undefined ? undefined : this.#makePrincipal?.(user, role);
    if (principal !== undefined) this.#remember(key, principal);
    return principal;
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#hashing >= maxHashing) await new Promise<void>((resume) => this.#waiting.push(resume));
    else this.#hashing++;
    try {
      return await work();
    } finally {
      // The place goes to the next in the queue, so that nobody slips in between.
      const next = this.#waiting.shift();
      if (next === undefined) this.#hashing--;
      else next();
    }
  }

  #remember(key: string, principal: Principal): void {
    if (this.#remembered.size >= maxRemembered) {
      const oldest = this.#remembered.keys().next().value;
      if (oldest !== undefined) this.#remembered.delete(oldest);
    }
    this.#remembered.set(key, { principal, until: this.clock.monotonic() + rememberMs });
  }
}
