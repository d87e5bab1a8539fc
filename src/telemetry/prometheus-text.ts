import type { Metric, MetricsBundle, MetricsMessage, PB } from "../wire/messages.js";

/**
 * The metrics of a cycle in the text format of Prometheus. Names are the keys of the bundles and of the metric with `_`
 * between them; texts are left out, for the format has only numbers.
 *
 * @param isTaken tells names that are used already; a name may stand only once
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/ version 0.0.4
 */
export function prometheusText(bundles: readonly MetricsBundle[], isTaken: (name: string) => boolean): string {
  const families = new Map<string, Family>();
  for (const bundle of bundles) collect(bundle, [], families);
  let text = "";
  for (const [name, { type, help, samples }] of families) {
    if (isTaken(name)) continue;
    if (help !== "") text += `# HELP ${name} ${help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")}\n`;
    text += `# TYPE ${name} ${type}\n`;
    for (const [series, value] of samples) text += `${series} ${value}\n`;
  }
  return text;
}

/** The bundles of all payloads of a message. */
export function bundlesOf(message: MetricsMessage | undefined): MetricsBundle[] {
  return message?.payload.flatMap((payload) => payload.bundles) ?? [];
}

interface Family {
  readonly type: FamilyType;
  readonly help: string;
  /** Series (name and labels) → value. */
  readonly samples: Map<string, string>;
}

type FamilyType = "gauge" | "counter" | "untyped" | "summary" | "histogram";

function collect(bundle: MetricsBundle, path: readonly string[], families: Map<string, Family>): void {
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
      const series = `${name}${suffix}${labelText([...labelsOf(metric.dims), ...labels])}`;
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
