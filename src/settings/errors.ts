import { GatewayError } from "../kernel/errors.js";

/** One thing that is wrong with the configuration, and where. */
export interface Problem {
  readonly severity: "error" | "warning";
  /** The file as the system knows it; absent for values from the command line. */
  readonly file?: string | undefined;
  /** Counted from 1. */
  readonly line?: number | undefined;
  readonly path?: string | undefined;
  readonly key?: string | undefined;
  readonly message: string;
  /** What was probably meant. */
  readonly suggestion?: string | undefined;
}

/** `file:line: severity: [path] key: message (did you mean "x"?)`, without the parts that the problem does not have. */
export function problemText(problem: Problem): string {
  const place =
    problem.file === undefined ? "" : `${problem.file}:${problem.line === undefined ? "" : `${problem.line}:`} `;
  const section = problem.path === undefined ? "" : `[${problem.path}] `;
  const key = problem.key === undefined ? "" : `${problem.key}: `;
  const hint = problem.suggestion === undefined ? "" : ` (did you mean "${problem.suggestion}"?)`;
  return `${place}${problem.severity}: ${section}${key}${problem.message}${hint}`;
}

/** The configuration is wrong; the message has a line for every problem. */
export class SettingsError extends GatewayError {
  constructor(
    readonly problems: readonly Problem[],
    options?: { cause?: unknown },
  ) {
    super("CONFIGURATION", problems.map(problemText).join("\n"), options);
  }
}
