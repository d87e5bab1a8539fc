/**
 * The text form of a result, as plugins print it and as NRPE and NSCA carry it:
 *
 *     first line|performance data
 *     long output
 *     last line of the long output|more performance data
 *     more performance data
 *
 * Source: the plugin API of Nagios Core, "Plugin Output Spec".
 */
import { Line, type QueryResponse } from "./messages.js";
import { parsePerfdata, renderPerfdata } from "./perfdata.js";

/**
 * Stands for a `|` in a message. Receivers split at the first one whatever was meant, and the format has no escape, so
 * that a message with a `|` would lose its end or make up measurements.
 */
const PIPE_SUBSTITUTE = "¦";

/** How a result is to be written. */
interface NagiosTextOptions {
  /** With performance data; yes unless said otherwise. */
  perfdata?: boolean;
}

/**
 * Writes a result as plugin text, without a newline at its end.
 *
 * The first line of the first message is the summary and has the performance data of the first line. The rest is long
 * output; its performance data, a row for each line, follows the `|` behind the last row of it. A `|` in a message
 * becomes `¦`, a line break in performance data a blank.
 */
export function renderNagiosText(response: Pick<QueryResponse, "lines">, options?: NagiosTextOptions): string {
  const withPerf = options?.perfdata ?? true;
  const [first] = response.lines;
  if (first === undefined) return "";
  const summary = messageText(first);
  const perf = withPerf ? perfText(first) : "";
  if (response.lines.length === 1 && !summary.includes("\n")) return joinPerf(summary, perf);

  const [headline = "", ...rest] = summary.split("\n");
  const others = response.lines.slice(1);
  const longOutput = [...rest, ...others.map(messageText).filter((message) => message !== "")].join("\n");
  const morePerf = withPerf ? others.map(perfText).filter((text) => text !== "") : [];
  // Performance data needs long output to stand behind.
  if (longOutput === "") return joinPerf(headline, [perf, ...morePerf].filter((text) => text !== "").join(" "));
  return `${joinPerf(headline, perf)}\n${joinPerf(longOutput, morePerf.join("\n"))}`;
}

/**
 * Reads plugin text as one line of a result: its message is the summary and, on further rows, the long output; its
 * performance data is that of both places. Line ends at the end of the text don't matter.
 */
export function parseNagiosText(text: string): Line {
  const lines = withoutFinalLineEnds(text.includes("\r") ? text.replace(LINE_ENDS, "\n") : text);
  const summaryEnd = lines.indexOf("\n");
  const summary = splitPerf(summaryEnd < 0 ? lines : lines.slice(0, summaryEnd));
  const line = Line.create();
  if (summaryEnd < 0) {
    line.message = summary.message;
    if (summary.perf !== "") line.perf = parsePerfdata(summary.perf);
    return line;
  }
  const longOutput = splitPerf(lines.slice(summaryEnd + 1));
  line.message = longOutput.message === "" ? summary.message : `${summary.message}\n${longOutput.message}`;
  line.perf = parsePerfdata(summary.perf).concat(parsePerfdata(longOutput.perf));
  return line;
}

/**
 * The pair that a script's `simple_query` returns: messages one after the other without anything between them,
 * performance data with a blank.
 */
export function simpleResult(response: Pick<QueryResponse, "lines">): { message: string; perf: string } {
  const [first] = response.lines;
  if (first !== undefined && response.lines.length === 1) {
    return { message: first.message, perf: renderPerfdata(first.perf) };
  }
  return {
    message: response.lines.map((line) => line.message).join(""),
    perf: renderPerfdata(response.lines.flatMap((line) => line.perf)),
  };
}

/** One line of a result by itself: its message, and its performance data behind a `|`. */
export function lineText(line: Line): string {
  return joinPerf(messageText(line), perfText(line));
}

const LINE_ENDS = /\r\n?/g;
const LINE_BREAKS = /[\r\n]+/g;

function messageText(line: Line): string {
  let text = line.message;
  if (text.includes("\r")) text = text.replace(LINE_ENDS, "\n");
  return text.includes("|") ? text.replaceAll("|", PIPE_SUBSTITUTE) : text;
}

/** The performance data of a line, in one row. */
export function perfText(line: Line): string {
  return line.perf.length === 0 ? "" : renderPerfdata(line.perf).replace(LINE_BREAKS, " ");
}

function withoutFinalLineEnds(text: string): string {
  let end = text.length;
  while (text.charAt(end - 1) === "\n") end--;
  return text.slice(0, end);
}

function joinPerf(message: string, perf: string): string {
  return perf === "" ? message : `${message}|${perf}`;
}

function splitPerf(text: string): { message: string; perf: string } {
  const pipe = text.indexOf("|");
  return pipe < 0
    ? { message: text, perf: "" }
    : { message: text.slice(0, pipe).trimEnd(), perf: text.slice(pipe + 1) };
}
