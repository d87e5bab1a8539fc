import { constants } from "node:os";

/** The signals that end a process, and SIGHUP. */
type Signal = "SIGTERM" | "SIGINT" | "SIGHUP";

/** Exit code of a process that a signal ended. */
export function signalCode(signal: Signal): number {
  return 128 + constants.signals[signal];
}

/**
 * Does something before a signal ends the process, which it then does as it would have.
 * @returns what takes that back
 */
export function beforeSignalEnds(cleanUp: () => void): () => void {
  const signals: readonly Signal[] = ["SIGTERM", "SIGINT", "SIGHUP"];
  const listener = (signal: NodeJS.Signals) => {
    stop();
    cleanUp();
    process.kill(process.pid, signal);
  };
  const stop = () => {
    for (const signal of signals) process.off(signal, listener);
  };
  for (const signal of signals) process.on(signal, listener);
  return stop;
}

/** Timers can't be set further away; about 24 days, and then again. */
const longestInterval = 2 ** 31 - 1;

/**
 * Resolves with the first SIGTERM or SIGINT; `onAnother` hears of those after it. Until `stop` the process is kept, even
 * when nothing listens and nothing is to be done: listeners of signals alone don't keep it.
 */
export function endSignal(onAnother: (signal: Signal) => void): { received: Promise<Signal>; stop(): void } {
  let first = true;
  let resolveFirst: (signal: Signal) => void = () => {};
  const received = new Promise<Signal>((resolve) => {
    resolveFirst = resolve;
  });
  const listener = (signal: NodeJS.Signals) => {
    if (signal !== "SIGTERM" && signal !== "SIGINT") return;
    if (first) resolveFirst(signal);
    else onAnother(signal);
    first = false;
  };
  process.on("SIGTERM", listener);
  process.on("SIGINT", listener);
  const keeper = setInterval(() => {}, longestInterval);
  return {
    received,
    stop() {
      clearInterval(keeper);
      process.off("SIGTERM", listener);
      process.off("SIGINT", listener);
    },
  };
}
