/**
 * The command line of `check_nrpe`, as its users have it in thousands of configurations: options of getopt_long, with
 * abbreviations, in any order, and everything behind `-a` for the agent.
 *
 * Source: check_nrpe 4.1.0, its help and what it does.
 */
import { NRPE_CHECK, NRPE_PAYLOAD_LENGTH, NRPE_PORT, type NrpeVersion } from "../wire/nrpe/packet.js";

/** What was asked for. */
export interface CheckNrpeOptions {
  readonly host: string;
  readonly port: number;
  /** `command!argument!argument`. */
  readonly query: string;
  /** In the order in which they are tried. */
  readonly versions: readonly NrpeVersion[];
  readonly payloadLength: number;
  readonly timeoutMs: number;
  /** The exit code when there is no connection or no answer in time. */
  readonly troubleCode: number;
  readonly useSsl: boolean;
  readonly tls: CheckNrpeTls;
  readonly family: 4 | 6 | undefined;
  readonly localAddress: string | undefined;
  /** What else goes to standard error goes to standard output. */
  readonly stderrToStdout: boolean;
  /** What is said before anything else. */
  readonly remarks: readonly string[];
}

export interface CheckNrpeTls {
  /** 0: no anonymous Diffie-Hellman, 1: also, 2: nothing else. */
  readonly anonymous: 0 | 1 | 2;
  readonly version: string;
  readonly ciphers: string | undefined;
  readonly certificate: string | undefined;
  readonly key: string | undefined;
  readonly authorities: string | undefined;
}

/** What to do with a command line. */
export type CheckNrpeCommand =
  | { readonly kind: "query"; readonly options: CheckNrpeOptions }
  | { readonly kind: "help" | "version" | "license" }
  /** Something is wrong with it: the lines to say before the help, on standard output or standard error. */
  | { readonly kind: "wrong"; readonly stdout: string; readonly stderr: string; readonly showsHelp: boolean };

/** Long names, and the letter that each stands for; with a colon those that need a value. */
const longOptions: Readonly<Record<string, string>> = {
  host: "H:",
  "config-file": "f:",
  bind: "b:",
  command: "c:",
  args: "a:",
  "use-adh": "d:",
  "ssl-version": "S:",
  "cipher-list": "L:",
  "client-cert": "C:",
  "key-file": "K:",
  "ca-cert-file": "A:",
  "ssl-logging": "s:",
  "log-file": "g:",
  timeout: "t:",
  port: "p:",
  "payload-size": "P:",
  "v2-packets-only": "2",
  "v3-packets-only": "3",
  ipv4: "4",
  ipv6: "6",
  "no-ssl": "n",
  "unknown-timeout": "u",
  "stderr-to-stdout": "E",
  "disable-syslog": "D",
  version: "V",
  license: "l",
  help: "h",
};

const letters = new Map(
  Object.values(longOptions).map((spec) => [spec.charAt(0), { needsValue: spec.endsWith(":") }] as const),
);

/** Names of TLS versions as `-S` takes them; case matters. */
export const tlsVersionNames: ReadonlySet<string> = new Set(
  ["SSLv2", "SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"].flatMap((name) => [name, `${name}+`]),
);

const states: readonly string[] = ["OK", "WARNING", "CRITICAL", "UNKNOWN"];
const defaultTimeout = 10;
const critical = 2;
const unknown = 3;

interface Word {
  readonly letter: string;
  readonly value: string;
}

type Words =
  | { readonly options: readonly Word[]; readonly args: readonly string[] | undefined }
  | { readonly problem: string };

/**
 * Reads a command line.
 * @param name what the program is called, for messages
 * @param readFile reads a file of further options; undefined when it can't be read
 */
