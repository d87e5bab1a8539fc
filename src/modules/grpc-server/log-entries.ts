import type { LogLevel, LogRecord } from "../../telemetry/log-record.js";
import { PB } from "../../wire/messages.js";

type LogEntry = PB.Log.LogEntry;
const { Entry } = PB.Log.LogEntry;
type Level = PB.Log.LogEntry.Entry.Level;
const { Level } = Entry;

/** The wire counts up as records get less severe. */
const wireLevels: Readonly<Record<LogLevel, Level>> = {
  critical: Level.LOG_CRITICAL,
  error: Level.LOG_ERROR,
  warning: Level.LOG_WARNING,
  info: Level.LOG_INFO,
  debug: Level.LOG_DEBUG,
  trace: Level.LOG_TRACE,
};

/** So many of the longest records still fit into one message. */
const entriesPerMessage = 50;

/** Whether a reader who asked for `least` (unset: info) is sent the record. */
export function isWanted(record: LogRecord, least: Level): boolean {
  return wireLevels[record.level] <= (least === Level.DUMMY ? Level.LOG_INFO : least);
}

/** The records as messages, several in each. */
export function logEntries(records: readonly LogRecord[]): LogEntry[] {
  const messages: LogEntry[] = [];
  for (let from = 0; from < records.length; from += entriesPerMessage) {
    messages.push(logEntry(records.slice(from, from + entriesPerMessage)));
  }
  return messages;
}

export function logEntry(records: readonly LogRecord[]): LogEntry {
  return PB.Log.LogEntry.create({
    entry: records.map(({ level, sender, file, line, message, time }) =>
      Entry.create({
        ...{ sender, message },
        level: wireLevels[level],
        file: file ?? "",
        line: line ?? 0,
        date: Math.floor(time / 1000),
      }),
    ),
  });
}
