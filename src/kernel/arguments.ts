/**
 * The arguments of a check in the syntax that checks share: `key=value` and bare `flag`, or `--key value`, `--key=value`
 * and `--flag`. The first argument decides which: without a `-` in front all are of the first form.
 */
import type { ResultCode } from "../wire/messages.js";
import { parseCode } from "../wire/result-code.js";

interface SpecBase {
  /** Its first line is the short description. */
  readonly description: string;
}

/** One argument; its name is the key in {@link ArgumentSpecs}. */
export type ArgumentSpec =
  | (SpecBase & { readonly type: "text"; readonly default?: string; readonly required?: true })
  | (SpecBase & { readonly type: "choice"; readonly choices: readonly string[]; readonly default: string })
  /** A whole number, zero or more. */
  | (SpecBase & { readonly type: "count"; readonly default: number })
  /** A state by word, initial or digit. */
  | (SpecBase & { readonly type: "state" })
  /** `flag`, or with a value such as `flag=false`. */
  | (SpecBase & { readonly type: "flag" })
  /** May be given again and again. */
  | (SpecBase & { readonly type: "list"; readonly required?: true })
  /** As a list; and whatever comes after its bare name is taken verbatim, word by word. */
  | (SpecBase & { readonly type: "rest" });

export type ArgumentSpecs = Readonly<Record<string, ArgumentSpec>>;

/** What the arguments say: of their types, `undefined` only for what is neither given nor has a default. */
export type ArgumentValues<Specs> = { readonly [Name in keyof Specs]: ValueOf<Specs[Name]> };

type ValueOf<Spec> = Spec extends { readonly type: "list" | "rest" }
  ? readonly string[]
  : Spec extends { readonly type: "flag" }
    ? boolean
    : Spec extends { readonly type: "count" }
      ? number
      : Spec extends { readonly type: "state" }
        ? ResultCode | undefined
        : Spec extends { readonly type: "choice"; readonly choices: readonly (infer Choice)[] }
          ? Choice
          : Spec extends { readonly default: string } | { readonly required: true }
            ? string
            : string | undefined;

/** The arguments are wrong; the message says which and why. */
export class ArgumentError extends Error {
  override readonly name = "ArgumentError";
}

/** @throws ArgumentError naming the argument that is unknown, given twice, missing or not of its type */
export function parseArguments<const Specs extends ArgumentSpecs>(
  specs: Specs,
  args: readonly string[],
): ArgumentValues<Specs> {
  const given = collect(specs, args);
  const values: Record<string, unknown> = {};
  for (const name in specs) {
    const spec = specs[name];
    if (spec !== undefined) values[name] = readValue(name, spec, given.get(name) ?? nothing);
  }
  return values as ArgumentValues<Specs>;
}

const nothing: readonly string[] = [];

/** Every value that was given, by the name of its argument; a bare flag has the value `true`. */
function collect(specs: ArgumentSpecs, args: readonly string[]): Map<string, string[]> {
  const given = new Map<string, string[]>();
  const add = (name: string, ...values: string[]) => {
    const before = given.get(name);
    if (before === undefined) given.set(name, values);
    else before.push(...values);
  };
  const hasDashes = args[0]?.startsWith("-") === true;
  for (let position = 0; position < args.length; position++) {
    const word = args[position] ?? "";
    const { key, value } = splitWord(word, hasDashes);
    const name = key.toLowerCase();
    const spec = Object.hasOwn(specs, name) ? specs[name] : undefined;
    if (spec === undefined) throw new ArgumentError(`Unknown argument: ${word}`);
    if (value !== undefined) {
      add(name, value);
    } else if (spec.type === "rest") {
      add(name, ...args.slice(position + 1));
      break;
    } else if (spec.type === "flag") {
      add(name, "true");
    } else if (hasDashes && args[position + 1] !== undefined) {
      position++;
      add(name, args[position] ?? "");
    } else {
      throw new ArgumentError(`${name} needs a value`);
    }
  }
  return given;
}

function splitWord(word: string, hasDashes: boolean): { key: string; value: string | undefined } {
  const text = hasDashes ? withoutDashes(word) : word;
  const equals = text.indexOf("=");
  return equals < 0 ? { key: text, value: undefined } : { key: text.slice(0, equals), value: text.slice(equals + 1) };
}

function withoutDashes(word: string): string {
  if (!word.startsWith("-")) throw new ArgumentError(`${word} belongs to no argument`);
  return word.replace(/^--?/, "");
}

function readValue(name: string, spec: ArgumentSpec, given: readonly string[]): unknown {
  const isList = spec.type === "list" || spec.type === "rest";
  if ("required" in spec && given.length === 0) throw new ArgumentError(`${name} is missing`);
  if (isList) return given;
  if (given.length > 1) throw new ArgumentError(`${name} is given more than once`);
  const [text] = given;
  if (text === undefined) return spec.type === "flag" ? false : "default" in spec ? spec.default : undefined;
  const value = readers[spec.type](text, spec);
  if (value === undefined) throw new ArgumentError(`${name} can't be "${text}": ${expectation(spec)}`);
  return value;
}

const readers: Readonly<
  Record<Exclude<ArgumentSpec["type"], "list" | "rest">, (text: string, spec: ArgumentSpec) => unknown>
> = {
  text: (text) => text,
  choice: (text, spec) =>
    spec.type === "choice" ? spec.choices.find((choice) => choice === text.toLowerCase()) : undefined,
  count: (text) => (/^\d{1,9}$/.test(text) ? Number(text) : undefined),
  state: (text) => parseCode(text),
  flag: (text) => FLAGS.get(text.toLowerCase()),
};

const FLAGS: ReadonlyMap<string, boolean> = new Map([
  ...["true", "1", "yes"].map((word) => [word, true] as const),
  ...["false", "0", "no"].map((word) => [word, false] as const),
]);

function expectation(spec: ArgumentSpec): string {
  if (spec.type === "choice") return `give one of ${spec.choices.join(", ")}`;
  if (spec.type === "count") return "give a whole number, 0 or more";
  if (spec.type === "state") return "give ok, warning, critical or unknown";
  return "give true or false";
}
