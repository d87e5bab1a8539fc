/**
 * The plugin check_nsc_web 0.7.6, as far as it speaks with a server: the bytes that it sends, and how it reads what comes
 * back. It is written after the plugin's behaviour and shares nothing with the gateway.
 */
import { exchange } from "./polled-gateway.js";

interface Poll {
  readonly port: number;
  /** The path of `-u`; `/` when it is given as `https://host/`. */
  readonly basePath?: string;
  /** `1` is the mode of `-a 1`, which asks the versioned API. */
  readonly api?: "" | "1";
  readonly login?: string;
  readonly password: string;
  readonly arguments?: readonly string[];
  /** Seconds that the plugin waits, `-t`. */
  readonly timeout?: number;
}

/** What the plugin prints, and its exit code. */
export interface Printed {
  readonly output: string;
  readonly code: number;
}

/** Runs one check: the first argument is the command. */
export async function pollWithNscWeb(poll: Poll): Promise<Printed> {
  const answer = (await exchange(poll.port, requestOf(poll))).toString("utf8");
  const [head = "", body = ""] = splitOnce(answer, "\r\n\r\n");
  const statusLine = head.split("\r\n")[0]?.replace(/^HTTP\/\S+ /, "") ?? "";
  if (!statusLine.startsWith("200 ")) {
    return { output: `RESPONSE-ERROR: http request failed: ${statusLine}`, code: 3 };
  }
  const [command] = poll.arguments ?? [];
  if (command === undefined) return { output: `OK - REST API reachable on ${poll.basePath || "/"}`, code: 0 };
  try {
    const document: unknown = JSON.parse(body);
    return poll.api === "1" ? printVersioned(document) : printLegacy(document);
  } catch (thrown) {
    return { output: `json error: ${String(thrown)}`, code: 3 };
  }
}

function requestOf(poll: Poll): string {
  const { port, basePath = "", api = "", login = "admin", password, arguments: words = [], timeout = 10 } = poll;
  const [command, ...args] = words;
  const query = args.length === 0 ? "" : `?${args.map(encodedArgument).join("&")}`;
  const own = api === "1" ? `api/v1/queries/${command}/commands/execute` : `query/${command}`;
  const path = command === undefined ? `${basePath}/`.replace(/\/\/$/, "/") : `${basePath}/${own}${query}`;
  const credentials =
    api === "1" && login !== ""
      ? `Authorization: Basic ${Buffer.from(`${login}:${password}`).toString("base64")}`
      : `Password: ${password}`;
  return [
    `GET ${path} HTTP/1.1`,
    `Host: 127.0.0.1:${port}`,
    "User-Agent: Go-http-client/1.1",
    credentials,
    `X-Nsc-Web-Timeout: ${timeout.toFixed(2)}`,
    "Accept-Encoding: gzip",
    "",
    "",
  ].join("\r\n");
}

function encodedArgument(text: string): string {
  return splitOnce(text, "=").map(formEncoded).join("=");
}

/** As Go's url.QueryEscape. */
function formEncoded(text: string): string {
  return [...Buffer.from(text)]
    .map((byte) => {
      const character = String.fromCharCode(byte);
      if (/[\w.~-]/.test(character)) return character;
      return character === " " ? "+" : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
    })
    .join("");
}

function splitOnce(text: string, separator: string): string[] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + separator.length)];
}

function printLegacy(document: unknown): Printed {
  const [answer] = listOf(member(document, "payload"));
  if (answer === undefined) throw new Error("the payload is empty");
  const lines = listOf(member(answer, "lines"));
  const perf = lines.flatMap((line) =>
    listOf(member(line, "perf")).map((entry) => {
      const value = member(entry, "float_value") ?? member(entry, "int_value");
      return value === undefined ? undefined : perfText(textOf(member(entry, "alias")), value);
    }),
  );
  return printed(lines, perf, stateCode(textOf(member(answer, "result"))));
}

function printVersioned(document: unknown): Printed {
  const result = member(document, "result");
  if (!Number.isInteger(result)) throw new Error("the result is no integer");
  const lines = listOf(member(document, "lines"));
  const perf = lines.flatMap((line) => {
    const entries = member(line, "perf") ?? {};
    if (typeof entries !== "object" || Array.isArray(entries)) throw new Error("perf is no object");
    return Object.entries(entries as object)
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .map(([label, value]) => perfText(label, value));
  });
  return printed(lines, perf, Number(result));
}

function printed(lines: readonly unknown[], perf: readonly (string | undefined)[], code: number): Printed {
  const message = lines.map((line) => textOf(member(line, "message")).trim()).join("");
  const items = perf.filter((item) => item !== undefined);
  return { output: items.length === 0 ? message : `${message} |${items.join(" ")}`, code };
}

/** One item, always with its four semicolons; nothing without a value. */
function perfText(label: string, entry: unknown): string | undefined {
  const value = member(entry, "value");
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "number" && typeof value !== "string") throw new Error(`${label}: a value of a wrong type`);
  const unit = member(entry, "unit") ?? "";
  const limits = ["warning", "critical"].map((name) => scalarOf(member(entry, name)));
  const bounds = ["minimum", "maximum"].map((name) => numberOf(member(entry, name)));
  return `'${label}'=${value}${textOf(unit)};${[...limits, ...bounds].join(";")}`;
}

function stateCode(text: string): number {
  const code = ["ok", "warning", "critical"].findIndex(
    (name, index) => name === text.toLowerCase() || text === String(index),
  );
  return code < 0 ? 3 : code;
}

function scalarOf(value: unknown): string {
  if (typeof value === "object" && value !== null) throw new Error("a threshold is no scalar");
  return value === undefined || value === null ? "" : String(value);
}

function numberOf(value: unknown): string {
  if (value === undefined) return "";
  if (typeof value !== "number") throw new Error("a limit is no number");
  return String(value);
}

function textOf(value: unknown): string {
  if (typeof value !== "string") throw new Error("a text is missing");
  return value;
}

function listOf(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new Error("a list is missing");
  return value;
}

function member(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null) throw new Error(`there is no object with ${name}`);
  return (value as Readonly<Record<string, unknown>>)[name];
}
