import type { Principal } from "../kernel/principal.js";

/** Whose password was right, and until when that is believed on the monotonic clock. */
export interface RememberedLogin {
  readonly principal: Principal;
  /** 0 once the user may have changed. */
  until: number;
}

/**
 * The last right login of a connection. Whoever shows it again over the same connection is known without a hash.
 *
 * It belongs to one peer alone: passwords are compared here as texts, and somebody else could measure how much of one he has
 * guessed.
 */
export class LoginMemory {
  private last: { readonly user: string; readonly password: string; readonly login: RememberedLogin } | undefined;

  recall(user: string, password: string): RememberedLogin | undefined {
    const { last } = this;
    return last?.user === user && last.password === password ? last.login : undefined;
  }

  keep(user: string, password: string, login: RememberedLogin): void {
    this.last = { user, password, login };
  }
}
