import { randomInt } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import { errorText, GatewayError } from "../kernel/errors.js";
import type { CliIo } from "./context.js";

/** Where a command line says that a password comes from. */
export interface PasswordOptions {
  readonly password?: string;
  readonly passwordFile?: string;
}

const letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const generatedLength = 32;
/** Front ends refuse longer credentials unseen. */
const maxLength = 1024;

/**
 * Adds `--password-file` beside an option that takes the password itself.
 * @param flags how that option is written, such as `--password <password>`
 */
export function passwordOptions(command: Command, flags: string): Command {
  return command
    .option(flags, "the password; - reads it from standard input. Others on this machine can see a command line")
    .option("--password-file <file>", "the file whose only line is the password; - is standard input");
}

/**
 * The password that was given, undefined when none was.
 * @throws GatewayError INVALID_ARGUMENT when two were given, and for what can't be a password
 */
export async function givenPassword(
  { password, passwordFile }: PasswordOptions,
  io: Pick<CliIo, "stdin">,
): Promise<string | undefined> {
  if (password !== undefined && passwordFile !== undefined) {
    throw new GatewayError("INVALID_ARGUMENT", "Give one password: on the command line or in a file, not both.");
  }
  if (password === "-" || passwordFile === "-") return readPassword(io);
  if (passwordFile === undefined) return password === undefined ? undefined : checked(password, "The password");
  const text = await readFile(passwordFile, "utf8").catch((cause: unknown) => {
    throw new GatewayError("INVALID_ARGUMENT", `The password file can't be read: ${errorText(cause)}.`, { cause });
  });
  return checked(line(text), `The password in ${passwordFile}`);
}

/**
 * The password on standard input.
 * @throws GatewayError INVALID_ARGUMENT
 */
export async function readPassword({ stdin }: Pick<CliIo, "stdin">): Promise<string> {
  let text = "";
  for await (const chunk of stdin) text += String(chunk);
  if (line(text) === "") throw new GatewayError("INVALID_ARGUMENT", "There is no password on standard input.");
  return checked(line(text), "The password");
}

/** A password that nobody has to remember. */
export function generatePassword(): string {
  return Array.from({ length: generatedLength }, () => letters[randomInt(letters.length)]).join("");
}

function line(text: string): string {
  return text.replace(/\r?\n$/, "");
}

function checked(password: string, name: string): string {
  const problem = problemOf(password);
  if (problem !== undefined) throw new GatewayError("INVALID_ARGUMENT", `${name} ${problem}.`);
  return password;
}

function problemOf(password: string): string | undefined {
  if (password === "") return "is empty";
  if (/[\r\n]/.test(password)) return "has more than one line";
  if (/\p{Cc}/u.test(password)) return "has control characters in it";
  return password.length > maxLength ? `is longer than ${maxLength} characters` : undefined;
}
