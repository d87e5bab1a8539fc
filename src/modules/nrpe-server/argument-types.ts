/** What an argument may be. None of these can hold what a shell, or a second look at the text, takes for more than a value. */
import { isIP } from "node:net";
import { posix } from "node:path";
import { parseTime } from "../../settings/values.js";

/** Checks the text of an argument. */
export interface ArgumentType {
  /** What it has to be, for the one whose argument it is not: `a whole number from 0 to 100`. */
  readonly meaning: string;
  fits(text: string): boolean;
}

/** Makes a type from what stands in its parentheses; a text says what is wrong there. */
type TypeMaker = (parameter: string | undefined) => ArgumentType | string;

/** The types by name, with what their parentheses hold, for the text of errors. */
const types: Readonly<Record<string, { readonly form: string; readonly make: TypeMaker }>> = {
  integer: { form: "integer or integer(0..100)", make: ranged("a whole number", /^[+-]?\d{1,15}$/) },
  number: { form: "number or number(0..1.5)", make: ranged("a number", /^[+-]?\d{1,15}(?:\.\d{1,15})?$/) },
  percent: { form: "percent", make: plain("a number from 0 to 100 with or without %", isPercent) },
  duration: {
    form: "duration",
    make: plain("a time span such as 30s, 5m, 1h or 2d", (text) => parseTime(text) !== undefined),
  },
  word: {
    form: "word",
    make: plain("a word of letters, digits and _ . : @ + -, that does not begin with -", (text) =>
      /^[\p{L}\p{N}_.:@+][\p{L}\p{N}_.:@+-]{0,254}$/u.test(text),
    ),
  },
  host: { form: "host", make: plain("a host name or an address", isHost) },
  text: {
    form: "text",
    make: plain(
      "a text without nasty characters, that does not begin with -",
      (text) => !/^-/.test(text) && isNice(text),
    ),
  },
  path: { form: "path(/a/folder)", make: pathBelow },
  "one-of": { form: "one-of(a|b|c)", make: oneOf },
};

/** What NSClient++ calls nasty metacharacters, and control characters. */
const nasty = /[|`&><'"\\[\]{}\p{Cc}]/u;

/** Whether a text has no character that `allow nasty characters` is about. */
export function isNice(text: string): boolean {
  return !nasty.test(text);
}

/** The type that a text such as `integer(1..5)` names, or what is wrong with it. */
export function parseArgumentType(text: string): ArgumentType | string {
  const open = text.indexOf("(");
  const name = (open < 0 ? text : text.slice(0, open)).toLowerCase();
  const type = Object.hasOwn(types, name) ? types[name] : undefined;
  if (type === undefined) {
    return `there is no type "${name}"; there are ${Object.keys(types).join(", ")}`;
  }
  if (open >= 0 && !text.endsWith(")")) return `the parenthesis of ${text} is not closed at its end`;
  const made = type.make(open < 0 ? undefined : text.slice(open + 1, -1));
  return typeof made === "string" ? `${text}: ${made}; it is written ${type.form}` : made;
}

function plain(meaning: string, fits: (text: string) => boolean): TypeMaker {
  return (parameter) => (parameter === undefined ? { meaning, fits } : "it has no parentheses");
}

function ranged(what: string, form: RegExp): TypeMaker {
  return (parameter) => {
    const isOfForm = (text: string) => form.test(text);
    if (parameter === undefined) return { meaning: what, fits: isOfForm };
    const [low = "", high = "", ...more] = parameter.split("..");
    if (more.length > 0 || !isOfForm(low.trim()) || !isOfForm(high.trim())) return `"${parameter}" is no range`;
    const [least, most] = [Number(low), Number(high)];
    if (least > most) return `the range ${parameter} is empty`;
    return {
      meaning: `${what} from ${least} to ${most}`,
      fits: (text) => isOfForm(text) && Number(text) >= least && Number(text) <= most,
    };
  };
}

function isPercent(text: string): boolean {
  return /^\d{1,3}(?:\.\d{1,15})?%?$/.test(text) && Number.parseFloat(text) <= 100;
}

function isHost(text: string): boolean {
  if (text.length > 253) return false;
  return (
    isIP(text) !== 0 || /^[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*\.?$/i.test(text)
  );
}

/** Judged by its text: whoever may write into the folder can put a link there that leads out of it. */
function pathBelow(parameter: string | undefined): ArgumentType | string {
  if (parameter === undefined || !posix.isAbsolute(parameter)) return "it needs the folder that all paths are below";
  const folder = posix.normalize(`${parameter}/`);
  return {
    meaning: `a path below ${parameter} without .. in it`,
    fits: (text) => {
      const isBelow = `${text}/`.startsWith(folder) && isNice(text);
      return isBelow && !text.split("/").some((part) => part === ".." || part === ".");
    },
  };
}

function oneOf(parameter: string | undefined): ArgumentType | string {
  const words = (parameter ?? "").split("|").map((word) => word.trim());
  if (words.some((word) => word === "")) return "an empty choice is none";
  return { meaning: `one of ${words.join(", ")}`, fits: (text) => words.includes(text) };
}
