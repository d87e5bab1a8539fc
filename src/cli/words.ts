import { GatewayError } from "../kernel/errors.js";

/**
 * Splits a line into words: at blanks, `"…"` groups, `\` stands before `\`, `"`, a blank and `n` (a line break).
 * @throws GatewayError INVALID_ARGUMENT for another escape and for a quote without its end
 */
export function splitWords(line: string): string[] {
  const words: string[] = [];
  let word = "";
  let isOpen = false;
  let isQuoted = false;
  for (let index = 0; index < line.length; index++) {
    const char = line.charAt(index);
    if (char === "\\") {
      const escaped = line.charAt(++index);
      const meant = escapes.get(escaped);
      if (meant === undefined) {
        throw new GatewayError("INVALID_ARGUMENT", `Not an escape: \\${escaped} (there are \\\\, \\", \\n and "\\ ")`);
      }
      word += meant;
      isOpen = true;
    } else if (char === '"') {
      isQuoted = !isQuoted;
      isOpen = true;
    } else if (!isQuoted && (char === " " || char === "\t")) {
      if (isOpen) words.push(word);
      word = "";
      isOpen = false;
    } else {
      word += char;
      isOpen = true;
    }
  }
  if (isQuoted) throw new GatewayError("INVALID_ARGUMENT", `A quote has no end: ${line}`);
  if (isOpen) words.push(word);
  return words;
}

const escapes = new Map([
  ["\\", "\\"],
  ['"', '"'],
  [" ", " "],
  ["n", "\n"],
]);
