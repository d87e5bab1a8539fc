import { defineCheck, type RegistrableCheck } from "../../kernel/check.js";
import type { Core } from "../../kernel/core.js";
import { Line, type PerformanceData } from "../../wire/messages.js";
import { runWrapped } from "./wrapped-check.js";

const orders: Readonly<Record<string, (left: PerformanceData, right: PerformanceData) => number>> = {
  none: () => 0,
  normal: (left, right) => byValue(left, right, 1),
  reverse: (left, right) => byValue(left, right, -1),
  reversed: (left, right) => byValue(left, right, -1),
};

/** `filter_perf`: sorts the performance data of a check by value and keeps the first of it. */
export function filterPerfCheck(core: Core): RegistrableCheck {
  return defineCheck({
    name: "filter_perf",
    description: "Runs a check and sorts and limits its performance data",
    arguments: {
      sort: {
        type: "choice",
        choices: ["none", "normal", "reverse", "reversed"],
        default: "none",
        description: "The order: normal has the smallest value first, reverse or reversed the largest",
      },
      limit: { type: "count", default: 0, description: "How many items to keep; 0 keeps all" },
      command: { type: "text", required: true, description: "The check to run" },
      arguments: { type: "rest", description: "Its arguments" },
    },
    async run({ sort, limit, command, arguments: args }, request, call, header) {
      const { hasRun, answer } = await runWrapped(core, { command, args, request, call, header });
      if (!hasRun) return answer;
      const sorted = answer.lines.flatMap((line) => line.perf).sort(orders[sort]);
      const perf = limit === 0 ? sorted : sorted.slice(0, limit);
      const message = answer.lines.map((line) => line.message).join("\n");
      answer.lines = [Line.create({ message, perf })];
      return answer;
    },
  });
}

/** What has no number stands last in both directions. */
function byValue(left: PerformanceData, right: PerformanceData, direction: 1 | -1): number {
  if (left.floatValue === null || right.floatValue === null) {
    return Number(left.floatValue === null) - Number(right.floatValue === null);
  }
  return direction * (left.floatValue.value - right.floatValue.value);
}
