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
   * @throws GatewayError as {@link checkTokens}
   */
  static async create(settings: ServerSettings, security: Security, log: Logger): Promise<Senders> {
    checkTokens(settings);
    const { tokens, cacheAllowedHosts, inbox } = settings;
    const senders = [...tokens.active.values()].map(async ({ id, values: { token = "", role, allowedHosts } }) => {
      if (!security.principal("token", id, role).grants.allows("submit", inbox)) {
        log.warn(`The role "${role}" of the token ${id} does not allow it to submit to ${inbox}`);
      }
      const options = { cache: cacheAllowedHosts, log };
      const hosts = allowedHosts.length === 0 ? undefined : await AllowedHosts.create(allowedHosts, options);
      return { name: id, digest: digestOf(token), role, hosts };
    });
    return new Senders(await Promise.all(senders), security);
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

/**
 * Looks for tokens that can't be meant.
 * @throws GatewayError CONFIGURATION for a token without a secret, and for two names with the same one
 */
export function checkTokens({ tokens }: Pick<ServerSettings, "tokens">): void {
  const owners = new Map<string, string>();
  for (const { id, path, values } of tokens.active.values()) {
    const { token = "" } = values;
    if (token === "" || token.length > maxTokenLength) {
      const problem = token === "" ? "is empty" : `is longer than ${maxTokenLength} characters`;
      throw new GatewayError("CONFIGURATION", `The token of ${path} ${problem}.`);
    }
    const owner = owners.get(token);
    if (owner !== undefined) {
      throw new GatewayError("CONFIGURATION", `The senders ${owner} and ${id} have the same token.`);
    }
    owners.set(token, id);
  }
}

/** The name of this door in the audit log and in metrics. */
export const frontEnd = "nrdp";

function digestOf(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}
