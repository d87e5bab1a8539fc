import { ArgumentError } from "../kernel/arguments.js";
import { closest } from "../settings/did-you-mean.js";
import { defaultText } from "../settings/schema.js";
import { parseCode } from "../wire/result-code.js";
import { type AnyProtocol, wordOf } from "./relay-settings.js";
import { plainKey, targetKeysByName } from "./targets.js";

interface OptionSpec {
  readonly description: string;
  readonly isFlag?: boolean;
  readonly isRepeatable?: boolean;
}

/** What is submitted, and to whom. */
export interface SubmitOptions {
  readonly results: readonly SubmittedResult[];
  /** Names of targets; empty for those of submissions that name none. */
  readonly target: string;
  /** The host that the results are about; empty for the relay's own host name. */
  readonly sender: string;
  readonly isDryRun: boolean;
  /** Options of the target, by their plain names. */
  readonly targetOptions: ReadonlyMap<string, string>;
  /** Those among them that the caller gave; the others were stored. */
  readonly callersOptions: readonly string[];
}

interface SubmittedResult {
  /** Empty: that of all results. */
  readonly host: string;
  readonly service: string;
  readonly code: number;
  readonly text: string;
}

const ownOptions: Readonly<Record<string, OptionSpec>> = {
  command: { description: "The service that the result is about; host_check for the host itself" },
  result: { description: "Its state: ok, warning, critical, unknown or a digit (unknown)" },
  message: { description: "What the check says, with performance data behind a |" },
  batch: { description: "A result as command|result|message; may be given again and again", isRepeatable: true },
  separator: { description: "What stands between the parts of a batch (|)" },
  target: { description: "The targets to submit to, with commas between" },
  hostname: { description: "The host that the result is about; unless given as the settings say" },
  "host column": { description: "Batches begin with a host: host|command|result|message", isFlag: true },
  "dry run": { description: "Send nothing, say what would be sent", isFlag: true },
};

const synonyms: Readonly<Record<string, string>> = {
  alias: "command",
  retry: "retries",
  "source host": "hostname",
  "sender host": "hostname",
};

/** Keys of all targets that make sense for one submission. */
const sharedOptions: ReadonlySet<string> = new Set(["address", "host", "port", "timeout", "retries"]);

/** The options of a protocol's submit command, by plain names. */
export function submitOptionSpecs(protocol: AnyProtocol): ReadonlyMap<string, OptionSpec> {
  const specs = new Map(Object.entries(ownOptions));
  const own = new Set(Object.keys(protocol.targetKeys));
  for (const [name, { property, spec }] of targetKeysByName(protocol)) {
    if (specs.has(name) || !(sharedOptions.has(name) || own.has(property))) continue;
    const preset = defaultText(spec);
    const description = preset === "" ? spec.description : `${spec.description} (${preset})`;
    specs.set(name, { description, isFlag: spec.type === "bool" });
  }
  return specs;
}

/**
 * Reads `key=value`, `--key value`, `--key=value`, and bare flags; names in any spelling. Arguments that are stored under
 * a name come first, and those of the caller take their places.
 *
 * @throws ArgumentError naming the argument that is unknown, missing or wrong
 */
export function readSubmitOptions(
  specs: ReadonlyMap<string, OptionSpec>,
  stored: readonly string[],
  args: readonly string[],
): SubmitOptions {
  const fromCaller = collect(specs, args);
  const given = new Map([...collect(specs, stored), ...fromCaller]);
  const one = (name: string) => given.get(name)?.at(-1);
  const targetOptions = new Map(
    [...given].flatMap(([name, values]) =>
      Object.hasOwn(ownOptions, name) ? [] : [[name, values.at(-1) ?? ""] as const],
    ),
  );
  return {
    ...{ results: readResults(given, one), targetOptions },
    target: one("target") ?? "",
    sender: one("hostname") ?? "",
    callersOptions: [...fromCaller.keys()].filter((name) => targetOptions.has(name)),
    isDryRun: isSet("dry run", one("dry run")),
  };
}

