import type { LogLevel, LogRecord } from "./log-record.js";

const letters: Readonly<Record<LogLevel, string>> = {
  critical: "C",
  error: "E",
  warning: "W",
  info: "L",
  debug: "D",
  trace: "T",
};

/** Width of level letter, blank, sender and blank: where the message begins. */
const margin = " ".repeat(13);

export interface ConsoleOptions {
  /** One line per record, whatever it holds. */
  readonly oneLine?: boolean;
}

/**
 * A record as people read it at a terminal: level letter, blank, sender right-aligned to ten characters, blank, message.
 * Further lines of a message are indented, so that nothing in a message can pass for a record of its own. An error whose
 * place is known has a last line with 20 blanks and `file:line`.
 */
export function consoleText(record: LogRecord, { oneLine = false }: ConsoleOptions = {}): string {
  const head = `${letters[record.level]} ${record.sender.padStart(10)} `;
  const lines = printableLines(record.message);
  if (oneLine) return `${head}${lines.join(" ")}\n`;
  const isFailure = record.level === "error" || record.level === "critical";
  const place = isFailure && record.file !== undefined ? `${" ".repeat(20)}${placeOf(record)}\n` : "";
  return `${head}${lines.join(`\n${margin}`)}\n${place}`;
}

/** A record as it stands in the log file: `date: level: file:line: message`, on one line; without a place the sender. */
export function fileText(record: LogRecord, dateFormat: string): string {
  const place = record.file === undefined ? record.sender : placeOf(record);
  const message = printableLines(record.message).join(" ");
  return `${formatDate(new Date(record.time), dateFormat)}: ${record.level}: ${place}: ${message}\n`;
}

function placeOf({ file, line }: LogRecord): string {
  return line === undefined ? `${file}` : `${file}:${line}`;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is taken out
const controlCharacters = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/** The lines of a message without what could steer a terminal; no blank lines at the end. */
function printableLines(message: string): string[] {
  const lines = message
    .replace(/\r\n?/g, "\n")
    .split("\n")
    .map((line) => line.replaceAll("\t", "  ").replace(controlCharacters, "").trimEnd());
  while (lines.length > 1 && lines.at(-1) === "") lines.pop();
  return lines;
}

const dateParts: Readonly<Record<string, (date: Date) => string>> = {
  Y: (date) => String(date.getFullYear()),
  y: (date) => digits(date.getFullYear() % 100),
  m: (date) => digits(date.getMonth() + 1),
  d: (date) => digits(date.getDate()),
  H: (date) => digits(date.getHours()),
  M: (date) => digits(date.getMinutes()),
  S: (date) => digits(date.getSeconds()),
  f: (date) => digits(date.getMilliseconds(), 3),
  z: (date) => {
    const offset = -date.getTimezoneOffset();
    const minutes = Math.abs(offset);
    return `${offset < 0 ? "-" : "+"}${digits(Math.floor(minutes / 60))}${digits(minutes % 60)}`;
  },
  F: (date) => formatDate(date, "%Y-%m-%d"),
  T: (date) => formatDate(date, "%H:%M:%S"),
  s: (date) => String(Math.floor(date.getTime() / 1000)),
  "%": () => "%",
};

/**
 * Local time by a format of strftime: `%Y %y %m %d %H %M %S %f` (milliseconds) `%z %F %T %s %%`; others stay as they are.
 */
export function formatDate(date: Date, format: string): string {
  return format.replace(/%(.)/g, (all, part: string) => dateParts[part]?.(date) ?? all);
}

function digits(value: number, width = 2): string {
  return String(value).padStart(width, "0");
}
