import type { Clock } from "../kernel/clock.js";

/** The promise, or a rejection that says `what` took longer than `ms` milliseconds. */
export function within<Result>(clock: Clock, ms: number, what: string, promise: Promise<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(ms, () => reject(new Error(`${what} took longer than ${ms / 1000} s`)));
    promise.then(resolve, reject).finally(cancel);
  });
}
