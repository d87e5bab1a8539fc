/**
 * A passive result on the wire, version 3, before it is encrypted. Numbers have their highest byte first.
 *
 *     0      2  version, 3
 *     2      2  filler
 *     4      4  CRC-32 of the whole packet with zeros in this place
 *     8      4  timestamp of the init packet
 *     12     2  return code
 *     14    64  host
 *     78   128  service, empty for the result of a host check
 *     206    N  output; N is 512 up to NSCA 2.7 and in NSClient++, 4096 since NSCA 2.9
 *     206+N  2  filler
 *
 * Texts end with a NUL, and random filler is behind it. Some senders fill the last byte too, so the end of a field also
 * ends its text.
 *
 * Source: NSCA 2.10, `include/common.h`, `data_packet_struct`.
 */
import { isUtf8 } from "node:buffer";
import { randomFillSync } from "node:crypto";
import { crc32 } from "node:zlib";
import { type Charset, utf8 } from "../charset.js";
import { fitNagiosText } from "../fit-nagios-text.js";

const VERSION = 3;
const CRC_AT = 4;
const TIMESTAMP_AT = 8;
const CODE_AT = 12;
const HOST_AT = 14;
const SERVICE_AT = 78;
const OUTPUT_AT = 206;
const FILLER_SIZE = 2;
const NO_CRC = new Uint8Array(4);

/** Bytes of a packet beside its output. */
const OVERHEAD = OUTPUT_AT + FILLER_SIZE;

/** A result as a packet carries it. */
export interface NscaResult {
  readonly host: string;
  /** Empty for the result of a host check. */
  readonly service: string;
  /** The state, -32768 to 32767; what is no state is for the receiver to judge. */
  readonly code: number;
  readonly output: string;
}

/** A result with the timestamp its packet has, in seconds since 1970. */
export interface NscaPacket extends NscaResult {
  readonly timestamp: number;
}

/** A packet that came. */
export interface ReceivedNscaPacket extends NscaPacket {
  /** Over the filler too, so that it differs between packets that have the same texts. */
  readonly crc: number;
}

/** Bytes of a packet whose output field has so many bytes. */
export function nscaPacketSize(payloadLength: number): number {
  return OVERHEAD + payloadLength;
}

/** How a packet is written. */
interface PacketForm {
  /** What stands behind the texts; random unless given. Zeros would show the password with XOR. */
  readonly fill?: (bytes: Uint8Array) => void;
  /** Of the texts; UTF-8 unless given. */
  readonly charset?: Charset | undefined;
}

/**
 * Writes a packet into a piece of memory of its size, see {@link nscaPacketSize}.
 *
 * @returns a sentence for each text that had to be shortened, for the log
 */
export function encodeNscaPacket(
  packet: NscaPacket,
  bytes: Buffer,
  { fill = randomFillSync, charset = utf8 }: PacketForm = {},
): readonly string[] {
  const payloadLength = bytes.length - OVERHEAD;
  fill(bytes);
  const cuts: string[] = [];
  bytes.writeInt16BE(VERSION, 0);
  bytes.writeUInt32BE(packet.timestamp >>> 0, TIMESTAMP_AT);
  bytes.writeInt16BE((packet.code << 16) >> 16, CODE_AT);
  writeText(bytes.subarray(HOST_AT, SERVICE_AT), packet.host, "host", fitName, charset, cuts);
  writeText(bytes.subarray(SERVICE_AT, OUTPUT_AT), packet.service, "service", fitName, charset, cuts);
  writeText(bytes.subarray(OUTPUT_AT, OUTPUT_AT + payloadLength), packet.output, "output", fitOutput, charset, cuts);
  bytes.writeUInt32BE(packetCrc(bytes), CRC_AT);
  return cuts;
}

/** What the beginning of a packet says of it: undefined while nothing is wrong, else a sentence. */
export function nscaVersionProblem(bytes: Uint8Array): string | undefined {
  const version = (((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0)) & 0xffff;
  if (version === VERSION) return undefined;
  return `a packet has version ${version} and not ${VERSION}: the password or the encryption method is not the same on both sides`;
}

/** Whether the bytes are a whole packet: the CRC, which is over all of them, says so. */
export function isNscaPacket(bytes: Buffer): boolean {
  return (
    bytes.length > OVERHEAD &&
    nscaVersionProblem(bytes) === undefined &&
    bytes.readUInt32BE(CRC_AT) === packetCrc(bytes)
  );
}

/** Reads a whole packet, which `isNscaPacket` has found right. */
export function decodeNscaPacket(bytes: Buffer): ReceivedNscaPacket {
  return {
    crc: bytes.readUInt32BE(CRC_AT),
    timestamp: bytes.readUInt32BE(TIMESTAMP_AT),
    code: bytes.readInt16BE(CODE_AT),
    host: readText(bytes.subarray(HOST_AT, SERVICE_AT)),
    service: readText(bytes.subarray(SERVICE_AT, OUTPUT_AT)),
    output: readText(bytes.subarray(OUTPUT_AT, bytes.length - FILLER_SIZE)),
  };
}

function packetCrc(bytes: Buffer): number {
  const head = crc32(NO_CRC, crc32(bytes.subarray(0, CRC_AT)));
  return crc32(bytes.subarray(TIMESTAMP_AT), head);
}

function writeText(
  field: Buffer,
  text: string,
  name: string,
  shorten: (text: string, room: number, charset: Charset) => string,
  charset: Charset,
  cuts: string[],
): void {
  // A NUL would end the text for the receiver.
  const whole = text.includes("\0") ? text.replaceAll("\0", " ") : text;
  const room = field.length - 1;
  const size = charset.size(whole);
  if (size <= room) {
    field[charset.write(field, whole)] = 0;
    return;
  }
  const written = charset.write(field, shorten(whole, room, charset));
  field[written] = 0;
  cuts.push(`${name} cut from ${size} to ${written} bytes`);
}

/** The beginning of a name that fits, in whole characters. */
function fitName(text: string, room: number, charset: Charset): string {
  let used = 0;
  let fitting = "";
  for (const character of text) {
    used += charset.width(character.codePointAt(0) ?? 0);
    if (used > room) break;
    fitting += character;
  }
  return fitting;
}

function fitOutput(text: string, room: number, charset: Charset): string {
  return fitNagiosText(text, room, { width: charset.width });
}

/**
 * The text of a field. Senders that are not UTF-8 mostly are Latin-1; one that was cut within a character loses the rest
 * of this.
 */
function readText(field: Buffer): string {
  const end = field.indexOf(0);
  let bytes = end < 0 ? field : field.subarray(0, end);
  if (isUtf8(bytes)) return bytes.toString();
  const whole = bytes.subarray(0, lastCharacterStart(bytes));
  if (bytes.length >= field.length - 1 && isUtf8(whole)) bytes = whole;
  return bytes.toString(isUtf8(bytes) ? "utf8" : "latin1");
}

/** Where the last character of UTF-8 begins, which may lack its end. */
function lastCharacterStart(bytes: Uint8Array): number {
  let start = bytes.length - 1;
  while (start > 0 && ((bytes[start] ?? 0) & 0xc0) === 0x80) start--;
  return Math.max(start, 0);
}
