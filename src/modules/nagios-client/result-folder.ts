import { randomBytes } from "node:crypto";
import { type FileHandle, link, open, readdir, stat, unlink } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Clock } from "../../kernel/clock.js";
import { errorText } from "../../kernel/errors.js";

export interface FolderOptions {
  readonly folder: string;
  /** Undefined: the owner of the folder. */
  readonly owner: { readonly user: number; readonly group: number } | undefined;
  readonly mode: number;
  /** Older files that Nagios has not read mean that it does not run. */
  readonly unreadLimitMs: number;
}

/**
 * The folder that Nagios Core takes check results from. It reads a file named `c` and six characters once a file with `.ok`
 * behind that name is there, and removes both.
 *
 * The file gets its text under another name first and is on disk before it gets its own, and `.ok` comes last: Nagios never sees
 * half a file, and a crash at any point leaves either the whole file or one that Nagios ignores.
 */
export class ResultFolder {
  /** Files that Nagios has not read, and since when, in milliseconds of the clock's monotonic time. */
  private unread: ReadonlyMap<string, number> = new Map();

  constructor(
    private readonly options: FolderOptions,
    private readonly clock: Clock,
  ) {}

  /**
   * Adds a file; resolves when it and its name are on disk.
   *
   * @throws Error that names the folder and says why there can't be one
   */
  async add(text: string): Promise<void> {
    const { folder } = this.options;
    const temporary = join(folder, `nscp-${randomBytes(9).toString("hex")}.tmp`);
    try {
      await this.write(temporary, text);
      const name = await named(temporary, folder);
      try {
        await this.write(`${name}.ok`, "");
        await syncFolder(folder);
        this.unread = new Map(this.unread).set(`${basename(name)}.ok`, this.clock.monotonic());
      } catch (thrown) {
        // The results stay in the spool, so they must not be here too.
        for (const file of [`${name}.ok`, name]) await unlink(file).catch(() => undefined);
        throw thrown;
      }
    } catch (thrown) {
      throw new Error(`Can't write to ${folder}: ${errorText(thrown)}`, { cause: thrown });
    } finally {
      await unlink(temporary).catch(() => undefined);
    }
  }

  /**
   * Why no more files should be written; nothing when Nagios reads them. Files that lie there while it is down are of no use:
   * it throws away what is older than its `max_check_result_file_age`, an hour, when it comes back.
   */
  async backlog(): Promise<string | undefined> {
    const { folder, unreadLimitMs } = this.options;
    const names = (await readdir(folder)).filter((name) => READY.test(name));
    const now = this.clock.monotonic();
    const known = this.unread;
    // How long they were seen here: times of files are those of another clock where the folder is a network's.
    this.unread = new Map(names.map((name) => [name, known.get(name) ?? now]));
    const oldestMs = now - Math.min(now, ...this.unread.values());
    if (oldestMs <= unreadLimitMs) return undefined;
    const files = names.length === 1 ? "a file lies" : `${names.length} files lie`;
    return `Nagios does not read ${folder}: ${files} there for up to ${Math.floor(oldestMs / 1000)} s`;
  }

  private async write(file: string, text: string): Promise<void> {
    const handle = await open(file, "wx", this.options.mode);
    try {
      await this.giveAway(handle);
      // The permissions of a new file are what the umask leaves of them.
      await handle.chmod(this.options.mode);
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
  }

  /** Only root may give files away; for everybody else the group of the folder must do. */
  private async giveAway(handle: FileHandle): Promise<void> {
    const { owner, folder } = this.options;
    if (owner !== undefined) return handle.chown(owner.user, owner.group);
    const [facts, own] = await Promise.all([stat(folder), handle.stat()]);
    if (facts.uid === own.uid && facts.gid === own.gid) return;
    await handle
      .chown(facts.uid, facts.gid)
      .catch(() => handle.chown(own.uid, facts.gid))
      .catch(() => undefined);
  }
}

/** Gives the file a name that Nagios looks at and that no other file has. */
async function named(file: string, folder: string): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    const name = join(folder, `c${randomBytes(3).toString("hex")}`);
    try {
      // Unlike a rename, a link never takes the place of another file.
      await link(file, name);
      return name;
    } catch (thrown) {
      if (!isTaken(thrown) || attempt === MAX_ATTEMPTS) throw thrown;
    }
  }
}

/** Names are on disk when the folder is. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function isTaken(thrown: unknown): boolean {
  return thrown instanceof Error && "code" in thrown && thrown.code === "EEXIST";
}

const READY = /^c.{6}\.ok$/;
const MAX_ATTEMPTS = 20;
