/**
 * Packets out of the bytes of a connection.
 *
 * Version 2 does not say its size. The sizes that are known are tried first; beside them any size fits at which the CRC is
 * right over all that came, because whoever has sent a packet waits for the answer. The CRC of what came is carried on
 * from piece to piece, so that a packet that comes byte by byte is no more work than one that comes whole.
 */
import { crc32 } from "node:zlib";
import {
  NRPE_MAX_LENGTH,
  NRPE_MORE,
  NRPE_PAYLOAD_LENGTH,
  NRPE_QUERY,
  NRPE_RESPONSE,
  NRPE_V2_OVERHEAD,
  NRPE_V3_TAIL,
  type NrpePacket,
  type NrpeType,
  type NrpeVersion,
  nrpeHeadCrc,
  nrpeOffsets,
  nrpeTextCrc,
} from "./packet.js";

/** Why what came is no packet. */
export interface NrpeProblem {
  /**
   * `version`: none of 2, 3 and 4; `type`: a query where an answer belongs or the reverse; `length`: more text than is
   * taken; `crc`: damaged; `end`: the connection ended within a packet.
   */
  readonly kind: "version" | "type" | "length" | "crc" | "end";
  /** A clause: `a packet has a wrong CRC`. */
  readonly text: string;
}

export interface NrpeReaderOptions {
  /** P of version 2 beside 1024, where it is known. */
  readonly payloadLength?: number | undefined;
  /** The longest text, with its NUL: 65536 unless given. */
  readonly maxLength?: number | undefined;
}

/** Sizes below this are not tried: programs can't be built for a shorter text of version 2 than 16 bytes. */
const MIN_V2_SIZE = NRPE_V2_OVERHEAD + 16;
const NOTHING = Buffer.alloc(0);

export class NrpeReader {
  readonly #types: readonly NrpeType[];
  readonly #maxLength: number;
  /** Known sizes of packets of version 2, the smallest first. */
  readonly #sizes: number[];
  /** What came, from the beginning of the next packet on. Memory behind it is only there when it is our own. */
  #bytes: Buffer = NOTHING;
  #pending = 0;
  /** The CRC over the first bytes of what may be a packet of version 2, and how many these are. */
  #crc = 0;
  #crcSize = 0;
  /** How many zeros may still come that belong to the packet before. */
  #tail = 0;
  #isDoubtful = false;
  #problem: NrpeProblem | undefined;

  /** @param expects what the other side sends */
  constructor(expects: "query" | "response", options: NrpeReaderOptions = {}) {
    const { payloadLength = NRPE_PAYLOAD_LENGTH, maxLength = NRPE_MAX_LENGTH } = options;
    this.#types = expects === "query" ? QUERIES : RESPONSES;
    this.#maxLength = Math.max(maxLength, payloadLength);
    this.#sizes = [NRPE_V2_OVERHEAD + NRPE_PAYLOAD_LENGTH];
    this.#learn(NRPE_V2_OVERHEAD + payloadLength);
  }

  /** Why no packet comes any more: nothing that follows on the connection can be read. */
  get problem(): NrpeProblem | undefined {
    return this.#problem;
  }

  /** Bytes that no packet was made of yet. */
  get pending(): number {
    return this.#pending;
  }

  /**
   * Whether as much came as a packet may have, and its CRC is wrong: it is damaged, or longer than it looks. More of it
   * would be on its way already, so nobody should wait for long.
   */
  get isDoubtful(): boolean {
    return this.#isDoubtful;
  }

