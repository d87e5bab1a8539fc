/**
 * The text of a query, and whether it is taken: `command!argument!argument`.
 *
 * The refusals are those of NSClient++, which people search for.
 */
import type { ArgumentRule } from "./argument-rules.js";
import { isNice } from "./argument-types.js";

/** A check to run. */
export interface NrpeRequest {
  readonly command: string;
  readonly arguments: readonly string[];
}

/** What the settings allow. */
export interface RequestRules {
  readonly allowArguments: boolean;
  readonly allowNastyCharacters: boolean;
  /** By command, in lower case. */
  readonly argumentRules: ReadonlyMap<string, ArgumentRule>;
}

/** Takes a query apart. There is no escape for `!`, and empty arguments vanish. */
export function parseRequest(text: string): NrpeRequest {
  const [command = "", ...args] = text.split("!");
  return { command, arguments: args.filter((argument) => argument !== "") };
}

/** Why a request is not taken; undefined when it is. */
export function refusalOf({ command, arguments: args }: NrpeRequest, rules: RequestRules): string | undefined {
  const { allowArguments, allowNastyCharacters, argumentRules } = rules;
  const rule = argumentRules.get(command.toLowerCase());
  const isNiceEnough = (text: string) => allowNastyCharacters || isNice(text);
  if (!isNiceEnough(command)) return nastyText;
  if (rule !== undefined) {
    const problem = rule.problemOf(args);
    return problem === undefined ? undefined : `The arguments of ${command} are not allowed: ${problem}.`;
  }
  if (args.length > 0 && !allowArguments) {
    return "Request contained arguments (not currently allowed, check the allow arguments option).";
  }
  return args.every(isNiceEnough) ? undefined : nastyText;
}

const nastyText =
  "Request command contained illegal metachars (not currently allowed, check the allow nasty characters option).";
