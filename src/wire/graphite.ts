/**
 * Graphite's plaintext protocol: a line `path value seconds` for each value, nothing comes back.
 *
 * Sources: Graphite's documentation, "Feeding In Your Data"; the longest line is what carbon's line receiver takes.
 */
import type { MetricsBundle, PerformanceData } from "./messages.js";

/** A receiver closes the connection at a line that is longer, in bytes with its end. */
const longestLine = 16_384;

/** The words of a path template, with what they stand for. */
export type PathWords = Readonly<Record<string, string>>;

/** A value under its path. */
export interface GraphiteValue {
  readonly path: string;
  readonly value: number;
}

const WORD = /\$\{([^{}]*)\}|%\(([^()]*)\)/g;

/** The words of a path template: `${word}` or `%(word)`. */
export function wordsOf(template: string): string[] {
  return [...template.matchAll(WORD)].map(([, dollar, percent]) => dollar ?? percent ?? "");
}

/**
 * The path of a template. What Graphite can't have in a path becomes `_`, a `%` becomes `percent`; levels without a name
 * vanish, points in a name are levels of their own.
 */
export function graphitePath(template: string, words: PathWords): string {
  return template
    .replace(WORD, (_all, dollar?: string, percent?: string) => words[dollar ?? percent ?? ""] ?? "")
    .replaceAll("%", "percent")
    .replace(UNFIT, "_")
    .replace(/\.{2,}/g, ".")
    .replace(/^\.|\.$/g, "");
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what a path can't have
const UNFIT = /[\s\\[\]();\u0000-\u001f\u007f]/g;

/**
 * The line of a value, with its end.
 *
 * @param timeMs when it was measured, in milliseconds since 1970; the protocol has whole seconds
 * @returns undefined when no receiver takes it: without a path, with a value that is no number, too long
 */
export function graphiteLine({ path, value }: GraphiteValue, timeMs: number): string | undefined {
  if (path === "" || !Number.isFinite(value)) return undefined;
  const line = `${path} ${value} ${Math.floor(timeMs / 1000)}\n`;
  return Buffer.byteLength(line) > longestLine ? undefined : line;
}

const scales: Readonly<Record<string, number>> = { K: 1024, M: 1024 ** 2, G: 1024 ** 3, T: 1024 ** 4 };

/** The number of an item of performance data; one with a unit of K, M, G or T is a multiple of 1024. */
export function perfNumber({ floatValue, stringValue }: PerformanceData): number | undefined {
  if (floatValue !== null) return floatValue.value * (scales[floatValue.unit.charAt(0)] ?? 1);
  const text = stringValue?.value.trim() ?? "";
  const number = text === "" ? Number.NaN : Number(text);
  return Number.isNaN(number) ? undefined : number;
}

/** The gauges of a cycle of metrics, named by their bundles and themselves with points between. */
export function gaugesOf(bundles: readonly MetricsBundle[], above: readonly string[] = []): [string, number][] {
  return bundles.flatMap(({ key, children, value }) => {
    const here = key === "" ? above : [...above, key];
    const gauges = value.flatMap((metric): [string, number][] =>
      metric.gaugeValue === null
        ? []
        : [[[...here, metric.key, ...metric.dims.map((dim) => dim.value)].join("."), metric.gaugeValue.value]],
    );
    return [...gaugesOf(children, here), ...gauges];
  });
}
