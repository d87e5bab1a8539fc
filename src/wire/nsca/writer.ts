import type { Charset } from "../charset.js";
import { type NscaEncryption, nscaEncryption } from "./encryption.js";
import type { NscaInit } from "./init-packet.js";
import type { NscaMethod } from "./methods.js";
import { encodeNscaPacket, type NscaResult, nscaPacketSize } from "./packet.js";

/** How a daemon wants its packets. */
export interface NscaWriterOptions {
  readonly method: NscaMethod;
  readonly password: string;
  /**
   * Bytes of the output field: 4096 for NSCA since 2.9, 512 before and for NSClient++. A stock daemon for 4096 takes one
   * packet of 512 on a connection and drops all of them when there are more.
   */
  readonly payloadLength: number;
  /** Of the texts; UTF-8 unless given. */
  readonly charset?: Charset;
}

/** The packets of one connection to a daemon, in their order: each depends on the ones before it. */
export class NscaWriter {
  /** Bytes of each packet. */
  readonly packetSize: number;
  readonly #timestamp: number;
  readonly #charset: Charset | undefined;
  readonly #encryption: NscaEncryption;

  /** @param init what the daemon sent at the beginning of this connection */
  constructor(init: NscaInit, { method, password, payloadLength, charset }: NscaWriterOptions) {
    this.packetSize = nscaPacketSize(payloadLength);
    this.#timestamp = init.timestamp;
    this.#charset = charset;
    this.#encryption = nscaEncryption(method, password, init.iv, "encrypt");
  }

  /**
   * Writes the next packet, to be sent as it is, into memory of its size.
   *
   * @returns a sentence for each text that had to be shortened
   */
  write(result: NscaResult, bytes: Buffer): readonly string[] {
    const cuts = encodeNscaPacket({ ...result, timestamp: this.#timestamp }, bytes, { charset: this.#charset });
    this.#encryption.updateInPlace(bytes);
    return cuts;
  }
}
