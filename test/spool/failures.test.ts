import { existsSync, statSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { GatewayError } from "../../src/kernel/errors.js";
import { queueKey } from "../../src/spool/format.js";
import { storeFiles } from "../../src/spool/store-files.js";
import { claimTexts, contentOf, entry, InProcessSpool, queueOptions } from "./in-process-spool.js";

/** Every attempt of one batch fails: with the new records, and without. */
const always = 1000;

describe("a disk that takes nothing", () => {
  test("refuses what is new, and says so until it takes something again", async () => {
    const host = new InProcessSpool();
    await host.open();
    host.failures = always;
    const refusal = `the spool in ${host.folder} can't be written: Input/output error`;
    await expect(host.spool.append([entry("a", "one")])).rejects.toMatchObject({
      code: "UNAVAILABLE",
      message: `Nothing is accepted: ${refusal}`,
    });
    expect(host.spool.status()).toMatchObject({ refusing: refusal, count: 0 });
    host.failures = 0;
    await host.spool.append([entry("a", "two")]);
    expect(host.spool.status().refusing).toBe("");
    expect(await contentOf(host.spool, "a")).toEqual(["two"]);
    expect(host.log.records).toEqual([`critical: The spool refuses: ${refusal}`, "info: The spool accepts again"]);
  });

  test("does not bring back what was delivered: it is not claimed again, and removed when there is room", async () => {
    const host = new InProcessSpool();
    await host.open();
    await host.spool.append([entry("a", "1"), entry("a", "2"), entry("a", "3"), entry("a", "4")]);
    const queue = await host.spool.open("a", queueOptions());
    await claimTexts(queue, 2);
    host.failures = always;
    await queue.settle({ remove: [1], bury: [{ sequence: 2, reason: "no" }] });
    expect(await claimTexts(queue, 1)).toEqual(["3"]);
    await queue.settle({ remove: [3], bury: [] });
    expect(await claimTexts(queue)).toEqual(["4"]);

    host.failures = 0;
    // A second later the spool looks whether there is room.
    host.clock.advance(1000);
    await expect.poll(() => host.spool.status().queues).toMatchObject([{ waiting: 1, dead: 1, removed: 2, buried: 1 }]);
    await host.crash();
    expect([await contentOf(host.spool, "a"), await contentOf(host.spool, "a", "dead")]).toEqual([["4"], ["2"]]);
  });

  test("is given the room of the ballast for removals; nothing is accepted until that room is taken again", async () => {
    const host = new InProcessSpool(undefined, { ballastBytes: 100_000 });
    await host.open();
    const ballast = storeFiles(host.folder).ballast;
    expect(statSync(ballast).size).toBe(100_000);
    await host.spool.append([entry("a", "1"), entry("a", "2")]);
    const queue = await host.spool.open("a", queueOptions());
    await claimTexts(queue, 1);
    host.failures = 2;
    await queue.settle({ remove: [1], bury: [] });
    expect(existsSync(ballast)).toBe(false);
    expect(host.spool.status().refusing).not.toBe("");
    await host.spool.append([entry("a", "3")]);
    expect(statSync(ballast).size).toBe(100_000);
    await host.crash();
    expect(await contentOf(host.spool, "a")).toEqual(["2", "3"]);
  });

  test("lets delivery go on beside what is refused in the same moment", async () => {
    const host = new InProcessSpool();
    await host.open();
    await host.spool.append([entry("a", "1")]);
    const queue = await host.spool.open("a", queueOptions());
    await claimTexts(queue);
    host.failures = 1;
    const [settled, appended] = await Promise.allSettled([
      queue.settle({ remove: [1], bury: [] }),
      host.spool.append([entry("a", "2")]),
    ]);
    expect([settled.status, appended.status]).toEqual(["fulfilled", "rejected"]);
    await host.crash();
    expect(await contentOf(host.spool, "a")).toEqual([]);
  });

  test("does not stop a claim that has too old records to put aside", async () => {
    const host = new InProcessSpool();
    await host.open();
    await host.spool.append([entry("a", "old"), entry("a", "young", { timeMs: host.clock.now() })]);
    const queue = await host.spool.open("a", queueOptions({ maximumAgeMs: 1000 }));
    host.failures = always;
    expect(await claimTexts(queue)).toEqual(["young"]);
    host.failures = 0;
    host.clock.advance(1000);
    await expect.poll(() => host.spool.status().queues).toMatchObject([{ waiting: 1, dead: 1 }]);
  });
});

describe("the store's thread", () => {
  test("may be lost: what is on its way is refused, the rest waits for the next one", async () => {
    const host = new InProcessSpool();
    await host.open();
    await host.spool.append([entry("a", "1"), entry("a", "2")]);
    const queue = await host.spool.open("a", queueOptions());
    expect(await claimTexts(queue, 1)).toEqual(["1"]);
    await host.loseThread(new GatewayError("UNAVAILABLE", "The spool's thread failed: out of memory"));

    await expect(host.spool.append([entry("a", "3")])).rejects.toMatchObject({
      code: "UNAVAILABLE",
      message: "The spool's thread failed: out of memory",
    });
    expect(host.spool.status().refusing).toBe("The spool's thread failed: out of memory");
    const settled = queue.settle({ remove: [1], bury: [] });
    const claimed = claimTexts(queue);
    host.clock.advance(1000);
    await settled;
    expect(await claimed).toEqual(["2"]);
    expect([host.starts, host.spool.status().refusing]).toEqual([2, ""]);
  });

  test("does not keep the spool from being closed", async () => {
    const host = new InProcessSpool();
    await host.open();
    await host.loseThread(new GatewayError("UNAVAILABLE", "lost"));
    await host.spool.close();
    expect(host.starts).toBe(1);
  });
});

test("one operation that fails in itself does not fail those beside it", async () => {
  const host = new InProcessSpool();
  await host.open();
  await host.spool.append([entry("a", "1"), entry("b", "1")]);
  const queue = await host.spool.open("a", queueOptions());
  const [bad, good] = await Promise.allSettled([
    queue.settle({ remove: [-1], bury: [] }),
    host.spool.append([entry("b", "2")]),
  ]);
  expect([bad.status, good.status]).toEqual(["rejected", "fulfilled"]);
  expect(bad).toMatchObject({ reason: { code: "INTERNAL" } });
  expect(await host.spool.list({ queue: "b", part: "waiting", limit: 10 })).toHaveLength(2);
});

test("a store whose own entries are damaged is not opened", async () => {
  const host = new InProcessSpool();
  await host.open();
  await host.spool.append([entry("a", "1")]);
  await host.spool.close();
  await host.tamper(({ meta }) => meta.putSync(queueKey(1), Buffer.from("garbage")));
  await expect(host.open()).rejects.toThrow("The entry of queue 00000001 is damaged");
});
