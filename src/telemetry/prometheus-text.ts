import type { MetricsBundle } from "../wire/messages.js";
import { familiesOf } from "./metric-families.js";

/**
 * The metrics of a cycle in the text format of Prometheus. Names are the keys of the bundles and of the metric with `_`
 * between them; texts are left out, for the format has only numbers.
 *
 * @param isTaken tells names that are used already; a name may stand only once
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/ version 0.0.4
 */
export function prometheusText(
  bundles: readonly MetricsBundle[],
  isTaken: (name: string) => boolean = () => false,
): string {
  let text = "";
  for (const [name, { type, help, samples }] of familiesOf(bundles)) {
    if (isTaken(name)) continue;
    if (help !== "") text += `# HELP ${name} ${help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")}\n`;
    text += `# TYPE ${name} ${type}\n`;
    for (const [series, value] of samples) text += `${name}${series} ${value}\n`;
  }
  return text;
}
