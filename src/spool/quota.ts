import { GatewayError } from "../kernel/errors.js";
import { recordSize } from "./format.js";
import type { QueueView } from "./queue-view.js";
import type { SpoolEntry } from "./spool.js";

interface Demand {
  count: number;
  bytes: number;
}

/**
 * Limits by count and bytes, of the spool and of each queue. Room is reserved before entries join a batch and given back
 * when their fate is known; dead letters take room too.
 */
export class Quota {
  constructor(
    private readonly views: ReadonlyMap<string, QueueView>,
    private readonly maximumCount: number,
    private readonly maximumBytes: number,
  ) {}

  /**
   * Reserves room for all of the entries. Returns how to give it back.
   *
   * @throws GatewayError RESOURCE_EXHAUSTED naming the limit that is reached
   */
  reserve(entries: readonly SpoolEntry[], viewOf: (queue: string) => QueueView): () => void {
    const demands = demandOf(entries, viewOf);
    try {
      this.check(demands);
    } catch (error) {
      for (const [view, { count }] of demands) view.refused += count;
      throw error;
    }
    for (const [view, { count, bytes }] of demands) {
      view.reservedCount += count;
      view.reservedBytes += bytes;
    }
    return () => {
      for (const [view, { count, bytes }] of demands) {
        view.reservedCount -= count;
        view.reservedBytes -= bytes;
      }
    };
  }

  private check(demands: ReadonlyMap<QueueView, Demand>): void {
    const all = { count: 0, bytes: 0 };
    for (const [view, demand] of demands) {
      const { maximumCount, maximumBytes } = view.limits;
      const full = `The queue ${view.name} is full`;
      if (view.count + demand.count > maximumCount) throw exhausted(full, view.count, maximumCount, "results");
      if (view.bytes + demand.bytes > maximumBytes) throw exhausted(full, view.bytes, maximumBytes, "bytes");
      all.count += demand.count;
      all.bytes += demand.bytes;
    }
    let [count, bytes] = [0, 0];
    for (const view of this.views.values()) {
      count += view.count;
      bytes += view.bytes;
    }
    const full = `The spool is full, for ${[...demands.keys()].map(({ name }) => name).join(", ")}`;
    if (count + all.count > this.maximumCount) throw exhausted(full, count, this.maximumCount, "results");
    if (bytes + all.bytes > this.maximumBytes) throw exhausted(full, bytes, this.maximumBytes, "bytes");
  }
}

function demandOf(entries: readonly SpoolEntry[], viewOf: (queue: string) => QueueView): Map<QueueView, Demand> {
  const demands = new Map<QueueView, Demand>();
  for (const entry of entries) {
    const size = recordSize(Buffer.byteLength(entry.subject), entry.bytes.length);
    for (const queue of entry.queues) {
      const view = viewOf(queue);
      const demand = demands.get(view) ?? { count: 0, bytes: 0 };
      demand.count += 1;
      demand.bytes += size;
      demands.set(view, demand);
    }
  }
  return demands;
}

function exhausted(what: string, held: number, limit: number, unit: string): GatewayError {
  const text = `${what}: it holds ${held} of at most ${limit} ${unit}, dead letters included`;
  return new GatewayError("RESOURCE_EXHAUSTED", text);
}
