import { closeSync, fstatSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { closeEnvironment, openEnvironment } from "../../src/spool/environment.js";
import { recordKey } from "../../src/spool/format.js";
import { readPages, UnknownLayout } from "../../src/spool/store-pages.js";

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "nscp-pages-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A generator of the same numbers in every run. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (state >>> 8) / 2 ** 24;
  };
}

/** What stands in a file, by database, key and value; and what is wrong with it. */
function read(file: string) {
  const found = new Map<string, string>();
  const problems: string[] = [];
  const fd = openSync(file, "r");
  try {
    const pages = readPages(fd, fstatSync(fd).size, {
      entry: (database, key, value) => found.set(`${database} ${key.toString("hex")}`, value.toString("latin1")),
      problem: (text) => problems.push(text),
    });
    return { found, problems, pages };
  } finally {
    closeSync(fd);
  }
}

it("finds after every transaction what LMDB has written, and nothing wrong with it", async () => {
  const file = join(temporaryFolder(), "store.mdb");
  const environment = openEnvironment(file, 64 * 1024 * 1024);
  const { root, queue, dead, meta } = environment;
  const random = numbers(7);
  const expected = new Map<string, string>();
  let next = 1;
  for (let round = 0; round < 60; round++) {
    root.transactionSync(() => {
      for (let count = Math.floor(random() * 300); count > 0; count--) {
        const key = recordKey(1 + Math.floor(random() * 3), next++);
        // Some take several pages.
        const value = Buffer.alloc(1 + Math.floor(random() * (random() < 0.05 ? 70_000 : 600)), `value ${next}`);
        queue.putSync(key, value);
        expected.set(`queue ${key.toString("hex")}`, value.toString("latin1"));
      }
      for (const key of [...queue.getKeys({ limit: Math.floor(random() * 320) })].filter(() => random() < 0.9)) {
        queue.removeSync(key);
        expected.delete(`queue ${key.toString("hex")}`);
        if (random() < 0.8) continue;
        dead.putSync(key, Buffer.from("dead"));
        expected.set(`dead ${key.toString("hex")}`, "dead");
      }
      meta.putSync(Buffer.from("store"), Buffer.from(`round ${round}`));
      expected.set(`meta ${Buffer.from("store").toString("hex")}`, `round ${round}`);
    });
    const { found, problems } = read(file);
    expect(problems).toEqual([]);
    expect(found.size).toBe(expected.size);
    if (round % 20 === 19) expect(new Map([...found].sort())).toEqual(new Map([...expected].sort()));
  }
  await closeEnvironment(environment);
});

it("finds nothing in a store that is new", async () => {
  const file = join(temporaryFolder(), "store.mdb");
  await closeEnvironment(openEnvironment(file, 1024 * 1024));
  expect(read(file)).toMatchObject({ found: new Map(), problems: [] });
});

it("says of a file that is none of LMDB's that it does not know it", () => {
  expect(() => read("package.json")).toThrow(UnknownLayout);
});
