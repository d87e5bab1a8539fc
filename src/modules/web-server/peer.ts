import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Guest } from "../../front-end/http-front.js";
import type { Seat } from "../../front-end/seats.js";
import { addressOf } from "../../front-end/tcp-listener.js";
import { clientCertificate } from "../../security/client-certificate.js";
import type { ClientCertificate } from "../../security/credentials.js";

/** The other side of a connection. */
export interface Peer extends Guest {
  readonly certificate: ClientCertificate | undefined;
  /** Why the client certificate that was shown is not to be trusted. */
  readonly untrusted: string | undefined;
  /** Whether it is a proxy whose headers say who asks. */
  readonly isProxy: boolean;
}

export function peerOfSocket(socket: Socket | TLSSocket, seat: Seat, isProxy: boolean): Peer {
  return { address: addressOf(socket), seat, ...certificateOf(socket), isProxy };
}

function certificateOf(socket: Socket | TLSSocket): Pick<Peer, "certificate" | "untrusted"> {
  const raw = "getPeerCertificate" in socket ? socket.getPeerCertificate().raw : undefined;
  if (raw === undefined || !("authorized" in socket)) return { certificate: undefined, untrusted: undefined };
  if (socket.authorized) return { certificate: clientCertificate(raw), untrusted: undefined };
  return { certificate: undefined, untrusted: String(socket.authorizationError ?? "unknown reason") };
}
