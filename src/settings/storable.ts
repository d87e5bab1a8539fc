import { GatewayError } from "../kernel/errors.js";
import { normalisePath, trimBlanks } from "./names.js";

/**
 * Refuses what could not be read back from a settings file: names with `=`, `]` or line breaks, names that look like a
 * comment or a section, values with line breaks.
 * @throws GatewayError INVALID_ARGUMENT naming what can't be stored
 */
export function checkStorable(path: string, key: string, value: string): void {
  checkSection(path);
  if (key === "" || key !== trimBlanks(key) || /^[[;#\ufeff]|[=\r\n]/.test(key) || isBroken(key))
    throw refused(`${JSON.stringify(key)} can't be the name of a settings key`);
  const name = `${normalisePath(path)}.${key}`;
  if (/[\r\n]/.test(value)) throw refused(`The value of ${name} has a line break, which an ini file can't hold`);
  if (value !== trimBlanks(value))
    throw refused(`The value of ${name} begins or ends with a blank, which an ini file can't hold`);
  if (isBroken(value)) throw refused(`The value of ${name} is not well-formed text`);
}

/** @throws GatewayError INVALID_ARGUMENT */
export function checkSection(path: string): void {
  if (/[\]\r\n]/.test(path) || isBroken(path))
    throw refused(`${JSON.stringify(path)} can't be the name of a settings section`);
}

function refused(message: string): GatewayError {
  return new GatewayError("INVALID_ARGUMENT", message);
}

/** Half of a surrogate pair has no UTF-8 form. */
function isBroken(text: string): boolean {
  return /\p{Surrogate}/u.test(text);
}
