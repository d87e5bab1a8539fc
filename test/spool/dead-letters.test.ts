import { expect, test } from "vitest";
import type { DeadLetter } from "../../src/spool/spool.js";
import { claimTexts, contentOf, entry, InProcessSpool, queueOptions } from "./in-process-spool.js";

const minute = 60_000;

/** A queue whose first records the receiver has refused. */
async function refused(count: number, limits = {}): Promise<InProcessSpool> {
  const host = new InProcessSpool(undefined, limits);
  await host.open();
  await host.spool.append(Array.from({ length: count + 1 }, (_, index) => entry("a", `${index + 1}`)));
  const queue = await host.spool.open("a", queueOptions());
  const records = await queue.claim({ count, bytes: Infinity });
  await queue.settle({
    remove: [],
    bury: records.map(({ sequence }) => ({ sequence, reason: `Unknown host (${sequence})` })),
  });
  queue.release();
  return host;
}

test("keep the receiver's words and survive a restart", async () => {
  const host = await refused(2);
  await host.crash();
  expect(await host.spool.list({ queue: "a", part: "dead", limit: 10 })).toEqual([
    {
      sequence: 1,
      subject: "host;service",
      timeMs: 1000,
      bytes: new Uint8Array([49]),
      reason: "Unknown host (1)",
      buriedMs: host.clock.now(),
    },
    {
      sequence: 2,
      subject: "host;service",
      timeMs: 1000,
      bytes: new Uint8Array([50]),
      reason: "Unknown host (2)",
      buriedMs: host.clock.now(),
    },
  ]);
  expect(await contentOf(host.spool, "a")).toEqual(["3"]);
});

test("are listed page by page", async () => {
  const host = await refused(5);
  const page = async (after: number) =>
    ((await host.spool.list({ queue: "a", part: "dead", after, limit: 2 })) as DeadLetter[]).map(
      (letter) => letter.sequence,
    );
  expect([await page(0), await page(2), await page(4), await page(5)]).toEqual([[1, 2], [3, 4], [5], []]);
});

test("go to the end of their queue when they are tried again, all or some, with new numbers", async () => {
  const host = await refused(3);
  const heard: string[] = [];
  const queue = await host.spool.open("a", queueOptions());
  queue.onAppended(() => heard.push("appended"));
  expect(await host.spool.retry({ queue: "a", sequences: [2, 77] })).toBe(1);
  expect(await claimTexts(queue)).toEqual(["4", "2"]);
  expect(await host.spool.retry({ queue: "a" })).toBe(2);
  expect((await queue.claim({ count: 10, bytes: Infinity })).map(({ sequence }) => sequence)).toEqual([4, 5, 6, 7]);
  expect(heard).toEqual(["appended", "appended"]);
  expect(host.spool.status().queues).toMatchObject([{ waiting: 4, dead: 0, deadBytes: 0 }]);
});

test("are dropped on an operator's order, also by the thousand, and those that come meanwhile are not", async () => {
  const host = await refused(4500);
  expect(await host.spool.drop({ queue: "a", part: "dead", sequences: [1, 2, 99_999, -1, 0.5, Number.NaN] })).toBe(2);
  expect(await host.spool.drop({ queue: "a", part: "dead" })).toBe(4498);
  expect(await host.spool.drop({ queue: "unknown", part: "dead" })).toBe(0);
  expect(host.spool.status().queues).toMatchObject([{ waiting: 1, dead: 0, deadBytes: 0, dropped: 4500 }]);
});

test("are dropped and told of when they are too old", async () => {
  const host = await refused(2, { deadLetterAgeMs: 10 * minute });
  for (let passed = 0; passed < 10; passed += 1) {
    host.clock.advance(minute);
    await contentOf(host.spool, "a");
  }
  expect(host.spool.status().queues).toMatchObject([{ dead: 2 }]);
  const look = (): number | undefined => {
    host.clock.advance(minute);
    return host.spool.status().queues[0]?.dead;
  };
  await expect.poll(look).toBe(0);
  expect(host.log.of("warn")).toEqual(["2 dead letters were dropped because of their age"]);
  expect(await contentOf(host.spool, "a")).toEqual(["3"]);
});
