import type { Core } from "../../kernel/core.js";
import { GatewayError } from "../../kernel/errors.js";
import type { Unregister } from "../../kernel/registry.js";
import type { RegistryScope } from "../../kernel/scope.js";
import { fillMacros, parseCommandLine } from "../../wire/command-line.js";
import { runWrapped } from "./wrapped-check.js";

/**
 * Registers the aliases of the settings. An alias takes from the caller only the arguments that its macros ask for, and
 * the caller needs the grant for what it runs, too.
 */
export function registerAliases(
  aliases: ReadonlyMap<string, string>,
  registry: RegistryScope,
  core: Core,
): Unregister[] {
  return [...aliases].map(([name, line]) => {
    const template = wordsOf(name, line);
    const description = `Alias for: ${line}`;
    return registry.alias(
      name,
      async (request, call, header) => {
        const [command = "", ...args] = fillMacros(template, request.arguments);
        return (await runWrapped(core, { command, args, request, call, header })).answer;
      },
      { description, timeoutMs: Number.POSITIVE_INFINITY },
    );
  });
}

function wordsOf(name: string, line: string): readonly string[] {
  const parsed = parseCommandLine(line);
  if (parsed.problem === undefined) return parsed.words;
  throw new GatewayError("CONFIGURATION", `The alias ${name} is not a command line: ${parsed.problem}`);
}
