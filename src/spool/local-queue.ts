import { GatewayError } from "../kernel/errors.js";
import type { ClaimedRange, Operation, Progress, RecordBlock } from "./messages.js";
import type { QueueView } from "./queue-view.js";
import { recordsOf } from "./record-blocks.js";
import type { ClaimLimits, QueueOptions, Settlement, SpoolQueue, SpoolRecord } from "./spool.js";

/** What a queue needs of its spool. */
export interface QueueHost {
  now(): number;
  /** Does an operation that can be done twice: when the store's thread is lost, again with the next one. */
  persist(operation: Exclude<Operation, { kind: "append" }>): Promise<Progress | RecordBlock | undefined>;
}

/** A queue in the hands of its consumer. */
export class LocalQueue implements SpoolQueue {
  readonly name: string;
  /** What a new thread has to know. */
  claimed: ClaimedRange | undefined;
  private isReleased = false;
  private readonly stops = new Set<() => void>();

  constructor(
    private readonly host: QueueHost,
    private readonly view: QueueView,
    private readonly options: QueueOptions,
    private readonly leave: () => void,
  ) {
    this.name = view.name;
  }

  async claim(limits: ClaimLimits): Promise<readonly SpoolRecord[]> {
    const { replay, maximumAgeMs } = this.options;
    const dropOlderThanMs = replay.kind === "drop-older-than" ? replay.ageMs : Infinity;
    for (;;) {
      if (this.isReleased) throw new GatewayError("FAILED_PRECONDITION", `The queue ${this.name} was released`);
      const how = { ...limits, nowMs: this.host.now(), maximumAgeMs, dropOlderThanMs };
      const block = await this.host.persist({ kind: "claim", queue: this.name, ...how });
      if (block === undefined || !("heads" in block)) return [];
      const records = recordsOf(block);
      const [first, last] = [records[0], records.at(-1)];
      this.claimed = first && last && { first: first.sequence, last: last.sequence };
      if (records.length > 0 || !block.isUnfinished) return records;
    }
  }

  async settle(settlement: Settlement): Promise<void> {
    if (settlement.remove.length + settlement.bury.length === 0) return;
    const how = { nowMs: this.host.now(), drop: [] };
    await this.host.persist({ kind: "settle", queue: this.name, ...settlement, ...how });
  }

  onAppended(listener: () => void): () => void {
    const { listeners } = this.view;
    // Each call has its own entry, also of a function that listens twice.
    const entry = (): void => listener();
    listeners.add(entry);
    const stop = (): void => {
      listeners.delete(entry);
      this.stops.delete(stop);
    };
    this.stops.add(stop);
    return stop;
  }

  release(): void {
    if (this.isReleased) return;
    this.isReleased = true;
    for (const stop of [...this.stops]) stop();
    this.claimed = undefined;
    this.leave();
  }
}
