/** Where the rooms of the house write their log records; telemetry/ implements it. */
export interface Logger {
  critical(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
  trace(message: string, fields?: LogFields): void;
  /** A logger whose records name another sender, such as `python` or `grpc`. */
  child(sender: string): Logger;
}

/** Further facts of a record; `error` adds its stack, `traceId` ties the record to a call. */
export interface LogFields {
  error?: unknown;
  traceId?: string;
  [field: string]: unknown;
}

export const silentLogger: Logger = {
  critical() {},
  error() {},
  warn() {},
  info() {},
  debug() {},
  trace() {},
  child() {
    return silentLogger;
  },
};
