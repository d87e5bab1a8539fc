/**
 * The JSON forms of a result, as the REST API of NSClient++ has them: three of the same answer, because each has clients of
 * its own.
 *
 * - `legacyResult`: `/query/<command>`, states by name, measurements in their order
 * - `executeResult`: `commands/execute`, states by number, measurements by label
 * - `nagiosResult`: `commands/execute_nagios`, states by name, measurements as performance data
 *
 * Measurements are shown as performance data shows them: an item without a label is left out, and what is no finite number
 * is `U`. Here numbers are whole doubles, and a member is missing where performance data has an empty field.
 */
import type { PB, PerformanceData, QueryResponse } from "./messages.js";
import { lineText, perfText } from "./nagios-text.js";
import { UNDEFINED_VALUE, withoutSeparators } from "./perfdata.js";
import { cleanUnit } from "./perfdata-number.js";
import { codeName, toResultCode } from "./result-code.js";

/** A measurement; what is undefined is no member of the JSON. A threshold is a text when it is a range. */
interface Measurement {
  readonly value: number | string;
  readonly minimum?: number | undefined;
  readonly maximum?: number | undefined;
  readonly warning?: number | string | undefined;
  readonly critical?: number | string | undefined;
  readonly unit: string;
}

/** A result for clients of `/query/<command>`. Even a value that is no number stands in `float_value`: they look nowhere else. */
export function legacyResult({ command, result, lines }: QueryResponse) {
  return {
    command,
    result: codeName(result),
    lines: lines.map(({ message, perf }) => ({
      message,
      perf: labelled(perf).map((item) => ({ alias: item.alias, float_value: measurement(item) })),
    })),
  };
}

/** How `executeResult` shows measurements. */
export type PerfForm = "object" | "list";

/**
 * A result for clients of `commands/execute`. By label, of two measurements with the same one the last counts; as a list both
 * are there, in their order.
 */
export function executeResult({ command, result, lines }: QueryResponse, form: PerfForm = "object") {
  const perfOf = form === "list" ? perfList : perfByLabel;
  return {
    command,
    result: toResultCode(result),
    lines: lines.map(({ message, perf }) => ({ message, perf: perfOf(perf) })),
  };
}

/** A result for clients of `commands/execute_nagios`. */
export function nagiosResult({ command, result, lines }: QueryResponse) {
  return {
    command,
    result: codeName(result),
    lines: lines.map((line) => ({ message: line.message, perf: perfText(line) })),
  };
}

/** Results as plugins print them: a row for each line, its performance data behind a `|`, and each ends in a line end. */
export function plainResult(answers: readonly QueryResponse[]): string {
  return answers.flatMap(({ lines }) => lines.map((line) => `${lineText(line)}\n`)).join("");
}

function perfList(perf: readonly PerformanceData[]) {
  return labelled(perf).map((item) => ({ label: item.alias, ...measurement(item) }));
}

function perfByLabel(perf: readonly PerformanceData[]): Record<string, Measurement | Pick<Measurement, "value">> {
  if (perf.length === 0) return {};
  // Without a prototype, so that no label means anything else.
  const members: Record<string, Measurement | Pick<Measurement, "value">> = Object.create(null);
  for (const item of labelled(perf)) {
    const shown = measurement(item);
    members[item.alias] = typeof shown.value === "number" ? shown : { value: shown.value };
  }
  return members;
}

function labelled(perf: readonly PerformanceData[]): readonly PerformanceData[] {
  return perf.filter(({ alias }) => alias !== "");
}

function measurement({ floatValue: float, stringValue: text }: PerformanceData): Measurement {
  if (float === null) return { value: withoutSeparators(text?.value ?? "") || UNDEFINED_VALUE, unit: "" };
  if (!Number.isFinite(float.value)) return { value: UNDEFINED_VALUE, unit: "" };
  return {
    value: float.value,
    minimum: limit(float.minimum),
    maximum: limit(float.maximum),
    warning: threshold(float.warningRange, float.warning),
    critical: threshold(float.criticalRange, float.critical),
    unit: cleanUnit(float.unit),
  };
}

function threshold(range: string, number: PB.Common.OptionalFloat | null): number | string | undefined {
  return withoutSeparators(range) || limit(number);
}

function limit(number: PB.Common.OptionalFloat | null): number | undefined {
  return number !== null && Number.isFinite(number.value) ? number.value : undefined;
}
