import { PB, type QueryRequest, type QueryResponse, ResultCode } from "../wire/messages.js";
import { textResponse, unknownResponse } from "../wire/responses.js";
import {
  ArgumentError,
  type ArgumentSpec,
  type ArgumentSpecs,
  type ArgumentValues,
  parseArguments,
} from "./arguments.js";
import type { Call } from "./call.js";
import type { QueryHandler, QueryOptions } from "./registry.js";

type Header = PB.Common.Header | null;

/** A check that takes arguments in the shared syntax. */
export interface Check<Specs extends ArgumentSpecs> {
  readonly name: string;
  readonly description: string;
  readonly arguments: Specs;
  /** Words that its syntax arguments understand, with what they stand for. */
  readonly fields?: Readonly<Record<string, string>>;
  /** An {@link ArgumentError} that it throws is answered with the usage, like one of the parser. */
  run(values: ArgumentValues<Specs>, request: QueryRequest, call: Call, header: Header): Answer;
}

type Answer = QueryResponse | Promise<QueryResponse>;

/** A check ready to be registered. */
export interface RegistrableCheck {
  readonly name: string;
  readonly handler: QueryHandler;
  readonly options: Pick<QueryOptions, "description" | "parameters">;
}

/**
 * Makes a query of a check: reads its arguments, answers `help`, `help-short`, `help-pb` and `show-default` by itself, and
 * wrong arguments with UNKNOWN and the usage.
 */
export function defineCheck<const Specs extends ArgumentSpecs>(check: Check<Specs>): RegistrableCheck {
  const parameters = parameterDetails(check);
  return {
    name: check.name,
    options: { description: check.description, parameters },
    handler(request, call, header) {
      const help = helpWordOf(check.arguments, request.arguments);
      if (help !== undefined) return helpAnswer(help, check, parameters, request);
      const refuse = (thrown: unknown) => {
        if (!(thrown instanceof ArgumentError)) throw thrown;
        return unknownResponse(request, `${thrown.message}\n${usage(check)}`);
      };
      // What a check can answer at once costs no promise.
      try {
        const answer = check.run(parseArguments(check.arguments, request.arguments), request, call, header);
        return answer instanceof Promise ? answer.catch(refuse) : answer;
      } catch (thrown) {
        return refuse(thrown);
      }
    },
  };
}

const helpWords: ReadonlySet<string> = new Set(["help", "help-short", "help-pb", "show-default"]);

/** A word for help, unless it stands among arguments that are meant for somebody else. */
function helpWordOf(specs: ArgumentSpecs, args: readonly string[]): string | undefined {
  for (const word of args) {
    if (word.includes("=")) continue;
    const key = word.replace(/^--?/, "").toLowerCase();
    if (helpWords.has(key)) return key;
    if (specs[key]?.type === "rest") return undefined;
  }
  return undefined;
}

function helpAnswer(
  word: string,
  check: Check<ArgumentSpecs>,
  parameters: PB.Registry.ParameterDetails,
  request: QueryRequest,
): QueryResponse {
  if (word === "help") return textResponse(request, ResultCode.OK, `${check.description}\n${usage(check)}`);
  if (word === "help-short") return textResponse(request, ResultCode.OK, check.description);
  if (word === "show-default") return textResponse(request, ResultCode.OK, defaults(check.arguments));
  const answer = textResponse(request, ResultCode.OK, "see data segment");
  answer.data = PB.Registry.ParameterDetails.encode(parameters).finish();
  return answer;
}

function usage({ name, arguments: specs, fields }: Check<ArgumentSpecs>): string {
  const rows = Object.entries(specs).map(([key, spec]) => {
    const preset = defaultOf(spec);
    return `  ${form(key, spec)}${preset === "" ? "" : ` (${preset})`} - ${shortOf(spec.description)}`;
  });
  const words = Object.entries(fields ?? {}).map(([field, meaning]) => `  %(${field}) - ${meaning}`);
  return [
    `Usage: ${[name, ...Object.entries(specs).map(([key, spec]) => invocation(key, spec))].join(" ")}`,
    ...rows,
    ...words,
  ].join("\n");
}

function form(key: string, spec: ArgumentSpec): string {
  if (spec.type === "flag") return key;
  if (spec.type === "rest") return `${key} …`;
  return spec.type === "choice" ? `${key}=${spec.choices.join("/")}` : `${key}=…`;
}

function invocation(key: string, spec: ArgumentSpec): string {
  if ("required" in spec) return spec.type === "list" ? `${form(key, spec)} [${form(key, spec)}]` : form(key, spec);
  return `[${form(key, spec)}]`;
}

function defaults(specs: ArgumentSpecs): string {
  return Object.entries(specs)
    .filter(([, spec]) => defaultOf(spec) !== "")
    .map(([key, spec]) => `"${key}=${defaultOf(spec)}"`)
    .join(" ");
}

function defaultOf(spec: ArgumentSpec): string {
  return "default" in spec ? String(spec.default) : "";
}

function shortOf(description: string): string {
  return description.split("\n")[0] ?? "";
}

function parameterDetails({ arguments: specs, fields }: Check<ArgumentSpecs>): PB.Registry.ParameterDetails {
  const { ParameterDetail, ParameterDetails, FieldDetail } = PB.Registry;
  return ParameterDetails.create({
    parameter: Object.entries(specs).map(([name, spec]) =>
      ParameterDetail.create({
        name,
        defaultValue: defaultOf(spec),
        required: "required" in spec,
        repeatable: spec.type === "list" || spec.type === "rest",
        contentType: contentTypes[spec.type],
        shortDescription: shortOf(spec.description),
        longDescription: spec.description,
      }),
    ),
    fields: Object.entries(fields ?? {}).map(([name, meaning]) =>
      FieldDetail.create({ name, shortDescription: meaning, longDescription: meaning }),
    ),
  });
}

/** Numbers and lists are given as texts, and clients know no other forms than these two. */
const contentTypes: Readonly<Record<ArgumentSpec["type"], PB.Common.DataType>> = {
  text: PB.Common.DataType.STRING,
  choice: PB.Common.DataType.STRING,
  count: PB.Common.DataType.STRING,
  state: PB.Common.DataType.STRING,
  flag: PB.Common.DataType.BOOL,
  list: PB.Common.DataType.STRING,
  rest: PB.Common.DataType.STRING,
};
