import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import type { PeerLog } from "../../front-end/peer-log.js";
import type { Seat } from "../../front-end/seats.js";
import type { Clock } from "../../kernel/clock.js";
import { errorText } from "../../kernel/errors.js";
import type { Logger } from "../../kernel/log.js";
import { nscaEncryption } from "../../wire/nsca/encryption.js";
import { encodeNscaInit, type NscaInit } from "../../wire/nsca/init-packet.js";
import type { NscaMethod } from "../../wire/nsca/methods.js";
import type { ReceivedNscaPacket } from "../../wire/nsca/packet.js";
import { NscaReader } from "../../wire/nsca/reader.js";
import type { Figures } from "./figures.js";
import type { Intake } from "./intake.js";
import type { Turns } from "./turns.js";

export interface ConnectionParts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly seat: Seat;
  readonly intake: Intake;
  readonly figures: Figures;
  readonly peers: PeerLog;
  readonly turns: Turns;
  readonly method: NscaMethod;
  readonly password: string;
  readonly payloadLength: number;
  /** Milliseconds that the next whole packet may take. */
  readonly timeoutMs: number;
}

/** Random bytes of an init packet. */
const ivSize = 128;

/**
 * A sender's connection. The server speaks first, then packets come until the sender closes; nothing is answered.
 *
 * While results are being accepted nothing is read, so a sender that is faster than the disk waits in its own buffers.
 */
export class SenderConnection {
  private readonly init: NscaInit;
  private readonly reader: NscaReader;
  private isReading = false;
  private isDraining = false;
  private hasSent = false;
  /** Whether the end of the connection is our doing. */
  private isCut = false;
  /** Until when the next whole packet has to be there, on the monotonic clock. */
  private deadline: number | undefined;
  private stopTimer = () => {};

  constructor(
    private readonly socket: Socket,
    private readonly address: string,
    private readonly parts: ConnectionParts,
  ) {
    const { clock, method, password, payloadLength } = parts;
    this.init = { iv: randomBytes(ivSize), timestamp: Math.floor(clock.now() / 1000) };
    this.reader = new NscaReader(nscaEncryption(method, password, this.init.iv, "decrypt"), payloadLength);
  }

  /** Serves the connection to its end. Never rejects. */
  async run(): Promise<void> {
    const { socket } = this;
    socket.write(encodeNscaInit(this.init));
    try {
      for await (const chunk of socket as AsyncIterable<Buffer>) {
        if (!(await this.read(chunk))) break;
        if (this.isDraining && this.isBetweenPackets) break;
      }
      this.checkEnd("ended");
    } catch (thrown) {
      const isBroken = thrown === socket.errored || socket.destroyed;
      if (isBroken) this.checkEnd("broke off");
      else this.parts.log.error(`The connection of ${this.address} failed: ${errorText(thrown)}`, { error: thrown });
    } finally {
      this.stopTimer();
      socket.destroy();
    }
  }

  /** Lets the sender send what it has begun, and ends the connection when it has sent something and is between packets. */
  drain(): void {
    this.isDraining = true;
    this.isCut = true;
    if (this.hasSent && this.isBetweenPackets && !this.isReading) this.socket.destroy();
  }

  /** Ends a connection that has not sent anything. */
  cutIfSilent(): void {
    if (!this.hasSent) this.socket.destroy();
  }

  private get isBetweenPackets(): boolean {
    return this.reader.pending === 0;
  }

  private checkEnd(how: string): void {
    const { pending } = this.reader;
    if (pending > 0 && !this.isCut) this.unreadable(`it ${how} within a packet, after ${pending} bytes`);
  }

  /** @returns whether more may come */
  private async read(chunk: Buffer): Promise<boolean> {
    const { reader } = this;
    this.stopTimer();
    this.isReading = true;
    this.hasSent = true;
    reader.push(chunk);
    const packets = await this.packets();
    if (packets.length > 0) this.parts.seat.keep();
    const isAccepted = packets.length === 0 || (await this.parts.intake.take(packets, this.init, this.address));
    this.isReading = false;
    if (!isAccepted) return false;
    // Only a whole packet begins the time anew: bytes that come one by one must not keep a connection open.
    if (packets.length > 0) this.deadline = undefined;
    if (reader.problem === undefined) {
      this.startTimer();
      return true;
    }
    this.unreadable(reader.problem);
    this.parts.intake.recordStranger(this.address, reader.problem);
    return false;
  }

  private async packets(): Promise<ReceivedNscaPacket[]> {
    const { turns } = this.parts;
    const packets: ReceivedNscaPacket[] = [];
    for (;;) {
      for (let end = turns.wait(); end !== undefined; end = turns.wait()) await end;
      const packet = this.reader.next();
      if (packet === undefined) return packets;
      packets.push(packet);
    }
  }

  private unreadable(problem: string): void {
    this.parts.figures.unreadable++;
    this.parts.peers.warn(this.address, "unreadable", `Closed the connection of ${this.address}: ${problem}`);
  }

  private startTimer(): void {
    const { clock, timeoutMs } = this.parts;
    const now = clock.monotonic();
    this.deadline ??= now + timeoutMs;
    this.stopTimer = clock.after(Math.max(0, this.deadline - now), () => {
      this.isCut = true;
      if (this.reader.pending > 0) this.unreadable(`no whole packet came within ${timeoutMs / 1000} s`);
      this.socket.destroy();
    });
  }
}
