/** The levels, the most severe first. */
export const logLevels = ["critical", "error", "warning", "info", "debug", "trace"] as const;

export type LogLevel = (typeof logLevels)[number];

/** One record of the log. */
export interface LogRecord {
  /** Counts the records of this process from 1, without gaps. */
  readonly index: number;
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly level: LogLevel;
  /** Who wrote it: `core`, `settings`, the alias of a module. */
  readonly sender: string;
  readonly message: string;
  /** Source file and line, when they are known. */
  readonly file?: string;
  readonly line?: number;
  /** The call that the record belongs to. */
  readonly traceId?: string;
}

const spellings = new Map<string, LogLevel>([
  ["c", "critical"],
  ["crit", "critical"],
  ["e", "error"],
  ["err", "error"],
  ["w", "warning"],
  ["warn", "warning"],
  ["i", "info"],
  ["log", "info"],
  ["d", "debug"],
  ["t", "trace"],
]);

/** The level of that name; `c`, `crit`, `e`, `err`, `w`, `warn`, `i`, `log`, `d` and `t` are names too. */
export function logLevelOf(text: string): LogLevel | undefined {
  const word = text.trim().toLowerCase();
  return spellings.get(word) ?? logLevels.find((level) => level === word);
}

/** Whether a log that is set to `limit` takes records of `level`. */
export function isLogged(level: LogLevel, limit: LogLevel): boolean {
  return logLevels.indexOf(level) <= logLevels.indexOf(limit);
}
