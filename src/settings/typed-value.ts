import { errorText } from "../kernel/errors.js";
import { closest } from "./did-you-mean.js";
import type { PathTokens } from "./paths.js";
import type { KeySpec } from "./schema.js";
import { parseBool, parseInteger, parseList, parseSize, parseTime } from "./values.js";

/** What a text is as a value of its type, or why it is none. An empty text is "not set", except where text is the type. */
export type TypedValue =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly message: string; readonly suggestion?: string | undefined };

const offWords = new Set(["none", "off", "false", "never", "infinite"]);

/** Reads the text of a key by the rules of its type. */
export function readTyped(spec: KeySpec, text: string, paths: PathTokens): TypedValue {
  switch (spec.type) {
    case "string":
    case "password":
      return good(text);
    case "path":
      return expanded(text, paths);
    case "list":
      return good(parseList(text));
  }
  if (text === "") return good(undefined);
  switch (spec.type) {
    case "bool":
      return typed(parseBool(text), text, "neither true nor false");
    case "int": {
      const number = parseInteger(text);
      if (number === undefined) return bad(`"${text}" is not a whole number`);
      if (spec.min !== undefined && number < spec.min) return bad(`${number} is less than ${spec.min}`);
      if (spec.max !== undefined && number > spec.max) return bad(`${number} is more than ${spec.max}`);
      return good(number);
    }
    case "time":
      if (spec.allowOff && offWords.has(text.toLowerCase())) return good(Number.POSITIVE_INFINITY);
      return typed(parseTime(text), text, "not a time such as 30s, 5m or 1h");
    case "size":
      return typed(parseSize(text), text, "not a size such as 512, 64K or 10M");
    case "enum": {
      const word = spec.synonyms?.[text.toLowerCase()] ?? text;
      const choice = spec.choices.find((candidate) => candidate.toLowerCase() === word.toLowerCase());
      if (choice !== undefined) return good(choice);
      return bad(`"${text}" is none of ${spec.choices.join(", ")}`, closest(text, spec.choices));
    }
  }
}

/** The default of a key as the reader gives it. */
export function defaultValue(spec: KeySpec, paths: PathTokens): unknown {
  if (spec.default === undefined) return spec.type === "list" ? [] : undefined;
  if (typeof spec.default !== "string") return spec.default;
  const typed = readTyped(spec, spec.default, paths);
  if (!typed.ok) throw new TypeError(`The default of "${spec.title}" is wrong: ${typed.message}`);
  return typed.value;
}

function expanded(text: string, paths: PathTokens): TypedValue {
  try {
    return good(paths.expand(text));
  } catch (error) {
    return bad(errorText(error));
  }
}

function typed(value: unknown, text: string, otherwise: string): TypedValue {
  return value === undefined ? bad(`"${text}" is ${otherwise}`) : good(value);
}

function good(value: unknown): TypedValue {
  return { ok: true, value };
}

function bad(message: string, suggestion?: string): TypedValue {
  return { ok: false, message, suggestion };
}
