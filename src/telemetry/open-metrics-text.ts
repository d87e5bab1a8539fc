import type { MetricsBundle } from "../wire/messages.js";
import { familiesOf, type MetricFamily } from "./metric-families.js";

/** What OpenMetrics calls the types, and the endings that names of their samples can have. */
const types: Readonly<Record<MetricFamily["type"], { readonly word: string; readonly endings: readonly string[] }>> = {
  gauge: { word: "gauge", endings: [] },
  counter: { word: "counter", endings: ["_total", "_created"] },
  untyped: { word: "unknown", endings: [] },
  summary: { word: "summary", endings: ["_count", "_sum", "_created"] },
  histogram: { word: "histogram", endings: ["_count", "_sum", "_bucket", "_created"] },
};

/**
 * The metrics of a cycle as OpenMetrics 1.0. Here counters end in `_total`, all names of a family belong to it alone, and a
 * last line says that nothing is missing. What would make the rest unreadable is left out: a name that another family has
 * taken, and counters below zero.
 *
 * @see https://prometheus.io/docs/specs/om/open_metrics_spec/
 */
export function openMetricsText(bundles: readonly MetricsBundle[]): string {
  const taken = new Set<string>();
  let text = "";
  for (const [given, { type, help, samples }] of familiesOf(bundles)) {
    const { word, endings } = types[type];
    const isCounter = type === "counter";
    const name = isCounter ? given.replace(/_total$/, "") : given;
    const names = [name, ...endings.map((ending) => name + ending)];
    if (names.some((one) => taken.has(one))) continue;
    for (const one of names) taken.add(one);
    text += `# TYPE ${name} ${word}\n`;
    if (help !== "") text += `# HELP ${name} ${escaped(help)}\n`;
    for (const [series, value] of samples) {
      if (!isCounter) text += `${name}${series} ${value}\n`;
      else if (Number(value) >= 0 || value === "+Inf") text += `${name}_total${series} ${value}\n`;
    }
  }
  return `${text}# EOF\n`;
}

function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
}
