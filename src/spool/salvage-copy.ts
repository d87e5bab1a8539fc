/**
 * Puts everything readable of a damaged store into a new one.
 *
 * First its trees are walked, which tells what waits at this moment. Where that does not give all that a queue counts, the
 * whole file is scanned for values: what the trees have lost, but also what was removed before and whose page is not used again
 * yet. So of a queue that is not whole, results may come back that were delivered, dropped or tried again; none is lost that can be
 * read. A record that can't be read becomes a dead letter with its bytes. Sequence numbers stay.
 */
import { closeSync, openSync, statSync } from "node:fs";
import { ppid } from "node:process";
import { closeEnvironment, type Environment, openEnvironment } from "./environment.js";
import {
  databaseNames,
  decodeDeadLetter,
  decodeQueue,
  decodeRecord,
  decodeStore,
  encodeDeadLetter,
  encodeQueue,
  encodeRecord,
  encodeStore,
  formatVersion,
  queueKey,
  readRecordKey,
  recordKey,
  type ScannedValue,
  type StoredQueue,
  storeKey,
} from "./format.js";
import { missingNumbers, type QueueSalvage, type SalvageFindings } from "./salvage-findings.js";
import { readPages, UnknownLayout } from "./store-pages.js";
import { scanFile } from "./store-scan.js";
import { damagedReason } from "./work.js";

type Part = "queue" | "dead";

/** A place in one of the two databases. */
interface Place {
  readonly queue: number;
  readonly sequence: number;
}

const batchSize = 2000;
const batchBytes = 16 * 1024 * 1024;

/**
 * @param from the file of the damaged store; nobody else has it open
 * @param to the file of the new store, which is not there yet
 */
export async function salvageInto(from: string, to: string, nowMs: number): Promise<SalvageFindings> {
  const size = statSync(from).size;
  const fd = openSync(from, "r");
  const environment = openEnvironment(to, 2 * size + 64 * 1024 * 1024);
  try {
    const copy = new SalvageCopy(environment, nowMs);
    copy.walk(fd, size);
    if (!copy.isWhole) copy.scan(fd, size);
    return copy.finish();
  } finally {
    await closeEnvironment(environment);
    closeSync(fd);
  }
}

/** What is known of a queue of the damaged store. */
interface KnownQueue {
  name: string;
  /** As the trees say; undefined when they don't lead to its entry. */
  stored: StoredQueue | undefined;
  nextSequence: number;
  firstLive: number;
  /** What the trees lead to. */
  readonly walked: { queue: number; dead: number };
}

class SalvageCopy {
  private readonly queues = new Map<number, KnownQueue>();
  private readonly problems: string[] = [];
  private problemCount = 0;
  /** Whether something is wrong with what holds records, and not only with an index or with free pages. */
  private isTreeDamaged = false;
  private readonly isBroken = new Set<number>();
  /** Values that are damaged where the trees lead to them. */
  private readonly damaged = new Map<string, Place & { part: Part; raw: Buffer }>();
  /** Records and dead letters that only the scan has found. */
  private readonly scanned = { queue: new Set<string>(), dead: new Set<string>() };
  private createdMs: number;
  private nextQueueId = 1;
  /** Writes of the next transaction. */
  private pending: (() => void)[] = [];
  private pendingBytes = 0;
  private readonly parent = ppid;

  constructor(
    private readonly environment: Environment,
    private readonly nowMs: number,
  ) {
    this.createdMs = nowMs;
  }

  /** Whether the trees gave everything that the queues count. */
  get isWhole(): boolean {
    return !this.isTreeDamaged && this.damaged.size === 0 && this.isBroken.size === 0;
  }

  walk(fd: number, size: number): void {
    try {
      readPages(fd, size, {
        entry: (database, key, value) => this.entry(database, key, value),
        problem: (text) => {
          this.note(text);
          if (!harmless.test(text)) this.isTreeDamaged = true;
        },
      });
    } catch (error) {
      if (!(error instanceof UnknownLayout)) throw error;
      this.note(error.message);
      this.isTreeDamaged = true;
    }
    this.flush();
    for (const [id, { stored, walked }] of this.queues) {
      if (stored?.waiting !== walked.queue || stored.dead !== walked.dead) this.isBroken.add(id);
    }
  }

  /** Twice: a queue may be described behind its records, and without that nobody knows where it begins. */
  scan(fd: number, size: number): void {
    scanFile(fd, size, (value) => {
      if (value.kind === "queue") this.describeAgain(value.queue);
    });
    scanFile(fd, size, (value) => {
      if (value.kind !== "queue") this.found(value);
    });
    this.flush();
  }

