import type { Pace } from "../compare.js";
import { table, whole } from "../table.js";
import { type Acceptance, measureAcceptance } from "./acceptance.js";
import { type BacklogMemory, measureBacklog } from "./backlog.js";
import { type BareStore, measureBareStore } from "./bare-store.js";
import { type Delivery, measureDelivery } from "./delivery.js";
import { MeasuredDaemon } from "./nsca-daemon.js";

/** What became of passive results: taken, kept, delivered. */
export interface RelayFigures {
  readonly acceptances: readonly Acceptance[];
  readonly stores: readonly BareStore[];
  /** Nothing when Debian's programs are not on this machine. */
  readonly deliveries: readonly Delivery[] | undefined;
  readonly backlog: readonly BacklogMemory[];
}

export async function measureRelay(
  pace: Pace,
  quick: boolean,
  progress: (text: string) => void,
): Promise<RelayFigures> {
  const stores = measureBareStore([1, 100, 800], quick ? 500 : 2000);
  const acceptances = await measureAcceptance(pace);
  for (const { results, inFlight, gateway } of acceptances) {
    progress(`${results} results a call, ${inFlight} calls: ${whole(gateway.resultsPerSecond)} accepted/s`);
  }
  const { lack } = MeasuredDaemon;
  const deliveries = lack === undefined ? await measureDelivery(quick ? 3 : 7) : undefined;
  if (lack !== undefined) progress(`Delivery is not measured: ${lack}`);
  for (const { method, ratio } of deliveries ?? []) progress(`NSCA ${method}: ${ratio.toFixed(2)} of a fed send_nsca`);
  const backlog = await measureBacklog(quick ? 100_000 : 1_000_000);
  return { acceptances, stores, deliveries, backlog };
}

/** The figures as a part of the Markdown document. */
export function renderRelay({ acceptances, stores, deliveries, backlog }: RelayFigures): string {
  const lines = [
    "## Passive results",
    "",
    "Taken over gRPC Submit without TLS and flushed to disk before the answer. The receiver is not there. Goal: at least",
    "20,000 results/s with 100 in a call.",
    "",
    ...table(
      ["results in a call", "calls in flight", "server", ...rateColumns],
      3,
      acceptances.flatMap(acceptanceRows),
    ),
    "",
    "The store alone, in one thread: so many records of that size, and a flush after each group.",
    "",
    ...table(
      ["records in a group", "records/s"],
      0,
      stores.map(({ group, recordsPerSecond }) => [whole(group), whole(recordsPerSecond)]),
    ),
  ];
  if (deliveries !== undefined) {
    lines.push(
      "",
      "Delivered to Debian's `nsca` with 4096 bytes of output, from the second result that it wrote to the last. Behind the",
      "first one on its first connection the gateway waits to see whether the daemon can read it. Goal: at least 0.80 of one",
      "`send_nsca` that is fed all results.",
      "",
      ...table(deliveryColumns, 1, deliveries.map(deliveryRow)),
    );
  }
  lines.push(
    "",
    "Memory of the gateway that no file stands behind, while results wait.",
    "",
    ...table(
      ["results waiting", "MiB"],
      0,
      backlog.map(({ waiting, anonymousMiB }) => [whole(waiting), whole(anonymousMiB)]),
    ),
  );
  return `${lines.join("\n")}\n`;
}

const rateColumns = ["results/s", "p50 ms", "p99 ms", "alone p50", "alone p99", "of floor"];

function acceptanceRows({ results, inFlight, floor, gateway, ratio }: Acceptance): string[][] {
  const cells = (rate: Acceptance["floor"]) => [
    whole(rate.resultsPerSecond),
    ...[rate.p50Ms, rate.p99Ms, rate.aloneP50Ms, rate.aloneP99Ms].map((figure) => figure.toFixed(2)),
  ];
  return [
    [String(results), String(inFlight), "bare grpc-js", ...cells(floor), ""],
    ["", "", "gateway", ...cells(gateway), ratio.toFixed(2)],
  ];
}

const deliveryColumns = ["method", "send_nsca for each", "fed send_nsca", "gateway", "of fed send_nsca"];

function deliveryRow({ method, single, fed, gateway, ratio, ratios }: Delivery): string[] {
  const spread = `${ratio.toFixed(2)} (${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)})`;
  return [method, whole(single), whole(fed), whole(gateway), spread];
}
