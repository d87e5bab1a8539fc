/** The readers of typed values. Each gives undefined for a text that is not of its type. */

const words = new Map([
  ["true", true],
  ["1", true],
  ["yes", true],
  ["false", false],
  ["0", false],
  ["no", false],
]);

/** `true`, `1`, `yes` and `false`, `0`, `no` in any case. */
export function parseBool(text: string): boolean | undefined {
  return words.get(text.trim().toLowerCase());
}

/** A whole number; the whole text must be one. */
export function parseInteger(text: string): number | undefined {
  if (!/^[+-]?\d+$/.test(text.trim())) return undefined;
  const number = Number(text.trim());
  return Number.isSafeInteger(number) ? number : undefined;
}

const milliseconds: Readonly<Record<string, number>> = {
  ms: 1,
  "": 1000,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** A time span such as `30`, `30s`, `5m`, `1h`, `7d`, `2w` or `250ms`, in milliseconds. Without a unit: seconds. */
export function parseTime(text: string): number | undefined {
  return scaled(/^(\d+)\s*(ms|[smhdw]?)$/.exec(text.trim().toLowerCase()), milliseconds);
}

const bytes: Readonly<Record<string, number>> = {
  "": 1,
  b: 1,
  k: 1024,
  m: 1024 ** 2,
  g: 1024 ** 3,
  t: 1024 ** 4,
};

/** A size such as `512`, `64K`, `10M` or `1GB`, in bytes; the units are powers of 1024. */
export function parseSize(text: string): number | undefined {
  return scaled(/^(\d+)\s*(?:([kmgt]?)(?:i?b)?)$/.exec(text.trim().toLowerCase()), bytes);
}

/** The elements between the commas, without blanks around them; empty ones vanish. */
export function parseList(text: string): string[] {
  return text
    .split(",")
    .map((element) => element.trim())
    .filter((element) => element !== "");
}

function scaled(match: RegExpExecArray | null, units: Readonly<Record<string, number>>): number | undefined {
  if (!match) return undefined;
  const value = Number(match[1]) * (units[match[2] ?? ""] ?? Number.NaN);
  return Number.isSafeInteger(value) ? value : undefined;
}
