/**
 * Packets of NRPE. A connection carries a query and its answer. Numbers have their highest byte first.
 *
 *     0     2  version
 *     2     2  type: 1 query, 2 response, 3 response that another one follows (NSClient++, version 2 only)
 *     4     4  CRC-32 of the whole packet with zeros in this place
 *     8     2  result code, which means nothing in a query
 *
 * Version 2 has the size that both sides were built for:
 *
 *     10    P  text, ends with a NUL; P is 1024 unless built otherwise
 *     10+P  2  filler
 *
 * Versions 3 and 4 say their size:
 *
 *     10    2  filler, counts as zeros
 *     12    4  L, bytes of text
 *     16    L  text, which may end with a NUL
 *     16+L  3  version 3 only: zeros that L does not count and the CRC does
 *
 * Behind the NUL of version 2 there is noise from C programs and zeros from NSClient++. Queries of the C client have at
 * least 1036 bytes in all versions; answers of versions 3 and 4 are as long as their text.
 *
 * Source: NRPE 4.1, `include/common.h`, `v2_packet`, `v3_packet` and `v4_packet`.
 */
import { crc32 } from "node:zlib";
import { type Charset, utf8 } from "../charset.js";
import { toResultCode } from "../result-code.js";

export type NrpeVersion = 2 | 3 | 4;

export const NRPE_QUERY = 1;
export const NRPE_RESPONSE = 2;
/** A part of an answer, only ever of version 2 and from NSClient++: others follow, the last of them is a response. */
export const NRPE_MORE = 3;
export type NrpeType = typeof NRPE_QUERY | typeof NRPE_RESPONSE | typeof NRPE_MORE;

/** The port that IANA has for the protocol. */
export const NRPE_PORT = 5666;
/** Text of version 2, with its NUL, unless both sides were built otherwise. */
export const NRPE_PAYLOAD_LENGTH = 1024;
/** The longest text of versions 3 and 4, with its NUL, that C programs take. */
export const NRPE_MAX_LENGTH = 65_536;
/** The query without a command, which asks for the version. */
export const NRPE_CHECK = "_NRPE_CHECK";

/** Where things are in a packet. */
export const nrpeOffsets = { type: 2, crc: 4, result: 8, text2: 10, filler: 10, length: 12, text: 16 } as const;
/** Bytes of version 2 beside its text. */
export const NRPE_V2_OVERHEAD = 12;
/** What L of version 3 does not count. */
export const NRPE_V3_TAIL = 3;
const MIN_QUERY_SIZE = 1036;

/** A packet that came. */
export interface NrpePacket {
  readonly version: NrpeVersion;
  readonly type: NrpeType;
  /** As sent, -32768 to 32767; noise in a query. */
  readonly result: number;
  /** Without its NUL and what stands behind it. Part of the memory that was read from the connection. */
  readonly text: Buffer;
  /** P of version 2 or L. Who asked with so much in version 2 expects as much back. */
  readonly payloadLength: number;
}

/** How a packet is written. */
export interface NrpeForm {
  readonly version: NrpeVersion;
  /** P of version 2; 1024 unless given. */
  readonly payloadLength?: number | undefined;
  /** Of the text; UTF-8 unless given. */
  readonly charset?: Charset | undefined;
  /** What stands behind the text in version 2, and in the result code of its queries; zeros unless given. */
  readonly fill?: ((packet: Buffer) => void) | undefined;
}

/** An answer. */
export interface NrpeAnswer {
  /** The state; what is no state becomes UNKNOWN, as clients exit with whatever comes. */
  readonly result: number;
  readonly text: string;
}

/**
 * Writes a query as the C client does: no shorter than 1036 bytes in any version.
 *
 * @param text `command` or `command!argument!argument`
 * @throws RangeError when version 2 has no room for the text: a part of a command is another command
 */
export function encodeNrpeQuery(text: string, form: NrpeForm): Buffer {
  return encode(NRPE_QUERY, 0, text, form);
}

/**
 * Writes an answer, as long as its text unless in version 2.
 *
 * @param type "more" for a part of an answer, which only NSClient++'s client understands
 * @throws RangeError when version 2 has no room for the text; see `fitNagiosText`
 */
