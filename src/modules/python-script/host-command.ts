import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { HostCommand } from "../../script-host/host-process.js";
import { pythonLastWords } from "./last-words.js";

/** The folder with the Python side: what its interpreter is started with, and what `import NSCP` finds. */
export const pythonHostFolder: string = fileURLToPath(new URL("./host", import.meta.url));

/** Where the set-up makes the private virtual environment: beside `dist/`. */
const privateEnvironment = fileURLToPath(new URL("../../../.venv", import.meta.url));

export interface PythonHostOptions {
  /** Empty: the private virtual environment if there is one, else `python3` of the search path. */
  readonly executable: string;
  /** Where compiled Python files are kept; empty: beside their sources. */
  readonly cache: string;
  /** The folder that `${scripts}` stands for. */
  readonly scripts: string;
}

/** The interpreter that runs scripts. */
export function pythonExecutable(configured: string): string {
  if (configured !== "") return configured;
  const own = join(privateEnvironment, "bin", "python");
  return existsSync(own) ? own : "python3";
}

/** The Python process; its scripts share the control channel. */
export function pythonHostCommand({ executable, cache, scripts }: PythonHostOptions): HostCommand {
  const prefix = cache === "" ? [] : ["-X", `pycache_prefix=${cache}`];
  const file = pythonExecutable(executable);
  return {
    file,
    ifMissing: `there is no ${file}${file.includes("/") ? "" : " in the search path"}; install Python 3.9 or newer, or name an interpreter with the setting "python executable"`,
    args: [...prefix, pythonHostFolder, scripts],
    env: process.env,
    lanes: 0,
    lastWords: pythonLastWords(pythonHostFolder),
    stackSignal: "SIGUSR2",
  };
}
