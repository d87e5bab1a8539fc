/**
 * The format of the store: what its values look like on disk, byte by byte.
 *
 * LMDB has no checksums. So every value begins with a magic number and a CRC-32 over all that follows, and carries its own
 * key: what a damaged B-tree no longer leads to is found by a plain scan of the file, and is trusted by its CRC. A value
 * lies in the file in one piece, also where it takes several pages.
 *
 * The file also has pages that are free, with values that were removed or replaced. Of two values with one key the higher
 * `revision` is the newer; what is below `firstLive` of its queue was delivered or dropped.
 *
 * All numbers are big endian.
 *
 *     every value     0 magic u32 · 4 CRC-32 u32, over everything from 8 on · 8 layout u8 · 9 flags u8
 *     record          10 subject length u16 · 12 queue u32 · 16 sequence u64 · 24 time u64 · 32 revision u32 ·
 *                     36 payload length u32 · 40 subject · payload
 *     dead letter     10 reason length u16 · 12 queue u32 · 16 sequence u64 · 24 buried u64 · 32 raw length u32 ·
 *                     36 reason · raw record
 *     queue           10 name length u16 · 12 id u32 · 16 next sequence u64 · 24 first live u64 · 32 waiting u64 ·
 *                     40 waiting bytes u64 · 48 dead u64 · 56 dead bytes u64 · 64 name
 *     store           10 zero u16 · 12 format version u32 · 16 created u64 · 24 next queue id u32
 */
import { crc32 } from "node:zlib";

/** Version of the whole format; a store of another one is migrated or refused. */
export const formatVersion = 1;

/** Named databases of the environment; keys and values are binary. */
export const databaseNames = { meta: "meta", queue: "queue", dead: "dead", latest: "latest" } as const;

/** A record of a queue as it rests on disk. */
export interface StoredRecord {
  /** Id of the queue. */
  readonly queue: number;
  readonly sequence: number;
  /** How often a newer result took this one's place; the subject stayed. */
  readonly revision: number;
  /** It was a dead letter and an operator had it tried again: no age limit applies. */
  readonly isRetried: boolean;
  readonly timeMs: number;
  readonly subject: string;
  readonly bytes: Uint8Array;
}

/** A dead letter as it rests on disk. */
export interface StoredDeadLetter {
  readonly queue: number;
  readonly sequence: number;
  readonly buriedMs: number;
  readonly reason: string;
  /** The record's bytes as they were found, a damaged one's too. */
  readonly raw: Uint8Array;
}

/** What the store knows of a queue. */
export interface StoredQueue {
  readonly id: number;
  readonly name: string;
  /** Whether the database `latest` leads to its records by subject. */
  readonly isIndexed: boolean;
  /** The sequence number that the next record gets. */
  readonly nextSequence: number;
  /** No record below this number waits. */
  readonly firstLive: number;
  readonly waiting: number;
  readonly waitingBytes: number;
  readonly dead: number;
  readonly deadBytes: number;
}

/** What the store knows of itself. */
export interface StoredStore {
  readonly formatVersion: number;
  readonly createdMs: number;
  readonly nextQueueId: number;
}

/** A value that a scan found, and where the bytes behind it begin. */
export type ScannedValue = { readonly end: number } & (
  | { readonly kind: "record"; readonly record: StoredRecord }
  | { readonly kind: "dead"; readonly letter: StoredDeadLetter }
  | { readonly kind: "queue"; readonly queue: StoredQueue }
);

/** Longest text of a subject, a reason or the name of a queue, in bytes of UTF-8. */
export const maximumText = 0xffff;

const magics = { record: 0x8a4e5352, dead: 0x8a4e5344, queue: 0x8a4e5351, store: 0x8a4e5353 } as const;
const heads = { record: 40, dead: 36, queue: 64, store: 28 } as const;
type Kind = keyof typeof magics;

const layout = 1;
const flag = 1;

/** Bytes that a record takes; quotas count these. */
export function recordSize(subjectBytes: number, payloadBytes: number): number {
  return heads.record + subjectBytes + payloadBytes;
}

/** Writes a record. @param subject the record's subject in UTF-8, at most {@link maximumText} bytes */
export function encodeRecord(record: Omit<StoredRecord, "subject">, subject: Uint8Array): Buffer {
  const value = begin("record", record.isRetried, subject.length, record.bytes.length);
  value.writeUInt16BE(subject.length, 10);
  value.writeUInt32BE(record.queue, 12);
  writeUInt64(value, record.sequence, 16);
  writeUInt64(value, record.timeMs, 24);
  value.writeUInt32BE(record.revision, 32);
  value.writeUInt32BE(record.bytes.length, 36);
  value.set(subject, heads.record);
  value.set(record.bytes, heads.record + subject.length);
  return seal(value);
}

