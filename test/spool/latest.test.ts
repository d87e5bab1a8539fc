import { expect, test } from "vitest";
import { GatewayError } from "../../src/kernel/errors.js";
import { claimTexts, contentOf, entry, InProcessSpool, queueOptions } from "./in-process-spool.js";

const latest = queueOptions({ replay: { kind: "latest-per-service" } });
const everything = { count: 100, bytes: Infinity };
const about = (subject: string, text: string) => entry("a", text, { subject });

async function opened(...entries: ReturnType<typeof about>[]): Promise<InProcessSpool> {
  const host = new InProcessSpool();
  await host.open();
  await host.spool.append(entries);
  return host;
}

test("a newer result takes the place of one that waits, at its position, and counts as dropped", async () => {
  const host = await opened();
  const queue = await host.spool.open("a", latest);
  await host.spool.append([about("h;disk", "disk 1"), about("h;load", "load 1"), about("h;disk", "disk 2")]);
  await host.spool.append([about("h;disk", "a longer disk 3")]);
  expect(host.spool.status().queues).toMatchObject([{ accepted: 4, waiting: 2, dropped: 2 }]);
  expect(await claimTexts(queue)).toEqual(["a longer disk 3", "load 1"]);
  await queue.settle({ remove: [1, 2], bury: [] });
  expect(host.spool.status().queues).toMatchObject([{ waiting: 0, waitingBytes: 0, removed: 2 }]);
});

test("what is claimed is not replaced: the newer result goes out behind it", async () => {
  const host = await opened();
  const queue = await host.spool.open("a", latest);
  await host.spool.append([about("h;disk", "old"), about("h;load", "load")]);
  expect(await claimTexts(queue, 1)).toEqual(["old"]);
  await host.spool.append([about("h;disk", "new"), about("h;disk", "newer")]);
  expect(await contentOf(host.spool, "a")).toEqual(["old", "load", "newer"]);
  await queue.settle({ remove: [1], bury: [] });
  expect(await claimTexts(queue)).toEqual(["load", "newer"]);
});

test("a thread that is lost does not make it forget what is claimed", async () => {
  const host = await opened();
  const queue = await host.spool.open("a", latest);
  await host.spool.append([about("h;disk", "old")]);
  expect(await claimTexts(queue)).toEqual(["old"]);
  await host.loseThread(new GatewayError("UNAVAILABLE", "lost"));
  const settled = queue.settle({ remove: [], bury: [] });
  host.clock.advance(1000);
  await settled;
  await expect.poll(() => host.starts).toBe(2);
  await host.spool.append([about("h;disk", "new")]).catch(async () => host.spool.append([about("h;disk", "new")]));
  await queue.settle({ remove: [1], bury: [] });
  expect(await claimTexts(queue)).toEqual(["new"]);
});

test("a backlog of a queue that kept everything is thinned out when the policy changes, however long it is", async () => {
  const host = await opened();
  const many = Array.from({ length: 5000 }, (_, index) => about(`h;${index % 10}`, `${index}`));
  await host.spool.append([...many, about("h;other", "other")]);
  const queue = await host.spool.open("a", latest);
  const last = Array.from({ length: 10 }, (_, index) => `${4990 + index}`);
  expect(await contentOf(host.spool, "a")).toEqual([...last, "other"]);
  expect(host.spool.status().queues).toMatchObject([{ waiting: 11, dropped: 4990 }]);
  await host.spool.append([about("h;0", "newest")]);
  expect(await claimTexts(queue, 2)).toEqual(["newest", "4991"]);
});

test("after a change back everything is kept again, and after one more the index is right", async () => {
  const host = await opened();
  (await host.spool.open("a", latest)).release();
  await host.spool.append([about("h;disk", "1")]);
  (await host.spool.open("a", queueOptions())).release();
  await host.spool.append([about("h;disk", "2"), about("h;disk", "3")]);
  expect(await contentOf(host.spool, "a")).toEqual(["1", "2", "3"]);
  await host.spool.open("a", latest);
  expect(await contentOf(host.spool, "a")).toEqual(["3"]);
});

test("the policy holds over a restart before its target is there again", async () => {
  const host = await opened();
  await host.spool.open("a", latest);
  await host.spool.append([about("h;disk", "1")]);
  await host.crash();
  await host.spool.append([about("h;disk", "2")]);
  expect(await contentOf(host.spool, "a")).toEqual(["2"]);
});

test("a dead letter that is tried again does not overtake a newer result", async () => {
  const host = await opened();
  const queue = await host.spool.open("a", latest);
  await host.spool.append([about("h;disk", "old"), about("h;load", "load")]);
  await queue.claim(everything);
  await queue.settle({
    remove: [],
    bury: [
      { sequence: 1, reason: "no" },
      { sequence: 2, reason: "no" },
    ],
  });
  await host.spool.append([about("h;disk", "new")]);
  expect(await host.spool.retry({ queue: "a" })).toBe(1);
  expect(await contentOf(host.spool, "a")).toEqual(["new", "load"]);
  expect(host.spool.status().queues).toMatchObject([{ dead: 0, deadBytes: 0, dropped: 1 }]);
});
