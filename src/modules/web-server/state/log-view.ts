import type { LogService } from "../../../telemetry/log.js";
import type { LogLevel, LogRecord } from "../../../telemetry/log-record.js";

/** The levels as the API names them. */
export type ShownLevel = "critical" | "error" | "warning" | "info" | "debug";

/** The API has no word for what is finer than debug. */
const shownLevels: Readonly<Record<LogLevel, ShownLevel>> = {
  critical: "critical",
  error: "error",
  warning: "warning",
  info: "info",
  debug: "debug",
  trace: "debug",
};

/** Which entries are asked for. */
export interface LogFilter {
  /** Entries with a greater index only. */
  readonly since: number;
  /** Entries of these levels only; none stands for all. */
  readonly levels: ReadonlySet<string>;
}

export interface LogStatus {
  readonly errors: number;
  readonly lastError: string;
}

/**
 * The log as one web server shows it: the records that the gateway keeps in memory, from the point on at which somebody
 * cleared the view. The log itself is not touched, so its numbers go on and other front ends see all of it.
 */
export class LogView {
  private clearedUpTo = 0;
  private errors = 0;
  private lastError = "";
  private readonly stopCounting: () => void;

  constructor(private readonly log: Pick<LogService, "recent" | "subscribe">) {
    for (const record of this.kept()) this.count(record);
    this.stopCounting = log.subscribe((record) => this.count(record));
  }

  /** The entries that the filter lets through, the oldest first. */
  list({ since, levels }: LogFilter): LogRecord[] {
    return this.kept().filter(
      (record) => record.index > since && (levels.size === 0 || levels.has(shownLevel(record))),
    );
  }

  /** The view is empty then, and no error is counted. */
  clear(): void {
    this.clearedUpTo = this.log.recent(1)[0]?.index ?? this.clearedUpTo;
    this.resetStatus();
  }

  /** How many errors there were since the start or the last reset, critical ones among them. */
  status(): LogStatus {
    return { errors: this.errors, lastError: this.lastError };
  }

  resetStatus(): void {
    this.errors = 0;
    this.lastError = "";
  }

  close(): void {
    this.stopCounting();
  }

  private kept(): LogRecord[] {
    return this.log.recent(Number.POSITIVE_INFINITY).filter(({ index }) => index > this.clearedUpTo);
  }

  private count({ level, message }: LogRecord): void {
    if (level !== "error" && level !== "critical") return;
    this.errors++;
    this.lastError = message;
  }
}

export function shownLevel({ level }: Pick<LogRecord, "level">): ShownLevel {
  return shownLevels[level];
}
