import { createHash } from "node:crypto";
import type { Environment } from "./environment.js";
import {
  decodeRecord,
  decodeStore,
  encodeDeadLetter,
  encodeQueue,
  encodeRecord,
  encodeStore,
  formatVersion,
  queueKey,
  recordKey,
  type StoredRecord,
  storeKey,
} from "./format.js";
import type { QueueChanges } from "./messages.js";
import { headOf, type QueueState, type QueueTable } from "./queue-table.js";
import type { TakenRecords } from "./taken-records.js";

/** A result on its way into one queue. */
export interface NewRecord {
  readonly subject: Uint8Array;
  readonly timeMs: number;
  readonly payload: Uint8Array;
  readonly isRetried: boolean;
}

/** Why a record that fails its CRC was put aside. */
export const damagedReason = "damaged on disk";

/**
 * What one transaction does to the queues. It works on copies of their states, so that a transaction that fails leaves
 * nothing behind in memory either. All of its methods are called inside the transaction.
 */
export class Work {
  /** By name of the queue. */
  readonly changes = new Map<string, QueueChanges>();
  private readonly touched = new Map<string, QueueState>();
  private readonly isHeadMoved = new Set<QueueState>();
  private nextQueueId: number;

  constructor(
    readonly environment: Environment,
    private readonly table: QueueTable,
    readonly taken: TakenRecords,
  ) {
    this.nextQueueId = table.nextQueueId;
  }

  /** A queue, to be changed. */
  queue(name: string): QueueState | undefined {
    const touched = this.touched.get(name);
    if (touched !== undefined) return touched;
    const queue = this.table.get(name);
    if (queue === undefined) return undefined;
    const copy = { ...queue };
    this.touched.set(name, copy);
    return copy;
  }

  /** Whether a queue is there and has an index; looking changes nothing. */
  isIndexed(name: string): boolean {
    return (this.touched.get(name) ?? this.table.get(name))?.isIndexed === true;
  }

  queueById(id: number): QueueState | undefined {
    const name = this.table.getById(id)?.name;
    return name === undefined ? undefined : this.queue(name);
  }

  /** A queue, to be changed; made when it is not there. */
  queueOrNew(name: string): QueueState {
    const found = this.queue(name);
    if (found !== undefined) return found;
    const none = { waiting: 0, waitingBytes: 0, dead: 0, deadBytes: 0, oldestMs: undefined };
    const queue = { id: this.nextQueueId, name, isIndexed: false, nextSequence: 1, firstLive: 1, ...none };
    this.nextQueueId += 1;
    this.touched.set(name, queue);
    return queue;
  }

  changesOf(queue: QueueState): QueueChanges {
    const changes = this.changes.get(queue.name) ?? {
      accepted: 0,
      removed: 0,
      buried: 0,
      dropped: 0,
      damaged: 0,
      retried: 0,
    };
    this.changes.set(queue.name, changes);
    return changes;
  }

  /**
   * Puts a record at the end of a queue, or in the place of one that waits and is about the same subject. There it keeps the
   * position: at the end a service that reports often would never get its turn.
   */
  append(queue: QueueState, record: NewRecord): void {
    if (queue.isIndexed && this.replace(queue, record)) return;
    const sequence = queue.nextSequence;
    const head = { queue: queue.id, sequence, revision: 0, isRetried: record.isRetried, timeMs: record.timeMs };
    const value = encodeRecord({ ...head, bytes: record.payload }, record.subject);
    this.environment.queue.putSync(recordKey(queue.id, sequence), value);
    if (queue.isIndexed) this.environment.latest.putSync(latestKey(queue.id, record.subject), recordKey(0, sequence));
    if (queue.waiting === 0) this.isHeadMoved.add(queue);
    queue.nextSequence += 1;
    queue.waiting += 1;
    queue.waitingBytes += value.length;
  }

  /** Takes a record that waits out of its queue. Whether it was there. */
  remove(queue: QueueState, sequence: number): boolean {
    const value = this.environment.queue.getBinary(recordKey(queue.id, sequence));
    if (value === undefined) return false;
    this.take(queue, sequence, value);
    return true;
  }

