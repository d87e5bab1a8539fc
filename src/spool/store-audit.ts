import { createHash } from "node:crypto";
import { fstatSync } from "node:fs";
import {
  databaseNames,
  decodeDeadLetter,
  decodeQueue,
  decodeRecord,
  decodeStore,
  formatVersion,
  queueKey,
  readRecordKey,
  type StoredQueue,
  storeKey,
} from "./format.js";
import { type PageCount, readPages } from "./store-pages.js";

/** A record that is not what was written. */
export interface DamagedRecord {
  readonly queue: string;
  readonly part: "waiting" | "dead";
  readonly sequence: number;
}

/** What a look at a whole store has found. */
export interface StoreFindings {
  readonly records: number;
  readonly deadLetters: number;
  readonly queues: number;
  /** The store has this version of the format, which is not known here; nothing else of it counts then. */
  readonly otherVersion: number | undefined;
  /** Pages of the file that belong to the snapshot. */
  readonly pages: PageCount;
  readonly damagedRecords: readonly DamagedRecord[];
  /** The first of what is wrong, besides single records. */
  readonly problems: readonly string[];
  /** How much is wrong in all, single records among it. */
  readonly problemCount: number;
}

/** So many damaged records and problems are named. */
const namedLimit = 100;

/**
 * Looks at every page, queue and record of a store: checksums, order, and that what the store says of its queues is what is there.
 *
 * @param fd of the store's file; nobody else writes to it, or a reader of LMDB holds the snapshot
 * @throws UnknownLayout when the file is none that can be looked at
 */
export function auditStore(fd: number): StoreFindings {
  const audit = new Audit();
  const pages = readPages(fd, fstatSync(fd).size, audit);
  return audit.finish(pages);
}

interface Part {
  count: number;
  bytes: number;
  first: number;
  last: number;
}

class Audit {
  private readonly queues = new Map<number, StoredQueue>();
  private readonly parts = { waiting: new Map<number, Part>(), dead: new Map<number, Part>() };
  /** Where the index leads, by queue and sequence. */
  private readonly index = new Map<string, Buffer>();
  private readonly damaged: { queue: number; part: "waiting" | "dead"; sequence: number }[] = [];
  private readonly problems: string[] = [];
  private problemCount = 0;
  private hasStore = false;
  private otherVersion: number | undefined;

  problem(text: string): void {
    this.problemCount += 1;
    if (this.problems.length < namedLimit) this.problems.push(text);
  }

  entry(database: string, key: Buffer, value: Buffer): void {
    if (database === databaseNames.queue) this.record(key, value);
    else if (database === databaseNames.dead) this.deadLetter(key, value);
    else if (database === databaseNames.meta) this.description(key, value);
    else if (database === databaseNames.latest) this.indexEntry(key, value);
    else this.problem(`a database ${database} that no store has`);
  }

  finish(pages: PageCount): StoreFindings {
    if (!this.hasStore && this.queues.size > 0) this.problem("the store does not say its version");
    for (const [id, { name }] of this.queues) this.compare(id, name);
    for (const part of ["waiting", "dead"] as const) {
      for (const [id, { count }] of this.parts[part]) {
        if (!this.queues.has(id)) this.problem(`${count} records belong to queue ${id}, which is not there`);
      }
    }
    const sum = (part: "waiting" | "dead") =>
      [...this.parts[part].values()].reduce((total, { count }) => total + count, 0);
    return {
      records: sum("waiting"),
      deadLetters: sum("dead"),
      queues: this.queues.size,
      otherVersion: this.otherVersion,
      pages,
      damagedRecords: this.damaged.map(({ queue, ...rest }) => ({ queue: this.nameOf(queue), ...rest })),
      problems: this.problems,
      problemCount: this.problemCount,
    };
  }