export function readCheckNrpe(
  words: readonly string[],
  name: string,
  readFile: (file: string) => string | undefined,
): CheckNrpeCommand {
  const split = splitOptions(words);
  if ("problem" in split) return { kind: "wrong", stdout: "", stderr: `${name}: ${split.problem}\n`, showsHelp: true };
  const options = withFiles(split.options, readFile);
  if (options === undefined) return incorrect();
  for (const [letter, kind] of shows) if (options.some((one) => one.letter === letter)) return { kind };
  return query(options, split.args);
}

const shows = [
  ["h", "help"],
  ["V", "version"],
  ["l", "license"],
] as const;

function query(options: readonly Word[], args: readonly string[] | undefined): CheckNrpeCommand {
  const last = (letter: string) => options.findLast((one) => one.letter === letter)?.value;
  const has = (letter: string) => options.some((one) => one.letter === letter);
  const host = last("H") ?? "";
  const port = leadingInteger(last("p") ?? String(NRPE_PORT));
  const anonymous = leadingInteger(last("d") ?? "1");
  const version = last("S") ?? "TLSv1+";
  const timing = readTiming(options);
  if (timing === undefined) {
    return { kind: "wrong", stdout: "Timeout value must be a positive integer\n", stderr: "", showsHelp: false };
  }
  if (has("2") && has("3")) {
    return incorrect("Error: Only one of force_v2_packet (-2) and force_v3_packet (-3) can be specified.");
  }
  if ((last("C") === undefined) !== (last("K") === undefined)) {
    return incorrect("Error: the client certificate and the private key must both be given or neither");
  }
  const isSound = host !== "" && port > 0 && port <= 65_535 && tlsVersionNames.has(version);
  if (!isSound || (anonymous !== 0 && anonymous !== 1 && anonymous !== 2) || !/^\d/.test(last("d") ?? "1"))
    return incorrect();
  const size = leadingInteger(last("P") ?? "");
  const family = options.findLast(({ letter }) => letter === "4" || letter === "6")?.letter;
  return {
    kind: "query",
    options: {
      ...{ host, port, ...timing },
      query: [last("c") ?? NRPE_CHECK, ...(args ?? [])].join("!"),
      versions: has("2") ? [2] : has("3") ? [3, 2] : [4, 2],
      payloadLength: size > 0 ? size : NRPE_PAYLOAD_LENGTH,
      useSsl: !has("n"),
      tls: {
        ...{ anonymous, version, ciphers: last("L") },
        ...{ certificate: last("C"), key: last("K"), authorities: last("A") },
      },
      family: family === undefined ? undefined : family === "4" ? 4 : 6,
      localAddress: last("b"),
      stderrToStdout: has("E"),
    },
  };
}

/** The time-out and the exit code that goes with it, of which the last one counts; undefined for a time that is none. */
function readTiming(
  options: readonly Word[],
): Pick<CheckNrpeOptions, "timeoutMs" | "troubleCode" | "remarks"> | undefined {
  let seconds = defaultTimeout;
  let troubleCode = critical;
  const remarks: string[] = [];
  for (const { letter, value } of options) {
    if (letter === "u") troubleCode = unknown;
    if (letter !== "t") continue;
    const [interval = "", state] = value.split(":", 2);
    if (interval !== "" || state === undefined) seconds = leadingInteger(interval);
    if (seconds <= 0) return undefined;
    if (state === undefined || state === "") continue;
    const code = /^[0-3]$/.test(state) ? Number(state) : states.indexOf(state.toUpperCase());
    if (code >= 0) troubleCode = code;
    else remarks.push("Timeout state must be a valid state name (OK, WARNING, CRITICAL, UNKNOWN) or integer (0-3).");
  }
  return { timeoutMs: seconds * 1000, troubleCode, remarks };
}

