import { fstatSync, writeSync } from "node:fs";

/** What waits for a reader of standard output that doesn't read, in bytes; beyond it records are left out. */
const maxWaiting = 1024 * 1024;

/** How long a flush waits for a reader that stands still, in milliseconds. */
const maxFlush = 2000;

/** Where finished lines go. */
export interface LogOutput {
  write(text: string): void;
  /** Resolves when all that was written is out of this process, or can't get out any more. */
  flush(): Promise<void>;
}

/** The line that says how many records are missing. */
export type LostText = (count: number) => string;

/**
 * Standard output for a process that must survive it: a reader that went away, a full disk and a reader that stands
 * still neither end nor block the gateway. What can't be written is left out and counted in a line of its own.
 */
export function stdoutOutput(lostText: LostText): LogOutput {
  return isFile(1) ? fileDescriptorOutput(1, lostText) : streamOutput(process.stdout, lostText);
}

function isFile(descriptor: number): boolean {
  try {
    return fstatSync(descriptor).isFile();
  } catch {
    return false;
  }
}

/** Node's stream for a file is gone for good after the first full disk; this one tries again with every record. */
function fileDescriptorOutput(descriptor: number, lostText: LostText): LogOutput {
  let lost = 0;
  return {
    write(text) {
      try {
        if (lost > 0) writeSync(descriptor, lostText(lost));
        lost = 0;
        writeSync(descriptor, text);
      } catch {
        lost++;
      }
    },
    async flush() {},
  };
}

/** The part of a stream that the log needs; pipes and terminals are written without blocking. */
interface OutputStream {
  readonly writable: boolean;
  readonly writableLength: number;
  write(text: string, written?: () => void): boolean;
  on(event: "error", listener: (error: Error) => void): unknown;
}

export function streamOutput(stream: OutputStream, lostText: LostText): LogOutput {
  let lost = 0;
  // The reader went away. There is nobody left to tell.
  stream.on("error", () => {});
  return {
    write(text) {
      if (!stream.writable || stream.writableLength > maxWaiting) {
        lost++;
        return;
      }
      if (lost > 0) stream.write(lostText(lost));
      lost = 0;
      stream.write(text);
    },
    flush() {
      if (!stream.writable) return Promise.resolve();
      return new Promise((resolve) => {
        const timer = setTimeout(resolve, maxFlush);
        stream.write("", () => {
          clearTimeout(timer);
          resolve();
        });
      });
    },
  };
}
