import type { Clock } from "../kernel/clock.js";
import { GatewayError } from "../kernel/errors.js";
import type { Logger } from "../kernel/log.js";
import type { Principal } from "../kernel/principal.js";
import type { SettingsStore } from "../settings/store.js";
import type { Audit } from "./audit-record.js";
import type { Credentials } from "./credentials.js";

export interface SecurityOptions {
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Who calls and what they may do, for every front end: certificates, tokens, users, roles, throttling, audit.
 *
 * It refuses everybody until `reload` has given it the settings for the first time.
 */
export class Security {
  readonly audit: Audit = { record() {}, keeps: () => false };

  constructor(private readonly options: SecurityOptions) {}

  /**
   * Finds out who calls. What the caller shows in the call itself (token, user) beats the certificate of the
   * connection; what is wrong is refused and nothing else is tried. The same credentials give the same object again.
   *
   * @throws GatewayError UNAUTHENTICATED for missing or wrong credentials, and while the peer's address is blocked
   *   after too many failed logins; the text then says for how long
   */
  async authenticate(credentials: Credentials): Promise<Principal> {
    this.options.log.debug("Refused: the settings have not been read yet", { peer: credentials.peer });
    throw new GatewayError("UNAUTHENTICATED", "Credentials are required.");
  }

  /**
   * Takes the settings: roles, users, certificates, tokens, throttling, audit. Throws SettingsError and keeps what it
   * had when they are wrong.
   */
  async reload(_store: SettingsStore): Promise<void> {}

  /** Writes out what the audit log still holds and stops watching files. */
  async close(): Promise<void> {}
}
