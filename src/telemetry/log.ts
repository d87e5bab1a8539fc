import type { LogFields, Logger } from "../kernel/log.js";
import { LogFile, type LogFileOptions } from "./log-file.js";
import { jsonEncoder } from "./log-json.js";
import { type LogOutput, stdoutOutput } from "./log-output.js";
import { isLogged, type LogLevel, type LogRecord } from "./log-record.js";
import { type ConsoleOptions, consoleText, fileText } from "./log-text.js";

/** How many records are kept in memory for those who ask later. */
const keptRecords = 1000;

/** Longest message in characters; the rest of it is left out. */
const maxMessage = 16_384;

const defaultDateFormat = "%Y-%m-%d %H:%M:%S";

/** What the settings say about the log, `[/settings/log]`. */
export interface LogSettings {
  readonly level: LogLevel;
  /** A file besides standard output; none unless given. */
  readonly file?: LogFileSettings | undefined;
}

export interface LogFileSettings extends LogFileOptions {
  /** `text`, the usual: `date: level: file:line: message`; `json`: as on standard output of the service. */
  readonly form?: "text" | "json";
  /** A format of strftime for the dates of the text form. */
  readonly dateFormat?: string;
}

export interface LogServiceOptions extends LogSettings, ConsoleOptions {
  /** `console`: lines for people; `json`: an object per line, for those who collect logs. */
  readonly form: "console" | "json";
  /** What the command line has decided, and settings that are read later don't change. */
  readonly fixed?: readonly ("level" | "file")[];
  /** Where lines go instead of standard output. */
  readonly write?: (line: string) => void;
}

/** The log of the process: writes records, keeps the last ones, and tells those who listen. */
export interface LogService extends Logger {
  readonly level: LogLevel;
  setLevel(level: LogLevel): void;
  /** The newest records, the oldest of them first; 1000 are kept. */
  recent(count: number): LogRecord[];
  /** Tells `listener` of every record from now on. Returns how to stop that. */
  subscribe(listener: (record: LogRecord) => void): () => void;
  /** Takes changed settings, and opens the file anew, so that it may be renamed from outside. */
  configure(settings: LogSettings): void;
  /** Resolves when all that was logged is written, as far as anybody takes it. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

export function createLogService(options: LogServiceOptions): LogService {
  return new ProcessLog(new Recorder(options));
}

/** A logger with a sender; all that it does is say who writes. */
class SenderLog implements Logger {
  constructor(
    protected readonly recorder: Recorder,
    private readonly sender: string,
  ) {}

  critical(message: string, fields?: LogFields): void {
    this.recorder.record("critical", this.sender, message, fields);
  }

