import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { type PeerCertificate, peerCertificate } from "../../front-end/peer-certificate.js";
import type { Seat } from "../../front-end/seats.js";
import { addressOf, peerOf } from "../../front-end/tcp-listener.js";
import type { Principal } from "../../kernel/principal.js";

/** Who a connection turned out to belong to, for the credentials that were shown last. */
interface Identity {
  readonly principal: Principal;
  readonly peer: string;
  readonly authorization: string | Buffer | undefined;
  /** On the monotonic clock, in milliseconds. */
  readonly believedUntil: number;
}

/** A connection of the network, as long as it is open. */
export interface Connection extends PeerCertificate {
  /** Address of the peer without its port. */
  readonly address: string;
  /** Kept from the first call on that came as a whole. */
  readonly seat: Seat;
  identity: Identity | undefined;
}

/** The open connections by the address and port of the peer, which is what a call says of its connection. */
export class Connections {
  private readonly open = new Map<string, Connection>();

  get count(): number {
    return this.open.size;
  }

  /**
   * Address and port of the peer are all that a call says of its connection, and a peer may use the same ones for another
   * of our addresses; behind NAT that may even be somebody else. Calls of the two could not be told apart.
   *
   * @returns whether the connection may be served: there is none with the same peer
   */
  add(socket: Socket | TLSSocket, seat: Seat): boolean {
    const peer = peerOf(socket);
    if (this.open.has(peer)) return false;
    const connection: Connection = {
      address: addressOf(socket),
      ...peerCertificate(socket),
      seat,
      identity: undefined,
    };
    this.open.set(peer, connection);
    socket.once("close", () => {
      if (this.open.get(peer) === connection) this.open.delete(peer);
    });
    return true;
  }

  /** Has everybody looked up again with their next call: who may do what is not as it was. */
  forgetIdentities(): void {
    for (const connection of this.open.values()) connection.identity = undefined;
  }

  /** @param peer as `getPeer()` of a call has it */
  find(peer: string): Connection | undefined {
    return this.open.get(peer);
  }
}
