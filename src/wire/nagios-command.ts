/**
 * External commands of Nagios Core for passive results, as its command file and NSCA-ng take them:
 *
 *     [1795363736] PROCESS_SERVICE_CHECK_RESULT;host;service;2;text|perf\nlong output
 *     [1795363736] PROCESS_HOST_CHECK_RESULT;host;1;text
 *
 * In the output a newline is the two characters `\n` and a backslash is `\\`. Names are taken as they are: there is no
 * escape for `;`, so a name with one can't be sent.
 *
 * Source: Nagios Core 4, "External Commands".
 */
import { ResultCode } from "./messages.js";
import { toResultCode } from "./result-code.js";

/** A passive result as Nagios knows it. */
export interface NagiosResult {
  /** When the check ran, in seconds since 1970. */
  readonly time: number;
  readonly host: string;
  /** Empty for the state of the host itself. */
  readonly service: string;
  /** 0 to 3 of a service; 0 up, 1 down, 2 unreachable of a host. */
  readonly code: number;
  /** Plugin text with newlines. */
  readonly output: string;
}

const SERVICE_COMMAND = "PROCESS_SERVICE_CHECK_RESULT";
const HOST_COMMAND = "PROCESS_HOST_CHECK_RESULT";

/**
 * The line of a result, without a newline at its end. A NUL, which would end it early, becomes a blank.
 *
 * @throws RangeError naming the host or the service when {@link nagiosNameProblem} finds something wrong with it
 */
export function renderNagiosCommand(result: NagiosResult): string {
  const problem =
    nagiosNameProblem("host", result.host) ??
    (result.service === "" ? undefined : nagiosNameProblem("service", result.service));
  if (problem !== undefined) throw new RangeError(problem);
  const head = result.service === "" ? `${HOST_COMMAND};${result.host}` : serviceHead(result);
  return `[${Math.floor(result.time)}] ${head};${result.code};${escapeNagiosOutput(result.output)}`;
}

/** Why a name can't stand in a command or a check result file; nothing when it can. */
export function nagiosNameProblem(kind: "host" | "service", name: string): string | undefined {
  if (name === "") return `The ${kind} has no name.`;
  const found = UNSAFE_IN_NAMES.exec(name)?.[0];
  if (found === undefined) return undefined;
  const what = found === ";" ? "a ;" : `the control character ${codePoint(found)}`;
  return `The name of the ${kind} ${JSON.stringify(name)} has ${what} in it, which Nagios can't take.`;
}

/**
 * The state of a host that a check's state means: 0 (up) for OK, 1 (down) for everything else. Whether a host that is down is
 * unreachable Nagios finds out by itself from the states of its parents.
 */
export function nagiosHostState(code: number): number {
  return code === ResultCode.OK ? 0 : 1;
}

/** Output on one line: newlines of any kind become `\n`, backslashes `\\`, and a NUL a blank. */
export function escapeNagiosOutput(output: string): string {
  return output.replace(NEEDS_ESCAPE, (found) => (found === "\\" ? "\\\\" : found === "\0" ? " " : "\\n"));
}

/**
 * Reads the command of a result, with or without a newline at its end. Undefined for every other command and for a line that
 * is none.
 *
 * NSClient++ writes `\;` for a `;` in every field. A name with a `\` at its end looks the same, so that reading is taken only
 * when the plain one has no number where the state should be. A state that is none counts as UNKNOWN, as in Nagios; of a
 * host it must be 0 to 2, as there.
 */
export function parseNagiosCommand(line: string): NagiosResult | undefined {
  const [, time, command, rest] = COMMAND.exec(line) ?? [];
  if (time === undefined || rest === undefined) return undefined;
  const isHost = command === HOST_COMMAND;
  const fields = splitFields(rest, isHost ? 2 : 3, PLAIN_FIELD) ?? splitFields(rest, isHost ? 2 : 3, ESCAPED_FIELD);
  if (fields === undefined) return undefined;
  const host = fields.values[0] ?? "";
  const service = isHost ? "" : (fields.values[1] ?? "");
  const number = Number(fields.values.at(-1));
  if (host === "" || (isHost ? number < 0 || number > 2 : service === "")) return undefined;
  const code = isHost ? number : toResultCode(number);
  return { time: Number(time), host, service, code, output: unescapeOutput(fields.output) };
}

const COMMAND = new RegExp(`^\\[(\\d{1,15})\\]\\s*(${SERVICE_COMMAND}|${HOST_COMMAND});([^\\n]*)\\n?$`);
const UNSAFE_IN_NAMES = /[;\p{Cc}\u2028\u2029]/u;
const NEEDS_ESCAPE = /\\|\r\n|\r|\n|\0/g;
const ESCAPES = /\\([\\;n])/g;
const STATE = /^-?\d{1,9}$/;

/** A field up to a `;`. */
const PLAIN_FIELD = { pattern: /([^;]*)(;|$)/y, unescape: (text: string) => text };
/** A field up to a `;` that has no backslash of its own before it. */
const ESCAPED_FIELD = { pattern: /((?:[^;\\]|\\[^\n]|\\$)*)(;|$)/y, unescape: unescapeOutput };

/** Takes `count` fields off the text, of which the last must be a state; the output is what follows, if anything does. */
function splitFields(
  text: string,
  count: number,
  field: typeof PLAIN_FIELD,
): { values: string[]; output: string } | undefined {
  const values: string[] = [];
  let position = 0;
  while (values.length < count) {
    field.pattern.lastIndex = position;
    const [whole = "", value = "", separator = ""] = field.pattern.exec(text) ?? [];
    values.push(field.unescape(value));
    position += whole.length;
    if (separator === "" && values.length < count) return undefined;
  }
  return STATE.test(values.at(-1) ?? "") ? { values, output: text.slice(position) } : undefined;
}

function unescapeOutput(text: string): string {
  return text.replace(ESCAPES, (_whole, character: string) => (character === "n" ? "\n" : character));
}

function serviceHead({ host, service }: NagiosResult): string {
  return `${SERVICE_COMMAND};${host};${service}`;
}

function codePoint(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;
}
