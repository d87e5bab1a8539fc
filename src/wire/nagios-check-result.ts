/**
 * The file of check results that Nagios Core takes from its `check_result_path`: `key=value` lines, a blank line behind each
 * result. One file may hold many.
 *
 * Nagios joins a line that ends with a backslash to the next one, and takes two at the end for one. The output therefore ends
 * with the two characters `\n`, and a name that ends with a backslash gets one more.
 *
 * Source: Nagios Core 4, its function process_check_result_file and mmap_fgets_multiline.
 */
import { escapeNagiosOutput, type NagiosResult, nagiosNameProblem } from "./nagios-command.js";

/** What a result says beyond its external command. */
export interface NagiosCheckResult extends NagiosResult {
  /** When the check began and ended, in seconds since 1970 with fractions; both are `time` unless given. */
  readonly execution?: { readonly start: number; readonly end: number } | undefined;
}

/**
 * The text of a file with these results.
 *
 * @param fileTime - when it is written, in seconds since 1970; Nagios throws old files away (`max_check_result_file_age`)
 * @throws RangeError naming the host or the service whose name can't stand in it
 */
export function renderCheckResultFile(results: readonly NagiosCheckResult[], fileTime: number): string {
  const head = `### Passive Check Result File ###\nfile_time=${Math.floor(fileTime)}\n`;
  return head + results.map(renderResult).join("");
}

function renderResult(result: NagiosCheckResult): string {
  const problem =
    nagiosNameProblem("host", result.host) ??
    (result.service === "" ? undefined : nagiosNameProblem("service", result.service));
  if (problem !== undefined) throw new RangeError(problem);
  const { start, end } = result.execution ?? { start: result.time, end: result.time };
  const fields: [key: string, value: string][] = [
    ["host_name", keepFinalBackslash(result.host)],
    ...(result.service === "" ? [] : [["service_description", keepFinalBackslash(result.service)] as [string, string]]),
    ["check_type", PASSIVE],
    ["check_options", "0"],
    ["scheduled_check", "0"],
    ["reschedule_check", "0"],
    ["latency", "0.000000"],
    ["start_time", start.toFixed(6)],
    ["finish_time", end.toFixed(6)],
    ["early_timeout", "0"],
    ["exited_ok", "1"],
    ["return_code", String(result.code)],
    ["output", `${escapeNagiosOutput(result.output)}\\n`],
  ];
  return `\n${fields.map(([key, value]) => `${key}=${value}\n`).join("")}`;
}

const PASSIVE = "1";

function keepFinalBackslash(name: string): string {
  return name.endsWith("\\") ? `${name}\\` : name;
}
