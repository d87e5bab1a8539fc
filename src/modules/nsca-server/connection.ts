import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import type { Clock } from "../../kernel/clock.js";
import { nscaEncryption } from "../../wire/nsca/encryption.js";
import { encodeNscaInit, type NscaInit } from "../../wire/nsca/init-packet.js";
import type { NscaMethod } from "../../wire/nsca/methods.js";
import type { ReceivedNscaPacket } from "../../wire/nsca/packet.js";
import { NscaReader } from "../../wire/nsca/reader.js";
import type { Figures } from "./figures.js";
import type { Intake } from "./intake.js";
import type { PeerLog } from "./peer-log.js";

export interface ConnectionParts {
  readonly clock: Clock;
  readonly intake: Intake;
  readonly figures: Figures;
  readonly peers: PeerLog;
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
  private isSubmitting = false;
  private isDraining = false;
  private hasSent = false;
  /** Whether the end of the connection is our doing. */
  private isCut = false;
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
    } catch {
      this.checkEnd("broke off");
    } finally {
      this.stopTimer();
      socket.destroy();
    }
  }

  /** Lets the sender send what it has begun, and ends the connection when it has sent something and is between packets. */
  drain(): void {
    this.isDraining = true;
    this.isCut = true;
    if (this.hasSent && this.isBetweenPackets && !this.isSubmitting) this.socket.destroy();
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
    if (!this.hasSent) this.startTimer();
    this.hasSent = true;
    reader.push(chunk);
    const packets: ReceivedNscaPacket[] = [];
    for (let packet = reader.next(); packet !== undefined; packet = reader.next()) packets.push(packet);
    if (packets.length > 0) {
      this.stopTimer();
      this.isSubmitting = true;
      const isAccepted = await this.parts.intake.take(packets, this.init, this.address);
      this.isSubmitting = false;
      if (!isAccepted) return false;
      this.startTimer();
    }
    if (reader.problem === undefined) return true;
    this.unreadable(reader.problem);
    this.parts.intake.recordStranger(this.address, reader.problem);
    return false;
  }

  private unreadable(problem: string): void {
    this.parts.figures.unreadable++;
    this.parts.peers.warn(this.address, "unreadable", `Closed the connection of ${this.address}: ${problem}`);
  }

  /** Only a whole packet starts it anew: bytes that come one by one must not keep a connection open. */
  private startTimer(): void {
    const { clock, timeoutMs } = this.parts;
    this.stopTimer();
    this.stopTimer = clock.after(timeoutMs, () => {
      this.isCut = true;
      if (this.reader.pending > 0) this.unreadable(`no whole packet came within ${timeoutMs / 1000} s`);
      this.socket.destroy();
    });
  }
}
