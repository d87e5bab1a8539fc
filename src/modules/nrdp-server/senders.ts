import { createHash, timingSafeEqual } from "node:crypto";
import { GatewayError } from "../../kernel/errors.js";
import type { Logger } from "../../kernel/log.js";
import type { Principal } from "../../kernel/principal.js";
import { AllowedHosts } from "../../security/allowed-hosts.js";
import type { Security } from "../../security/security.js";
import type { ServerSettings } from "./settings.js";

/** A token of the settings. */
interface Sender {
  readonly name: string;
  readonly digest: Buffer;
  readonly role: string;
  /** Undefined: from everywhere. */
  readonly hosts: AllowedHosts | undefined;
}

/** Longer tokens are nobody's. */
const maxTokenLength = 1024;

/**
 * The senders that the settings name. Besides them come in those who have a token of the gateway (`nscp token add`); whoever
 * has neither counts as a failed login of his address.
 */
export class Senders {
  private constructor(
    private readonly senders: readonly Sender[],
    private readonly security: Security,
  ) {}

  /**
   * Takes the tokens of the settings and says what is probably not meant.
   * @throws GatewayError CONFIGURATION for a token without a secret, and for two names with the same one
   */
  static async create(settings: ServerSettings, security: Security, log: Logger): Promise<Senders> {
    const senders: Sender[] = [];
    for (const { id, path, values } of settings.tokens.active.values()) {
      const { token = "", role, allowedHosts } = values;
      if (token === "" || token.length > maxTokenLength) {
        const problem = token === "" ? "is empty" : `is longer than ${maxTokenLength} characters`;
        throw new GatewayError("CONFIGURATION", `The token of ${path} ${problem}.`);
      }
      const digest = digestOf(token);
      const twin = senders.find((known) => known.digest.equals(digest));
      if (twin !== undefined) {
        throw new GatewayError("CONFIGURATION", `The senders ${twin.name} and ${id} have the same token.`);
      }
      const hosts =
        allowedHosts.length === 0
          ? undefined
          : await AllowedHosts.create(allowedHosts, { cache: settings.cacheAllowedHosts, log });
      senders.push({ name: id, digest, role, hosts });
      if (!security.principal("token", id, role).grants.allows("submit", settings.inbox)) {
        log.warn(`The role "${role}" of the token ${id} does not allow it to submit to ${settings.inbox}`);
      }
    }
    return new Senders(senders, security);
  }

  /** Whether the settings name any. */
  get isEmpty(): boolean {
    return this.senders.length === 0;
  }

  /**
   * Who has the token.
   * @throws GatewayError UNAUTHENTICATED; the text is for the log and not for the sender
   */
  async find(token: string, peer: string): Promise<Principal> {
    const shown = digestOf(token);
    let found: Sender | undefined;
    // All are compared, so that the time it takes says nothing.
    for (const sender of this.senders) if (timingSafeEqual(sender.digest, shown)) found = sender;
    if (found === undefined) return this.security.authenticate({ frontEnd, peer, bearer: token });
    const principal = this.security.principal("token", `token:${found.name}`, found.role);
    if (found.hosts === undefined || (await found.hosts.allows(peer))) return principal;
    const reason = `The token ${found.name} may not be used from ${peer}.`;
    this.security.audit.record({ action: "login", outcome: "denied", principal, peer, frontEnd, reason });
    throw new GatewayError("UNAUTHENTICATED", reason);
  }
}

/** The name of this door in the audit log and in metrics. */
export const frontEnd = "nrdp";

function digestOf(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}
