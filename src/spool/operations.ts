/** What each operation that writes does inside the transaction of its batch. */
import { decodeDeadLetter, decodeRecord, readRecordKey, recordKey, type StoredRecord } from "./format.js";
import type { Batch, Progress, SequenceRange, SettleOperation, WriteOperation } from "./messages.js";
import { unpackEntries } from "./packed-entries.js";
import type { QueueState } from "./queue-table.js";
import { damagedReason, type Work } from "./work.js";

/** Records that one transaction looks at, at most, for an operation that is done by and by. */
const chunk = 2000;

type Of<Kind extends WriteOperation["kind"]> = Extract<WriteOperation, { kind: Kind }>;

/** Does an operation. What it answers is the operation's outcome. */
export function perform(work: Work, operation: WriteOperation, batch: Batch): Progress | undefined {
  switch (operation.kind) {
    case "append":
      return append(work, operation, batch);
    case "settle":
      return settle(work, operation);
    case "drop":
      return operation.part === "waiting" ? dropWaiting(work, operation) : dropDead(work, operation);
    case "retry":
      return retry(work, operation);
    case "open":
      return operation.isIndexed ? buildIndex(work, operation) : clearIndex(work, operation);
    case "purge":
      return purge(work, operation);
  }
}

/** Everything that an entry goes into gets it in this one transaction. */
function append(work: Work, { start, end }: Of<"append">, batch: Batch): undefined {
  const queues = batch.names.map(() => undefined as QueueState | undefined);
  for (const entry of unpackEntries(Buffer.from(batch.bytes.buffer), start, end)) {
    for (const place of entry.queues) {
      const queue = queues[place] ?? work.queueOrNew(batch.names[place] ?? "");
      queues[place] = queue;
      work.append(queue, { ...entry, isRetried: false });
      work.changesOf(queue).accepted += 1;
    }
  }
}

/** Does no harm when it is done twice: what is not there any more is passed over. */
function settle(work: Work, operation: SettleOperation): undefined {
  const queue = work.queue(operation.queue);
  if (queue === undefined) return;
  const changes = work.changesOf(queue);
  for (const sequence of operation.remove) if (work.remove(queue, sequence)) changes.removed += 1;
  for (const sequence of operation.drop) if (work.remove(queue, sequence)) changes.dropped += 1;
  for (const { sequence, reason } of operation.bury) {
    if (!work.bury(queue, sequence, reason, operation.nowMs)) continue;
    changes.buried += 1;
    if (reason === damagedReason) changes.damaged += 1;
  }
}

function dropWaiting(work: Work, operation: Of<"drop">): Progress {
  const queue = work.queue(operation.queue);
  if (queue === undefined) return nothing;
  const { keys, next } = keysOf(work, "queue", queue, operation.range);
  const dropped = keys.filter((sequence) => !work.taken.isTaken(queue.id, sequence) && work.remove(queue, sequence));
  work.changesOf(queue).dropped += dropped.length;
  return { count: dropped.length, next };
}

function dropDead(work: Work, operation: Of<"drop">): Progress {
  const queue = work.queue(operation.queue);
  if (queue === undefined) return nothing;
  const { keys, next } = keysOf(work, "dead", queue, operation.range);
  let count = 0;
  for (const sequence of keys) {
    const letter = work.environment.dead.getBinary(recordKey(queue.id, sequence));
    if (letter === undefined) continue;
    work.removeDead(queue, sequence, letter);
    count += 1;
  }
  work.changesOf(queue).dropped += count;
  return { count, next };
}

function retry(work: Work, operation: Of<"retry">): Progress {
  const queue = work.queue(operation.queue);
  if (queue === undefined) return nothing;
  const { keys, next } = keysOf(work, "dead", queue, operation.range);
  let count = 0;
  for (const sequence of keys) {
    const value = work.environment.dead.getBinary(recordKey(queue.id, sequence));
    const letter = value && decodeDeadLetter(value);
    const record = letter && decodeRecord(letter.raw);
    // What is damaged can't be sent; it stays for whoever can read something from it.
    if (value === undefined || record === undefined) continue;
    const subject = Buffer.from(record.subject);
    if (queue.isIndexed && work.latest(queue, subject) !== undefined) {
      // Something newer waits. Behind it, the old state would be the receiver's last word.
      work.changesOf(queue).dropped += 1;
    } else {
      work.append(queue, { subject, timeMs: record.timeMs, payload: record.bytes, isRetried: true });
      work.changesOf(queue).retried += 1;
      count += 1;
    }
    work.removeDead(queue, sequence, value);
  }
  return { count, next };
}

