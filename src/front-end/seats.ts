import type { PeerLog } from "./peer-log.js";

/** How many there may be at once; read anew for each newcomer, so that a reload changes it. */
export interface SeatLimits {
  readonly total: number;
  readonly perPeer: number;
}

/** The place of a connection, or of a request, among all that a front end serves. */
export interface Seat {
  /** The peer has brought a whole request: from here on it does not make way for others. */
  keep(): void;
  /** It has ended. More than once does no harm. */
  leave(): void;
}

/** Seats of one address. */
interface Peer {
  readonly address: string;
  seated: number;
  /** Who has not brought a whole request yet, longest waiting first. */
  readonly waiting: Set<WaitingSeat>;
}

interface WaitingSeat {
  /** Counts up with each newcomer. */
  readonly number: number;
  readonly leave: () => void;
  readonly dismiss: () => void;
}

/**
 * The seats of a front end: so many in all, and so many for one address.
 *
 * Peers that connect and say nothing, or drip a request byte by byte, would fill them until their deadlines. So when there is
 * no seat left, a newcomer gets that of whoever waits longest without a whole request: within the address of the newcomer when
 * its share is used up, otherwise within the address that has most of them. Who is being served keeps its seat.
 */
export class Seats {
  private readonly peers = new Map<string, Peer>();
  private taken = 0;
  private newcomers = 0;
  /** How many were turned away or had to make way. */
  turnedAway = 0;

  /** @param what takes the seats */
  constructor(
    private readonly limits: () => SeatLimits,
    private readonly log: PeerLog,
    private readonly what: "connection" | "request" = "connection",
  ) {}

  get count(): number {
    return this.taken;
  }

  /**
   * @param address of the peer without its port
   * @param dismiss ends who has to make way for somebody else; its seat is free already
   * @returns nothing when all seats are with peers that are being served
   */
  take(address: string, dismiss: () => void): Seat | undefined {
    const { total, perPeer } = this.limits();
    const own = this.peers.get(address);
    const isShareUsed = own !== undefined && own.seated >= perPeer;
    if (isShareUsed || this.taken >= total) {
      const count = isShareUsed ? `${own.seated} of it` : `${this.taken}`;
      this.turnedAway++;
      const crowd = isShareUsed ? own : this.largestCrowd();
      const oldest = crowd?.waiting.values().next().value;
      const loser = oldest === undefined ? address : (crowd?.address ?? address);
      this.log.warn(loser, `too many ${this.what}s`, `Closed a ${this.what} of ${loser}: ${count} are open already`);
      if (oldest === undefined) return undefined;
      oldest.leave();
      oldest.dismiss();
    }
    return this.seat(address, dismiss);
  }

  private seat(address: string, dismiss: () => void): Seat {
    const peer = this.peers.get(address) ?? { address, seated: 0, waiting: new Set() };
    this.peers.set(address, peer);
    let isSeated = true;
    const leave = () => {
      if (!isSeated) return;
      isSeated = false;
      peer.waiting.delete(waiting);
      this.taken--;
      peer.seated--;
      if (peer.seated === 0 && this.peers.get(address) === peer) this.peers.delete(address);
    };
    const waiting: WaitingSeat = { number: ++this.newcomers, leave, dismiss };
    peer.waiting.add(waiting);
    peer.seated++;
    this.taken++;
    return { keep: () => peer.waiting.delete(waiting), leave };
  }

  /** Of equally large ones the one whose oldest waits longest. */
  private largestCrowd(): Peer | undefined {
    let largest: Peer | undefined;
    for (const peer of this.peers.values()) {
      const size = peer.waiting.size;
      if (size === 0) continue;
      const most = largest?.waiting.size ?? 0;
      if (size > most || (size === most && oldestOf(peer) < oldestOf(largest))) largest = peer;
    }
    return largest;
  }
}

function oldestOf(peer: Peer | undefined): number {
  return peer?.waiting.values().next().value?.number ?? Number.POSITIVE_INFINITY;
}
