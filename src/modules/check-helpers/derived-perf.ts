import { ArgumentError } from "../../kernel/arguments.js";
import { defineCheck, type RegistrableCheck } from "../../kernel/check.js";
import type { Core } from "../../kernel/core.js";
import { PB, PerformanceData } from "../../wire/messages.js";
import { runWrapped } from "./wrapped-check.js";

/** `xform_perf`: derives performance data from that of a check. */
export function transformPerfCheck(core: Core): RegistrableCheck {
  return defineCheck({
    name: "xform_perf",
    description: "Runs a check and derives performance data from its own",
    arguments: {
      mode: {
        type: "choice",
        choices: ["extract", "minmax"],
        default: "extract",
        description: "extract adds an item for the field of each; minmax gives items in % the limits 0 and 100",
      },
      field: { type: "choice", choices: ["max", "min"], default: "max", description: "What extract takes" },
      replace: {
        type: "text",
        description: "How extract names its items, as old=new\nA label that stays the same gets the field behind it.",
      },
      command: { type: "text", required: true, description: "The check to run" },
      arguments: { type: "rest", description: "Its arguments" },
    },
    async run({ mode, field, replace, command, arguments: args }, request, call, header) {
      const rename = renamer(replace, field);
      const { hasRun, answer } = await runWrapped(core, { command, args, request, call, header });
      if (!hasRun) return answer;
      for (const line of answer.lines) {
        line.perf =
          mode === "minmax"
            ? line.perf.map(withLimits)
            : [...line.perf, ...line.perf.flatMap((item) => extract(item, field, rename))];
      }
      return answer;
    },
  });
}

function renamer(replace: string | undefined, field: string): (label: string) => string {
  const equals = replace?.indexOf("=") ?? -1;
  if (replace !== undefined && equals < 1) throw new ArgumentError(`replace can't be "${replace}": write old=new`);
  const from = replace?.slice(0, equals) ?? "";
  const to = replace?.slice(equals + 1) ?? "";
  return (label) => {
    const renamed = from === "" ? label : label.replaceAll(from, to);
    return renamed === label || renamed === "" ? `${label} ${field}` : renamed;
  };
}

/** The field of an item as an item of its own; nothing when it is not set. */
function extract(item: PerformanceData, field: "max" | "min", rename: (label: string) => string): PerformanceData[] {
  const { floatValue } = item;
  const limit = field === "max" ? floatValue?.maximum : floatValue?.minimum;
  if (!floatValue || !limit) return [];
  const derived = PerformanceData.FloatValue.create({ value: limit.value, unit: floatValue.unit });
  return [PerformanceData.create({ alias: rename(item.alias), floatValue: derived })];
}

function withLimits(item: PerformanceData): PerformanceData {
  const { floatValue } = item;
  if (floatValue?.unit !== "%") return item;
  const { OptionalFloat } = PB.Common;
  const minimum = floatValue.minimum ?? OptionalFloat.create({ value: 0 });
  const maximum = floatValue.maximum ?? OptionalFloat.create({ value: 100 });
  return PerformanceData.create({
    alias: item.alias,
    floatValue: PerformanceData.FloatValue.create({ ...floatValue, minimum, maximum }),
  });
}
