import { existsSync, linkSync, renameSync, rmSync, statSync } from "node:fs";
import { errorText, GatewayError } from "../kernel/errors.js";
import { crashPoint } from "./crash-points.js";
import { syncFile, syncFolderOf } from "./durable-files.js";
import { closeEnvironment, type Environment, openEnvironment } from "./environment.js";
import { decodeStore, formatVersion, storeKey } from "./format.js";
import { type MigrationSteps, migrate, migrationSteps } from "./migration.js";
import type { StoreFiles } from "./store-files.js";

export interface PrepareOptions {
  readonly mapSize: number;
  /** A smaller file is not worth a copy. */
  readonly compactAbove?: number;
  readonly version?: number;
  readonly steps?: MigrationSteps;
}

/** How much larger than its content a file may be. */
const slack = 4;

/**
 * Makes a store ready to be opened: ends what a crash interrupted, brings an older format to this one, and compacts a file
 * that a long backlog left large. Both write a copy beside the store; until it is whole and on disk the store is not touched,
 * and the former one stays until {@link dropFormer}.
 *
 * @returns what was done, for the log
 * @throws GatewayError FAILED_PRECONDITION for a store of a newer format
 */
export async function prepareStore(files: StoreFiles, options: PrepareOptions): Promise<string[]> {
  const { mapSize, version = formatVersion, steps = migrationSteps, compactAbove = 64 * 1024 * 1024 } = options;
  const notes: string[] = [];
  removeCopy(files);
  if (!existsSync(files.store) && existsSync(files.former)) {
    renameSync(files.former, files.store);
    syncFolderOf(files.store);
  }
  if (!existsSync(files.store)) return notes;
  for (;;) {
    const environment = openEnvironment(files.store, mapSize);
    try {
      const found = versionOf(environment);
      if (found === undefined) return notes;
      if (found > version) throw tooNew(files, found, version);
      if (found < version) {
        const copy = openEnvironment(files.copy, mapSize);
        try {
          migrate(environment, copy, found, steps);
        } finally {
          await closeEnvironment(copy);
        }
        notes.push(`The spool's store was brought from format ${found} to format ${found + 1}`);
      } else if (isSlack(environment, statSync(files.store).size, compactAbove)) {
        const failure = await compact(environment, files, mapSize);
        if (failure !== undefined) return [...notes, failure];
        notes.push(`The spool's store was compacted from ${mebibytes(files.store)} to ${mebibytes(files.copy)} MiB`);
      } else {
        return notes;
      }
    } finally {
      await closeEnvironment(environment);
    }
    swap(files);
  }
}

/** The store was opened: the one before it is not needed any more. */
export function dropFormer(files: StoreFiles): void {
  rmSync(files.former, { force: true });
}

function removeCopy(files: StoreFiles): void {
  rmSync(files.copy, { force: true });
  rmSync(`${files.copy}-lock`, { force: true });
}

/** Puts the copy in the place of the store. There is a whole store under its name at every moment. */
function swap(files: StoreFiles): void {
  syncFile(files.copy);
  rmSync(files.former, { force: true });
  linkSync(files.store, files.former);
  renameSync(files.copy, files.store);
  removeCopy(files);
  syncFolderOf(files.store);
  crashPoint("after-swap");
}

/** Undefined for a store that was made and never written to. */
function versionOf(environment: Environment): number | undefined {
  const value = environment.meta.getBinary(storeKey);
  if (value === undefined) return undefined;
  const store = decodeStore(value);
  if (store === undefined) throw new Error("The store's own entry is damaged");
  return store.formatVersion;
}

function tooNew(files: StoreFiles, found: number, version: number): GatewayError {
  const text = `The store ${files.store} has format ${found}; this release reads format ${version} and older ones`;
  return new GatewayError("FAILED_PRECONDITION", text);
}

/** Why there is no copy, if so: a store that is larger than it need be can be used all the same. */
async function compact(environment: Environment, files: StoreFiles, mapSize: number): Promise<string | undefined> {
  try {
    await environment.root.backup(files.copy, true);
    await useBothMetaPages(files.copy, mapSize);
  } catch (error) {
    removeCopy(files);
    return `The spool's store could not be compacted: ${errorText(error)}`;
  }
  crashPoint("during-compaction");
  return undefined;
}

/** LMDB leaves one of a copy's two meta pages empty; a check of the store takes that for the loss of a transaction. */
async function useBothMetaPages(file: string, mapSize: number): Promise<void> {
  const copy = openEnvironment(file, mapSize);
  const store = copy.meta.getBinary(storeKey);
  copy.root.transactionSync(() => store && copy.meta.putSync(storeKey, Buffer.from(store)));
  await closeEnvironment(copy);
}

/** Whether most of the file is free pages. */
function isSlack(environment: Environment, size: number, compactAbove: number): boolean {
  if (size < compactAbove) return false;
  const { meta, queue, dead, latest } = environment;
  const used = [meta, queue, dead, latest].reduce((sum, database) => sum + usedBytes(database.getStats()), 0);
  return used * slack < size;
}

function usedBytes(stats: object): number {
  const figure = (name: string): number => Number(Reflect.get(stats, name) ?? 0);
  const pages = figure("treeBranchPageCount") + figure("treeLeafPageCount") + figure("overflowPages");
  return pages * figure("pageSize");
}

function mebibytes(file: string): number {
  return Math.round(statSync(file).size / (1024 * 1024));
}
