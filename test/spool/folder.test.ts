import { existsSync, linkSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { open } from "lmdb";
import { describe, expect, test } from "vitest";
import { leaveCleanMark, takeCleanMark } from "../../src/spool/clean-mark.js";
import { openEnvironment } from "../../src/spool/environment.js";
import { ownFolder } from "../../src/spool/folder-owner.js";
import { encodeStore, formatVersion, storeKey } from "../../src/spool/format.js";
import type { MigrationSteps } from "../../src/spool/migration.js";
import { dropFormer, prepareStore } from "../../src/spool/prepare-store.js";
import { storeFiles } from "../../src/spool/store-files.js";
import { contentOf, entry, InProcessSpool, temporaryFolder } from "./in-process-spool.js";

const mapSize = 64 * 1024 * 1024;

describe("a spool's folder", () => {
  const start = (pid: number): string => readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ")[19] ?? "";
  const bootId = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();

  async function ownedBy(owner: object): Promise<string> {
    const file = join(temporaryFolder(), "owner.mdb");
    const root = open({ path: file, encoding: "json" });
    await root.put("owner", owner);
    await root.close();
    return file;
  }

  test("has one owner, whose pid the next one is told, until it is given back", async () => {
    const file = join(temporaryFolder(), "owner.mdb");
    const giveBack = ownFolder(file, "/spool");
    expect(() => ownFolder(file, "/spool")).toThrow(
      `The spool /spool is used by the process ${process.pid}; a spool has one owner at a time`,
    );
    await giveBack();
    await ownFolder(file, "/spool")();
  });

  test("needs no more room for another owner, so that one comes in on a full disk", async () => {
    const file = join(temporaryFolder(), "owner.mdb");
    const giveBack = ownFolder(file, "/spool");
    const { size } = statSync(file);
    await giveBack();
    for (let next = 0; next < 5; next += 1) await ownFolder(file, "/spool")();
    expect(statSync(file).size).toBe(size);
  });

  test("stays with a process that is alive", async () => {
    const file = await ownedBy({ pid: process.ppid, startedAt: start(process.ppid), bootId });
    expect(() => ownFolder(file, "/spool")).toThrow(`used by the process ${process.ppid};`);
  });

  test("is free when its owner is gone, though another process has its number or the machine was started anew", async () => {
    await ownFolder(await ownedBy({ pid: process.ppid, startedAt: "1", bootId }), "/spool")();
    await ownFolder(await ownedBy({ pid: process.ppid, startedAt: start(process.ppid), bootId: "other" }), "/spool")();
    await ownFolder(await ownedBy({ pid: 2 ** 22 + 1, startedAt: "77", bootId }), "/spool")();
  });
});

describe("the mark of a store that was closed in order", () => {
  test("is there once, and only for the very store that was closed", async () => {
    const files = storeFiles(temporaryFolder());
    expect(takeCleanMark(files)).toBe(true);
    writeFileSync(files.store, "12345");
    expect(takeCleanMark(files)).toBe(false);
    leaveCleanMark(files);
    expect(takeCleanMark(files)).toBe(true);
    expect(takeCleanMark(files)).toBe(false);
    leaveCleanMark(files);
    truncateSync(files.store, 4);
    expect(takeCleanMark(files)).toBe(false);
  });
});

/** A closed store with some records. */
async function store(count: number, size = 10): Promise<InProcessSpool> {
  const host = new InProcessSpool();
  await host.open();
  const text = "x".repeat(size);
  await host.spool.append(Array.from({ length: count }, (_, index) => entry("a", `${index} ${text}`)));
  return host;
}

describe("compaction", () => {
  const options = { mapSize, compactAbove: 256 * 1024 };

  test("makes a file small again that a long backlog left large; nothing is lost", async () => {
    const host = await store(3000, 400);
    await host.spool.drop({ queue: "a", part: "waiting", sequences: Array.from({ length: 2990 }, (_, at) => at + 1) });
    const left = await contentOf(host.spool, "a");
    await host.spool.close();
    const files = storeFiles(host.folder);
    const before = statSync(files.store).size;

    expect(await prepareStore(files, options)).toEqual(["The spool's store was compacted from 2 to 0 MiB"]);
    expect(statSync(files.store).size).toBeLessThan(before / 10);
    expect(existsSync(files.former)).toBe(true);
    await host.open();
    dropFormer(files);
    expect(await contentOf(host.spool, "a")).toEqual(left);
    await host.spool.append([entry("a", "next")]);
    expect((await host.spool.list({ queue: "a", part: "waiting", after: 3000, limit: 2 }))[0]?.sequence).toBe(3001);
    await host.spool.close();
    expect(readdirSync(host.folder).sort()).toEqual(["store.mdb", "store.mdb-lock"]);
  });

  test("leaves a file alone whose content fills it, and one that is small", async () => {
    const full = await store(3000, 400);
    await full.spool.close();
    expect(await prepareStore(storeFiles(full.folder), options)).toEqual([]);
    const small = await store(1);
    await small.spool.close();
    expect(await prepareStore(storeFiles(small.folder), { mapSize })).toEqual([]);
  });

  test("that was interrupted is as if it had not begun", async () => {
    const host = await store(3);
    await host.spool.close();
    const files = storeFiles(host.folder);
    writeFileSync(files.copy, "half a copy");
    linkSync(files.store, files.former);
    expect(await prepareStore(files, { mapSize })).toEqual([]);
    await host.open();
    dropFormer(files);
    expect(await contentOf(host.spool, "a")).toHaveLength(3);
    await host.spool.close();
    expect(readdirSync(host.folder).sort()).toEqual(["store.mdb", "store.mdb-lock"]);
  });
});

describe("the format", () => {
  async function withFormat(version: number): Promise<InProcessSpool> {
    const host = await store(4500);
    await host.spool.close();
    await host.tamper(({ meta }) => {
      meta.putSync(storeKey, encodeStore({ formatVersion: version, createdMs: 1, nextQueueId: 2 }));
    });
    return host;
  }

  test("of a newer release is refused, and the store is left as it is", async () => {
    const { folder } = await withFormat(formatVersion + 1);
    await expect(prepareStore(storeFiles(folder), { mapSize })).rejects.toMatchObject({
      code: "FAILED_PRECONDITION",
      message: `The store ${join(folder, "store.mdb")} has format 2; this release reads format 1 and older ones`,
    });
    expect(readdirSync(folder).sort()).toEqual(["store.mdb", "store.mdb-lock"]);
  });

  test("of an older release is brought up step by step, and everything comes along", async () => {
    const host = await withFormat(formatVersion);
    const seen: string[] = [];
    const steps: MigrationSteps = new Map(
      [1, 2].map((from) => [
        from,
        (database, item) => {
          if (!seen.includes(`${from} ${database}`)) seen.push(`${from} ${database}`);
          return item;
        },
      ]),
    );
    expect(await prepareStore(storeFiles(host.folder), { mapSize, version: 3, steps })).toEqual([
      "The spool's store was brought from format 1 to format 2",
      "The spool's store was brought from format 2 to format 3",
    ]);
    expect(seen).toEqual(["1 meta", "1 queue", "2 meta", "2 queue"]);
    await host.open();
    expect(await contentOf(host.spool, "a")).toHaveLength(4500);
    expect(host.spool.status().queues).toMatchObject([{ waiting: 4500 }]);
  });

  test("is not changed by a migration that loses something, or that nobody knows", async () => {
    const host = await withFormat(formatVersion);
    const files = storeFiles(host.folder);
    const steps: MigrationSteps = new Map([
      [
        1,
        (_, item) =>
          item.key.at(-1) === 7 ? { ...item, key: Buffer.concat([item.key.subarray(0, -1), Buffer.of(8)]) } : item,
      ],
    ]);
    await expect(prepareStore(files, { mapSize, version: 2, steps })).rejects.toThrow(
      "The migration of the spool's store lost entries of queue: 4482 of 4500 are there",
    );
    await expect(prepareStore(files, { mapSize, version: 2 })).rejects.toMatchObject({ code: "FAILED_PRECONDITION" });
    const environment = openEnvironment(files.store, mapSize);
    expect(environment.queue.getCount({})).toBe(4500);
    await environment.root.close();
  });
});
