import { ArgumentError } from "../../kernel/arguments.js";
import { plainKey } from "../../relay/targets.js";
import { closest } from "../../settings/did-you-mean.js";
import { defaultText } from "../../settings/schema.js";
import { agentKeys } from "./agents.js";

interface OptionSpec {
  readonly description: string;
  readonly isFlag?: boolean;
  readonly isRepeatable?: boolean;
}

/** What is asked, and whom. */
export interface QueryOptions {
  /** One of them unless there are batches. */
  readonly commands: readonly NrpeCommand[];
  /** Name of a target; empty: the default. */
  readonly target: string;
  /** Options of the target by their plain names. */
  readonly targetOptions: ReadonlyMap<string, string>;
}

export interface NrpeCommand {
  /** Empty: the agent's version is asked for. */
  readonly command: string;
  readonly args: readonly string[];
}

const ownOptions: Readonly<Record<string, OptionSpec>> = {
  command: { description: "The command that the agent is to run; without one it says its version" },
  argument: { description: "An argument of the command; may be given again and again", isRepeatable: true },
  batch: { description: "A command as command|argument|argument; may be given again and again", isRepeatable: true },
  separator: { description: "What stands between the parts of a batch (|)" },
  target: { description: "The target of the settings to ask (default)" },
};

const synonyms: Readonly<Record<string, string>> = {
  arguments: "argument",
  "buffer length": "payload length",
  query: "command",
  retry: "retries",
  ssl: "use ssl",
};

/** Keys of targets that make no sense for one query. */
const notForQueries: ReadonlySet<string> = new Set([
  ...["max connections", "max waiting", "cache time", "unreachable time", "certificate format", "dh"],
]);

/** The options of the queries, by plain names. */
export const queryOptionSpecs: ReadonlyMap<string, OptionSpec> = new Map([
  ...Object.entries(ownOptions),
  ...[...agentKeys]
    .filter(([name]) => !notForQueries.has(name))
    .map(([name, { spec }]) => {
      const preset = defaultText(spec);
      const description = preset === "" ? spec.description : `${spec.description} (${preset})`;
      return [name, { description, isFlag: spec.type === "bool" }] as const;
    }),
]);

/** The options that were given: the values of each, and the words that belong to none. */
export interface GivenOptions {
  readonly values: ReadonlyMap<string, readonly string[]>;
  readonly words: readonly string[];
}

/**
 * Reads `--key value`, `--key=value`, `key=value` and `--flag`; names in any spelling. Whatever has no dash and is no
 * option is an argument for the agent, such as `warn=80`; behind `--` everything is.
 *
 * @throws ArgumentError naming the option that is unknown or lacks its value
 */
export function collectOptions(args: readonly string[]): GivenOptions {
  const values = new Map<string, string[]>();
  const words: string[] = [];
  for (let position = 0; position < args.length; position++) {
    const word = args[position] ?? "";
    if (word === "--") {
      words.push(...args.slice(position + 1));
      break;
    }
    const hasDash = /^--?[a-z]/i.test(word);
    const [, key = "", value] = /^([^=]*?)(?:=(.*))?$/s.exec(word.replace(/^--?/, "")) ?? [];
    const plain = plainKey(key);
    const name = synonyms[plain] ?? plain;
    const spec = queryOptionSpecs.get(name);
    if (spec === undefined || (!hasDash && value === undefined)) {
      if (hasDash) throw new ArgumentError(unknownText(word, plain));
      words.push(word);
      continue;
    }
    const next = hasDash ? args[position + 1] : undefined;
    let text = value;
    if (text === undefined && spec.isFlag)
      text = next !== undefined && /^(?:true|false|yes|no|0|1)$/i.test(next) ? next : "true";
    text ??= next;
    if (text === undefined) throw new ArgumentError(`${key} needs a value`);
    if (value === undefined && text === next) position++;
    values.set(name, spec.isRepeatable ? [...(values.get(name) ?? []), text] : [text]);
  }
  return { values, words };
}

/**
 * What stored and given options mean together. What is stored can't be changed by a caller, who may add the rest.
 * @throws ArgumentError
 */
export function queryOptions(stored: GivenOptions, given: GivenOptions): QueryOptions {
  for (const name of given.values.keys()) {
    if (stored.values.has(name) && queryOptionSpecs.get(name)?.isRepeatable !== true)
      throw new ArgumentError(`${name} is set already`);
  }
  const all = (name: string) => [...(stored.values.get(name) ?? []), ...(given.values.get(name) ?? [])];
  const one = (name: string) => all(name).at(-1) ?? "";
  const args = [
    ...(stored.values.get("argument") ?? []),
    ...stored.words,
    ...(given.values.get("argument") ?? []),
    ...given.words,
  ];
  const batch = all("batch").map((line) => batchCommand(line, all("separator").at(-1) ?? "|"));
  const isSingle = batch.length === 0 || one("command") !== "";
  if (!isSingle && args.length > 0) throw new ArgumentError("arguments of a batch stand in it");
  const targetOptions = new Map(
    [...stored.values, ...given.values].flatMap(([name, values]) =>
      Object.hasOwn(ownOptions, name) ? [] : [[name, values.at(-1) ?? ""] as const],
    ),
  );
  return {
    commands: [...(isSingle ? [{ command: one("command"), args }] : []), ...batch],
    target: one("target"),
    targetOptions,
  };
}

/** What the options mean, one per line, for help. */
export function queryUsage(name: string, summary: string): string {
  const rows = [...queryOptionSpecs].map(
    ([option, { description }]) => `  --${option.replaceAll(" ", "-")} - ${description}`,
  );
  return [summary, `Usage: ${name} --target TARGET --command COMMAND [ARGUMENT …]`, ...rows].join("\n");
}

function batchCommand(line: string, separator: string): NrpeCommand {
  if (separator === "") throw new ArgumentError("separator is empty");
  const [command = "", ...args] = line.split(separator);
  return { command, args };
}

function unknownText(word: string, plain: string): string {
  const meant = closest(plain, [...queryOptionSpecs.keys()]);
  return `Unknown argument: ${word}${meant === undefined ? "" : ` (did you mean "--${meant.replaceAll(" ", "-")}"?)`}`;
}
