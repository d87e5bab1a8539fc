import type { Command } from "commander";
import { GatewayError } from "../kernel/errors.js";
import { createLogService, type LogService } from "../telemetry/log.js";
import { type LogLevel, logLevelOf, logLevels } from "../telemetry/log-record.js";
import type { CliIo } from "./context.js";

/** What the command line says about the log. */
export interface LogOptions {
  /** The level, when it was given. */
  readonly level: LogLevel | undefined;
  readonly oneLine: boolean;
  /** Lines for people, also where objects are the rule. */
  readonly console: boolean;
}

const switches = new Set(["console", "oneline", "no-std-err"]);

/**
 * Takes `--debug`, `--log` and `--log-backend` of a command that has the options of every context. A word of `--log` is
 * a level or one of the switches `console`, `oneline` and `no-std-err` (nothing is logged to standard error anyway).
 *
 * @throws GatewayError INVALID_ARGUMENT for a word that is neither
 */
export function logOptions(command: Command): LogOptions {
  const { debug, log, logBackend } = command.opts<{ debug?: true; log: string[]; logBackend?: string }>();
  let level: LogLevel | undefined = debug ? "debug" : undefined;
  for (const word of log) {
    if (switches.has(word)) continue;
    level = logLevelOf(word);
    if (level === undefined) {
      const known = [...logLevels, ...switches].join(", ");
      throw new GatewayError("INVALID_ARGUMENT", `Not a log level: ${word} (there are ${known})`);
    }
  }
  const backends = ["console", "file", "threaded-file"];
  if (logBackend !== undefined && !backends.includes(logBackend)) {
    throw new GatewayError("INVALID_ARGUMENT", `Not a log backend: ${logBackend} (there are ${backends.join(", ")})`);
  }
  return {
    level,
    oneLine: log.includes("oneline"),
    console: log.includes("console") || logBackend === "console",
  };
}

/** The log of a command that runs and ends: lines on standard output, and no file, for that is the service's. */
export function commandLog({ level, oneLine }: LogOptions, usual: LogLevel, io: Pick<CliIo, "stdout">): LogService {
  return createLogService({
    form: "console",
    level: level ?? usual,
    oneLine,
    fixed: ["level", "file"],
    write: io.stdout,
  });
}
