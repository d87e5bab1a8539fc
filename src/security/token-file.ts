import { mkdir, open, readFile, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { GatewayError } from "../kernel/errors.js";
import { writeAtomically } from "../settings/atomic-write.js";
import { giveToFolderOwner } from "./file-owner.js";
import { parseTokens, serialiseTokens, type TokenRecord } from "./tokens.js";

const lockWaitMs = 5_000;
/** A lock that is older was left behind by a command that was killed. */
const staleLockMs = 30_000;

/**
 * The tokens of the file; none when there is no file.
 * @throws GatewayError CONFIGURATION when it can't be read or is no token file
 */
export async function readTokenFile(file: string): Promise<TokenRecord[]> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (cause) {
    if (isMissing(cause)) return [];
    throw new GatewayError("CONFIGURATION", `The token file can't be read: ${(cause as Error).message}`, { cause });
  }
  return parseTokens(text, file);
}

/** Changes the tokens of the file while nobody else does; the running gateway sees the old list or the new one. */
export async function updateTokenFile<T>(
  file: string,
  change: (tokens: readonly TokenRecord[]) => { readonly tokens: readonly TokenRecord[]; readonly result: T },
): Promise<T> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const unlock = await lock(`${file}.lock`);
  try {
    const { tokens, result } = change(await readTokenFile(file));
    const isNew = await stat(file).then(
      () => false,
      () => true,
    );
    await writeAtomically(file, Buffer.from(serialiseTokens(tokens)));
    if (isNew) await giveToFolderOwner(file);
    return result;
  } finally {
    await unlock();
  }
}

async function lock(path: string): Promise<() => Promise<void>> {
  const deadline = Date.now() + lockWaitMs;
  for (;;) {
    try {
      await (await open(path, "wx", 0o600)).close();
      return () => rm(path, { force: true });
    } catch (error) {
      if (!isExisting(error)) throw error;
    }
    const since = await stat(path).then(
      (found) => Date.now() - found.mtimeMs,
      () => 0,
    );
    if (since > staleLockMs) await rm(path, { force: true });
    else if (Date.now() > deadline) {
      throw new GatewayError("FAILED_PRECONDITION", `Another command is changing the tokens; remove ${path} if not.`);
    } else await sleep(50);
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}

function isExisting(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EEXIST";
}
