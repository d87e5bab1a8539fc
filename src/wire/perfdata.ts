/**
 * Performance data: the text behind the `|` of a plugin's output, and the messages that stand for it.
 *
 *     'label'=value[unit][;warning[;critical[;minimum[;maximum]]]] 'label2'=...
 *
 * Reading forgives what plugins print, writing is strict. What was read and written is read as the same messages again,
 * except that numbers are rounded to five decimals. A message that the text has no form for is written as the nearest one:
 *
 * - an item without a label, which readers skip, is left out;
 * - a value that is not finite, or is no value at all, is `U` (undefined); such a limit is left out;
 * - units, ranges and string values lose blanks and `;`, which would begin another field or item, and a unit loses number
 *   characters at its beginning, which would belong to the number;
 * - a limit beside a range is the number at the beginning of the range, 0 when there is none, and a range that is but a
 *   number is the limit;
 * - a string value other than `U` is written but reads as a number: the format has no texts.
 *
 * Sources: the plugin guidelines of the Monitoring Plugins project, section "performance data", and the behaviour of
 * NSClient++. A quote in a label is doubled, as the guidelines say.
 */
import { PB, PerformanceData } from "./messages.js";
import { cleanUnit, findNumber, formatNumber, readNumber } from "./perfdata-number.js";

const { StringValue, FloatValue } = PerformanceData;
const { OptionalFloat } = PB.Common;

/** What a plugin prints when it could not measure. */
export const UNDEFINED_VALUE = "U";
export const UNDEFINED_VALUES: ReadonlySet<string> = new Set(["U", "u", "U%", "u%"]);

/**
 * Reads performance data. Never fails: a value that is no number counts as 0, an item without a label is skipped.
 *
 * Takes time in proportion to the length of the text.
 */
export function parsePerfdata(text: string): PerformanceData[] {
  const items: PerformanceData[] = [];
  let position = skipBlanks(text, 0);
  while (position < text.length) {
    const isQuoted = text.charCodeAt(position) === QUOTE;
    const quotedEnd = isQuoted ? closingQuote(text, position) : position;
    // Without a closing quote the rest is one item: nobody can say where the label was meant to end.
    const isOpen = quotedEnd < 0;
    const nameStart = isOpen ? position + 1 : quotedEnd;
    const nameEnd = endOfName(text, nameStart, isOpen);
    const name = text.slice(nameStart, nameEnd);
    const quoted = isQuoted && !isOpen ? unquote(text.slice(position + 1, quotedEnd - 1)) : "";
    const label = isOpen ? unquote(name) : quoted + name;
    const valueStart = text.charCodeAt(nameEnd) === EQUALS ? nameEnd + 1 : nameEnd;
    const itemEnd = nextBlank(text, valueStart);
    if (label !== "") items.push(parseItem(label, text.slice(valueStart, itemEnd)));
    position = isOpen ? text.length : skipBlanks(text, itemEnd);
  }
  return items;
}

/** How performance data is to be written. */
interface PerfdataOptions {
  /** Room in bytes of UTF-8; an item that does not fit any more is left out as a whole. */
  maxLength?: number;
}

/** Writes performance data, items in their order with a blank between them. */
export function renderPerfdata(perf: readonly PerformanceData[], options?: PerfdataOptions): string {
  const room = options?.maxLength ?? Number.POSITIVE_INFINITY;
  let text = "";
  let used = 0;
  for (const item of perf) {
    if (item.alias === "") continue;
    const rendered = text === "" ? renderItem(item) : ` ${renderItem(item)}`;
    if (room !== Number.POSITIVE_INFINITY) {
      const size = Buffer.byteLength(rendered);
      if (used + size > room) continue;
      used += size;
    }
    text += rendered;
  }
  return text;
}

function parseItem(label: string, text: string): PerformanceData {
  const item = PerformanceData.create();
  item.alias = label;
  const fields = text.split(";", 5);
  const value = fields[0] ?? "";
  const start = findNumber(value);
  if (start < 0 && UNDEFINED_VALUES.has(value)) {
    item.stringValue = undefinedValue();
    return item;
  }
  const number = start < 0 ? undefined : readNumber(value, start);
  if (number !== undefined && !Number.isFinite(number.value)) {
    item.stringValue = undefinedValue();
    return item;
  }
  const float = FloatValue.create();
  if (number !== undefined) {
    float.value = number.value;
    if (number.end < value.length) float.unit = cleanUnit(value.slice(number.end));
  }
  if (fields.length > 1) parseLimits(float, fields);
  item.floatValue = float;
  return item;
}

