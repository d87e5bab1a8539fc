/**
 * What CPython's `faulthandler` writes to standard error.
 *
 *     Fatal Python error: Segmentation fault
 *
 *     Current thread 0x00007f3a (most recent call first):
 *       File "/scripts/crash.py", line 5 in crash
 *       File "/scripts/crash.py", line 9 in check
 *
 * Other threads have a block of their own, `Thread 0x00007f3b …`, before or after; a signal that asks for stacks gives the
 * blocks alone.
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
      const running = threadsIn(lines).flatMap(({ isCurrent, frames }) => {
        const place = frames.find(({ file }) => !isLibrary(file));
        if (place === undefined || isHost(place.file)) return [];
        const files = new Set(frames.map(({ file }) => file));
        const suspect = suspects.findIndex((file) => files.has(file));
        return [{ place, rank: (suspect < 0 ? suspects.length : suspect) * 2 + (isCurrent ? 0 : 1) }];
      });
      running.sort((one, other) => one.rank - other.rank);
      return running[0]?.place;
    },
  };
}

function threadsIn(lines: readonly string[]): Thread[] {
  const threads: { isCurrent: boolean; frames: Place[] }[] = [];
  for (const line of lines) {
    if (/^(Current thread|Thread) 0x[0-9a-f]+.*:$/.test(line)) {
      threads.push({ isCurrent: line.startsWith("Current"), frames: [] });
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