/** Walks from the oldest record to the newest; of those about one subject the newest stays. */
function buildIndex(work: Work, operation: Of<"open">): Progress {
  if (operation.after === 0 && work.isIndexed(operation.queue)) return nothing;
  const queue = work.queueOrNew(operation.queue);
  queue.isIndexed = true;
  const { keys, next } = keysOf(work, "queue", queue, { after: operation.after, through: queue.nextSequence });
  let count = 0;
  const drop = (sequence: number): void => {
    if (work.taken.isTaken(queue.id, sequence)) return;
    if (work.remove(queue, sequence)) count += 1;
  };
  for (const sequence of keys) {
    const value = work.environment.queue.getBinary(recordKey(queue.id, sequence));
    const record: StoredRecord | undefined = value && decodeRecord(value);
    if (record === undefined) continue;
    const other = work.latest(queue, Buffer.from(record.subject));
    if (other !== undefined && other.sequence > sequence) {
      drop(sequence);
      continue;
    }
    if (other !== undefined && other.sequence < sequence) drop(other.sequence);
    work.setLatest(queue, record);
  }
  work.changesOf(queue).dropped += count;
  return { count, next };
}

/** What a crash leaves of an index does no harm: see `Work.latest`. */
function clearIndex(work: Work, operation: Of<"open">): Progress {
  const queue = operation.after === 0 && !work.isIndexed(operation.queue) ? undefined : work.queue(operation.queue);
  if (queue === undefined) return nothing;
  queue.isIndexed = false;
  const range = { start: indexStart(queue.id), end: indexStart(queue.id + 1), limit: chunk };
  const keys = [...work.environment.latest.getKeys(range)];
  for (const key of keys) work.environment.latest.removeSync(key);
  return { count: keys.length, next: keys.length === chunk ? 1 : undefined };
}

function purge(work: Work, operation: Of<"purge">): Progress {
  const start = Buffer.from(operation.after);
  const letters = [...work.environment.dead.getRange({ start, limit: chunk })];
  let count = 0;
  for (const { key, value } of letters) {
    const place = readRecordKey(key);
    const letter = decodeDeadLetter(value);
    const queue = place && work.queueById(place.queue);
    if (!place || !queue || letter === undefined || letter.buriedMs >= operation.buriedBeforeMs) continue;
    work.removeDead(queue, place.sequence, value);
    work.changesOf(queue).dropped += 1;
    count += 1;
  }
  const last = letters.length === chunk ? letters.at(-1) : undefined;
  return { count, next: last && Buffer.concat([last.key, Buffer.of(0)]) };
}

const nothing: Progress = { count: 0, next: undefined };

/** The sequence numbers of a range that are there, as many as fit into one transaction. */
function keysOf(
  work: Work,
  database: "queue" | "dead",
  queue: QueueState,
  range: SequenceRange,
): { keys: readonly number[]; next: number | undefined } {
  if (!("after" in range)) return { keys: range.filter(isSequence), next: undefined };
  const bounds = { start: recordKey(queue.id, range.after + 1), end: recordKey(queue.id, range.through + 1) };
  const keys: number[] = [];
  for (const key of work.environment[database].getKeys({ ...bounds, limit: chunk })) {
    const place = readRecordKey(key);
    if (place !== undefined) keys.push(place.sequence);
  }
  return { keys, next: keys.length === chunk ? keys.at(-1) : undefined };
}

/** Operators may name what no record can have. */
function isSequence(value: number): boolean {
  return Number.isSafeInteger(value) && value > 0;
}

function indexStart(queue: number): Buffer {
  const key = Buffer.alloc(4);
  key.writeUInt32BE(queue);
  return key;
}
