import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Guest } from "../../../front-end/http-front.js";
import { type PeerCertificate, peerCertificate } from "../../../front-end/peer-certificate.js";
import type { Seat } from "../../../front-end/seats.js";
import { addressOf } from "../../../front-end/tcp-listener.js";
import { LoginMemory } from "../../../security/login-memory.js";

/** The other side of a connection. */
export interface Peer extends Guest, PeerCertificate {
  /** Whether it is a proxy whose headers say who asks. */
  readonly isProxy: boolean;
  /** The last login over the connection; a proxy brings those of many peers. */
  readonly memory: LoginMemory | undefined;
}

export function peerOfSocket(socket: Socket | TLSSocket, seat: Seat, isProxy: boolean): Peer {
  const memory = isProxy ? undefined : new LoginMemory();
  return { address: addressOf(socket), seat, ...peerCertificate(socket), isProxy, memory };
}
