import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * Makes a folder and those above it that are missing. Node's own recursive `mkdir` tries for ever where the system says that
 * a folder can't be found right after the one above it was, as it does below `/proc`.
 *
 * @param mode of folders that are made
 * @throws Error of the system, with its code
 */
export async function makeFolder(path: string, mode = 0o777): Promise<void> {
  const code = await tryMake(path, mode);
  if (code === undefined) return;
  const above = dirname(path);
  if (code === "ENOENT" && above !== path) {
    await makeFolder(above, mode);
    if ((await tryMake(path, mode)) === undefined) return;
  }
  // Again, for its error.
  await mkdir(path, { mode });
}

/** @returns why it could not be made; undefined when it is there */
async function tryMake(path: string, mode: number): Promise<string | undefined> {
  try {
    await mkdir(path, { mode });
    return undefined;
  } catch (thrown) {
    const found = await stat(path).catch(() => undefined);
    if (found?.isDirectory()) return undefined;
    return thrown instanceof Error && "code" in thrown ? String(thrown.code) : "";
  }
}
