import type { Metric, MetricsBundle } from "../wire/messages.js";

type Value = number | string;

/** Values by the keys of their bundles. It has no prototype, so that every name is only a name. */
export interface NestedMetrics {
  [name: string]: Value | NestedMetrics;
}

/**
 * The metrics of a cycle as one flat table: the keys of the bundles and of the metric with dots between them. Of several
 * metrics of one name, which differ by labels, the first is shown; a summary and a histogram are `….count` and `….sum`.
 */
export function flatMetrics(bundles: readonly MetricsBundle[]): ReadonlyMap<string, Value> {
  const values = new Map<string, Value>();
  for (const [path, value] of valuesOf(bundles, [])) {
    const name = path.join(".");
    if (!values.has(name)) values.set(name, value);
  }
  return values;
}

/** The same as objects in objects. A name that is a value and a bundle too is the bundle. */
export function nestedMetrics(bundles: readonly MetricsBundle[]): NestedMetrics {
  const root: NestedMetrics = Object.create(null);
  for (const [path, value] of valuesOf(bundles, [])) {
    const name = path.at(-1) ?? "";
    let place = root;
    for (const part of path.slice(0, -1)) {
      const below = place[part];
      const next: NestedMetrics = typeof below === "object" ? below : Object.create(null);
      place[part] = next;
      place = next;
    }
    place[name] ??= value;
  }
  return root;
}

function* valuesOf(bundles: readonly MetricsBundle[], above: readonly string[]): Generator<[string[], Value]> {
  for (const { key, children, value } of bundles) {
    const here = [...above, ...partsOf(key)];
    yield* valuesOf(children, here);
    for (const metric of value) {
      const path = [...here, ...partsOf(metric.key)];
      for (const [more, one] of metricValues(metric)) yield [[...path, ...more], one];
    }
  }
}

/** Scripts give names with dots in them. */
function partsOf(key: string): string[] {
  return key.split(".").filter((part) => part !== "");
}

function metricValues(metric: Metric): [string[], Value][] {
  const { gaugeValue, counterValue, untypedValue, stringValue, summaryValue, histogramValue } = metric;
  const plain = gaugeValue ?? counterValue ?? untypedValue;
  if (plain !== null) return [[[], numberOrText(plain.value)]];
  if (stringValue !== null) return [[[], stringValue.value]];
  const observed = summaryValue ?? histogramValue;
  if (observed === null) return [];
  return [
    [["count"], numberOrText(Number(observed.sampleCount))],
    [["sum"], numberOrText(observed.sampleSum)],
  ];
}

/** JSON has no words for what is no number. */
function numberOrText(value: number): Value {
  return Number.isFinite(value) ? value : String(value);
}
