import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { makeFolder } from "../settings/make-folder.js";

/** What may wait for the disk, in bytes; beyond it the oldest lines are left out. */
const maxWaiting = 4 * 1024 * 1024;

/** How long to leave the disk alone after it refused a write, in milliseconds. */
const pauseAfterFailure = 1000;

export interface LogFileOptions {
  readonly path: string;
  /** In bytes; a file that would grow beyond it becomes `<path>.1`. 0: it grows without limit. */
  readonly maxSize: number;
  /** How many old files stay: `<path>.1`, the newest, to `<path>.<files>`. */
  readonly files: number;
  /** Permissions of a new file; readable for owner and group unless given. */
  readonly mode?: number;
}

/**
 * A log file that is written in the background, in order. A full disk or a missing folder holds nothing up: lines wait,
 * up to a limit, and the disk is tried again; what had to be left out is counted in a line of its own.
 */
export class LogFile {
  private waiting: Buffer[] = [];
  private waitingBytes = 0;
  private lost = 0;
  private handle: FileHandle | undefined;
  private size = 0;
  private working: Promise<void> | undefined;
  private retry: NodeJS.Timeout | undefined;
  private failed = false;
  private reopening = false;

  /**
   * @param onProblem is told once when writing begins to fail, and not again before it has worked
   * @param lostText the line that says how many lines are missing
   */
  constructor(
    private readonly options: LogFileOptions,
    private readonly onProblem: (reason: string) => void,
    private readonly lostText: (count: number) => string,
  ) {}

  /** Takes one line with its newline. */
  write(line: string): void {
    const bytes = Buffer.from(line);
    this.waiting.push(bytes);
    this.waitingBytes += bytes.length;
    // The first may be the rest of what is half on the disk already, so it stays.
    while (this.waitingBytes > maxWaiting && this.waiting.length > 1) {
      const [dropped] = this.waiting.splice(1, 1);
      this.waitingBytes -= dropped?.length ?? 0;
      this.lost++;
    }
    this.work();
  }

  /** Opens the file anew before the next line, for those who rename it from outside. */
  reopen(): void {
    this.reopening = true;
  }

  /** Resolves when every line that was taken is written, or when the disk refuses it. */
  async flush(): Promise<void> {
    this.work(true);
    await this.working;
  }

  async close(): Promise<void> {
    await this.flush();
    clearTimeout(this.retry);
    await this.handle?.close().catch(() => {});
    this.handle = undefined;
  }

  private work(now = false): void {
    if (this.working !== undefined || this.waiting.length === 0) return;
    if (this.retry !== undefined) {
      if (!now) return;
      clearTimeout(this.retry);
      this.retry = undefined;
    }
    this.working = this.drain().finally(() => {
      this.working = undefined;
    });
  }

  private async drain(): Promise<void> {
    try {
      while (this.waiting.length > 0) {
        const file = await this.openFile();
        await this.writeBatch(file);
        this.failed = false;
      }
    } catch (thrown) {
      await this.handle?.close().catch(() => {});
      this.handle = undefined;
      if (!this.failed) this.onProblem(thrown instanceof Error ? thrown.message : String(thrown));
      this.failed = true;
      this.retry = setTimeout(() => {
        this.retry = undefined;
        this.work();
      }, pauseAfterFailure);
      this.retry.unref();
    }
  }

  /** Writes as many whole lines as fit into the file. What was written leaves the queue also when the rest fails. */
  private async writeBatch(file: FileHandle): Promise<void> {
    const { maxSize } = this.options;
    if (this.lost > 0) {
      const text = Buffer.from(this.lostText(this.lost));
      this.waiting.splice(1, 0, text);
      this.waitingBytes += text.length;
      this.lost = 0;
    }
    let count = 0;
    let bytes = 0;
    for (const line of this.waiting) {
      const isFull = maxSize > 0 && this.size + bytes + line.length > maxSize;
      if (isFull && this.size + bytes > 0) break;
      count++;
      bytes += line.length;
    }
    if (count === 0) {
      await this.rotate();
      return;
    }
    const batch = Buffer.concat(this.waiting.splice(0, count), bytes);
    this.waitingBytes -= bytes;
    let written = 0;
    try {
      while (written < bytes) written += (await file.write(batch, written)).bytesWritten;
    } finally {
      this.size += written;
      if (written < bytes) this.waiting.unshift(batch.subarray(written));
      this.waitingBytes += bytes - written;
    }
  }

  private async openFile(): Promise<FileHandle> {
    if (this.reopening) {
      this.reopening = false;
      await this.handle?.close();
      this.handle = undefined;
    }
    if (this.handle !== undefined) return this.handle;
    await makeFolder(dirname(this.options.path));
    this.handle = await open(this.options.path, "a", this.options.mode ?? 0o640);
    this.size = (await this.handle.stat()).size;
    return this.handle;
  }

  private async rotate(): Promise<void> {
    const { path, files } = this.options;
    await this.handle?.close();
    this.handle = undefined;
    if (files < 1) {
      await rm(path, { force: true });
      return;
    }
    for (let number = files - 1; number >= 0; number--) {
      const from = number === 0 ? path : `${path}.${number}`;
      await rename(from, `${path}.${number + 1}`).catch((thrown: NodeJS.ErrnoException) => {
        if (thrown.code !== "ENOENT") throw thrown;
      });
    }
  }
}