function parseLimits(float: PB.Common.PerformanceData.FloatValue, fields: readonly string[]): void {
  // By index, because this runs for nearly every check: a pattern would go through the iterator of the array.
  const warning = fields[1];
  float.warning = parseLimit(warning);
  if (isRange(warning)) float.warningRange = warning;
  const critical = fields[2];
  float.critical = parseLimit(critical);
  if (isRange(critical)) float.criticalRange = critical;
  float.minimum = parseLimit(fields[3]);
  float.maximum = parseLimit(fields[4]);
}

function parseLimit(text: string | undefined): PB.Common.OptionalFloat | null {
  return text === undefined || text === "" ? null : optionalFloat(readNumber(text, 0).value);
}

function isRange(threshold: string | undefined): threshold is string {
  if (threshold === undefined || threshold === "") return false;
  const first = threshold.charCodeAt(0);
  return first === AT || first === TILDE || threshold.includes(":");
}

function optionalFloat(value: number): PB.Common.OptionalFloat | null {
  if (!Number.isFinite(value)) return null;
  const limit = OptionalFloat.create();
  limit.value = value;
  return limit;
}

function undefinedValue(): PB.Common.PerformanceData.StringValue {
  const value = StringValue.create();
  value.value = UNDEFINED_VALUE;
  return value;
}

function renderItem(item: PerformanceData): string {
  const label = item.alias.includes("'") ? item.alias.replaceAll("'", "''") : item.alias;
  const float = item.floatValue;
  if (float === null) return `'${label}'=${withoutSeparators(item.stringValue?.value ?? "") || UNDEFINED_VALUE}`;
  if (!Number.isFinite(float.value)) return `'${label}'=${UNDEFINED_VALUE}`;
  const limits = [
    renderThreshold(float.warningRange, float.warning),
    renderThreshold(float.criticalRange, float.critical),
    renderLimit(float.minimum),
    renderLimit(float.maximum),
  ];
  let text = `'${label}'=${formatNumber(float.value)}${cleanUnit(float.unit)}`;
  const present = limits.findLastIndex((limit) => limit !== "") + 1;
  for (let index = 0; index < present; index++) text += `;${limits[index]}`;
  return text;
}

function renderThreshold(range: string, number: PB.Common.OptionalFloat | null): string {
  return (range === "" ? "" : withoutSeparators(range)) || renderLimit(number);
}

function renderLimit(limit: PB.Common.OptionalFloat | null): string {
  return limit !== null && Number.isFinite(limit.value) ? formatNumber(limit.value) : "";
}

const QUOTE = 0x27;
const EQUALS = 0x3d;
const SEMICOLON = 0x3b;
const AT = 0x40;
const TILDE = 0x7e;
const SEPARATORS = /[ \t\r\n;]+/g;

/** A text without what would begin another field or item. */
export function withoutSeparators(text: string): string {
  return text.replace(SEPARATORS, "");
}

/**
 * Position behind the quote that closes the one at `start`, -1 when there is none.
 *
 * A doubled quote is a character of the label. So is one with more of the label behind it, because most programs put a
 * name between quotes as it is: `'Bob's disk'=5`.
 */
function closingQuote(text: string, start: number): number {
  let quote = text.indexOf("'", start + 1);
  while (quote >= 0) {
    const next = text.charCodeAt(quote + 1);
    if (quote + 1 === text.length || next === EQUALS || next === SEMICOLON || isBlank(next)) return quote + 1;
    quote = text.indexOf("'", quote + (next === QUOTE ? 2 : 1));
  }
  return -1;
}

/** Position of the `=`, `;` or, unless blanks belong to the name, the blank that ends a name. */
function endOfName(text: string, start: number, withBlanks: boolean): number {
  let index = start;
  for (; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code === EQUALS || code === SEMICOLON || (!withBlanks && isBlank(code))) break;
  }
  return index;
}

function unquote(label: string): string {
  return label.includes("'") ? label.replaceAll("''", "'") : label;
}

function skipBlanks(text: string, start: number): number {
  let index = start;
  while (index < text.length && isBlank(text.charCodeAt(index))) index++;
  return index;
}

function nextBlank(text: string, start: number): number {
  let index = start;
  while (index < text.length && !isBlank(text.charCodeAt(index))) index++;
  return index;
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09 || code === 0x0d || code === 0x0a;
}
