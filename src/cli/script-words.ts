/** Options that say which settings are meant. */
const storeOptions = new Set(["--settings", "--define", "--path-override"]);
const scriptOptions = new Set(["--script", "--file"]);
const logOptions = new Set(["--log", "--log-backend"]);
const flags = new Set(["--debug", "--no-stderr", "--help", "-h"]);

/**
 * Tells apart what `execute` is told and what its script is told.
 *
 * Options of ours stand in front: with the first word that is none the script's own begin, and whatever looks like an
 * option of ours there is the script's, in its order and spelling. Two exceptions keep command lines working that were
 * written for NSClient++: the script may still be named then, and options that say which settings are meant are never
 * the script's, or it would write to others than its caller meant. Behind `--` everything is the script's.
 */
export function splitScriptWords(args: readonly string[]): { ours: string[]; script: string[] } {
  const ours: string[] = [];
  const script: string[] = [];
  let isNamed: boolean = false;
  for (let at = 0; at < args.length; at++) {
    const word = args[at] ?? "";
    if (word === "--") return { ours, script: [...script, ...args.slice(at + 1)] };
    const name = /^--[^=]+(?==)/.exec(word)?.[0] ?? word;
    const isFront = script.length === 0;
    const namesScript: boolean = scriptOptions.has(name) && (isFront || !isNamed);
    isNamed ||= namesScript;
    if (storeOptions.has(name) || namesScript || (isFront && logOptions.has(name))) {
      ours.push(word);
      const value = args[at + 1];
      if (name === word && value !== undefined) {
        ours.push(value);
        at++;
      }
    } else if (isFront && flags.has(word)) ours.push(word);
    else script.push(word);
  }
  return { ours, script };
}
