import { open, readFile, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { errorText, GatewayError } from "../kernel/errors.js";
import { writeAtomically } from "../settings/atomic-write.js";
import { makeFolder } from "../settings/make-folder.js";
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
    throw new GatewayError("CONFIGURATION", `The token file can't be read: ${errorText(cause)}`, { cause });
  }
  return parseTokens(text, file);
}

/**
 * Changes the tokens of the file while nobody else does; the running gateway sees the old list or the new one.
 * @throws GatewayError what `change` throws, CONFIGURATION for a broken file, FAILED_PRECONDITION when it can't be written
 */
export async function updateTokenFile<T>(
  file: string,
  change: (tokens: readonly TokenRecord[]) => { readonly tokens: readonly TokenRecord[]; readonly result: T },
): Promise<T> {
  const unlock = await writing(lock(`${file}.lock`));
  try {
    const { tokens, result } = change(await readTokenFile(file));
    await writing(replace(file, serialiseTokens(tokens)));
    return result;
  } finally {
    await unlock();
  }
}

async function replace(file: string, text: string): Promise<void> {
  const isNew = await stat(file).then(
    () => false,
    () => true,
  );
  await writeAtomically(file, Buffer.from(text));
  if (isNew) await giveToFolderOwner(file);
}

async function writing<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    if (cause instanceof GatewayError) throw cause;
    throw new GatewayError("FAILED_PRECONDITION", `The token file can't be written: ${errorText(cause)}.`, { cause });
  }
}

async function lock(path: string): Promise<() => Promise<void>> {
  await makeFolder(dirname(path), 0o700);
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
