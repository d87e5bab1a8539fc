import { cpus } from "node:os";
import type { Comparison, Figures, Pace } from "./compare.js";

/** What one setting of the servers, with or without TLS, came to. */
export interface Section {
  readonly tls: boolean;
  readonly comparisons: readonly Comparison[];
  /** Resident memory of the gateway and its script host in MiB: after its start, after all rounds. */
  readonly memoryMiB: { readonly before: number; readonly after: number };
}

const columns = [
  ...["what", "server", "calls/s", "checks/s", "p50 ms", "p99 ms", "alone p50", "alone p99"],
  ...["cpu µs/call", "by cpu", "of floor", "goal"],
];

/** The figures as a Markdown document, aligned so that it reads well on a terminal too. */
export function renderReport(sections: readonly Section[], pace: Pace): string {
  const processors = cpus();
  const lines = [
    `Node.js ${process.version}, ${processors.length} × ${processors[0]?.model.trim() ?? "unknown processor"}; ` +
      `medians of ${pace.pairs} pairs of rounds of ${pace.roundMs / 1000} s, floor and gateway in turns.`,
  ];
  for (const { tls, comparisons, memoryMiB } of sections) {
    lines.push("", `## ${tls ? "Mutual TLS" : "Without TLS"}`, "", ...table(comparisons.flatMap(rowsOf)), "");
    const { before, after } = memoryMiB;
    lines.push(`Memory of the gateway and its script host: ${whole(before)} MiB before, ${whole(after)} MiB after.`);
  }
  return `${lines.join("\n")}\n`;
}

function rowsOf({ scenario, floor, gateway, ratio, ratios }: Comparison): string[][] {
  const spread = `${ratio.toFixed(2)} (${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)})`;
  const goal = scenario.goal === undefined ? "" : `≥ ${scenario.goal.toFixed(2)}`;
  return [
    [scenario.title, "bare grpc-js", ...cells(floor), "", "", ""],
    ["", "gateway", ...cells(gateway), (floor.cpuMicroseconds / gateway.cpuMicroseconds).toFixed(2), spread, goal],
  ];
}

function cells(figures: Figures): string[] {
  return [
    whole(figures.callsPerSecond),
    whole(figures.checksPerSecond),
    figures.p50Ms.toFixed(2),
    figures.p99Ms.toFixed(2),
    figures.aloneP50Ms.toFixed(2),
    figures.aloneP99Ms.toFixed(2),
    whole(figures.cpuMicroseconds),
  ];
}

function table(rows: readonly string[][]): string[] {
  const widths = columns.map((title, index) => Math.max(title.length, ...rows.map((row) => row[index]?.length ?? 0)));
  const line = (cellsOfRow: readonly string[]) => {
    const padded = cellsOfRow.map((cell, index) => {
      const width = widths[index] ?? 0;
      return index < 2 ? cell.padEnd(width) : cell.padStart(width);
    });
    return `| ${padded.join(" | ")} |`;
  };
  const rule = `| ${widths.map((width, index) => (index < 2 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`)).join(" | ")} |`;
  return [line(columns), rule, ...rows.map(line)];
}

function whole(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}
