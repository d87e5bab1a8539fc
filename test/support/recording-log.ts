import type { Logger } from "../../src/kernel/log.js";

/** A logger that keeps what it is told as `level: message`, for the tests that care. */
export class RecordingLog implements Logger {
  readonly records: string[] = [];

  critical(message: string): void {
    this.records.push(`critical: ${message}`);
  }
  error(message: string): void {
    this.records.push(`error: ${message}`);
  }
  warn(message: string): void {
    this.records.push(`warn: ${message}`);
  }
  info(message: string): void {
    this.records.push(`info: ${message}`);
  }
  debug(message: string): void {
    this.records.push(`debug: ${message}`);
  }
  trace(message: string): void {
    this.records.push(`trace: ${message}`);
  }
  child(): Logger {
    return this;
  }

  /** The records of a level. */
  of(level: string): string[] {
    return this.records
      .filter((record) => record.startsWith(`${level}: `))
      .map((record) => record.slice(level.length + 2));
  }
}
