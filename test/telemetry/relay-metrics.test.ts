import { Registry } from "prom-client";
import { expect, it } from "vitest";
import type { LoadedModule } from "../../src/kernel/modules.js";
import type { RelayTargetStatus, SpoolFigures } from "../../src/kernel/relay-status.js";
import { addRelayMetrics } from "../../src/telemetry/relay-metrics.js";
import { FakeClock } from "../support/fake-clock.js";

const clock = new FakeClock(100_000);

async function samples(spool: SpoolFigures | undefined, relay?: readonly RelayTargetStatus[]): Promise<string[]> {
  const module: LoadedModule = {
    ...{ id: 1, name: "NSCAClient", alias: "nsca", summary: "", state: "running", failure: "" },
    status: relay === undefined ? {} : { relay },
  };
  const prometheus = new Registry();
  addRelayMetrics(prometheus, { clock, modules: () => [module], spoolFigures: () => spool });
  return (await prometheus.metrics()).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
}

it("a gateway without spool and relays has no lines about them", async () => {
  expect(await samples(undefined)).toEqual([]);
});

it("what rests on disk, queue by queue, and how its way to the receivers fares", async () => {
  const target: RelayTargetStatus = {
    ...{ name: "mon", queue: "nsca/mon", grade: "written", breaker: "open", takenOverBy: "spare" },
    ...{ delivered: 1, refused: 2, retried: 3, failures: 4, lastError: "", lastErrorMs: 0, nextTryMs: 0 },
  };
  const spool: SpoolFigures = {
    ...{ folder: "/var/spool", bytes: 11, count: 12, maximumBytes: 13, maximumCount: Number.POSITIVE_INFINITY },
    ...{ refusing: "disk full", damagedStores: ["a", "b"], damagedRecords: 5 },
    queues: [
      {
        ...{ name: "nsca/mon", waiting: 21, waitingBytes: 22, oldestMs: 90_000, dead: 23, deadBytes: 24 },
        ...{ accepted: 25, removed: 26, buried: 27, dropped: 28, refused: 29 },
      },
    ],
  };
  const of = 'alias="nsca",target="mon",queue="nsca/mon",grade="written"';
  expect(await samples(spool, [target])).toEqual([
    'nscp_spool_results{folder="/var/spool"} 12',
    'nscp_spool_bytes{folder="/var/spool"} 11',
    'nscp_spool_bytes_limit{folder="/var/spool"} 13',
    'nscp_spool_refusing{folder="/var/spool"} 1',
    'nscp_spool_damaged_stores{folder="/var/spool"} 2',
    'nscp_spool_damaged_records{folder="/var/spool"} 5',
    'nscp_queue_waiting{queue="nsca/mon"} 21',
    'nscp_queue_waiting_bytes{queue="nsca/mon"} 22',
    'nscp_queue_oldest_seconds{queue="nsca/mon"} 10',
    'nscp_queue_dead{queue="nsca/mon"} 23',
    'nscp_queue_dead_bytes{queue="nsca/mon"} 24',
    'nscp_queue_accepted_total{queue="nsca/mon"} 25',
    'nscp_queue_removed_total{queue="nsca/mon"} 26',
    'nscp_queue_buried_total{queue="nsca/mon"} 27',
    'nscp_queue_dropped_total{queue="nsca/mon"} 28',
    'nscp_queue_refused_total{queue="nsca/mon"} 29',
    `nscp_relay_delivered_total{${of}} 1`,
    `nscp_relay_refused_total{${of}} 2`,
    `nscp_relay_retried_total{${of}} 3`,
    `nscp_relay_failures_total{${of}} 4`,
    `nscp_relay_taken_over{${of}} 1`,
    `nscp_relay_breaker{${of},state="closed"} 0`,
    `nscp_relay_breaker{${of},state="half-open"} 0`,
    `nscp_relay_breaker{${of},state="open"} 1`,
  ]);
});