  /** Takes what came from the connection. The memory becomes part of the packet and must stay as it is. */
  push(chunk: Buffer): void {
    if (this.#problem !== undefined || chunk.length === 0) return;
    const size = this.#pending + chunk.length;
    if (this.#pending === 0) {
      this.#bytes = chunk;
    } else {
      if (this.#bytes.length < size) {
        const larger = Buffer.allocUnsafe(size * 2);
        this.#bytes.copy(larger, 0, 0, this.#pending);
        this.#bytes = larger;
      }
      chunk.copy(this.#bytes, this.#pending);
    }
    this.#pending = size;
  }

  /** The next packet; undefined when more has to come for it, or when there is a problem. */
  next(): NrpePacket | undefined {
    this.#skipTail();
    if (this.#problem !== undefined || this.#pending < nrpeOffsets.type) return undefined;
    const version = this.#bytes.readInt16BE(0);
    if (version !== 2 && version !== 3 && version !== 4) return this.#fail("version", versionProblem(this.#bytes));
    if (this.#pending < nrpeOffsets.crc) return undefined;
    const type = this.#bytes.readInt16BE(nrpeOffsets.type);
    if (!this.#types.some((expected) => expected === type)) {
      return this.#fail("type", `a packet has type ${type}, which is not that of ${this.#expected}`);
    }
    return version === 2 ? this.#fixed() : this.#sized(version);
  }

  /** Says that the connection has ended: what is not whole by now is a problem. */
  end(): void {
    if (this.#problem !== undefined || this.#pending === 0) return;
    if (this.#isDoubtful) this.#fail("crc", WRONG_CRC);
    else this.#fail("end", `the connection ended within a packet, after ${this.#pending} bytes`);
  }

  get #expected(): string {
    return this.#types === QUERIES ? "a query" : "an answer";
  }

  #fixed(): NrpePacket | undefined {
    if (this.#pending < MIN_V2_SIZE) return undefined;
    const right = this.#bytes.readUInt32BE(nrpeOffsets.crc);
    for (const size of this.#sizes) {
      if (size > this.#crcSize && size <= this.#pending && this.#crcTo(size) === right) return this.#takeFixed(size);
    }
    if (this.#crcTo(this.#pending) === right) return this.#takeFixed(this.#pending);
    if (this.#pending >= this.#maxLength + NRPE_V2_OVERHEAD) return this.#fail("crc", WRONG_CRC);
    this.#isDoubtful = this.#pending >= (this.#sizes[0] ?? 0);
    return undefined;
  }

  /** The CRC over the first bytes, of which there are not fewer than at the last time. */
  #crcTo(size: number): number {
    if (this.#crcSize === 0) {
      this.#crc = nrpeHeadCrc(this.#bytes);
      this.#crcSize = nrpeOffsets.text2;
    }
    if (size > this.#crcSize) this.#crc = crc32(this.#bytes.subarray(this.#crcSize, size), this.#crc);
    this.#crcSize = size;
    return this.#crc;
  }

  #takeFixed(size: number): NrpePacket {
    this.#learn(size);
    return this.#take(2, nrpeOffsets.text2, size - FILLER, size, size - NRPE_V2_OVERHEAD);
  }

  #sized(version: 3 | 4): NrpePacket | undefined {
    if (this.#pending < nrpeOffsets.text) return undefined;
    const bytes = this.#bytes;
    const length = bytes.readInt32BE(nrpeOffsets.length);
    if (length < 0 || length > this.#maxLength) {
      return this.#fail("length", `a packet says that its text has ${length} bytes, and ${this.#maxLength} are taken`);
    }
    const end = nrpeOffsets.text + length;
    if (this.#pending < end) return undefined;
    const right = bytes.readUInt32BE(nrpeOffsets.crc);
    if (version === 3) {
      // The zeros behind it may come late or never; what they are is known.
      if (nrpeTextCrc(bytes, length, NRPE_V3_TAIL) !== right) return this.#fail("crc", WRONG_CRC);
      this.#tail = NRPE_V3_TAIL;
      return this.#take(version, nrpeOffsets.text, end, end, length);
    }
    if (nrpeTextCrc(bytes, length, 0) === right) return this.#take(version, nrpeOffsets.text, end, end, length);
    // check_nrpe 4.0.0 took the size of version 3 for that of version 4.
    const longer = length + NRPE_V3_TAIL;
    if (this.#pending < nrpeOffsets.text + longer) {
      this.#isDoubtful = true;
      return undefined;
    }
    if (nrpeTextCrc(bytes, longer, 0) !== right) return this.#fail("crc", WRONG_CRC);
    return this.#take(version, nrpeOffsets.text, end, nrpeOffsets.text + longer, length);
  }

  #take(version: NrpeVersion, start: number, end: number, size: number, payloadLength: number): NrpePacket {
    const bytes = this.#bytes;
    const type = this.#types.find((expected) => expected === bytes.readInt16BE(nrpeOffsets.type)) ?? NRPE_QUERY;
    const result = bytes.readInt16BE(nrpeOffsets.result);
    const field = bytes.subarray(start, end);
    const nul = field.indexOf(0);
    this.#drop(size);
    this.#skipTail();
    this.#crcSize = 0;
    this.#isDoubtful = false;
    return { version, type, result, text: nul < 0 ? field : field.subarray(0, nul), payloadLength };
  }

  /** What looks like the head of a packet is none of the zeros, which then never came. */
  #skipTail(): void {
    while (this.#tail > 0 && this.#pending > 0) {
      const isHead = this.#pending > 1 && this.#bytes[1] !== 0;
      if (this.#bytes[0] !== 0 || isHead) this.#tail = 0;
      else {
        this.#drop(1);
        this.#tail--;
      }
    }
  }

  #drop(size: number): void {
    this.#pending -= size;
    this.#bytes = this.#pending === 0 ? NOTHING : this.#bytes.subarray(size);
  }

  #learn(size: number): void {
    if (this.#sizes.includes(size)) return;
    this.#sizes.push(size);
    this.#sizes.sort((a, b) => a - b);
  }

  #fail(kind: NrpeProblem["kind"], text: string): undefined {
    this.#problem = { kind, text };
    this.#bytes = NOTHING;
    this.#pending = 0;
    this.#isDoubtful = false;
    return undefined;
  }
}

const QUERIES: readonly NrpeType[] = [NRPE_QUERY];
const RESPONSES: readonly NrpeType[] = [NRPE_RESPONSE, NRPE_MORE];
/** What stands behind the text of version 2. */
const FILLER = 2;
const WRONG_CRC = "a packet has a wrong CRC";

/** What begins like no packet is mostly one of two things. */
function versionProblem(bytes: Buffer): string {
  if (bytes[0] === 0x16 && bytes[1] === 0x03) return "it begins like TLS, which this side does not speak";
  if (bytes[0] === 0x15 && bytes[1] === 0x03) return "it is an alert of TLS, which this side does not speak";
  return `a packet has version ${bytes.readInt16BE(0)} and none of 2, 3 and 4`;
}
