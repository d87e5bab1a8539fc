import type { Charset } from "../charset.js";
import { nscaEncryption } from "./encryption.js";
import type { NscaInit } from "./init-packet.js";
import type { NscaMethod } from "./methods.js";
import { encodeNscaPacket, type NscaResult } from "./packet.js";

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
  readonly #timestamp: number;
  readonly #payloadLength: number;
  readonly #charset: Charset | undefined;
  readonly #encrypt: (bytes: Uint8Array) => Uint8Array;

  /** @param init what the daemon sent at the beginning of this connection */
  constructor(init: NscaInit, { method, password, payloadLength, charset }: NscaWriterOptions) {
    const encryption = nscaEncryption(method, password, init.iv, "encrypt");
    this.#timestamp = init.timestamp;
    this.#payloadLength = payloadLength;
    this.#charset = charset;
    this.#encrypt = (bytes) => encryption.update(bytes);
  }

  /** The next packet, to be sent as it is; `cuts` has a sentence for each text that had to be shortened. */
  write(result: NscaResult): { bytes: Uint8Array; cuts: readonly string[] } {
    const packet = { ...result, timestamp: this.#timestamp };
    const { bytes, cuts } = encodeNscaPacket(packet, this.#payloadLength, undefined, this.#charset);
    return { bytes: this.#encrypt(bytes), cuts };
  }
}
