/** What leaves the store: claims and lists. */
import type { Environment } from "./environment.js";
import { decodeDeadLetter, decodeRecord, readRecordKey, recordKey } from "./format.js";
import type { ClaimedRange, ClaimOperation, RecordBlock, RecordHead, SettleOperation } from "./messages.js";
import type { QueueState } from "./queue-table.js";
import type { QueuePart } from "./spool.js";
import type { TakenRecords } from "./taken-records.js";
import { damagedReason } from "./work.js";

/** Records that a claim puts aside, at most, before others get their turn. */
const asideLimit = 2000;

/** A claim, and what it met that can't be handed out. */
export interface Claimed {
  readonly block: RecordBlock;
  /** From the first to the last record of the claim; undefined when it is empty. */
  readonly range: ClaimedRange | undefined;
  readonly aside: SettleOperation | undefined;
}

/** The oldest records of a queue. Too old or damaged ones are not among them. */
export function readClaim(
  environment: Environment,
  queue: QueueState,
  taken: TakenRecords,
  claim: ClaimOperation,
): Claimed {
  const block = new BlockWriter();
  const bury: { sequence: number; reason: string }[] = [];
  const drop: number[] = [];
  let isUnfinished = false;
  const start = recordKey(queue.id, queue.firstLive);
  for (const { key, value } of environment.queue.getRange({ start, end: recordKey(queue.id + 1, 0) })) {
    const sequence = readRecordKey(key)?.sequence ?? 0;
    if (taken.isPutOff(queue.id, sequence)) continue;
    if (bury.length + drop.length >= asideLimit) {
      isUnfinished = true;
      break;
    }
    const record = decodeRecord(value);
    if (record === undefined || record.sequence !== sequence || record.queue !== queue.id) {
      bury.push({ sequence, reason: damagedReason });
      continue;
    }
    const ageMs = record.isRetried ? 0 : claim.nowMs - record.timeMs;
    if (ageMs > claim.dropOlderThanMs) {
      drop.push(sequence);
    } else if (ageMs > claim.maximumAgeMs) {
      bury.push({ sequence, reason: `older than ${Math.round(claim.maximumAgeMs / 1000)} s` });
    } else {
      if (block.count > 0 && block.size + record.bytes.length > claim.bytes) break;
      block.add({ sequence, timeMs: record.timeMs, subject: record.subject }, record.bytes);
      if (block.count >= claim.count) break;
    }
  }
  const isAside = bury.length + drop.length > 0;
  return {
    block: block.finish(isUnfinished && block.count === 0),
    range: block.range,
    aside: isAside ? { kind: "settle", queue: queue.name, nowMs: claim.nowMs, remove: [], bury, drop } : undefined,
  };
}

/** Records of a part of a queue, in order. Damaged ones that still wait are left out: a claim buries them. */
export function readList(
  environment: Environment,
  queue: QueueState,
  part: QueuePart,
  after: number,
  limit: number,
): RecordBlock {
  const block = new BlockWriter();
  const range = { start: recordKey(queue.id, after + 1), end: recordKey(queue.id + 1, 0) };
  for (const { key, value } of environment[part === "waiting" ? "queue" : "dead"].getRange(range)) {
    if (block.count >= limit) break;
    const sequence = readRecordKey(key)?.sequence ?? 0;
    if (part === "waiting") {
      const record = decodeRecord(value);
      if (record) block.add({ sequence, timeMs: record.timeMs, subject: record.subject }, record.bytes);
      continue;
    }
    const letter = decodeDeadLetter(value);
    const record = letter && decodeRecord(letter.raw);
    const buriedMs = letter?.buriedMs ?? 0;
    const reason = letter?.reason ?? damagedReason;
    const head = { sequence, timeMs: record?.timeMs ?? buriedMs, subject: record?.subject ?? "", reason, buriedMs };
    block.add(head, record?.bytes ?? letter?.raw ?? value);
  }
  return block.finish(false);
}

class BlockWriter {
  private readonly heads: RecordHead[] = [];
  private readonly payloads: Uint8Array[] = [];
  size = 0;

  get count(): number {
    return this.heads.length;
  }

  get range(): ClaimedRange | undefined {
    const [first, last] = [this.heads[0], this.heads.at(-1)];
    return first && last && { first: first.sequence, last: last.sequence };
  }

  add(head: Omit<RecordHead, "length">, bytes: Uint8Array): void {
    this.heads.push({ ...head, length: bytes.length });
    this.payloads.push(bytes);
    this.size += bytes.length;
  }

  finish(isUnfinished: boolean): RecordBlock {
    const bytes = new Uint8Array(this.size);
    let at = 0;
    for (const payload of this.payloads) {
      bytes.set(payload, at);
      at += payload.length;
    }
    return { heads: this.heads, bytes, isUnfinished };
  }
}
