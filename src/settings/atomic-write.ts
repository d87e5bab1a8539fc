import { randomBytes } from "node:crypto";
import { type FileHandle, open, realpath, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { GatewayError } from "../kernel/errors.js";
import { makeFolder } from "./make-folder.js";

/**
 * Replaces a file so that a reader, or a machine that loses power, sees the old content or the new one and nothing in
 * between: temporary file beside it, fsync, rename, fsync of the folder. Mode and owner stay; a link is followed. A file
 * that was not there is made for its owner only, for settings hold passwords.
 *
 * @throws the error of the file system, or GatewayError PERMISSION_DENIED when the owner can't be kept
 */
export async function writeAtomically(file: string, content: Uint8Array): Promise<void> {
  const target = await realpath(file).catch(() => file);
  const folder = dirname(target);
  await makeFolder(folder);
  const before = await stat(target).catch(() => undefined);
  const temporary = join(folder, `.${basename(target)}.${process.pid}.${randomBytes(6).toString("hex")}`);
  const handle = await open(temporary, "wx", 0o600);
  try {
    try {
      await handle.writeFile(content);
      if (before) await takeOver(handle, target, before);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(folder);
}

async function takeOver(handle: FileHandle, file: string, like: { uid: number; gid: number; mode: number }) {
  const now = await handle.stat();
  if (now.uid !== like.uid || now.gid !== like.gid) {
    await handle.chown(like.uid, like.gid).catch((cause) => {
      const owner = `user ${like.uid} and group ${like.gid}`;
      throw new GatewayError("PERMISSION_DENIED", `${file} belongs to ${owner}, which saving it could not keep`, {
        cause,
      });
    });
  }
  await handle.chmod(like.mode & 0o7777);
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