/** Reads a record; undefined when it is damaged. Its bytes are a view of the value. */
export function decodeRecord(value: Uint8Array): StoredRecord | undefined {
  const view = open("record", value);
  if (view === undefined) return undefined;
  const subjectEnd = heads.record + view.readUInt16BE(10);
  return {
    queue: view.readUInt32BE(12),
    sequence: readUInt64(view, 16),
    revision: view.readUInt32BE(32),
    isRetried: isFlagged(view),
    timeMs: readUInt64(view, 24),
    subject: view.toString("utf8", heads.record, subjectEnd),
    bytes: view.subarray(subjectEnd),
  };
}

/** Writes a dead letter; a reason that is too long is cut. */
export function encodeDeadLetter(letter: StoredDeadLetter): Buffer {
  const reason = cutText(letter.reason);
  const value = begin("dead", false, reason.length, letter.raw.length);
  value.writeUInt16BE(reason.length, 10);
  value.writeUInt32BE(letter.queue, 12);
  writeUInt64(value, letter.sequence, 16);
  writeUInt64(value, letter.buriedMs, 24);
  value.writeUInt32BE(letter.raw.length, 32);
  value.set(reason, heads.dead);
  value.set(letter.raw, heads.dead + reason.length);
  return seal(value);
}

/** Reads a dead letter; undefined when it is damaged. Its raw bytes are a view of the value. */
export function decodeDeadLetter(value: Uint8Array): StoredDeadLetter | undefined {
  const view = open("dead", value);
  if (view === undefined) return undefined;
  const reasonEnd = heads.dead + view.readUInt16BE(10);
  return {
    queue: view.readUInt32BE(12),
    sequence: readUInt64(view, 16),
    buriedMs: readUInt64(view, 24),
    reason: view.toString("utf8", heads.dead, reasonEnd),
    raw: view.subarray(reasonEnd),
  };
}

/** Writes what the store knows of a queue. */
export function encodeQueue(queue: StoredQueue): Buffer {
  const name = Buffer.from(queue.name);
  const value = begin("queue", queue.isIndexed, name.length, 0);
  value.writeUInt16BE(name.length, 10);
  value.writeUInt32BE(queue.id, 12);
  writeUInt64(value, queue.nextSequence, 16);
  writeUInt64(value, queue.firstLive, 24);
  writeUInt64(value, queue.waiting, 32);
  writeUInt64(value, queue.waitingBytes, 40);
  writeUInt64(value, queue.dead, 48);
  writeUInt64(value, queue.deadBytes, 56);
  value.set(name, heads.queue);
  return seal(value);
}

/** Reads what the store knows of a queue; undefined when it is damaged. */
export function decodeQueue(value: Uint8Array): StoredQueue | undefined {
  const view = open("queue", value);
  if (view === undefined) return undefined;
  return {
    id: view.readUInt32BE(12),
    name: view.toString("utf8", heads.queue),
    isIndexed: isFlagged(view),
    nextSequence: readUInt64(view, 16),
    firstLive: readUInt64(view, 24),
    waiting: readUInt64(view, 32),
    waitingBytes: readUInt64(view, 40),
    dead: readUInt64(view, 48),
    deadBytes: readUInt64(view, 56),
  };
}

/** Writes what the store knows of itself. */
export function encodeStore(store: StoredStore): Buffer {
  const value = begin("store", false, 0, 0);
  value.writeUInt32BE(store.formatVersion, 12);
  writeUInt64(value, store.createdMs, 16);
  value.writeUInt32BE(store.nextQueueId, 24);
  return seal(value);
}

/** Reads what the store knows of itself; undefined when it is damaged. */
export function decodeStore(value: Uint8Array): StoredStore | undefined {
  const view = open("store", value);
  if (view === undefined) return undefined;
  return {
    formatVersion: view.readUInt32BE(12),
    createdMs: readUInt64(view, 16),
    nextQueueId: view.readUInt32BE(24),
  };
}

/**
 * The whole and undamaged value that begins at an offset of a file's bytes; undefined when there is none. Whoever scans goes
 * on behind its end: a dead letter has a record in it, and a payload could look like one.
 */
