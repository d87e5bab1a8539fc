import { existsSync, readdirSync } from "node:fs";
import { extname, join } from "node:path";
import type { ScriptLanguage } from "./find-script.js";

/** The languages of scripts, by the module that runs them. */
export const pythonLanguage: ScriptLanguage = { folder: "python", extensions: [".py"] };
export const nodeLanguage: ScriptLanguage = { folder: "node", extensions: [".ts", ".js", ".mjs"] };

/**
 * The files below a folder that are scripts of the language by their names. What packages and compilers leave there is no
 * script, and what is in a folder called `lib` is only one for those who ask for it.
 */
export function scriptFiles(folder: string, language: ScriptLanguage, withLibrary = false): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      const isSkipped = entry.name === "node_modules" || entry.name === "__pycache__";
      return isSkipped || (entry.name === "lib" && !withLibrary) ? [] : scriptFiles(path, language, withLibrary);
    }
    return language.extensions.includes(extname(entry.name)) && !entry.name.endsWith(".d.ts") ? [path] : [];
  });
}
