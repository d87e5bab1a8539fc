import { closeSync, existsSync, fsyncSync, openSync, rmSync, statfsSync, statSync, writeSync } from "node:fs";
import { dirname } from "node:path";

/** Room that stays free beside the ballast before it is made again, so that it is not given up at once. */
const margin = 1024 * 1024;
const piece = 1024 * 1024;

/**
 * A file that takes room on the disk. On a full disk it is given up, and removals, which need a few pages to be written
 * before others become free, succeed. While it is missing nothing is accepted, or new records would take that room.
 */
export class Ballast {
  constructor(
    private readonly file: string,
    private readonly bytes: number,
  ) {}

  /** Gives the room up. Whether there was any. */
  release(): boolean {
    if (!existsSync(this.file)) return false;
    rmSync(this.file);
    return true;
  }

  /** Takes the room if it is not taken and the disk has it. Whether it is there. */
  make(): boolean {
    if (this.bytes === 0) return true;
    const taken = existsSync(this.file) ? statSync(this.file).size : 0;
    if (taken === this.bytes) return true;
    if (freeBytes(dirname(this.file)) + taken < this.bytes + margin) return false;
    try {
      this.write();
      return true;
    } catch {
      // Somebody else was faster, or a quota says what the file system does not.
      rmSync(this.file, { force: true });
      return false;
    }
  }

  /** Bytes that differ from one another: some file systems don't store runs of zeros. */
  private write(): void {
    const content = Buffer.alloc(Math.min(piece, this.bytes));
    for (let at = 0; at + 4 <= content.length; at += 4) content.writeUInt32LE((at * 2654435761) % 2 ** 32, at);
    const file = openSync(this.file, "w", 0o600);
    try {
      for (let left = this.bytes; left > 0; ) left -= writeSync(file, content, 0, Math.min(left, content.length));
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  }
}

/** Bytes that the file system of a folder has for us. */
export function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}
