import { type FSWatcher, watch } from "node:fs";
import { stat } from "node:fs/promises";
import { dirname } from "node:path";

export interface FileWatcherOptions {
  /** How often to look, for folders that report no changes (network file systems). Milliseconds, 5000 unless given. */
  readonly pollMs?: number;
  /** How long files must have been quiet. Milliseconds, 200 unless given. */
  readonly settleMs?: number;
}

/**
 * Tells when one of some files is written, replaced, made, removed, or its link points elsewhere. The folders are watched
 * and not the files, because a file that is replaced by a rename takes its watch along.
 */
export class FileWatcher {
  readonly #watches: FSWatcher[] = [];
  readonly #poll: NodeJS.Timeout;
  readonly #settleMs: number;
  #settling: NodeJS.Timeout | undefined;
  #known: string | undefined;
  #looking: Promise<void> | undefined;
  #closed = false;

  /** @param onChange is called when the files may be others than before, once at the beginning, never twice at a time */
  constructor(
    private readonly files: readonly string[],
    private readonly onChange: () => Promise<void>,
    { pollMs = 5_000, settleMs = 200 }: FileWatcherOptions = {},
  ) {
    this.#settleMs = settleMs;
    for (const folder of new Set(files.map((file) => dirname(file)))) this.#watch(folder);
    this.#poll = setInterval(() => this.#look(), pollMs).unref();
  }

  close(): void {
    this.#closed = true;
    for (const watcher of this.#watches) watcher.close();
    clearInterval(this.#poll);
    clearTimeout(this.#settling);
  }

  #watch(folder: string): void {
    try {
      const watcher = watch(folder, { persistent: false }, () => this.#settle());
      // A folder that is removed ends its watch; from then on looking now and then has to do.
      watcher.on("error", () => watcher.close());
      this.#watches.push(watcher);
    } catch {
      // The folder is not there yet, or the system has no watches left: looking now and then finds it.
    }
  }

  #settle(): void {
    clearTimeout(this.#settling);
    if (!this.#closed) this.#settling = setTimeout(() => this.#look(), this.#settleMs).unref();
  }

  #look(): void {
    if (this.#looking !== undefined || this.#closed) return;
    this.#looking = this.#compare().finally(() => {
      this.#looking = undefined;
    });
  }

  async #compare(): Promise<void> {
    const now = await signature(this.files);
    if (now === this.#known || this.#closed) return;
    this.#known = now;
    await this.onChange();
    // What was written while the change was taken may have had its event swallowed.
    this.#settle();
  }
}

async function signature(files: readonly string[]): Promise<string> {
  const facts = await Promise.all(
    files.map((file) =>
      stat(file, { bigint: true }).then(
        ({ ino, size, mtimeNs, mode }) => [ino, size, mtimeNs, mode].join(","),
        () => "-",
      ),
    ),
  );
  return facts.join(";");
}
