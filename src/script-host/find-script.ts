import { statSync } from "node:fs";
import { basename, join } from "node:path";

/** Where the scripts of a language are and how their files end. */
export interface ScriptLanguage {
  /** Folder below `${scripts}`. */
  readonly folder: string;
  /** Endings that a name may lack, in the order in which they are tried. */
  readonly extensions: readonly string[];
}

/**
 * Finds the file of a script: as written, then below `${scripts}/<language>`, then below `${scripts}`, each also with the
 * endings of the language. A name may have the folder of the scripts in front, and `\` between its parts, as settings
 * that come from Windows have it.
 *
 * @param scripts the folder that `${scripts}` stands for
 */
export function findScript(name: string, scripts: string, language: ScriptLanguage): string | undefined {
  return scriptCandidates(name, scripts, language).find(isFile);
}

/** Every file that the name may mean, in the order in which they are looked for. */
export function scriptCandidates(name: string, scripts: string, language: ScriptLanguage): string[] {
  if (name.trim() === "") return [];
  const path = name.replaceAll("\\", "/");
  const hasFolder = path.toLowerCase().startsWith(`${basename(scripts).toLowerCase()}/`);
  const places = [name, join(scripts, language.folder, path), join(scripts, path)];
  if (hasFolder) places.push(join(scripts, path.slice(path.indexOf("/") + 1)));
  return places.flatMap((base) => [base, ...language.extensions.map((extension) => base + extension)]);
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}
