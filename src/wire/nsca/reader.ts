/**
 * Packets out of the bytes of a connection.
 *
 * Nothing on the wire says how long a packet is: 720 bytes from senders of NSCA 2.7 and NSClient++, 4304 from those since
 * 2.9. Both keep an encrypted CRC over the whole packet, so as much as a packet of one size has is decrypted, and when the
 * CRC is not right, more of it as the next larger size. That is possible because all methods can decrypt a beginning. A
 * size that was right is tried first from then on; the others stay possible, so a connection may mix them.
 */
import type { NscaEncryption } from "./encryption.js";
import {
  decodeNscaPacket,
  isNscaPacket,
  nscaPacketSize,
  nscaVersionProblem,
  type ReceivedNscaPacket,
} from "./packet.js";

/** Output fields of NSCA to 2.7 and since 2.9. */
const PAYLOAD_LENGTHS = [512, 4096];

const NOTHING = Buffer.alloc(0);

export class NscaReader {
  readonly #encryption: NscaEncryption;
  readonly #sizes: readonly number[];
  readonly #largest: number;
  /** The size that was right last. */
  #lastSize = 0;
  /** Sizes that the next packet is known not to have. */
  readonly #wrongSizes = new Set<number>();
  /** What is decrypted and not yet read. */
  #plain: Buffer = NOTHING;
  /** What came behind that. */
  #raw: Buffer = NOTHING;
  #problem: string | undefined;

  /**
   * @param encryption of the connection, decrypting
   * @param payloadLength another size of output that is expected beside 512 and 4096
   */
  constructor(encryption: NscaEncryption, payloadLength?: number) {
    this.#encryption = encryption;
    const lengths = new Set([...PAYLOAD_LENGTHS, ...(payloadLength === undefined ? [] : [payloadLength])]);
    this.#sizes = [...lengths].map(nscaPacketSize).sort((a, b) => a - b);
    this.#largest = this.#sizes.at(-1) ?? 0;
  }

  /** Why no packet comes any more: what came is none. Nothing that follows on the connection can be read. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Bytes that no packet was made of yet: the beginning of one when the sender has closed. */
  get pending(): number {
    return this.#plain.length + this.#raw.length;
  }

  /** Takes what came from the connection. */
  push(chunk: Uint8Array): void {
    if (this.#problem !== undefined || chunk.length === 0) return;
    this.#raw = this.#raw.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#raw, chunk]);
  }

  /** The next packet; undefined when more has to come for it, or when there is a problem. */
  next(): ReceivedNscaPacket | undefined {
    if (this.#problem !== undefined) return undefined;
    const packet = this.#trySize(this.#lastSize) ?? this.#tryAll();
    if (packet !== undefined) return packet;
    if (this.pending >= this.#largest) this.#fail("a packet has a wrong CRC");
    return undefined;
  }

  #tryAll(): ReceivedNscaPacket | undefined {
    for (const size of this.#sizes) {
      const packet = this.#trySize(size);
      if (packet !== undefined) return packet;
    }
    return undefined;
  }

  #trySize(size: number): ReceivedNscaPacket | undefined {
    if (size === 0 || this.pending < size || this.#wrongSizes.has(size) || this.#problem !== undefined)
      return undefined;
    const bytes = this.#decrypted(size);
    const versionProblem = nscaVersionProblem(bytes);
    if (versionProblem !== undefined) {
      this.#fail(versionProblem);
      return undefined;
    }
    if (!isNscaPacket(bytes)) {
      this.#wrongSizes.add(size);
      return undefined;
    }
    this.#lastSize = size;
    this.#wrongSizes.clear();
    if (this.#encryption.restarts) this.#raw = this.#raw.subarray(size);
    else this.#plain = this.#plain.subarray(size);
    return decodeNscaPacket(bytes);
  }

  /** The next `size` bytes as they were before encryption. */
  #decrypted(size: number): Buffer {
    if (this.#encryption.restarts) return toBuffer(this.#encryption.update(this.#raw.subarray(0, size)));
    const missing = size - this.#plain.length;
    if (missing > 0) {
      const more = this.#encryption.update(this.#raw.subarray(0, missing));
      this.#raw = this.#raw.subarray(missing);
      this.#plain = this.#plain.length === 0 ? toBuffer(more) : Buffer.concat([this.#plain, more]);
    }
    return this.#plain.subarray(0, size);
  }

  #fail(problem: string): void {
    this.#problem = problem;
    this.#plain = NOTHING;
    this.#raw = NOTHING;
  }
}

function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
