import type { Environment } from "./environment.js";
import {
  decodeQueue,
  decodeRecord,
  decodeStore,
  encodeStore,
  formatVersion,
  queueKeys,
  recordKey,
  type StoredQueue,
  storeKey,
} from "./format.js";
import type { QueueFigures } from "./messages.js";

/** A queue as the store's thread knows it: what is stored of it, and when its first record was accepted. */
export type QueueState = { -readonly [Key in keyof StoredQueue]: StoredQueue[Key] } & { oldestMs: number | undefined };

/** The queues as the last committed transaction left them. */
export class QueueTable {
  private readonly byId = new Map<number, QueueState>();
  private readonly idOf = new Map<string, number>();

  private constructor(public nextQueueId: number) {}

  /**
   * Reads the entries of all queues; writes the store's own entry when the store is new.
   *
   * @throws Error when an entry is damaged
   */
  static load(environment: Environment, nowMs: number): QueueTable {
    const stored = environment.meta.getBinary(storeKey);
    if (stored === undefined) {
      const store = encodeStore({ formatVersion, createdMs: nowMs, nextQueueId: 1 });
      environment.root.transactionSync(() => environment.meta.putSync(storeKey, store));
      return new QueueTable(1);
    }
    const store = decodeStore(stored);
    if (store === undefined) throw new Error("The store's own entry is damaged");
    const table = new QueueTable(store.nextQueueId);
    for (const { key, value } of environment.meta.getRange(queueKeys)) {
      const queue = decodeQueue(value);
      if (queue === undefined) throw new Error(`The entry of queue ${key.subarray(5).toString("hex")} is damaged`);
      table.adopt({ ...queue, oldestMs: headOf(environment, queue).oldestMs });
    }
    return table;
  }

  get(name: string): QueueState | undefined {
    return this.getById(this.idOf.get(name) ?? 0);
  }

  getById(id: number): QueueState | undefined {
    return this.byId.get(id);
  }

  /** Takes over what a transaction has committed. */
  adopt(queue: QueueState): void {
    this.byId.set(queue.id, queue);
    this.idOf.set(queue.name, queue.id);
  }

  figures(): QueueFigures[] {
    return [...this.byId.values()].map(figuresOf);
  }
}

export function figuresOf(queue: QueueState): QueueFigures {
  const { name, nextSequence, waiting, waitingBytes, oldestMs, dead, deadBytes } = queue;
  return { name, nextSequence, waiting, waitingBytes, oldestMs, dead, deadBytes };
}

/** The sequence number of the first record that waits, or the next one to be given, and when it was accepted. */
export function headOf(
  environment: Environment,
  queue: Pick<StoredQueue, "id" | "firstLive" | "nextSequence">,
): { firstLive: number; oldestMs: number | undefined } {
  const start = recordKey(queue.id, queue.firstLive);
  for (const { key, value } of environment.queue.getRange({ start, end: recordKey(queue.id + 1, 0), limit: 1 })) {
    return { firstLive: key.readUInt32BE(4) * 2 ** 32 + key.readUInt32BE(8), oldestMs: decodeRecord(value)?.timeMs };
  }
  return { firstLive: queue.nextSequence, oldestMs: undefined };
}
