import type { Core } from "../../kernel/core.js";
import { GatewayError } from "../../kernel/errors.js";
import type { Unregister } from "../../kernel/registry.js";
import type { RegistryScope } from "../../kernel/scope.js";
import { soon } from "../../kernel/soon.js";
import { fillMacros, parseCommandLine } from "../../wire/command-line.js";
import { runWrapped } from "./wrapped-check.js";

/** A name for a command with arguments; words with macros for the arguments of the caller. */
export interface Alias {
  readonly name: string;
  readonly line: string;
  readonly words: readonly string[];
}

/**
 * Reads the aliases of the settings.
 * @throws GatewayError CONFIGURATION naming the first that is no command line
 */
export function readAliases(configured: ReadonlyMap<string, string>): Alias[] {
  return [...configured].map(([name, line]) => {
    const { words, problem } = parseAlias(line);
    if (problem !== undefined) throw new GatewayError("CONFIGURATION", `The alias ${name} is wrong: ${problem}`);
    return { name, line, words };
  });
}

/** The words of an alias, and what keeps them from being one. */
export function parseAlias(line: string): { words: readonly string[]; problem?: string } {
  const parsed = parseCommandLine(line);
  if (parsed.problem !== undefined) return { words: [], problem: `not a command line: ${parsed.problem}` };
  return parsed.words.length === 0 ? { words: [], problem: "there is no command" } : parsed;
}

/**
 * Registers the aliases. An alias takes from the caller only the arguments that its macros ask for, and the caller needs
 * the grant for what it runs, too.
 */
export function registerAliases(aliases: readonly Alias[], registry: RegistryScope, core: Core): Unregister[] {
  return aliases.map(({ name, line, words }) => {
    // A command that a macro makes differs from call to call.
    const standsFor = /[$%]/.test(words[0] ?? "") ? undefined : words[0];
    return registry.alias(
      name,
      (request, call, header) => {
        const [command = "", ...args] = fillMacros(words, request.arguments);
        return soon(runWrapped(core, { command, args, request, call, header }), ({ answer }) => answer);
      },
      { description: `Alias for: ${line}`, timeoutMs: Number.POSITIVE_INFINITY, standsFor },
    );
  });
}