/** Puts the options of files where the files are named. */
function withFiles(
  options: readonly Word[],
  readFile: (file: string) => string | undefined,
): readonly Word[] | undefined {
  const all: Word[] = [];
  for (const option of options) {
    if (option.letter !== "f") {
      all.push(option);
      continue;
    }
    const text = readFile(option.value);
    if (text === undefined) return undefined;
    const lines = text.split("\n").map((line) => line.trim());
    const words = lines.filter((line) => line !== "" && !line.startsWith("#")).flatMap(fileWords);
    const split = splitOptions(words);
    if ("problem" in split || split.options.some(({ letter }) => letter === "f")) return undefined;
    all.push(...split.options);
  }
  return all;
}

/** `host=x`, `--host=x`, `-H x`: an option in a line. */
function fileWords(line: string): readonly string[] {
  const words = line.match(/"[^"]*"|[^\s"]+/g)?.map((word) => word.replace(/^"|"$/g, "")) ?? [];
  const [first = "", ...rest] = words;
  return first.startsWith("-") ? words : [`--${first}`, ...rest];
}

function splitOptions(words: readonly string[]): Words {
  const options: Word[] = [];
  for (let position = 0; position < words.length; position++) {
    const word = words[position] ?? "";
    // Words that are no options are left out, as getopt and check_nrpe do it.
    if (word === "--") break;
    if (!word.startsWith("-") || word === "-") continue;
    const next = words[position + 1];
    const read = word.startsWith("--") ? longOption(word.slice(2), next) : shortOptions(word.slice(1), next);
    if ("problem" in read) return read;
    options.push(...read.options);
    // All that follows is for the agent, whatever it looks like; with its first word, which belongs to the option.
    if (read.options.at(-1)?.letter === "a")
      return { options, args: words.slice(read.tookNext ? position + 1 : position) };
    if (read.tookNext) position++;
  }
  return { options, args: undefined };
}

type ReadWord = { readonly options: readonly Word[]; readonly tookNext: boolean } | { readonly problem: string };

function longOption(text: string, next: string | undefined): ReadWord {
  const [, given = "", attached] = /^([^=]*)(?:=(.*))?$/s.exec(text) ?? [];
  const names = Object.keys(longOptions).filter((name) => name.startsWith(given));
  const name = names.includes(given) ? given : names[0];
  if (name === undefined || given === "") return { problem: `unrecognized option '--${given}'` };
  if (names.length > 1 && name !== given) {
    return {
      problem: `option '--${given}' is ambiguous; possibilities: ${names.map((one) => `'--${one}'`).join(" ")}`,
    };
  }
  const letter = longOptions[name]?.charAt(0) ?? "";
  if (letters.get(letter)?.needsValue !== true) {
    if (attached !== undefined) return { problem: `option '--${name}' doesn't allow an argument` };
    return { options: [{ letter, value: "" }], tookNext: false };
  }
  const value = attached ?? next;
  if (value === undefined) return { problem: `option '--${name}' requires an argument` };
  return { options: [{ letter, value }], tookNext: attached === undefined };
}

function shortOptions(text: string, next: string | undefined): ReadWord {
  const options: Word[] = [];
  for (let at = 0; at < text.length; at++) {
    const letter = text.charAt(at);
    const spec = letters.get(letter);
    if (spec === undefined) return { problem: `invalid option -- '${letter}'` };
    if (!spec.needsValue) {
      options.push({ letter, value: "" });
      continue;
    }
    const attached = text.slice(at + 1);
    const value = attached === "" ? next : attached;
    if (value === undefined) return { problem: `option requires an argument -- '${letter}'` };
    options.push({ letter, value });
    return { options, tookNext: attached === "" };
  }
  return { options, tookNext: false };
}

function incorrect(line?: string): CheckNrpeCommand {
  const reason = line === undefined ? "" : `${line}\n`;
  return {
    kind: "wrong",
    stdout: `${reason}\nIncorrect command line arguments supplied\n\n`,
    stderr: "",
    showsHelp: true,
  };
}

/** The number that a text begins with, as C's atoi reads it; 0 for none. */
function leadingInteger(text: string): number {
  return Number(/^\s*([+-]?\d{1,9})/.exec(text)?.[1] ?? 0);
}