  private record(key: Buffer, value: Buffer): void {
    const place = readRecordKey(key);
    if (place === undefined) {
      this.problem("a record has a key of another length");
      return;
    }
    const record = decodeRecord(value);
    this.count("waiting", place, value.length);
    if (record === undefined || record.queue !== place.queue || record.sequence !== place.sequence) {
      this.damage("waiting", place);
      return;
    }
    const indexed = this.index.get(indexName(place));
    if (indexed === undefined) return;
    const hash = createHash("sha256").update(record.subject).digest().subarray(0, indexed.length);
    if (!hash.equals(indexed))
      this.problem(`${this.nameOf(place.queue)}: the index leads to a record of another subject`);
  }

  private deadLetter(key: Buffer, value: Buffer): void {
    const place = readRecordKey(key);
    if (place === undefined) {
      this.problem("a dead letter has a key of another length");
      return;
    }
    const letter = decodeDeadLetter(value);
    this.count("dead", place, value.length);
    if (letter === undefined || letter.queue !== place.queue || letter.sequence !== place.sequence) {
      this.damage("dead", place);
    }
  }

  private description(key: Buffer, value: Buffer): void {
    if (key.equals(storeKey)) {
      const store = decodeStore(value);
      this.hasStore = true;
      if (store === undefined) this.problem("the store's own entry is damaged");
      else if (store.formatVersion !== formatVersion) this.otherVersion = store.formatVersion;
      return;
    }
    const queue = decodeQueue(value);
    if (queue === undefined || !queueKey(queue.id).equals(key)) this.problem("the entry of a queue is damaged");
    else this.queues.set(queue.id, queue);
  }

  /** Key: queue and hash of the subject; value: as the key of a record, without the queue. */
  private indexEntry(key: Buffer, value: Buffer): void {
    const leadsTo = readRecordKey(value);
    if (key.length !== 20 || leadsTo === undefined) {
      this.problem("an entry of the index has another length");
      return;
    }
    this.index.set(indexName({ queue: key.readUInt32BE(0), sequence: leadsTo.sequence }), key.subarray(4));
  }

  private compare(id: number, name: string): void {
    const queue = this.queues.get(id);
    if (queue === undefined) return;
    const waiting = this.parts.waiting.get(id) ?? emptyPart();
    const dead = this.parts.dead.get(id) ?? emptyPart();
    const rows = [
      ["records", waiting.count, queue.waiting],
      ["bytes of records", waiting.bytes, queue.waitingBytes],
      ["dead letters", dead.count, queue.dead],
      ["bytes of dead letters", dead.bytes, queue.deadBytes],
    ] as const;
    for (const [what, found, said] of rows) {
      if (found !== said) this.problem(`${name}: ${found} ${what} where the queue counts ${said}`);
    }
    if (waiting.count > 0 && waiting.first < queue.firstLive) {
      this.problem(`${name}: record ${waiting.first} waits below ${queue.firstLive}, where the queue begins`);
    }
    if (Math.max(waiting.last, dead.last) >= queue.nextSequence) {
      this.problem(`${name}: record ${Math.max(waiting.last, dead.last)} is not below the next, ${queue.nextSequence}`);
    }
  }

  private count(part: "waiting" | "dead", place: { queue: number; sequence: number }, bytes: number): void {
    const parts = this.parts[part];
    const counted = parts.get(place.queue) ?? { ...emptyPart(), first: place.sequence };
    parts.set(place.queue, counted);
    counted.count += 1;
    counted.bytes += bytes;
    counted.last = place.sequence;
  }

  private damage(part: "waiting" | "dead", place: { queue: number; sequence: number }): void {
    this.problemCount += 1;
    if (this.damaged.length < namedLimit) this.damaged.push({ part, ...place });
  }

  private nameOf(queue: number): string {
    return this.queues.get(queue)?.name ?? `queue ${queue}`;
  }
}

function emptyPart(): Part {
  return { count: 0, bytes: 0, first: 0, last: 0 };
}

function indexName({ queue, sequence }: { queue: number; sequence: number }): string {
  return `${queue}:${sequence}`;
}
