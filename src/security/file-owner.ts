import { chown, stat } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * Gives a file to the owner of its folder when root has made it: commands are run as root, the gateway is not, and a
 * secret that only root may read would be of no use to it.
 */
export async function giveToFolderOwner(file: string): Promise<void> {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = await stat(dirname(file));
  await chown(file, uid, gid);
}
