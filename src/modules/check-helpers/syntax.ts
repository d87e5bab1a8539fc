import { ArgumentError } from "../../kernel/arguments.js";

/** Fills the keywords of a text; the values by keyword. */
export type Syntax = (values: Readonly<Record<string, string>>) => string;

/**
 * Reads a syntax text: `%(keyword)` and `${keyword}` stand for values, `\n` and `\t` for a new line and a tab, `\\` for a
 * backslash.
 *
 * @param argument the argument that it was given as, for the error
 * @throws ArgumentError naming a keyword that is none of `keywords`
 */
export function parseSyntax(argument: string, text: string, keywords: Iterable<string>): Syntax {
  const known = new Set(keywords);
  for (const [, round, curly] of text.matchAll(KEYWORD)) {
    const keyword = (round ?? curly ?? "").trim();
    if (!known.has(keyword)) {
      throw new ArgumentError(`${argument} has an unknown keyword: ${keyword} (there are ${[...known].join(", ")})`);
    }
  }
  const template = text.replace(ESCAPE, (_escape, letter: string) => ESCAPES[letter] ?? letter);
  return (values) =>
    template.replace(KEYWORD, (_text, round?: string, curly?: string) => values[(round ?? curly ?? "").trim()] ?? "");
}

const KEYWORD = /%\(([^()]*)\)|\$\{([^{}]*)\}/g;
const ESCAPE = /\\([nt\\])/g;
const ESCAPES: Readonly<Record<string, string>> = { n: "\n", t: "\t" };