  error(message: string, fields?: LogFields): void {
    this.recorder.record("error", this.sender, message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    this.recorder.record("warning", this.sender, message, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.recorder.record("info", this.sender, message, fields);
  }

  debug(message: string, fields?: LogFields): void {
    this.recorder.record("debug", this.sender, message, fields);
  }

  trace(message: string, fields?: LogFields): void {
    this.recorder.record("trace", this.sender, message, fields);
  }

  child(sender: string): Logger {
    return new SenderLog(this.recorder, sender);
  }
}

class ProcessLog extends SenderLog implements LogService {
  constructor(recorder: Recorder) {
    super(recorder, "core");
  }

  get level(): LogLevel {
    return this.recorder.level;
  }

  setLevel(level: LogLevel): void {
    this.recorder.level = level;
  }

  recent(count: number): LogRecord[] {
    return this.recorder.recent(count);
  }

  subscribe(listener: (record: LogRecord) => void): () => void {
    return this.recorder.subscribe(listener);
  }

  configure(settings: LogSettings): void {
    this.recorder.configure(settings);
  }

  flush(): Promise<void> {
    return this.recorder.flush();
  }

  close(): Promise<void> {
    return this.recorder.close();
  }
}

interface OpenFile {
  readonly settings: LogFileSettings;
  readonly file: LogFile;
}

class Recorder {
  level: LogLevel;
  private index = 0;
  /** A ring: the record with index i stands at i modulo its size. */
  private readonly kept: LogRecord[] = [];
  private readonly listeners = new Set<(record: LogRecord) => void>();
  private readonly output: LogOutput;
  private readonly encode = jsonEncoder();
  private open: OpenFile | undefined;
  private closing: Promise<void> = Promise.resolve();

  constructor(private readonly options: LogServiceOptions) {
    const { level, write, file } = options;
    this.level = level;
    this.output =
      write === undefined
        ? stdoutOutput((count) => this.missingHere(count))
        : { write, flush: () => Promise.resolve() };
    if (file !== undefined) this.open = this.openFile(file);
  }

  record(level: LogLevel, sender: string, text: string, fields?: LogFields): void {
    if (!isLogged(level, this.level)) return;
    const message =
      text.length > maxMessage ? `${text.slice(0, maxMessage)} … (${text.length - maxMessage} more characters)` : text;
    const record: LogRecord = {
      index: ++this.index,
      time: Date.now(),
      level,
      sender,
      message,
      ...(typeof fields?.["file"] === "string" ? { file: fields["file"] } : {}),
      ...(typeof fields?.["line"] === "number" ? { line: fields["line"] } : {}),
      ...(fields?.traceId === undefined ? {} : { traceId: fields.traceId }),
    };
    this.kept[record.index % keptRecords] = record;
    const { form } = this.options;
    const { open } = this;
    const needsJson = form === "json" || open?.settings.form === "json";
    const json = needsJson ? this.encode(record, fields) : "";
    this.output.write(form === "json" ? json : consoleText(this.withStack(record, fields), this.options));
    if (open !== undefined) open.file.write(open.settings.form === "json" ? json : fileLine(record, open.settings));
    for (const listener of this.listeners) listener(record);
  }

  recent(count: number): LogRecord[] {
    const records: LogRecord[] = [];
    const first = Math.max(1, this.index - Math.min(count, keptRecords) + 1);
    for (let index = first; index <= this.index; index++) {
      const record = this.kept[index % keptRecords];
      if (record !== undefined) records.push(record);
    }
    return records;
  }

  subscribe(listener: (record: LogRecord) => void): () => void {
    // Wrapped, so that who subscribes twice can leave once.
    const entry = (record: LogRecord) => listener(record);
    this.listeners.add(entry);
    return () => this.listeners.delete(entry);
  }

  configure(settings: LogSettings): void {
    const { fixed = [] } = this.options;
    if (!fixed.includes("level")) this.level = settings.level;
    if (fixed.includes("file")) return;
    if (this.open !== undefined && sameFile(this.open.settings, settings.file)) {
      this.open.file.reopen();
      return;
    }
    const previous = this.open;
    this.open = settings.file === undefined ? undefined : this.openFile(settings.file);
    if (previous !== undefined) this.closing = Promise.all([this.closing, previous.file.close()]).then(() => {});
  }

  async flush(): Promise<void> {
    await Promise.all([this.output.flush(), this.closing, this.open?.file.flush()]);
  }

  async close(): Promise<void> {
    const { open } = this;
    this.open = undefined;
    await open?.file.close();
    await this.flush();
  }

  private openFile(settings: LogFileSettings): OpenFile {
    const file = new LogFile(
      settings,
      (reason) => this.record("error", "core", `The log file ${settings.path} can't be written: ${reason}`),
      (count) => this.missingHere(count, settings),
    );
    return { settings, file };
  }

  /** The line, in the form of the place, that says how many records did not get there. */
  private missingHere(count: number, file?: LogFileSettings): string {
    const message = `${count} log record${count === 1 ? " is" : "s are"} missing here: they could not be written`;
    const record: LogRecord = { index: 0, time: Date.now(), level: "warning", sender: "core", message };
    if ((file ?? this.options).form === "json") return this.encode(record);
    return file === undefined ? consoleText(record) : fileLine(record, file);
  }

  /** At debug, an error is shown with where it came from. */
  private withStack(record: LogRecord, fields: LogFields | undefined): LogRecord {
    const { error } = fields ?? {};
    if (!isLogged("debug", this.level) || !(error instanceof Error) || error.stack === undefined) return record;
    return { ...record, message: `${record.message}\n${error.stack}` };
  }
}

function fileLine(record: LogRecord, { dateFormat = defaultDateFormat }: LogFileSettings): string {
  return fileText(record, dateFormat);
}

function sameFile(left: LogFileSettings, right: LogFileSettings | undefined): boolean {
  return (
    left.path === right?.path &&
    left.maxSize === right.maxSize &&
    left.files === right.files &&
    left.form === right.form &&
    left.dateFormat === right.dateFormat
  );
}
