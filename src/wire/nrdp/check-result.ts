/**
 * A passive result as NRDP carries it, in XML and in JSON. Source: NRDP 2, `nrdp/plugins/nagioscorepassivecheck`.
 */
export interface NrdpResult {
  readonly type: "host" | "service";
  readonly hostname: string;
  /** Empty for a result of a host. */
  readonly servicename: string;
  /** Services: 0 to 3; hosts: 0 up, 1 down, 2 unreachable. Receivers don't check it, so another number may be read. */
  readonly state: number;
  /** Plugin text: lines, and performance data behind a `|`. */
  readonly output: string;
  /** When the check ran, in seconds since the epoch; undefined leaves it to the receiver. */
  readonly time: number | undefined;
}

/** The results of a document, or why they can't be read. */
export type ReadResults = { readonly results: readonly NrdpResult[] } | { readonly problem: string };

/** A result as texts, before anything is known to be right. */
export interface ResultFields {
  readonly type: string;
  readonly hostname: string;
  readonly servicename: string;
  readonly state: string;
  readonly output: string;
  readonly time: string;
}

/**
 * Makes results of what a document holds. A type other than `service` is that of a host, as the real server has it; a
 * time that is no number is none. Names and a state have to be there: the real server files a result without a state as
 * OK, and line ends in a name as further fields.
 */
export function readResults(documents: Iterable<ResultFields>): ReadResults {
  const results: NrdpResult[] = [];
  for (const fields of documents) {
    const result = readResult(fields);
    if (typeof result === "string") return { problem: `Result ${results.length + 1} ${result}` };
    results.push(result);
  }
  return { results };
}

function readResult(fields: ResultFields): NrdpResult | string {
  const type = fields.type.trim().toLowerCase() === "service" ? "service" : "host";
  const hostname = fields.hostname.trim();
  const servicename = type === "service" ? fields.servicename.trim() : "";
  const problem =
    nameProblem("hostname", hostname) ?? (type === "service" ? nameProblem("servicename", servicename) : undefined);
  if (problem !== undefined) return problem;
  const state = fields.state.trim();
  if (state === "") return "has no state";
  if (!/^[+-]?\d{1,9}$/.test(state)) return `has the state "${excerpt(state)}", which is no number`;
  const time = /^\d{1,12}$/.test(fields.time.trim()) ? Number(fields.time) : 0;
  return {
    type,
    hostname,
    servicename,
    state: Number(state),
    output: fields.output,
    time: time > 0 ? time : undefined,
  };
}

/** What is wrong with the name of a host or service; undefined when it is good. */
export function nameProblem(field: string, name: string): string | undefined {
  if (name === "") return `has no ${field}`;
  return /\p{Cc}/u.test(name) ? `has a control character in its ${field} "${excerpt(name)}"` : undefined;
}

/** The beginning of a text from outside, fit for a message of one line. */
export function excerpt(text: string): string {
  const line = text.replace(/\p{C}/gu, "?");
  return line.length > 60 ? `${line.slice(0, 60)}…` : line;
}

/**
 * A text that both formats can hold: control characters other than tab and line ends, halves of surrogate pairs and
 * U+FFFE and U+FFFF become U+FFFD (XML 1.0, 2.2). A receiver would refuse the whole document for one of them.
 */
export function plainText(text: string): string {
  return text.replace(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, "\uFFFD");
}

/** A name without control characters: line ends in it would make up fields in the receiver's files. */
export function plainName(name: string): string {
  return plainText(name).replace(/\p{Cc}/gu, "\uFFFD");
}
