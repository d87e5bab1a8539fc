import { GatewayError } from "../kernel/errors.js";
import { parseCommandLine } from "../wire/command-line.js";

/**
 * Splits a line into words, as command lines in settings are: blanks, `"…"` and `\`.
 * @throws GatewayError INVALID_ARGUMENT saying what is wrong with the line
 */
export function splitWords(line: string): readonly string[] {
  const parsed = parseCommandLine(line);
  if (parsed.problem !== undefined) throw new GatewayError("INVALID_ARGUMENT", `${parsed.problem}: ${line}`);
  return parsed.words;
}
