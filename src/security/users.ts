import { createHash } from "node:crypto";
import { decoyCheck, type PasswordCheck, passwordCheck } from "./passwords.js";

/** A user as the settings have it. */
export interface UserRow {
  readonly password: string | undefined;
  readonly role: string | undefined;
}

interface User {
  readonly role: string;
  readonly password: string;
  readonly check: PasswordCheck;
}

/** The users who log in with name and password. Names count with their case. */
export class Users {
  readonly #users = new Map<string, User>();
  readonly #decoys: PasswordCheck[] = [];
  /** What is wrong with rows; those users can't log in. */
  readonly problems: string[] = [];

  /** @param tables from the settings; a user in an earlier table hides the same user in a later one */
  constructor(...tables: readonly ReadonlyMap<string, UserRow>[]) {
    for (const table of tables) {
      for (const [name, row] of table) {
        if (!this.#users.has(name)) this.#users.set(name, this.#user(name, row));
      }
    }
    if (this.#decoys.length === 0) this.#decoys.push(decoyCheck(""));
  }

  /**
   * The role of the user when the password is right, else undefined. An unknown user costs the time of a known one, and
   * always of the same one.
   */
  async login(name: string, password: string): Promise<string | undefined> {
    const user = this.#users.get(name);
    if (user !== undefined) return (await user.check(password)) ? user.role : undefined;
    const index = createHash("sha256").update(name).digest().readUInt32BE() % this.#decoys.length;
    await this.#decoys[index]?.(password);
    return undefined;
  }

  /** Each user's role, to tell roles that do not exist. */
  roles(): { readonly name: string; readonly role: string }[] {
    return [...this.#users].map(([name, { role }]) => ({ name, role }));
  }

  /** The user's role when `other` has the same user with the same password and role. */
  roleInBoth(name: string, other: Users): string | undefined {
    const user = this.#users.get(name);
    const before = other.#users.get(name);
    if (user === undefined || user.role !== before?.role || user.password !== before.password) return undefined;
    return user.role;
  }

  #user(name: string, row: UserRow): User {
    const role = row.role ?? "";
    const password = row.password ?? "";
    if (password === "") this.problems.push(`The user ${name} has no password and can't log in`);
    try {
      const check = passwordCheck(password);
      this.#decoys.push(decoyCheck(password));
      return { role, password, check };
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.problems.push(`The user ${name} can't log in: ${error.message}`);
      return { role, password, check: decoyCheck("") };
    }
  }
}
