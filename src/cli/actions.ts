import type { CliIo } from "./context.js";

/** One thing that a context can do: `nscp <context> <name> …`. */
export interface CliAction {
  readonly name: string;
  /** The words behind the name, as help shows them. */
  readonly usage: string;
  readonly summary: string;
  /** @returns the exit code */
  run(args: readonly string[], io: CliIo): Promise<number>;
}

/** Exit code of help and of what was not understood. */
const helpCode = 1;

/** Runs the action that the first word names; without one, or with an unknown one, says what there is. */
export async function runAction(
  context: string,
  actions: readonly CliAction[],
  [word, ...rest]: readonly string[],
  io: CliIo,
): Promise<number> {
  const action = actions.find(({ name }) => name === word);
  if (action !== undefined) return action.run(rest, io);
  const width = Math.max(...actions.map(({ name, usage }) => `${name} ${usage}`.length));
  const lines = actions.map(({ name, usage, summary }) => `  ${`${name} ${usage}`.padEnd(width)}  ${summary}\n`);
  const help = `Usage: nscp ${context} <action>\n\n${lines.join("")}`;
  if (word === undefined || word === "--help" || word === "-h") io.stdout(help);
  else io.stderr(`Unknown action: ${word}\n${help}`);
  return helpCode;
}

/** Without a word, or with an unknown one, the answer is UNKNOWN and the usage. */
const usageCode = 3;

/**
 * The context of a module whose commands have always been actions: `nscp py …`, `nscp web …`.
 * @param words those in the usage; all actions unless given
 */
export function usageContext(
  context: string,
  actions: readonly CliAction[],
  words: readonly string[] = actions.map(({ name }) => name),
): { run(args: readonly string[], io: CliIo): Promise<number> } {
  const usage = `Usage: nscp ${context} [${words.join("|")}] --help\n`;
  return {
    async run([word, ...args], io) {
      const action = actions.find(({ name }) => name === word);
      if (action !== undefined) return action.run(args, io);
      if (word === "--help" || word === "-h") {
        io.stdout(usage);
        for (const { name, usage: rest, summary } of actions) {
          io.stdout(`\n  ${`${name} ${rest}`.trimEnd()}\n      ${summary}\n`);
        }
        return helpCode;
      }
      if (word !== undefined) io.stderr(`Unknown action: ${word}\n`);
      io.stdout(usage);
      return usageCode;
    },
  };
}
