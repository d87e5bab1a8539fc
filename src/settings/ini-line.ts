import { isBlank, normalisePath, trimBlanks } from "./names.js";

/**
 * One line of an ini file. `raw` has one character per byte, so that bytes which are no text survive; `path`, `key` and
 * `value` are decoded from UTF-8.
 */
export type IniLine = { readonly raw: string; readonly end: LineEnd } & IniContent;

export type LineEnd = "\r\n" | "\n" | "\r" | "";

export type IniContent =
  | { readonly kind: "blank" }
  | { readonly kind: "comment" }
  | { readonly kind: "section"; readonly path: string; readonly rest: string }
  | { readonly kind: "key"; readonly key: string; readonly value: string; readonly from: number; readonly to: number }
  /** A line that says nothing: no `=`, no name before it, or a section header that does not end. */
  | { readonly kind: "unknown"; readonly reason: string };

/**
 * Reads a line of the settings dialect: `[path]`, `key = value` up to the first `=`, `;` and `#` comments. There are no
 * comments behind a value, no quotes, no escapes and no continuation lines.
 */
export function readLine(raw: string, end: LineEnd): IniLine {
  return { raw, end, ...contentOf(raw) };
}

function contentOf(raw: string): IniContent {
  const text = trimBlanks(raw);
  if (text === "") return { kind: "blank" };
  if (text.startsWith(";") || text.startsWith("#")) return { kind: "comment" };
  if (text.startsWith("[")) {
    const close = text.indexOf("]");
    if (close < 0) return { kind: "unknown", reason: "the section header has no ]" };
    return {
      kind: "section",
      path: normalisePath(decode(text.slice(1, close))),
      rest: trimBlanks(text.slice(close + 1)),
    };
  }
  const equals = raw.indexOf("=");
  if (equals < 0) return { kind: "unknown", reason: "neither a [section], nor a comment, nor key = value" };
  const key = decode(trimBlanks(raw.slice(0, equals)));
  if (key === "") return { kind: "unknown", reason: "there is no name before the =" };
  let from = equals + 1;
  let to = raw.length;
  while (from < to && isBlank(raw, from)) from++;
  while (to > from && isBlank(raw, to - 1)) to--;
  return { kind: "key", key, value: decode(raw.slice(from, to)), from, to };
}

/** Splits at CR LF, LF and CR; what follows the last line end is a line of its own if there is something. */
export function splitLines(text: string): IniLine[] {
  const lines: IniLine[] = [];
  const ends = /\r\n|\n|\r/g;
  let start = 0;
  for (let match = ends.exec(text); match; match = ends.exec(text)) {
    lines.push(readLine(text.slice(start, match.index), match[0] as LineEnd));
    start = ends.lastIndex;
  }
  if (start < text.length) lines.push(readLine(text.slice(start), ""));
  return lines;
}

/** Text as one character per byte of its UTF-8 form. */
export function encode(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}

function decode(raw: string): string {
  return Buffer.from(raw, "latin1").toString("utf8");
}
