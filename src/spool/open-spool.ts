import { mkdirSync, readdirSync } from "node:fs";
import type { Clock } from "../kernel/clock.js";
import { errorText, GatewayError } from "../kernel/errors.js";
import type { Logger } from "../kernel/log.js";
import { leaveCleanMark, takeCleanMark } from "./clean-mark.js";
import { ownFolder } from "./folder-owner.js";
import { LocalSpool } from "./local-spool.js";
import { mendStore } from "./salvage.js";
import type { Spool } from "./spool.js";
import { damagedPrefix, type StoreFiles, storeFiles } from "./store-files.js";
import { startStoreThread } from "./store-worker.js";

export interface SpoolOptions {
  /** Made when it is not there, for nobody but its owner. */
  readonly folder: string;
  /** Limits of all queues together, dead letters included. */
  readonly maximumBytes: number;
  readonly maximumCount: number;
  /** Room on the disk that is kept so that delivery goes on when it is full; 0: none. */
  readonly ballastBytes: number;
  /** Dead letters that were buried longer ago are dropped; Infinity: none. */
  readonly deadLetterAgeMs: number;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Opens the spool of a folder.
 *
 * @throws GatewayError FAILED_PRECONDITION when another process, or this one, has it open, or when a newer release made it;
 * UNAVAILABLE when the folder can't be used
 */
export async function openSpool(options: SpoolOptions): Promise<Spool> {
  const { folder, maximumBytes, ballastBytes, log } = options;
  const files = storeFiles(folder);
  const giveBack = takeFolder(folder, files);
  try {
    return await LocalSpool.open({
      ...options,
      start: async (onLost) => {
        if (!takeCleanMark(files)) await mendStore(folder, log);
        return await startStoreThread({ folder, maximumBytes, ballastBytes }, onLost);
      },
      damagedStores: () => readdirSync(folder).filter((name) => name.startsWith(damagedPrefix)),
      leave: async (isClean) => {
        try {
          if (isClean) leaveCleanMark(files);
        } catch (error) {
          log.warn(`The spool ${folder} is closed without a mark that says so; its next start takes longer`, { error });
        }
        await giveBack();
      },
    });
  } catch (error) {
    await giveBack();
    throw error instanceof GatewayError ? error : failure(folder, error);
  }
}

function takeFolder(folder: string, files: StoreFiles): () => Promise<void> {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return ownFolder(files.owner, folder);
  } catch (error) {
    throw error instanceof GatewayError ? error : failure(folder, error);
  }
}

function failure(folder: string, error: unknown): GatewayError {
  return new GatewayError("UNAVAILABLE", `The spool ${folder} can't be opened: ${errorText(error)}`, { cause: error });
}
