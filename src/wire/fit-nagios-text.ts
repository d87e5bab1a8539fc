/**
 * Makes plugin text fit where it must have an end: at a whole character, and within performance data at a whole item, because
 * half a number is a wrong number.
 */

import { utf8 } from "./charset.js";

/** How text is measured. */
interface FitOptions {
  /** Newlines and backslashes count twice, as they do in an external command. */
  escaped?: boolean;
  /** Bytes of a character by its code point, for text that goes out in another encoding than UTF-8. */
  width?: (codePoint: number) => number;
}

/**
 * The text as far as it fits: its summary first, then the performance data of the summary, then the long output, which is the
 * order in which they stand. The same text when all of it fits.
 *
 * @param text - as `renderNagiosText` writes it
 * @param maxBytes - room in bytes of UTF-8 unless a width is given
 */
export function fitNagiosText(text: string, maxBytes: number, options?: FitOptions): string {
  const end = fittingLength(text, maxBytes, options?.escaped ?? false, options?.width ?? utf8.width);
  if (end === text.length) return text;
  for (const [start, stop] of perfdataRanges(text)) {
    if (end > start && end < stop) return withoutBareEnd(text.slice(0, lastItemEnd(text, start, end)));
  }
  return withoutBareEnd(text.slice(0, end));
}

/** How many characters of the text fit, never half of a pair of surrogates. */
function fittingLength(text: string, maxBytes: number, escaped: boolean, width: (codePoint: number) => number): number {
  let used = 0;
  let index = 0;
  while (index < text.length) {
    const code = text.codePointAt(index) ?? 0;
    used += width(code) + (escaped && (code === LF || code === BACKSLASH) ? 1 : 0);
    if (used > maxBytes) return index;
    index += code > 0xffff ? 2 : 1;
  }
  return index;
}

/** Where performance data stands: behind the first `|` of the first line, and behind the first one of the rest. */
function perfdataRanges(text: string): [start: number, stop: number][] {
  const newline = text.indexOf("\n");
  const summaryEnd = newline < 0 ? text.length : newline;
  const ranges: [number, number][] = [];
  const first = text.indexOf("|");
  if (first >= 0 && first < summaryEnd) ranges.push([first, summaryEnd]);
  const second = text.indexOf("|", summaryEnd);
  if (second >= 0) ranges.push([second, text.length]);
  return ranges;
}

/** End of the last item that is whole before `end`; `start`, where the `|` is, when there is none. */
function lastItemEnd(text: string, start: number, end: number): number {
  let last = start;
  let isQuoted = false;
  // One further, as the item is whole when a blank follows it.
  for (let index = start + 1; index <= end; index++) {
    const character = text[index];
    if (character === "'") isQuoted = !isQuoted;
    else if (!isQuoted && (character === " " || character === "\n")) last = index;
  }
  return last;
}

/** Nothing that would introduce what is cut off. */
function withoutBareEnd(text: string): string {
  return text.replace(/[|\s]+$/u, "");
}

const LF = 0x0a;
const BACKSLASH = 0x5c;
