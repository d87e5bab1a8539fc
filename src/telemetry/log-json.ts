import { pino } from "pino";
import { GatewayError } from "../kernel/errors.js";
import type { LogFields } from "../kernel/log.js";
import { withoutControls } from "../kernel/printable-json.js";
import type { LogRecord } from "./log-record.js";

/** Fields whose values never reach the log, wherever they stand in a record. */
const secrets = ["password", "token", "secret", "key", "authorization", "credentials"];

/**
 * Makes a line of JSON of a record: `level`, `time` in ISO 8601, `sender`, `message`, then what the caller added. Errors
 * bring their stack; passwords and the like are `***`.
 */
export function jsonEncoder(): (record: LogRecord, fields?: LogFields) => string {
  let line = "";
  const encoder = pino(
    {
      level: "trace",
      customLevels: { critical: 60, warning: 40 },
      base: null,
      messageKey: "message",
      errorKey: "error",
      serializers: { error: describeError },
      timestamp: false,
      formatters: { level: (level) => ({ level }) },
      redact: { paths: secrets.flatMap((name) => [name, `*.${name}`]), censor: "***" },
    },
    {
      write(text: string) {
        line = withoutControls(text);
      },
    },
  );
  return ({ level, time, sender, message, file, line: sourceLine, traceId }, fields) => {
    const { level: _level, time: _time, message: _message, ...others } = fields ?? {};
    encoder[level](
      { time: new Date(time).toISOString(), sender, traceId, file, line: sourceLine, ...others },
      // Given as an argument, so that a % in the text is just that.
      "%s",
      message,
    );
    return line;
  };
}

/**
 * An error and what caused it. The errors of the catalogue are expected, and where they were thrown says nothing to
 * whoever reads the log; all others bring their stack.
 */
function describeError(thrown: unknown): unknown {
  if (!(thrown instanceof Error)) return thrown;
  const { name: type, message, stack, cause } = thrown;
  return {
    type,
    ...(thrown instanceof GatewayError ? { code: thrown.code } : {}),
    message,
    ...(thrown instanceof GatewayError && thrown.code !== "INTERNAL" ? {} : { stack }),
    ...(cause === undefined ? {} : { cause: describeError(cause) }),
  };
}
