import { Counter, Gauge, type Registry as PrometheusRegistry } from "prom-client";
import type { GatewayControl } from "../kernel/control.js";
import type { QueueFigures, RelayTargetStatus, SpoolFigures } from "../kernel/relay-status.js";

/** What the figures of relays are read from. */
export type MeasuredRelays = Pick<GatewayControl, "modules" | "clock"> & Partial<Pick<GatewayControl, "spoolFigures">>;

interface Figure<Of> {
  readonly name: string;
  readonly help: string;
  read(of: Of, nowMs: number): number;
}

const spoolFigures: readonly Figure<SpoolFigures>[] = [
  { name: "nscp_spool_results", help: "Results on disk, dead letters included.", read: ({ count }) => count },
  { name: "nscp_spool_bytes", help: "Bytes of the results on disk.", read: ({ bytes }) => bytes },
  {
    ...{ name: "nscp_spool_results_limit", help: "How many results may be on disk." },
    read: ({ maximumCount }) => maximumCount,
  },
  {
    ...{ name: "nscp_spool_bytes_limit", help: "How many bytes of results may be on disk." },
    read: ({ maximumBytes }) => maximumBytes,
  },
  {
    ...{ name: "nscp_spool_refusing", help: "1 while nothing is accepted though there is room, as on a full disk." },
    read: ({ refusing }) => (refusing === "" ? 0 : 1),
  },
  {
    ...{ name: "nscp_spool_damaged_stores", help: "Stores that were found damaged and set aside; they need a look." },
    read: ({ damagedStores }) => damagedStores.length,
  },
  {
    ...{ name: "nscp_spool_damaged_records", help: "Records found damaged since the start; they need a look." },
    read: ({ damagedRecords }) => damagedRecords,
  },
];

const queueGauges: readonly Figure<QueueFigures>[] = [
  { name: "nscp_queue_waiting", help: "Results that wait for their receiver.", read: ({ waiting }) => waiting },
  { name: "nscp_queue_waiting_bytes", help: "Bytes of them.", read: ({ waitingBytes }) => waitingBytes },
  {
    ...{ name: "nscp_queue_oldest_seconds", help: "How long the oldest of them waits; 0 when none does." },
    read: ({ oldestMs }, nowMs) => (oldestMs === undefined ? 0 : Math.max(0, (nowMs - oldestMs) / 1000)),
  },
  { name: "nscp_queue_dead", help: "Dead letters.", read: ({ dead }) => dead },
  { name: "nscp_queue_dead_bytes", help: "Bytes of them.", read: ({ deadBytes }) => deadBytes },
];

const queueCounters: readonly Figure<QueueFigures>[] = [
  { name: "nscp_queue_accepted_total", help: "Results that were accepted.", read: ({ accepted }) => accepted },
  { name: "nscp_queue_removed_total", help: "Results that left the queue delivered.", read: ({ removed }) => removed },
  { name: "nscp_queue_buried_total", help: "Results that became dead letters.", read: ({ buried }) => buried },
  {
    ...{ name: "nscp_queue_dropped_total", help: "Results that were dropped: by the replay policy or by hand." },
    read: ({ dropped }) => dropped,
  },
  {
    ...{ name: "nscp_queue_refused_total", help: "Results that were not accepted because a limit was reached." },
    read: ({ refused }) => refused,
  },
];

const relayCounters: readonly Figure<RelayTargetStatus>[] = [
  { name: "nscp_relay_delivered_total", help: "Results that the receiver has.", read: ({ delivered }) => delivered },
  {
    name: "nscp_relay_refused_total",
    help: "Results that the receiver refused for good.",
    read: ({ refused }) => refused,
  },
  { name: "nscp_relay_retried_total", help: "Results that were sent again.", read: ({ retried }) => retried },
  {
    name: "nscp_relay_failures_total",
    help: "Batches that failed, at least in part.",
    read: ({ failures }) => failures,
  },
];

const relayGauges: readonly Figure<RelayTargetStatus>[] = [
  {
    ...{ name: "nscp_relay_taken_over", help: "1 while another target takes the results of this one." },
    read: ({ takenOverBy }) => (takenOverBy === "" ? 0 : 1),
  },
];

const breakerStates = ["closed", "half-open", "open"] as const;

/** Adds what rests on disk, and how its way to the receivers fares. */
export function addRelayMetrics(prometheus: PrometheusRegistry, gateway: MeasuredRelays): void {
  const spool = () => gateway.spoolFigures?.();
  const spools = () => {
    const figures = spool();
    return figures === undefined ? [] : [{ labels: { folder: figures.folder }, of: figures }];
  };
  const queues = () => (spool()?.queues ?? []).map((queue) => ({ labels: { queue: queue.name }, of: queue }));
  const relays = () =>
    gateway.modules().flatMap(({ alias, status }) =>
      (status.relay ?? []).map((target) => ({
        labels: { alias, target: target.name, queue: target.queue, grade: target.grade },
        of: target,
      })),
    );
  const now = () => gateway.clock.now();
  add(prometheus, Gauge, spoolFigures, ["folder"], spools, now);
  add(prometheus, Gauge, queueGauges, ["queue"], queues, now);
  add(prometheus, Counter, queueCounters, ["queue"], queues, now);
  const names = ["alias", "target", "queue", "grade"];
  add(prometheus, Counter, relayCounters, names, relays, now);
  add(prometheus, Gauge, relayGauges, names, relays, now);
  new Gauge({
    name: "nscp_relay_breaker",
    help: "1 for the state that the target's breaker is in.",
    labelNames: [...names, "state"],
    registers: [prometheus],
    collect() {
      this.reset();
      for (const { labels, of } of relays()) {
        for (const state of breakerStates) this.set({ ...labels, state }, of.breaker === state ? 1 : 0);
      }
    },
  });
}

interface Labelled<Of> {
  readonly labels: Record<string, string>;
  readonly of: Of;
}

function add<Of>(
  prometheus: PrometheusRegistry,
  Kind: typeof Gauge | typeof Counter,
  figures: readonly Figure<Of>[],
  labelNames: readonly string[],
  read: () => readonly Labelled<Of>[],
  now: () => number,
): void {
  for (const { name, help, read: figureOf } of figures) {
    new Kind({
      ...{ name, help, labelNames: [...labelNames], registers: [prometheus] },
      collect() {
        this.reset();
        for (const { labels, of } of read()) {
          const value = figureOf(of, now());
          // Who divides by a limit that there is not wants no line rather than +Inf.
          if (Number.isFinite(value)) this.inc(labels, value);
        }
      },
    });
  }
}
