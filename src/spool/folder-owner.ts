import { readFileSync, statSync } from "node:fs";
import { open } from "lmdb";
import { GatewayError } from "../kernel/errors.js";

/** A process, told from another one that gets its number later. */
interface Owner {
  readonly pid: number;
  /** When it started, in ticks since the machine did; empty where the system doesn't say. */
  readonly startedAt: string;
  /** Which start of the machine; empty where the system doesn't say. */
  readonly bootId: string;
}

const key = "owner";

/** What this process owns. An entry of its own beside this is one that it could not remove, such as on a full disk. */
const owned = new Set<string>();

/**
 * Becomes the one owner of a spool's folder. The test for an owner and the entry of the new one are one transaction of LMDB,
 * whose lock between processes ends with the process that holds it; so two that start at once can't both succeed. The owner
 * that was killed is known by its number, start time and the machine's boot.
 *
 * @param file the small environment that holds the entry
 * @returns how to give the folder back
 * @throws GatewayError FAILED_PRECONDITION naming the owner's pid
 */
export function ownFolder(file: string, folder: string): () => Promise<void> {
  const root = open<Owner, string>({ path: file, overlappingSync: false, encoding: "json" });
  const self: Owner = { pid: process.pid, startedAt: startOf(process.pid), bootId: bootId() };
  const owner = root.transactionSync(() => {
    const found = root.get(key);
    if (found !== undefined && (isSame(found, self) ? owned.has(file) : isAlive(found, self))) return found;
    root.putSync(key, self);
    return undefined;
  });
  if (owner !== undefined) {
    void root.close();
    const text = `The spool ${folder} is used by the process ${owner.pid}; a spool has one owner at a time`;
    throw new GatewayError("FAILED_PRECONDITION", text);
  }
  owned.add(file);
  takePages(file, () => root.transactionSync(() => root.putSync(key, self)));
  return async () => {
    owned.delete(file);
    try {
      root.transactionSync(() => root.removeSync(key));
    } catch {
      // The entry of a process that ended does not count, and neither does this one in its own process.
    }
    await root.close();
  };
}

/**
 * A transaction writes to pages beside those it frees, so the file grows with the first few and then no more. It does so
 * while the disk has room: on a full one the next owner still comes in, and delivers.
 */
function takePages(file: string, write: () => void): void {
  try {
    let size: number;
    do {
      size = statSync(file).size;
      write();
    } while (statSync(file).size > size);
  } catch {
    // The folder is owned; there is no more room than for that.
  }
}

function isSame(owner: Owner, self: Owner): boolean {
  return owner.pid === self.pid && owner.startedAt === self.startedAt && owner.bootId === self.bootId;
}

function isAlive(owner: Owner, self: Owner): boolean {
  if (owner.bootId !== self.bootId) return false;
  if (owner.startedAt !== "") return startOf(owner.pid) === owner.startedAt;
  try {
    process.kill(owner.pid, 0);
    return true;
  } catch (error) {
    // Somebody else's process can't be sent a signal, and is alive.
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/** Field 22 of proc(5); the name in brackets may hold blanks, so fields are counted from behind it. */
function startOf(pid: number): string {
  const text = readOr(`/proc/${pid}/stat`);
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  // A process that only waits to be reaped owns nothing.
  return fields[0] === "Z" || fields[0] === "X" ? "" : (fields[19] ?? "");
}

function bootId(): string {
  return readOr("/proc/sys/kernel/random/boot_id").trim();
}

function readOr(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
