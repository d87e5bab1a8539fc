/**
 * Places at which the process can be made to end as by a power cut, so that tests know what is left behind at each of them.
 *
 * `NSCP_SPOOL_CRASH=<name>[:<nth>]` ends the process with SIGKILL when it comes to that place for the nth time.
 */
import { env, kill, pid } from "node:process";

/** Each place, and what has happened when the process ends there. */
export const crashPoints = {
  "before-commit": "a batch is written to the transaction, which is not committed",
  "after-commit": "the batch is on disk, nobody was told",
  "before-acknowledge": "the batch is on disk, the reply has left the store's thread",
  "after-claim": "records were claimed and are about to be handed to their consumer",
  "before-settle": "the receiver has a batch, its removal has not begun",
  "after-settle": "the removal is on disk, the consumer was not told",
  "during-compaction": "a compacted copy is written and has not replaced the store",
  "after-swap": "a copy has replaced the store and was not opened",
  "during-salvage": "what is readable of a damaged store is in a copy, which has not replaced it",
  "after-set-aside": "a damaged store has a second name, under which it is kept, and was not replaced",
  "during-migration": "some of an older store was copied into the new form",
  "before-clean": "the store is closed, the mark that says so is missing",
} as const;

export type CrashPoint = keyof typeof crashPoints;

const [wanted, nth = "1"] = (env["NSCP_SPOOL_CRASH"] ?? "").split(":");
let left = Number(nth);

/** Ends the process when tests ask for it at this place. */
export function crashPoint(name: CrashPoint): void {
  if (name !== wanted) return;
  left -= 1;
  if (left > 0) return;
  kill(pid, "SIGKILL");
  // The signal takes a moment; nothing may happen behind this place.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}