  /** Makes a dead letter of a record that waits. Whether it was there. */
  bury(queue: QueueState, sequence: number, reason: string, nowMs: number): boolean {
    const raw = this.environment.queue.getBinary(recordKey(queue.id, sequence));
    if (raw === undefined) return false;
    const letter = encodeDeadLetter({ queue: queue.id, sequence, buriedMs: nowMs, reason, raw });
    this.environment.dead.putSync(recordKey(queue.id, sequence), letter);
    this.take(queue, sequence, raw);
    queue.dead += 1;
    queue.deadBytes += letter.length;
    return true;
  }

  /** Removes a dead letter. */
  removeDead(queue: QueueState, sequence: number, letter: Uint8Array): void {
    this.environment.dead.removeSync(recordKey(queue.id, sequence));
    queue.dead -= 1;
    queue.deadBytes -= letter.length;
  }

  /** The record that waits and is about a subject, by the index. */
  latest(queue: QueueState, subject: Uint8Array): (StoredRecord & { readonly size: number }) | undefined {
    const found = this.environment.latest.getBinary(latestKey(queue.id, subject));
    if (found === undefined) return undefined;
    const sequence = found.readUInt32BE(4) * 2 ** 32 + found.readUInt32BE(8);
    const value = this.environment.queue.getBinary(recordKey(queue.id, sequence));
    const record = value && decodeRecord(value);
    // An entry may lead to a record that is gone; sequence numbers are not used again, so never to another subject's.
    return value && record && { ...record, size: value.length };
  }

  /** Has the index lead to a record. */
  setLatest(queue: QueueState, record: Pick<StoredRecord, "subject" | "sequence">): void {
    this.environment.latest.putSync(latestKey(queue.id, Buffer.from(record.subject)), recordKey(0, record.sequence));
  }

  /** Writes the entries of the queues that were changed. */
  finish(): void {
    const { environment, table } = this;
    for (const queue of this.touched.values()) {
      if (this.isHeadMoved.has(queue)) Object.assign(queue, headOf(environment, queue));
      environment.meta.putSync(queueKey(queue.id), encodeQueue(queue));
    }
    if (this.nextQueueId === table.nextQueueId) return;
    const stored = environment.meta.getBinary(storeKey);
    const createdMs = (stored && decodeStore(stored)?.createdMs) ?? 0;
    environment.meta.putSync(storeKey, encodeStore({ formatVersion, createdMs, nextQueueId: this.nextQueueId }));
  }

  /** The transaction is on disk: the table has what it did. */
  adopt(): QueueState[] {
    for (const queue of this.touched.values()) this.table.adopt(queue);
    this.table.nextQueueId = this.nextQueueId;
    return [...this.touched.values()];
  }

  private replace(queue: QueueState, record: NewRecord): boolean {
    const waiting = this.latest(queue, record.subject);
    if (waiting === undefined || this.taken.isTaken(queue.id, waiting.sequence)) return false;
    const revised = { ...waiting, revision: waiting.revision + 1, isRetried: record.isRetried, timeMs: record.timeMs };
    const value = encodeRecord({ ...revised, bytes: record.payload }, record.subject);
    this.environment.queue.putSync(recordKey(queue.id, waiting.sequence), value);
    queue.waitingBytes += value.length - waiting.size;
    if (waiting.sequence === queue.firstLive) this.isHeadMoved.add(queue);
    this.changesOf(queue).dropped += 1;
    return true;
  }

  private take(queue: QueueState, sequence: number, value: Buffer): void {
    if (queue.isIndexed) this.forgetLatest(queue, sequence, value);
    this.environment.queue.removeSync(recordKey(queue.id, sequence));
    this.isHeadMoved.add(queue);
    queue.waiting -= 1;
    queue.waitingBytes -= value.length;
  }

  private forgetLatest(queue: QueueState, sequence: number, value: Buffer): void {
    const record = decodeRecord(value);
    if (record === undefined) return;
    const key = latestKey(queue.id, Buffer.from(record.subject));
    if (this.environment.latest.getBinary(key)?.equals(recordKey(0, sequence)) === true) {
      this.environment.latest.removeSync(key);
    }
  }
}

/** Key of the index: the queue's id and as much of a hash of the subject as makes collisions a matter of theory. */
function latestKey(queue: number, subject: Uint8Array): Buffer {
  const key = Buffer.alloc(20);
  key.writeUInt32BE(queue, 0);
  createHash("sha256").update(subject).digest().copy(key, 4, 0, 16);
  return key;
}