  finish(): SalvageFindings {
    for (const { part, raw, ...place } of this.damaged.values()) this.keepDamaged(part, place, raw);
    this.flush();
    const salvaged = [...this.queues].map(([id, known]) => this.closeQueue(id, known));
    const store = encodeStore({ formatVersion, createdMs: this.createdMs, nextQueueId: this.nextQueueId });
    this.later(store.length, () => this.environment.meta.putSync(storeKey, store));
    this.flush();
    return { queues: salvaged, problems: this.problems, problemCount: this.problemCount };
  }

  private entry(database: string, key: Buffer, value: Buffer): void {
    if (database === databaseNames.meta) this.description(key, value);
    else if (database === databaseNames.queue) this.record(key, value);
    else if (database === databaseNames.dead) this.deadLetter(key, value);
  }

  private description(key: Buffer, value: Buffer): void {
    if (key.equals(storeKey)) {
      const store = decodeStore(value);
      if (store === undefined) {
        this.damage("the store's own entry is damaged");
        return;
      }
      this.createdMs = store.createdMs;
      this.nextQueueId = Math.max(this.nextQueueId, store.nextQueueId);
      return;
    }
    const queue = decodeQueue(value);
    if (queue === undefined) {
      this.damage("the entry of a queue is damaged");
      return;
    }
    this.describeAgain(queue);
    this.queue(queue.id).stored = queue;
  }

  /** Both numbers only ever grow, so the larger ones are the newer ones. */
  private describeAgain({ id, name, nextSequence, firstLive }: StoredQueue): void {
    const known = this.queue(id);
    if (known.name === "" || firstLive >= known.firstLive) known.name = name;
    known.nextSequence = Math.max(known.nextSequence, nextSequence);
    // What the trees say of a whole entry is exact; an entry on a free page may be of a transaction that never ended.
    if (known.stored === undefined) known.firstLive = Math.max(known.firstLive, firstLive);
  }

  private record(key: Buffer, value: Buffer): void {
    const record = decodeRecord(value);
    const place = record ?? readRecordKey(key);
    if (place === undefined) {
      this.damage("a record has neither key nor content");
      return;
    }
    this.see(place);
    this.queue(place.queue).walked.queue += 1;
    if (record === undefined)
      this.damaged.set(placeName(place), { ...placeOf(place), part: "queue", raw: copied(value) });
    else this.put("queue", place, value);
  }

  private deadLetter(key: Buffer, value: Buffer): void {
    const letter = decodeDeadLetter(value);
    const place = letter ?? readRecordKey(key);
    if (place === undefined) {
      this.damage("a dead letter has neither key nor content");
      return;
    }
    this.see(place);
    this.queue(place.queue).walked.dead += 1;
    if (letter === undefined)
      this.damaged.set(placeName(place), { ...placeOf(place), part: "dead", raw: copied(value) });
    else this.put("dead", place, value);
  }

  /** A value that lies somewhere in the file. */
  private found(value: Exclude<ScannedValue, { kind: "queue" }>): void {
    const place = value.kind === "record" ? value.record : value.letter;
    const known = this.see(place);
    const isWanted = this.isTreeDamaged || this.isBroken.has(place.queue) || this.damaged.has(placeName(place));
    if (!isWanted) return;
    // The bytes of what was found are overwritten by what the scan reads next.
    if (value.kind === "dead") {
      const letter = encodeDeadLetter(value.letter);
      this.later(letter.length, () => this.addDeadLetter(placeOf(place), letter));
    } else if (place.sequence >= known.firstLive) {
      const { revision, subject } = value.record;
      const record = encodeRecord(value.record, Buffer.from(subject));
      this.later(record.length, () => this.addRecord(placeOf(place), revision, record));
    }
  }

  private addDeadLetter(place: Place, letter: Buffer): void {
    const { queue, dead } = this.environment;
    const key = recordKey(place.queue, place.sequence);
    if (dead.doesExist(key)) return;
    // A record that waits under the same number is older: what is tried again gets a new one.
    this.scanned.queue.delete(placeName(place));
    queue.removeSync(key);
    this.scanned.dead.add(placeName(place));
    dead.putSync(key, letter);
  }

  private addRecord(place: Place, revision: number, record: Buffer): void {
    const { queue, dead } = this.environment;
    const key = recordKey(place.queue, place.sequence);
    if (dead.doesExist(key)) return;
    const other = queue.getBinary(key);
    if (other !== undefined && (decodeRecord(other)?.revision ?? -1) >= revision) return;
    if (other === undefined) this.scanned.queue.add(placeName(place));
    queue.putSync(key, record);
  }

  private keepDamaged(part: Part, place: Place, raw: Buffer): void {
    const { queue, dead } = this.environment;
    const key = recordKey(place.queue, place.sequence);
    if (dead.doesExist(key) || (part === "queue" && queue.doesExist(key))) return;
    this.put("dead", place, encodeDeadLetter({ ...placeOf(place), buriedMs: this.nowMs, reason: damagedReason, raw }));
  }

