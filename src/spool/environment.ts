import { type Database, open } from "lmdb";
import { databaseNames } from "./format.js";

type Binary = Database<Buffer, Buffer>;

/** An open LMDB environment with the databases of a store. */
export interface Environment {
  readonly root: ReturnType<typeof open<Buffer, Buffer>>;
  readonly meta: Binary;
  /** Records that wait. */
  readonly queue: Binary;
  /** Dead letters. */
  readonly dead: Binary;
  /** Queue and hash of a subject to the sequence number of the record that waits. */
  readonly latest: Binary;
}

const binary = { encoding: "binary", keyEncoding: "binary" } as const;

/**
 * Opens the store's file and creates it when it is not there.
 *
 * Every synchronous transaction is flushed before it returns. `overlappingSync` stays off: with it a refused transaction
 * remains visible and its promise never settles when the disk is full.
 */
export function openEnvironment(file: string, mapSize: number): Environment {
  const root = open<Buffer, Buffer>({ path: file, mapSize, maxDbs: 8, overlappingSync: false, ...binary });
  const database = (name: string): Binary => root.openDB<Buffer, Buffer>({ name, ...binary });
  return {
    root,
    meta: database(databaseNames.meta),
    queue: database(databaseNames.queue),
    dead: database(databaseNames.dead),
    latest: database(databaseNames.latest),
  };
}

/** Closes all of it. LMDB shares an environment that stays open with whoever opens the same file again. */
export async function closeEnvironment(environment: Environment): Promise<void> {
  await environment.root.close();
}

/** Room for the store in the address space: pages that are free and not reused need some too. LMDB extends it if need be. */
export function mapSizeFor(maximumBytes: number): number {
  return Math.min(Math.max(2 * maximumBytes, 2 ** 26) + 2 ** 26, 2 ** 40);
}

/** Codes of LMDB that mean that the file is not what LMDB wrote, or that the environment can't be used any more. */
const damageCodes: ReadonlySet<number> = new Set([-30797, -30796, -30795, -30794, -30793]);

/** Whether an error says that the store itself is damaged. */
export function isDamage(error: unknown): boolean {
  const code = codeOf(error);
  return code !== undefined && damageCodes.has(code);
}

/** The number of an error that LMDB or the system under it raised; undefined for any other error. */
export function codeOf(error: unknown): number | undefined {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "number" ? code : undefined;
}
