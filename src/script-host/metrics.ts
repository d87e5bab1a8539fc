import { Metric, MetricsBundle, type MetricsMessage, PB } from "../wire/messages.js";

const { OptionalFloat, OptionalString } = PB.Common;

/**
 * The metrics of a cycle as scripts get them: dotted names, values as texts. Numbers are in their shortest form; only
 * gauges and texts are handed out.
 */
export function flattenMetrics(message: MetricsMessage): Record<string, string> {
  const flat: Record<string, string> = {};
  for (const payload of message.payload) for (const bundle of payload.bundles) flattenBundle(bundle, "", flat);
  return flat;
}

function flattenBundle(bundle: MetricsBundle, prefix: string, flat: Record<string, string>): void {
  const path = bundle.key === "" ? prefix : `${prefix}${bundle.key}.`;
  for (const child of bundle.children) flattenBundle(child, path, flat);
  for (const { key, gaugeValue, stringValue } of bundle.value) {
    if (gaugeValue !== null && gaugeValue !== undefined) flat[path + key] = String(gaugeValue.value);
    else if (stringValue !== null && stringValue !== undefined) flat[path + key] = stringValue.value;
  }
}

/** The bundle of what a script's `fetchMetrics` returned; numbers become gauges. Other values have no place in it. */
export function metricsBundle(values: unknown): MetricsBundle {
  const bundle = MetricsBundle.create();
  if (typeof values !== "object" || values === null) return bundle;
  for (const [key, value] of Object.entries(values)) {
    if (typeof value === "number")
      bundle.value.push(Metric.create({ key, gaugeValue: OptionalFloat.create({ value }) }));
    else if (typeof value === "string") {
      bundle.value.push(Metric.create({ key, stringValue: OptionalString.create({ value }) }));
    }
  }
  return bundle;
}
