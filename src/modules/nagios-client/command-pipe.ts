import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import type { Clock } from "../../kernel/clock.js";

/** What a pipe takes in one piece, whoever else writes to it: PIPE_BUF of the system, of POSIX elsewhere. */
export const PIPE_PIECE = process.platform === "linux" ? 4096 : 512;

/** How long to wait before a full pipe is tried again, in milliseconds. */
const FULL_PIPE_PAUSE_MS = 20;

/** What became of the lines: how many went out, and why not all. */
interface WriteResult {
  readonly written: number;
  readonly problem: string | undefined;
}

const meanings: Readonly<Record<string, string>> = {
  ENXIO: "nobody reads from it; is Nagios running?",
  EPIPE: "its reader went away",
  ENOENT: "it is not there; is Nagios running?",
  EACCES: "permission denied",
};

/**
 * A named pipe that Nagios Core reads commands from. All targets that name the same pipe share one writer, so that lines
 * go out one batch after the other.
 *
 * It is opened without waiting: an open that waits for a reader takes a thread of the pool that all file access shares.
 */
export class CommandPipe {
  private static readonly pipes = new Map<string, CommandPipe>();
  private tail: Promise<unknown> = Promise.resolve();

  private constructor(private readonly file: string) {}

  static at(file: string): CommandPipe {
    const known = CommandPipe.pipes.get(file);
    if (known !== undefined) return known;
    const pipe = new CommandPipe(file);
    CommandPipe.pipes.set(file, pipe);
    return pipe;
  }

  /**
   * Writes lines, as many in one piece as a pipe takes without mixing them with those of other programs.
   *
   * @param lines - with their newlines, each no longer than {@link PIPE_PIECE}
   * @param timeoutMs - how long a full pipe is waited for
   */
  write(lines: readonly Buffer[], timeoutMs: number, clock: Clock, signal: AbortSignal): Promise<WriteResult> {
    const result = this.tail.then(() => this.writeNow(lines, timeoutMs, clock, signal));
    this.tail = result;
    return result;
  }

  private async writeNow(
    lines: readonly Buffer[],
    timeoutMs: number,
    clock: Clock,
    signal: AbortSignal,
  ): Promise<WriteResult> {
    let written = 0;
    let handle: FileHandle | undefined;
    try {
      handle = await open(this.file, constants.O_WRONLY | constants.O_NONBLOCK);
      const facts = await handle.stat();
      if (!facts.isFIFO()) return { written, problem: `${this.file} is not a named pipe.` };
      const until = clock.monotonic() + timeoutMs;
      for (const piece of pieces(lines)) {
        while (!(await wasTaken(handle, piece.bytes))) {
          if (signal.aborted) return { written, problem: "The attempt was ended." };
          if (clock.monotonic() >= until) return { written, problem: `${this.file} is full; Nagios does not read it.` };
          await new Promise<void>((resolve) => clock.after(FULL_PIPE_PAUSE_MS, resolve));
        }
        written += piece.lines;
      }
      return { written, problem: undefined };
    } catch (thrown) {
      const code = errorCode(thrown);
      return {
        written,
        problem: `Can't write to ${this.file}: ${meanings[code] ?? String(thrown)}.`.replace("?.", "?"),
      };
    } finally {
      await handle?.close().catch(() => undefined);
    }
  }
}

/** Lines put together up to the size that is written in one piece. */
function pieces(lines: readonly Buffer[]): { bytes: Buffer; lines: number }[] {
  const groups: Buffer[][] = [];
  let size = Number.POSITIVE_INFINITY;
  for (const line of lines) {
    if (size + line.length > PIPE_PIECE) {
      groups.push([]);
      size = 0;
    }
    groups.at(-1)?.push(line);
    size += line.length;
  }
  return groups.map((group) => ({ bytes: Buffer.concat(group), lines: group.length }));
}

/** Up to the size of a piece a pipe takes all of the bytes or none. */
async function wasTaken(handle: FileHandle, bytes: Buffer): Promise<boolean> {
  try {
    await handle.write(bytes);
    return true;
  } catch (thrown) {
    if (errorCode(thrown) === "EAGAIN") return false;
    throw thrown;
  }
}

function errorCode(thrown: unknown): string {
  return thrown instanceof Error && "code" in thrown && typeof thrown.code === "string" ? thrown.code : "";
}
