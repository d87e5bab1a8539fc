/** What lies in the folder of a spool. */
import { join } from "node:path";

export interface StoreFiles {
  /** The LMDB environment; LMDB keeps its table of readers beside it, in `store.mdb-lock`. */
  readonly store: string;
  readonly readers: string;
  /** Who owns the folder: a small LMDB environment, because its write lock makes compare-and-set atomic. */
  readonly owner: string;
  /** Is there while a store that was closed in order rests. Holds the size of the store's file. */
  readonly clean: string;
  /** Room that is given up on a full disk so that removals succeed. */
  readonly ballast: string;
  /** A copy in the making: a compacted or migrated store, or what was salvaged. Worth nothing after a crash. */
  readonly copy: string;
  /** The store that a copy replaced, until the copy was opened. */
  readonly former: string;
}

export function storeFiles(folder: string): StoreFiles {
  return {
    store: join(folder, "store.mdb"),
    readers: join(folder, "store.mdb-lock"),
    owner: join(folder, "owner.mdb"),
    clean: join(folder, "clean"),
    ballast: join(folder, "ballast"),
    copy: join(folder, "copy.mdb"),
    former: join(folder, "former.mdb"),
  };
}

/** A store that was found damaged is kept under this prefix and the time, such as `damaged-20300101T000000Z.mdb`. */
export const damagedPrefix = "damaged-";