export function scanValue(file: Buffer, offset: number): ScannedValue | undefined {
  if (offset + 4 > file.length) return undefined;
  const magic = file.readUInt32BE(offset);
  for (const kind of ["record", "dead", "queue"] as const) {
    if (magic !== magics[kind] || offset + heads[kind] > file.length) continue;
    const end = offset + sizeOf(kind, file.subarray(offset));
    if (end > file.length) return undefined;
    const value = file.subarray(offset, end);
    if (kind === "record") {
      const record = decodeRecord(value);
      return record && { kind, record, end };
    }
    if (kind === "dead") {
      const letter = decodeDeadLetter(value);
      return letter && { kind, letter, end };
    }
    const queue = decodeQueue(value);
    return queue && { kind, queue, end };
  }
  return undefined;
}

/** The byte that every value begins with, for a fast scan. */
export const firstMagicByte = 0x8a;

/** Key of a record, in the database `queue`, and of a dead letter, in `dead`: they sort by queue and then by sequence. */
export function recordKey(queue: number, sequence: number): Buffer {
  const key = Buffer.allocUnsafe(12);
  key.writeUInt32BE(queue, 0);
  writeUInt64(key, sequence, 4);
  return key;
}

/** Queue and sequence of a key that {@link recordKey} made; undefined when it has another length. */
export function readRecordKey(key: Uint8Array): { queue: number; sequence: number } | undefined {
  if (key.length !== 12) return undefined;
  const view = asBuffer(key);
  return { queue: view.readUInt32BE(0), sequence: readUInt64(view, 4) };
}

/** Key of the entry of the store itself, in the database `meta`. */
export const storeKey: Buffer = Buffer.from("store");

const queuePrefix = Buffer.from("queue");

/** Key of the entry of a queue, in the database `meta`. */
export function queueKey(id: number): Buffer {
  const key = Buffer.alloc(queuePrefix.length + 4);
  key.set(queuePrefix);
  key.writeUInt32BE(id, queuePrefix.length);
  return key;
}

/** Where the entries of all queues lie in the database `meta`: from `start` up to, not including, `end`. */
export const queueKeys: { readonly start: Buffer; readonly end: Buffer } = {
  start: queueKey(0),
  end: Buffer.from("queuf"),
};

function begin(kind: Kind, isFlagged: boolean, text: number, bytes: number): Buffer {
  if (text > maximumText) throw new RangeError(`A text of ${text} bytes is longer than ${maximumText}`);
  const value = Buffer.allocUnsafe(heads[kind] + text + bytes);
  value.writeUInt32BE(magics[kind], 0);
  value[8] = layout;
  value[9] = isFlagged ? flag : 0;
  value.writeUInt16BE(0, 10);
  return value;
}

function seal(value: Buffer): Buffer {
  value.writeUInt32BE(crc32(value.subarray(8)), 4);
  return value;
}

/** A view of a value whose kind, length and CRC are right. */
function open(kind: Kind, value: Uint8Array): Buffer | undefined {
  if (value.length < heads[kind]) return undefined;
  const view = asBuffer(value);
  const isWhole =
    view.readUInt32BE(0) === magics[kind] &&
    view[8] === layout &&
    sizeOf(kind, view) === view.length &&
    view.readUInt32BE(4) === crc32(view.subarray(8));
  return isWhole ? view : undefined;
}

/** The size that a value says of itself. */
function sizeOf(kind: Kind, view: Buffer): number {
  const bytes = kind === "record" ? view.readUInt32BE(36) : kind === "dead" ? view.readUInt32BE(32) : 0;
  return heads[kind] + view.readUInt16BE(10) + bytes;
}

function isFlagged(view: Buffer): boolean {
  return view[9] === flag;
}

/** In UTF-8, cut at a character so that its length fits into 16 bits. */
function cutText(text: string): Buffer {
  const bytes = Buffer.from(text);
  if (bytes.length <= maximumText) return bytes;
  let end = maximumText;
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.subarray(0, end);
}

/** Numbers up to 2^53, which is 285,000 years of milliseconds. */
function writeUInt64(buffer: Buffer, value: number, offset: number): void {
  buffer.writeUInt32BE(Math.floor(value / 2 ** 32), offset);
  buffer.writeUInt32BE(value % 2 ** 32, offset + 4);
}

function readUInt64(buffer: Buffer, offset: number): number {
  return buffer.readUInt32BE(offset) * 2 ** 32 + buffer.readUInt32BE(offset + 4);
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
