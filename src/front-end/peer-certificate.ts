import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { clientCertificate } from "../security/client-certificate.js";
import type { ClientCertificate } from "../security/credentials.js";

/** What the other side of a connection has shown of itself. */
export interface PeerCertificate {
  /** The client certificate, when there is one that the authorities of the front end have made. */
  readonly certificate: ClientCertificate | undefined;
  /** Why the client certificate that was shown is not to be trusted. */
  readonly untrusted: string | undefined;
}

/** Reads the client certificate of a connection; neither member is there without TLS, and when none was shown. */
export function peerCertificate(socket: Socket | TLSSocket): PeerCertificate {
  const raw = "getPeerCertificate" in socket ? socket.getPeerCertificate().raw : undefined;
  if (raw === undefined || !("authorized" in socket)) return { certificate: undefined, untrusted: undefined };
  if (socket.authorized) return { certificate: clientCertificate(raw), untrusted: undefined };
  return { certificate: undefined, untrusted: String(socket.authorizationError ?? "unknown reason") };
}
