import type { Socket } from "node:net";
import { peerCertificate } from "../../front-end/peer-certificate.js";
import { GatewayError } from "../../kernel/errors.js";
import type { Principal } from "../../kernel/principal.js";
import type { Security } from "../../security/security.js";
import type { ServerSettings } from "./settings.js";

/** The name of this door in the audit log and in metrics. */
export const frontEnd = "nrpe";

/** Finds out who a connection belongs to. The protocol itself has no names and no secrets. */
export class Door {
  constructor(
    private readonly security: Security,
    private readonly settings: Pick<ServerSettings, "role" | "verifyMode" | "useSsl" | "clientIdentitySource">,
  ) {}

  /**
   * @param isLegacy whether the host is one of those that need not show a certificate
   * @throws GatewayError PERMISSION_DENIED for a certificate that is missing or not trusted
   */
  identify(socket: Socket, address: string, isLegacy: boolean): Principal | Promise<Principal> {
    const { useSsl, verifyMode, clientIdentitySource } = this.settings;
    if (!useSsl || verifyMode === "none" || isLegacy) return this.stranger(address);
    const { certificate, untrusted } = peerCertificate(socket);
    if (untrusted !== undefined) this.refuse(address, `the client certificate is not trusted: ${untrusted}`);
    if (certificate === undefined) {
      if (verifyMode === "peer-cert") this.refuse(address, "a client certificate is required");
      return this.stranger(address);
    }
    if (clientIdentitySource === "none") return this.stranger(address);
    return this.security.authenticate({ frontEnd, peer: address, certificate });
  }

  /** The address is all that is known of a client without a certificate. */
  private stranger(address: string): Principal {
    return this.security.principal("anonymous", `nrpe:${address}`, this.settings.role);
  }

  private refuse(address: string, reason: string): never {
    const principal = this.stranger(address);
    this.security.audit.record({ action: "login", outcome: "denied", principal, peer: address, frontEnd, reason });
    throw new GatewayError("PERMISSION_DENIED", reason);
  }
}