  /** Counts what is in the new store, and says what it is. */
  private closeQueue(id: number, known: KnownQueue): QueueSalvage {
    const waiting = this.countPart("queue", id);
    const dead = this.countPart("dead", id);
    const nextSequence = Math.max(known.nextSequence, waiting.last + 1, dead.last + 1, 1);
    const firstLive = waiting.count === 0 ? nextSequence : waiting.first;
    const name = known.name === "" ? `recovered-${id}` : known.name;
    const entry: StoredQueue = {
      ...{ id, name, isIndexed: false, nextSequence, firstLive },
      ...{ waiting: waiting.count, waitingBytes: waiting.bytes, dead: dead.count, deadBytes: dead.bytes },
    };
    this.nextQueueId = Math.max(this.nextQueueId, id + 1);
    this.later(0, () => this.environment.meta.putSync(queueKey(id), encodeQueue(entry)));
    const isWhole = !this.isTreeDamaged && !this.isBroken.has(id);
    // Of a queue that nothing describes nobody knows where it began.
    const start = known.name === "" ? firstLive : Math.min(known.firstLive, firstLive);
    const missing = isWhole ? { count: 0, ranges: [] } : this.gaps(id, start, nextSequence);
    const damaged = [...this.damaged.values()].filter(({ queue }) => queue === id).length;
    return {
      ...{ name, waiting: waiting.count, dead: dead.count, damaged },
      scanned: countOf(this.scanned.queue, id),
      scannedDead: countOf(this.scanned.dead, id),
      missing: missing.count,
      missingRanges: missing.ranges,
      missingDead: isWhole ? 0 : Math.max(0, (known.stored?.dead ?? 0) - known.walked.dead),
    };
  }

  /** Numbers from the first that could wait up to the next, which are in neither part. */
  private gaps(id: number, start: number, end: number): { count: number; ranges: string[] } {
    const numbers = function* (database: Environment["queue"]): Generator<number> {
      const range = { start: recordKey(id, start), end: recordKey(id, end) };
      for (const key of database.getKeys(range)) yield readRecordKey(key)?.sequence ?? 0;
    };
    return missingNumbers(start, end, numbers(this.environment.queue), numbers(this.environment.dead));
  }

  private countPart(part: Part, id: number) {
    const found = { count: 0, bytes: 0, first: 0, last: 0 };
    const range = { start: recordKey(id, 0), end: recordKey(id + 1, 0) };
    for (const { key, value } of this.environment[part].getRange(range)) {
      const sequence = readRecordKey(key)?.sequence ?? 0;
      if (found.count === 0) found.first = sequence;
      found.last = sequence;
      found.count += 1;
      found.bytes += value.length;
    }
    return found;
  }

  /** A number that was in use, wherever it was found: it is not given again. */
  private see({ queue, sequence }: Place): KnownQueue {
    const known = this.queue(queue);
    known.nextSequence = Math.max(known.nextSequence, sequence + 1);
    return known;
  }

  private queue(id: number): KnownQueue {
    let known = this.queues.get(id);
    if (known === undefined) {
      known = { name: "", stored: undefined, nextSequence: 1, firstLive: 0, walked: { queue: 0, dead: 0 } };
      this.queues.set(id, known);
    }
    return known;
  }

  private put(part: Part, { queue, sequence }: Place, value: Buffer): void {
    this.later(value.length, () => this.environment[part].putSync(recordKey(queue, sequence), value));
  }

  private later(bytes: number, write: () => void): void {
    this.pending.push(write);
    this.pendingBytes += bytes;
    if (this.pending.length >= batchSize || this.pendingBytes >= batchBytes) this.flush();
  }

  private flush(): void {
    if (this.pending.length === 0) return;
    // Whoever wanted the copy is gone, and the next one may write to a file of the same name.
    if (process.ppid !== this.parent) process.exit(1);
    const writes = this.pending;
    this.pending = [];
    this.pendingBytes = 0;
    this.environment.root.transactionSync(() => {
      for (const write of writes) write();
    });
  }

  private damage(text: string): void {
    this.note(text);
    this.isTreeDamaged = true;
  }

  private note(text: string): void {
    this.problemCount += 1;
    if (this.problems.length < 20) this.problems.push(text);
  }
}

/** Problems of parts that hold no records; they are made anew. */
const harmless = /^(?:latest: |the list of free pages|page \d+ is used and listed as free)/;

function placeName({ queue, sequence }: Place): string {
  return `${queue}:${sequence}`;
}

function placeOf({ queue, sequence }: Place): Place {
  return { queue, sequence };
}

function countOf(names: ReadonlySet<string>, queue: number): number {
  return [...names].filter((name) => name.startsWith(`${queue}:`)).length;
}

/** A view of a page would keep all of it in memory. */
function copied(value: Buffer): Buffer {
  return Buffer.from(value);
}
