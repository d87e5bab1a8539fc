import { createRequire } from "node:module";
import { join } from "node:path";
import { temporaryFolder } from "../../test/support/gateway-process.js";
import { submissionOf } from "./relay-gateway.js";

/** The loader that benchmarks run with would look for the native part in the wrong place. */
const { open }: typeof import("lmdb") = createRequire(import.meta.url)("lmdb");

/** The store alone: how many records of the size of a result it takes per second, each group flushed to disk. */
export interface BareStore {
  readonly group: number;
  readonly recordsPerSecond: number;
}

export function measureBareStore(groups: readonly number[], milliseconds: number): BareStore[] {
  const record = Buffer.from(submissionOf(1));
  return groups.map((group) => {
    const folder = temporaryFolder("bare-store");
    const store = open<Buffer, Buffer>({
      path: join(folder.path, "store"),
      ...{ encoding: "binary", keyEncoding: "binary", overlappingSync: false, mapSize: 8 * 2 ** 30 },
    });
    const key = Buffer.alloc(12);
    let records = 0;
    const started = performance.now();
    while (performance.now() - started < milliseconds) {
      store.transactionSync(() => {
        for (let index = 0; index < group; index++) {
          key.writeUInt32BE(records++, 8);
          store.putSync(Buffer.from(key), record);
        }
      });
    }
    const seconds = (performance.now() - started) / 1000;
    void store.close().then(() => folder.remove());
    return { group, recordsPerSecond: records / seconds };
  });
}
