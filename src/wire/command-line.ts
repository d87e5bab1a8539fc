/**
 * Command lines as they stand in settings: `command "an argument" another`, and the macros in them.
 *
 * Words are separated by blanks; `"…"` groups, also in the middle of a word; `\` takes the special meaning from `\`, `"`
 * and a blank, and `\n` is a new line. Empty words vanish. There is no shell: a word is one argument.
 */

/** The words of a command line, or what is wrong with it. */
export type CommandLine =
  | { readonly words: readonly string[]; readonly problem?: undefined }
  | { readonly problem: string };

/** Takes a command line apart; a line with another escape, or with a quote that nothing closes, is wrong as a whole. */
export function parseCommandLine(line: string): CommandLine {
  const words: string[] = [];
  let word = "";
  let isQuoted = false;
  for (let position = 0; position < line.length; position++) {
    const character = line.charAt(position);
    if (character === "\\") {
      position++;
      const escaped = ESCAPES.get(line.charAt(position));
      if (escaped === undefined) return { problem: `\\${line.charAt(position)} at ${position} is no escape` };
      word += escaped;
    } else if (character === '"') {
      isQuoted = !isQuoted;
    } else if (!isQuoted && BLANKS.has(character)) {
      if (word !== "") words.push(word);
      word = "";
    } else {
      word += character;
    }
  }
  if (isQuoted) return { problem: 'a " is not closed' };
  if (word !== "") words.push(word);
  return { words };
}

/**
 * Fills the macros of a template: `$ARG1$`, `$ARG2$` … by the arguments, `$ARGS$` by all of them with blanks between, and
 * `$ARGS"$` by all of them in quotes; each can be written with `%` for `$`. A word that is nothing but a macro for all
 * arguments becomes a word for each. A macro for an argument that is not there stays, arguments that no macro asks for
 * are left out. What an argument holds is never taken for a macro.
 */
export function fillMacros(template: readonly string[], args: readonly string[]): string[] {
  const filled: string[] = [];
  for (const word of template) {
    if (!word.includes("$") && !word.includes("%")) filled.push(word);
    else if (ALL_ARGUMENTS.test(word)) filled.push(...args);
    else filled.push(fillWord(word, args));
  }
  return filled;
}

function fillWord(word: string, args: readonly string[]): string {
  return word.replace(MACRO, (macro, _mark: string, name: string) => {
    if (name === "S") return args.join(" ");
    if (name === 'S"') return args.map((arg) => `"${arg}"`).join(" ");
    return args[Number(name) - 1] ?? macro;
  });
}

const BLANKS: ReadonlySet<string> = new Set([" ", "\t"]);
const ESCAPES: ReadonlyMap<string, string> = new Map([
  ["\\", "\\"],
  ['"', '"'],
  [" ", " "],
  ["n", "\n"],
]);
const ALL_ARGUMENTS = /^(?:\$ARGS"?\$|%ARGS"?%)$/;
const MACRO = /([$%])ARG(S"?|[1-9][0-9]*)\1/g;
