/**
 * What CPython's `faulthandler` writes to standard error.
 *
 *     Fatal Python error: Segmentation fault
 *
 *     Current thread 0x00007f3a (most recent call first):
 *       File "/scripts/crash.py", line 5 in crash
 *       File "/scripts/crash.py", line 9 in check
 *
 * Other threads have a block of their own, `Thread 0x00007f3b …`, before or after; where only one is wanted its block begins
 * with `Stack (most recent call first):`. A signal that asks for stacks gives the blocks alone.
 */
import { basename } from "node:path";
import type { LastWords, Place } from "../../script-host/last-words.js";

interface Thread {
  readonly isCurrent: boolean;
  /** Innermost first. */
  readonly frames: readonly Place[];
}

const fatal = /^Fatal Python error: (?:\S+: )?(.*)$/;

/** Said already by the signal that ended the process. */
const signals = new Set([
  "Segmentation fault",
  "Aborted",
  "Bus error",
  "Illegal instruction",
  "Floating-point exception",
]);

/** Who waits in these lets others run meanwhile. */
const waitingLibraries = new Set(["threading.py", "queue.py", "selectors.py", "socket.py", "subprocess.py", "ssl.py"]);

/** @param hostFolder where the Python side of the gateway is: its frames are not the script's */
export function pythonLastWords(hostFolder: string): LastWords {
  const isHost = (file: string) => file.startsWith(`${hostFolder}/`);
  return {
    begins: (line) => fatal.test(line),
    crash(lines) {
      const error = fatal.exec(lines[0] ?? "")?.[1]?.trim();
      const threads = threadsIn(lines);
      const frames = (threads.find(({ isCurrent }) => isCurrent) ?? threads[0])?.frames ?? [];
      const place = frames.find(({ file }) => !isLibrary(file) && !isHost(file)) ?? frames[0];
      return {
        ...(error === undefined || error === "" || signals.has(error) ? {} : { error }),
        ...(place === undefined ? {} : { place }),
      };
    },
    stuck(lines, suspects) {
      // Idle threads, and those that wait for the gateway, are inside the host; what is left runs or wants to.
      const candidates = threadsIn(lines).flatMap(({ isCurrent, frames }) => {
        const place = frames.find(({ file }) => !isLibrary(file));
        const innermost = frames[0]?.file ?? "";
        if (place === undefined || isHost(place.file)) return [];
        const files = new Set(frames.map(({ file }) => file));
        const suspect = suspects.findIndex((file) => files.has(file));
        const unlikely = [
          waitingLibraries.has(basename(innermost)) && isLibrary(innermost),
          suspect < 0,
          suspect,
          isLibrary(innermost),
          !isCurrent,
        ];
        return [{ place, unlikely: unlikely.map(Number) }];
      });
      candidates.sort((one, other) => firstDifference(one.unlikely, other.unlikely));
      return candidates[0]?.place;
    },
  };
}

function firstDifference(one: readonly number[], other: readonly number[]): number {
  const at = one.findIndex((value, index) => value !== other[index]);
  return at < 0 ? 0 : (one[at] ?? 0) - (other[at] ?? 0);
}

function threadsIn(lines: readonly string[]): Thread[] {
  const threads: { isCurrent: boolean; frames: Place[] }[] = [];
  for (const line of lines) {
    const head = /^(Current thread 0x|Thread 0x|Stack \().*most recent call first\):$/.exec(line);
    if (head !== null) {
      threads.push({ isCurrent: !line.startsWith("Thread"), frames: [] });
      continue;
    }
    const frame = /^ {2}File "(.*)", line (\d+|\?+) in (.*)$/.exec(line);
    if (frame === null) continue;
    const [, file = "", at, name] = frame;
    threads.at(-1)?.frames.push({ file, text: `${basename(file)}:${at} in ${name}` });
  }
  return threads;
}

/** Of the interpreter or an installed package: whoever called it is the one to name. */
function isLibrary(file: string): boolean {
  return (
    /\/lib(64)?\/python3(\.\d+)?\//.test(file) || /\/(site|dist)-packages\//.test(file) || file.startsWith("<frozen")
  );
}
