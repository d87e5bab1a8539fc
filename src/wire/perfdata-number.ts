/**
 * Numbers and units as they stand in performance data: `<number><unit>`, without anything between them.
 *
 * Where the number ends is what makes the form ambiguous, so reading a number and cleaning a unit are in one place.
 */

/** A number in a text, and where it ends. */
interface NumberToken {
  /** Not finite when the digits stand for more than a double holds. */
  value: number;
  end: number;
}

const DECIMALS = 5;

// From here on toFixed uses exponents, and a double has no fraction any more.
const FIXED_NOTATION_LIMIT = 1e21;

/**
 * Text of a finite number: rounded to five decimals, no trailing zeros, never an exponent.
 *
 * Minus zero stays `-0`; what rounds to zero is `0`.
 */
export function formatNumber(value: number): string {
  if (Math.abs(value) >= FIXED_NOTATION_LIMIT) return BigInt(value).toString();
  if (Number.isInteger(value)) return Object.is(value, -0) ? "-0" : String(value);
  const text = value.toFixed(DECIMALS);
  let end = text.length;
  while (text.charCodeAt(end - 1) === ZERO) end--;
  if (text.charCodeAt(end - 1) === POINT) end--;
  const shortest = text.slice(0, end);
  return shortest === "-0" ? "0" : shortest;
}

/** Position of the first character that can belong to a number, -1 when there is none. */
export function findNumber(text: string): number {
  for (let index = 0; index < text.length; index++) {
    if (isNumberCharacter(text.charCodeAt(index))) return index;
  }
  return -1;
}

/**
 * Reads the run of digits, points, commas and minus signs at `start`. A comma is a decimal point; a run that is no number
 * counts as 0. An exponent after a number belongs to it: scripts print small and large floats that way.
 */
export function readNumber(text: string, start: number): NumberToken {
  let end = start;
  while (end < text.length && isNumberCharacter(text.charCodeAt(end))) end++;
  if (end === start) return { value: 0, end };
  const digits = text.slice(start, end);
  const run = digits.includes(",") ? digits.replaceAll(",", ".") : digits;
  const value = Number(run);
  if (Number.isNaN(value)) return { value: 0, end };
  if (end === text.length) return { value, end };
  EXPONENT.lastIndex = end;
  const exponent = EXPONENT.exec(text);
  if (exponent === null) return { value, end };
  return { value: Number(run + exponent[0]), end: EXPONENT.lastIndex };
}

/**
 * A unit without what would be read as something else when it stands behind a number: blanks, `;`, and at its beginning
 * number characters and exponents.
 */
export function cleanUnit(unit: string): string {
  return unit === "" ? unit : unit.replace(SEPARATORS, "").replace(NUMBER_PREFIX, "");
}

const ZERO = 0x30;
const NINE = 0x39;
const COMMA = 0x2c;
const MINUS = 0x2d;
const POINT = 0x2e;
const EXPONENT = /[eE][+-]?[0-9]+/y;
const NUMBER_PREFIX = /^(?:[0-9.,-]|[eE][+-]?[0-9])+/;
const SEPARATORS = /[ \t\r\n;]+/g;

function isNumberCharacter(code: number): boolean {
  return (code >= ZERO && code <= NINE) || code === COMMA || code === MINUS || code === POINT;
}
