import type { Metric, MetricsBundle, MetricsMessage, PB } from "../wire/messages.js";

/** The bundles of all payloads of a message. */
export function bundlesOf(message: MetricsMessage | undefined): MetricsBundle[] {
  return message?.payload.flatMap((payload) => payload.bundles) ?? [];
}

/** The samples under one name. */
export interface MetricFamily {
  readonly type: FamilyType;
  readonly help: string;
  /** What follows the name in a line, such as `_bucket{le="1"}` → value. */
  readonly samples: ReadonlyMap<string, string>;
}

type FamilyType = "gauge" | "counter" | "untyped" | "summary" | "histogram";

/** The metrics of the bundles by name, in the order in which they come; texts are left out. */
export function familiesOf(bundles: readonly MetricsBundle[]): ReadonlyMap<string, MetricFamily> {
  const families: Families = new Map();
  for (const bundle of bundles) collect(bundle, [], families);
  return families;
}

type Families = Map<string, MetricFamily & { readonly samples: Map<string, string> }>;

function collect(bundle: MetricsBundle, path: readonly string[], families: Families): void {
  const here = bundle.key === "" ? path : [...path, bundle.key];
  for (const child of bundle.children) collect(child, here, families);
  for (const metric of bundle.value) {
    const type = typeOf(metric);
    if (type === undefined) continue;
    const name = metricName([...here, metric.key]);
    const family = families.get(name) ?? { type, help: metric.desc, samples: new Map<string, string>() };
    // One name has one type; who comes second with another one is left out.
    if (family.type !== type) continue;
    families.set(name, family);
    for (const [suffix, labels, value] of samplesOf(metric)) {
      const series = `${suffix}${labelText([...labelsOf(metric.dims), ...labels])}`;
      if (!family.samples.has(series)) family.samples.set(series, numberText(value));
    }
  }
}

function typeOf(metric: Metric): FamilyType | undefined {
  if (metric.gaugeValue !== null) return "gauge";
  if (metric.counterValue !== null) return "counter";
  if (metric.untypedValue !== null) return "untyped";
  if (metric.summaryValue !== null) return "summary";
  if (metric.histogramValue !== null) return "histogram";
  return undefined;
}

type Labels = readonly (readonly [string, string])[];
type Sample = readonly [suffix: string, labels: Labels, value: number];

function samplesOf({ gaugeValue, counterValue, untypedValue, summaryValue, histogramValue }: Metric): Sample[] {
  const plain = gaugeValue ?? counterValue ?? untypedValue;
  if (plain !== null) return [["", [], plain.value]];
  if (summaryValue !== null) return summarySamples(summaryValue);
  return histogramValue === null ? [] : histogramSamples(histogramValue);
}

function summarySamples({ quantile, sampleCount, sampleSum }: PB.Metrics.Summary): Sample[] {
  return [
    ...quantile.map((part): Sample => ["", [["quantile", numberText(part.quantile)]], part.value]),
    ["_sum", [], sampleSum],
    ["_count", [], Number(sampleCount)],
  ];
}

function histogramSamples({ bucket, sampleCount, sampleSum }: PB.Metrics.Histogram): Sample[] {
  const finite = bucket.filter(({ upperBound }) => upperBound !== Number.POSITIVE_INFINITY);
  return [
    ...finite.map((part): Sample => ["_bucket", [["le", numberText(part.upperBound)]], Number(part.cumulativeCount)]),
    ["_bucket", [["le", "+Inf"]], Number(sampleCount)],
    ["_sum", [], sampleSum],
    ["_count", [], Number(sampleCount)],
  ];
}

/** Letters, digits, `_` and `:`, not beginning with a digit; everything else becomes `_`. */
function metricName(parts: readonly string[]): string {
  const name = parts
    .join("_")
    .replace(/^[._]+/, "")
    .replace(/[^a-zA-Z0-9_:]+/g, "_");
  return /^[0-9]/.test(name) || name === "" ? `_${name}` : name;
}

/** Labels as the format takes them; of two that become the same name the first stays. */
function labelsOf(dims: Metric["dims"]): [string, string][] {
  const labels = new Map<string, string>();
  for (const { key, value } of dims) {
    const clean = key.replace(/[^a-zA-Z0-9_]+/g, "_");
    const name = /^[0-9]/.test(clean) || clean === "" ? `_${clean}` : clean;
    if (!labels.has(name)) labels.set(name, value);
  }
  return [...labels];
}

function labelText(labels: Labels): string {
  if (labels.length === 0) return "";
  const parts = labels.map(([name, value]) => {
    const escaped = value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
    return `${name}="${escaped}"`;
  });
  return `{${parts.join(",")}}`;
}

function numberText(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return "+Inf";
  if (value === Number.NEGATIVE_INFINITY) return "-Inf";
  return String(value);
}
