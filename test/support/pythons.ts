import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** An interpreter that scripts can run in. */
export interface Python {
  /** Such as `3.12`. */
  readonly version: string;
  readonly executable: string;
}

const oldest = 9;
const newest = 14;

/**
 * The interpreters that tests run in: the one of NSCP_TEST_PYTHON or else `python3`, and of all others from 3.9 on that
 * this machine has, by the names `python3.9` and so on or as versions of pyenv, the oldest and the newest.
 *
 * @throws Error when there is none
 */
export function pythons(): Python[] {
  const usual = inspect(process.env["NSCP_TEST_PYTHON"] ?? "python3");
  if (usual === undefined) throw new Error("There is no python3 of version 3.9 or newer in the search path.");
  const others = candidates()
    .map(inspect)
    .filter((python) => python !== undefined)
    .sort((left, right) => minor(left) - minor(right));
  const versions = new Map(
    [usual, others[0] ?? usual, others.at(-1) ?? usual].map((python) => [python.version, python]),
  );
  versions.set(usual.version, usual);
  return [...versions.values()];
}

function candidates(): string[] {
  const names = Array.from({ length: newest - oldest + 1 }, (_, index) => `python3.${oldest + index}`);
  const versions = join(process.env["PYENV_ROOT"] ?? join(homedir(), ".pyenv"), "versions");
  const installed = existsSync(versions) ? readdirSync(versions) : [];
  return [...names, ...installed.map((version) => join(versions, version, "bin", "python3"))];
}

/** What the interpreter says of itself; undefined when it does not run, as with a name that stands for nothing, or is too old. */
function inspect(executable: string): Python | undefined {
  const program = "import sys; print('%d.%d' % sys.version_info[:2]); print(sys.executable)";
  const { status, stdout } = spawnSync(executable, ["-c", program], { encoding: "utf8" });
  const [version = "", path = ""] = (stdout ?? "").split("\n");
  const isUsable = status === 0 && version.startsWith("3.") && Number(version.slice(2)) >= oldest;
  return isUsable ? { version, executable: path } : undefined;
}

function minor({ version }: Python): number {
  return Number(version.slice(2));
}
