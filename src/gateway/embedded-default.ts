import { chmodSync, constants, copyFileSync, existsSync, mkdirSync } from "node:fs";
import { dirname, join, sep } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder with our package.json. */
export const packageRoot = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** What is used where nothing is configured. */
export interface EmbeddedDefault {
  readonly context: string;
  readonly dataPath: string;
}

/**
 * The embedded default configuration. It is copied to the data folder on first use, so that scripts can be added and
 * settings saved without touching the package; where the folder can't be written, the package's own file is read.
 *
 * The data folder is `var` in a checkout, and `var` in the working folder for an installed package.
 */
export function embeddedDefault(): EmbeddedDefault {
  const isInstalled = packageRoot.split(sep).includes("node_modules");
  const dataPath = join(isInstalled ? process.cwd() : packageRoot, "var");
  const original = join(packageRoot, "config", "gateway.ini");
  const copy = join(dataPath, "nscp.ini");
  try {
    mkdirSync(dataPath, { recursive: true, mode: 0o700 });
    if (!existsSync(copy)) {
      copyFileSync(original, copy, constants.COPYFILE_EXCL);
      // It is going to hold hashes of passwords.
      chmodSync(copy, 0o600);
    }
    return { context: copy, dataPath };
  } catch {
    return { context: existsSync(copy) ? copy : original, dataPath };
  }
}