/** What the options mean, one per line, for help. */
export function submitUsage(name: string, protocol: AnyProtocol): string {
  const rows = [...submitOptionSpecs(protocol)].map(([option, { description }]) => {
    return `  --${option.replaceAll(" ", "-")} - ${description}`;
  });
  const example = `${name} --command SERVICE --result STATE --message TEXT`;
  return [
    `Submits passive results with ${protocol.name} (submit_${wordOf(protocol)})`,
    `Usage: ${example}`,
    ...rows,
  ].join("\n");
}

function collect(specs: ReadonlyMap<string, OptionSpec>, args: readonly string[]): Map<string, string[]> {
  const given = new Map<string, string[]>();
  for (let position = 0; position < args.length; position++) {
    const word = args[position] ?? "";
    const hasDash = /^--?[a-z]/i.test(word);
    const [, key = "", value] = /^([^=]*?)(?:=(.*))?$/s.exec(word.replace(/^--?/, "")) ?? [];
    const plain = plainKey(key);
    const name = synonyms[plain] ?? plain;
    const spec = specs.get(name);
    if (spec === undefined) throw new ArgumentError(unknownText(word, plain, specs));
    const next = hasDash ? args[position + 1] : undefined;
    let text = value;
    if (text === undefined && spec.isFlag) text = next !== undefined && flags.has(next.toLowerCase()) ? next : "true";
    text ??= next;
    if (text === undefined) throw new ArgumentError(`${key} needs a value`);
    if (value === undefined && text === next) position++;
    given.set(name, spec.isRepeatable ? [...(given.get(name) ?? []), text] : [text]);
  }
  return given;
}

function unknownText(word: string, plain: string, specs: ReadonlyMap<string, OptionSpec>): string {
  const meant = closest(plain, [...specs.keys()]);
  return `Unknown argument: ${word}${meant === undefined ? "" : ` (did you mean "${meant.replaceAll(" ", "-")}"?)`}`;
}

function readResults(
  given: ReadonlyMap<string, readonly string[]>,
  one: (name: string) => string | undefined,
): readonly SubmittedResult[] {
  const separator = one("separator") ?? "|";
  if (separator === "") throw new ArgumentError("separator is empty");
  const hasHosts = isSet("host column", one("host column"));
  const batch = (given.get("batch") ?? []).map((line) => {
    const parts = line.split(separator);
    const host = hasHosts ? (parts.shift() ?? "").trim() : "";
    const [service = "", code, ...text] = parts;
    if (code === undefined || text.length === 0) {
      const form = [...(hasHosts ? ["host"] : []), "command", "result", "message"].join(separator);
      throw new ArgumentError(`batch can't be "${line}": write ${form}`);
    }
    return { host, service: serviceOf(service), code: codeOf(code), text: text.join(separator) };
  });
  const hasSingle = ["command", "result", "message"].some((name) => given.has(name));
  if (!hasSingle && batch.length > 0) return batch;
  const service = serviceOf(one("command") ?? "");
  return [{ host: "", service, code: codeOf(one("result") ?? "3"), text: one("message") ?? "" }, ...batch];
}

function serviceOf(text: string): string {
  const service = text.trim();
  if (service === "") throw new ArgumentError("command is missing: the service, or host_check for the host itself");
  return service === "host_check" ? "" : service;
}

function codeOf(text: string): number {
  const code = parseCode(text);
  if (code === undefined) throw new ArgumentError(`result can't be "${text}": give ok, warning, critical or unknown`);
  return code;
}

const flags: ReadonlyMap<string, boolean> = new Map([
  ...["true", "1", "yes"].map((word) => [word, true] as const),
  ...["false", "0", "no"].map((word) => [word, false] as const),
]);

function isSet(name: string, text: string | undefined): boolean {
  if (text === undefined) return false;
  const value = flags.get(text.toLowerCase());
  if (value === undefined)
    throw new ArgumentError(`${name.replaceAll(" ", "-")} can't be "${text}": give true or false`);
  return value;
}
