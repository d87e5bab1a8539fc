import { cpus } from "node:os";
import type { ProcessMemory } from "../test/support/process-figures.js";
import type { ColdStart } from "./cold-start.js";
import type { Comparison, Figures, Pace } from "./compare.js";
import { table, whole } from "./table.js";

/** What one setting of the servers, with or without TLS, came to. */
export interface Section {
  readonly tls: boolean;
  readonly comparisons: readonly Comparison[];
  /** Of the gateway and what it started: after its start, after all rounds. */
  readonly memory: { readonly before: readonly ProcessMemory[]; readonly after: readonly ProcessMemory[] };
}

const columns = [
  ...["what", "server", "calls/s", "checks/s", "p50 ms", "p99 ms", "alone p50", "alone p99"],
  ...["cpu µs/call", "by cpu", "of floor", "goal"],
];

/** The figures as a Markdown document. */
export function renderReport(sections: readonly Section[], coldStarts: readonly ColdStart[], pace: Pace): string {
  const processors = cpus();
  const lines = [
    `Node.js ${process.version}, ${processors.length} × ${processors[0]?.model.trim() ?? "unknown processor"}; ` +
      `medians of ${pace.pairs} pairs of rounds of ${pace.roundMs / 1000} s, floor and gateway in turns.`,
  ];
  for (const { tls, comparisons, memory } of sections) {
    lines.push(
      "",
      `## ${tls ? "Mutual TLS" : "Without TLS"}`,
      "",
      ...table(columns, 2, comparisons.flatMap(rowsOf)),
      "",
    );
    lines.push(...table(memoryColumns, 1, memoryRows(memory)));
  }
  if (coldStarts.length > 0) {
    lines.push("", "## Cold start", "", "From the start of the process to the first answer, without TLS.", "");
    lines.push(
      ...table(
        ["a gateway with", "ms"],
        1,
        coldStarts.map(({ title, milliseconds }) => [title, whole(milliseconds)]),
      ),
    );
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

const memoryColumns = ["MiB of memory", "at start", "shared in parts", "after all rounds", "shared in parts"];

function memoryRows({ before, after }: Section["memory"]): string[][] {
  return before.map((process) => {
    const later = after.find(({ pid }) => pid === process.pid);
    const figures = [process.residentMiB, process.proportionalMiB, later?.residentMiB, later?.proportionalMiB];
    return [roleOf(process, before), ...figures.map((figure) => (figure === undefined ? "" : whole(figure)))];
  });
}

/** What a process below the gateway is for. The guard of a Python host is a child of it, with the same arguments. */
function roleOf({ commandLine, parent }: ProcessMemory, all: readonly ProcessMemory[]): string {
  const words = commandLine.join(" ");
  if (words.includes("node-script")) return "TypeScript host";
  if (!words.includes("python-script")) return "gateway";
  const above = all.find(({ pid }) => pid === parent);
  return above?.commandLine.join(" ") === words ? "its guard" : "Python host";
}
