import { defineCheck, type RegistrableCheck } from "../../kernel/check.js";
import type { Core } from "../../kernel/core.js";
import { Line, type PB, type PerformanceData } from "../../wire/messages.js";
import { formatNumber } from "../../wire/perfdata-number.js";
import { codeName } from "../../wire/result-code.js";
import { parseSyntax } from "./syntax.js";
import { runWrapped } from "./wrapped-check.js";

const itemKeywords = {
  key: "the label",
  value: "the value",
  unit: "the unit",
  warn: "the warning threshold",
  crit: "the critical threshold",
  min: "the smallest possible value",
  max: "the largest possible value",
  message: "the message of the check",
};

const summaryKeywords = {
  message: "the message of the check",
  status: "the state of the check",
  count: "how many items there are",
  total: "the same",
  list: "all items, each by detail-syntax",
  detail_list: "the same",
};

/** `render_perf`: writes the performance data of a check into its message. */
export function renderPerfCheck(core: Core): RegistrableCheck {
  return defineCheck({
    name: "render_perf",
    description: "Runs a check and writes its performance data as text",
    arguments: {
      "top-syntax": { type: "text", default: "%(message)\\n%(list)", description: "The message" },
      "detail-syntax": {
        type: "text",
        default: "%(key)\\t%(value)\\t%(unit)\\t%(warn)\\t%(crit)\\t%(min)\\t%(max)",
        description: "Each item in it",
      },
      "empty-syntax": {
        type: "text",
        default: "%(message)",
        description: "The message when there is no performance data",
      },
      "list-separator": { type: "text", default: "\\n", description: "What stands between the items" },
      "remove-perf": { type: "flag", description: "Answer without performance data" },
      command: { type: "text", required: true, description: "The check to run" },
      arguments: { type: "rest", description: "Its arguments" },
    },
    fields: { ...itemKeywords, ...summaryKeywords },
    async run({ command, arguments: args, ...options }, request, call, header) {
      const top = parseSyntax("top-syntax", options["top-syntax"], Object.keys(summaryKeywords));
      const empty = parseSyntax("empty-syntax", options["empty-syntax"], Object.keys(summaryKeywords));
      const detail = parseSyntax("detail-syntax", options["detail-syntax"], Object.keys(itemKeywords));
      const separator = parseSyntax("list-separator", options["list-separator"], [])({});

      const { hasRun, answer } = await runWrapped(core, { command, args, request, call, header });
      if (!hasRun) return answer;
      const message = answer.lines.map((line) => line.message).join("\n");
      const perf = answer.lines.flatMap((line) => line.perf);
      const list = perf.map((item) => detail({ ...itemValues(item), message })).join(separator);
      const count = String(perf.length);
      const values = { message, status: codeName(answer.result), count, total: count, list, detail_list: list };
      const text = (perf.length === 0 ? empty : top)(values);
      answer.lines = [Line.create({ message: text, perf: options["remove-perf"] ? [] : perf })];
      return answer;
    },
  });
}

function itemValues({ alias, floatValue, stringValue }: PerformanceData): Record<keyof typeof itemKeywords, string> {
  return {
    key: alias,
    value: floatValue === null ? (stringValue?.value ?? "") : formatNumber(floatValue.value),
    unit: floatValue?.unit ?? "",
    warn: floatValue?.warningRange || numberText(floatValue?.warning),
    crit: floatValue?.criticalRange || numberText(floatValue?.critical),
    min: numberText(floatValue?.minimum),
    max: numberText(floatValue?.maximum),
    message: "",
  };
}

function numberText(number: PB.Common.OptionalFloat | null | undefined): string {
  return number ? formatNumber(number.value) : "";
}
