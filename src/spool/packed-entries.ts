/**
 * The entries of a batch as one piece of memory, which changes its thread without being copied. Big endian:
 *
 *     0 number of queues u16 · 2 subject length u16 · 4 payload length u32 · 8 time f64 · 16 place of each queue's name u32 ·
 *     subject · payload
 */
import type { SpoolEntry } from "./spool.js";

const headSize = 16;

/** One entry in packed form; its subject and its payload are views. */
export interface PackedEntry {
  /** Places in the batch's list of names. */
  readonly queues: readonly number[];
  readonly timeMs: number;
  readonly subject: Uint8Array;
  readonly payload: Uint8Array;
}

/** Bytes that an entry takes when packed. */
export function packedSize(entry: SpoolEntry): number {
  return headSize + 4 * entry.queues.length + Buffer.byteLength(entry.subject) + entry.bytes.length;
}

/** Writes an entry at an offset. Returns the offset behind it. */
export function packEntry(
  buffer: Buffer,
  offset: number,
  entry: SpoolEntry,
  placeOf: (queue: string) => number,
): number {
  let at = offset + headSize;
  for (const queue of entry.queues) at = buffer.writeUInt32BE(placeOf(queue), at);
  const subjectLength = buffer.write(entry.subject, at);
  at += subjectLength;
  buffer.set(entry.bytes, at);
  buffer.writeUInt16BE(entry.queues.length, offset);
  buffer.writeUInt16BE(subjectLength, offset + 2);
  buffer.writeUInt32BE(entry.bytes.length, offset + 4);
  buffer.writeDoubleBE(entry.timeMs, offset + 8);
  return at + entry.bytes.length;
}

/** The entries between two offsets. */
export function* unpackEntries(buffer: Buffer, start: number, end: number): Generator<PackedEntry> {
  let at = start;
  while (at < end) {
    const count = buffer.readUInt16BE(at);
    const subjectAt = at + headSize + 4 * count;
    const payloadAt = subjectAt + buffer.readUInt16BE(at + 2);
    const next = payloadAt + buffer.readUInt32BE(at + 4);
    const queues: number[] = [];
    for (let queue = at + headSize; queue < subjectAt; queue += 4) queues.push(buffer.readUInt32BE(queue));
    yield {
      queues,
      timeMs: buffer.readDoubleBE(at + 8),
      subject: buffer.subarray(subjectAt, payloadAt),
      payload: buffer.subarray(payloadAt, next),
    };
    at = next;
  }
}
