import type {
  DeadLetter,
  QueueOptions,
  QueueStatus,
  RecordQuery,
  Spool,
  SpoolEntry,
  SpoolQueue,
  SpoolRecord,
  SpoolStatus,
} from "../../src/spool/spool.js";
import { nscp, QueryResponse, ResultCode } from "../../src/wire/messages.js";
import { parseNagiosText } from "../../src/wire/nagios-text.js";

const { SpooledResult } = nscp.gateway.v1;

/** A result as it lies in a spool. */
export function spooled(host: string, service: string, text: string, code: ResultCode = ResultCode.OK): Uint8Array {
  const name = service === "" ? "host_check" : service;
  return SpooledResult.encode({
    ...{ host, channel: "NSCA", timeMs: 1_000 },
    result: QueryResponse.create({
      ...{ command: name, alias: name, source: host, result: code },
      lines: [parseNagiosText(text)],
    }),
  }).finish();
}

/** What an operator can do with a spool, on lists in memory. */
export class MemorySpool implements Spool {
  readonly waiting = new Map<string, SpoolRecord[]>();
  readonly dead = new Map<string, DeadLetter[]>();
  /** Sequence numbers on their way to the receiver. */
  readonly claimed = new Set<number>();
  lists = 0;
  private next = 1;

  put(queue: string, host: string, service: string, text: string, code?: ResultCode): number {
    return this.putBytes(queue, `${host};${service}`, spooled(host, service, text, code));
  }

  putBytes(queue: string, subject: string, bytes: Uint8Array): number {
    const sequence = this.next++;
    listOf(this.waiting, queue).push({ sequence, timeMs: 1_000 * sequence, subject, bytes });
    return sequence;
  }

  bury(queue: string, sequence: number, reason: string): void {
    const record = take(listOf(this.waiting, queue), [sequence])[0];
    if (record !== undefined) listOf(this.dead, queue).push({ ...record, reason, buriedMs: record.timeMs + 500 });
  }

  async list({ queue, part, after = 0, limit }: RecordQuery) {
    this.lists++;
    const records = part === "dead" ? listOf(this.dead, queue) : listOf(this.waiting, queue);
    return records.filter(({ sequence }) => sequence > after).slice(0, limit);
  }

  async retry({ queue, sequences }: Parameters<Spool["retry"]>[0]) {
    const letters = take(listOf(this.dead, queue), sequences);
    for (const { subject, timeMs, bytes } of letters) {
      listOf(this.waiting, queue).push({ sequence: this.next++, subject, timeMs, bytes });
    }
    return letters.length;
  }

  async drop({ queue, part, sequences }: Parameters<Spool["drop"]>[0]) {
    if (part === "dead") return take(listOf(this.dead, queue), sequences).length;
    return take(listOf(this.waiting, queue), sequences, this.claimed).length;
  }

  status(): SpoolStatus {
    const names = [...new Set([...this.waiting.keys(), ...this.dead.keys()])];
    const queues = names.map((name) => this.statusOf(name));
    return {
      folder: "/var/spool",
      bytes: queues.reduce((sum, { waitingBytes, deadBytes }) => sum + waitingBytes + deadBytes, 0),
      count: queues.reduce((sum, { waiting, dead }) => sum + waiting + dead, 0),
      maximumBytes: 1024,
      maximumCount: Number.POSITIVE_INFINITY,
      refusing: "",
      damagedStores: [],
      damagedRecords: 0,
      queues,
    };
  }

  append(_entries: readonly SpoolEntry[]): Promise<void> {
    throw new Error("not used here");
  }

  open(_queue: string, _options: QueueOptions): Promise<SpoolQueue> {
    throw new Error("not used here");
  }

  async close(): Promise<void> {}

  private statusOf(name: string): QueueStatus {
    const waiting = listOf(this.waiting, name);
    const dead = listOf(this.dead, name);
    return {
      ...{ name, hasConsumer: true, waiting: waiting.length, waitingBytes: bytesOf(waiting) },
      ...{ oldestMs: waiting[0]?.timeMs, dead: dead.length, deadBytes: bytesOf(dead) },
      ...{ accepted: waiting.length + dead.length, removed: 0, buried: dead.length, dropped: 0, refused: 0 },
    };
  }
}

function listOf<Item>(lists: Map<string, Item[]>, name: string): Item[] {
  let list = lists.get(name);
  if (list === undefined) {
    list = [];
    lists.set(name, list);
  }
  return list;
}

function take<Item extends SpoolRecord>(
  list: Item[],
  sequences: readonly number[] | undefined,
  except: ReadonlySet<number> = new Set(),
): Item[] {
  const isMeant = ({ sequence }: Item) =>
    (sequences === undefined || sequences.includes(sequence)) && !except.has(sequence);
  const taken = list.filter(isMeant);
  list.splice(0, list.length, ...list.filter((item) => !isMeant(item)));
  return taken;
}

function bytesOf(records: readonly SpoolRecord[]): number {
  return records.reduce((sum, { bytes }) => sum + bytes.length, 0);
}
