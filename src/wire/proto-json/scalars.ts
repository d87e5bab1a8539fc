import Long from "long";
import type { JsonKind, JsonScanner } from "./json-scanner.js";
import type { ScalarKind } from "./message-shapes.js";

/** Reads the next value, of the given kind, as a field has it. */
export type ReadScalar = (kind: JsonKind, scanner: JsonScanner) => unknown;

/** Says what a value should have been. */
export class ValueError extends Error {}

export const scalarReaders: Readonly<Record<ScalarKind, ReadScalar>> = {
  int32: wholeNumber(-(2n ** 31n), 2n ** 31n - 1n, Number),
  uint32: wholeNumber(0n, 2n ** 32n - 1n, Number),
  int64: wholeNumber(-(2n ** 63n), 2n ** 63n - 1n, (value) => Long.fromString(String(value))),
  uint64: wholeNumber(0n, 2n ** 64n - 1n, (value) => Long.fromString(String(value), true)),
  double: floatingPoint(Number.MAX_VALUE),
  float: floatingPoint(3.4028234663852886e38),
  bool: (kind, scanner) => (kind === "boolean" ? scanner.boolean() : wrong("true or false")),
  string: (kind, scanner) => {
    const text = kind === "string" ? scanner.string() : wrong("a text");
    if (/\p{Surrogate}/u.test(text)) throw new ValueError("this text has half of a character in it");
    return text;
  },
  bytes: (kind, scanner) => base64(kind === "string" ? scanner.string() : wrong("a text in base64")),
};

function wrong(what: string): never {
  throw new ValueError(`this has to be ${what}`);
}

/** A number may stand in a text, which keeps all of its digits on the way. */
function digits(kind: JsonKind, scanner: JsonScanner): string | undefined {
  if (kind === "number") return scanner.number();
  return kind === "string" ? scanner.string() : undefined;
}

const numberForm = /^(-?)(0|[1-9]\d*)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;

function wholeNumber(least: bigint, greatest: bigint, convert: (value: bigint) => unknown): ReadScalar {
  return (kind, scanner) => {
    const text = digits(kind, scanner);
    const value = text === undefined ? undefined : exactInteger(text);
    if (value === undefined) return wrong("a whole number");
    if (value < least || value > greatest) throw new ValueError(`this has to be from ${least} to ${greatest}`);
    return convert(value);
  };
}

/** More digits are out of every range. */
const longestInteger = 20;

/** The value of `12`, `1.2e1` or `120E-1`; nothing for what is no whole number. */
function exactInteger(text: string): bigint | undefined {
  const [form, sign = "", whole = "", fraction = "", exponent = "0"] = numberForm.exec(text) ?? [];
  if (form === undefined) return undefined;
  const all = whole + fraction;
  let end = all.length;
  while (end > 0 && all[end - 1] === "0") end--;
  if (end === 0) return 0n;
  const zeros = Number(exponent) + whole.length - end;
  if (zeros < 0) return undefined;
  const first = all.search(/[1-9]/);
  if (end - first + zeros > longestInteger) return BigInt(`${sign}1${"0".repeat(longestInteger)}`);
  return BigInt(`${sign}${all.slice(first, end)}${"0".repeat(zeros)}`);
}

const unusualNumbers: ReadonlyMap<string, number> = new Map([
  ["NaN", Number.NaN],
  ["Infinity", Number.POSITIVE_INFINITY],
  ["-Infinity", Number.NEGATIVE_INFINITY],
]);

function floatingPoint(greatest: number): ReadScalar {
  return (kind, scanner) => {
    const text = digits(kind, scanner) ?? wrong("a number");
    const unusual = unusualNumbers.get(text);
    if (unusual !== undefined) return unusual;
    if (!numberForm.test(text)) wrong("a number");
    const value = Number(text);
    if (Math.abs(value) > greatest) throw new ValueError("this number is too large");
    return value;
  };
}

/** Both alphabets of RFC 4648, with padding or without. */
function base64(text: string): Buffer {
  const unpadded = text.replace(/={1,2}$/, "");
  const isWhole = unpadded.length === text.length || text.length % 4 === 0;
  if (!isWhole || unpadded.length % 4 === 1 || /[^A-Za-z0-9+/_-]/.test(unpadded)) wrong("a text in base64");
  return Buffer.from(unpadded, "base64");
}