export function encodeNrpeResponse(
  { result, text }: NrpeAnswer,
  form: NrpeForm,
  type: "response" | "more" = "response",
): Buffer {
  return encode(type === "more" ? NRPE_MORE : NRPE_RESPONSE, toResultCode(result), text, form);
}

/** The CRC of a whole packet, of which `size` bytes of text count from 16 on, and for version 3 the zeros behind them. */
export function nrpeTextCrc(bytes: Buffer, size: number, tail: number): number {
  bytes.copy(scratch, 0, 0, nrpeOffsets.text);
  scratch.fill(0, nrpeOffsets.crc, nrpeOffsets.result);
  scratch.fill(0, nrpeOffsets.filler, nrpeOffsets.length);
  const head = crc32(bytes.subarray(nrpeOffsets.text, nrpeOffsets.text + size), crc32(scratch));
  return tail === 0 ? head : crc32(zeros.subarray(0, tail), head);
}

/** The CRC of what is before the text of version 2; that of the rest goes on from it. */
export function nrpeHeadCrc(bytes: Buffer): number {
  bytes.copy(headScratch, 0, 0, nrpeOffsets.text2);
  headScratch.fill(0, nrpeOffsets.crc, nrpeOffsets.result);
  return crc32(headScratch);
}

function encode(type: NrpeType, result: number, text: string, form: NrpeForm): Buffer {
  const { version, charset = utf8 } = form;
  // A NUL would end the text for the receiver.
  const whole = text.includes("\0") ? text.replaceAll("\0", " ") : text;
  const size = charset.size(whole);
  return version === 2
    ? encodeFixed(type, result, whole, size, charset, form)
    : encodeSized(type, result, whole, size, charset, version);
}

function encodeFixed(
  type: NrpeType,
  result: number,
  text: string,
  size: number,
  charset: Charset,
  { payloadLength = NRPE_PAYLOAD_LENGTH, fill }: NrpeForm,
): Buffer {
  if (size >= payloadLength) {
    throw new RangeError(`A packet of version 2 has room for ${payloadLength - 1} bytes and not for ${size}.`);
  }
  const bytes = Buffer.alloc(NRPE_V2_OVERHEAD + payloadLength);
  fill?.(bytes);
  writeHead(bytes, 2, type);
  if (type !== NRPE_QUERY) bytes.writeInt16BE(result, nrpeOffsets.result);
  bytes[nrpeOffsets.text2 + charset.write(bytes.subarray(nrpeOffsets.text2), text)] = 0;
  const crc = crc32(bytes.subarray(nrpeOffsets.text2), nrpeHeadCrc(bytes));
  bytes.writeUInt32BE(crc, nrpeOffsets.crc);
  return bytes;
}

function encodeSized(
  type: NrpeType,
  result: number,
  text: string,
  size: number,
  charset: Charset,
  version: 3 | 4,
): Buffer {
  const tail = version === 3 ? NRPE_V3_TAIL : 0;
  const minimum = type === NRPE_QUERY ? MIN_QUERY_SIZE - nrpeOffsets.text - tail : 0;
  const length = Math.max(size + 1, minimum);
  const bytes = Buffer.alloc(nrpeOffsets.text + length + tail);
  writeHead(bytes, version, type);
  bytes.writeInt16BE(result, nrpeOffsets.result);
  bytes.writeInt32BE(length, nrpeOffsets.length);
  charset.write(bytes.subarray(nrpeOffsets.text), text);
  bytes.writeUInt32BE(crc32(bytes), nrpeOffsets.crc);
  return bytes;
}

function writeHead(bytes: Buffer, version: NrpeVersion, type: NrpeType): void {
  bytes.writeInt16BE(version, 0);
  bytes.writeInt16BE(type, nrpeOffsets.type);
}

const scratch = Buffer.alloc(nrpeOffsets.text);
const headScratch = Buffer.alloc(nrpeOffsets.text2);
const zeros = Buffer.alloc(NRPE_V3_TAIL);
