import { describe, expect, test } from "vitest";
import { recordSize } from "../../src/spool/format.js";
import { contentOf, entry, InProcessSpool, queueOptions, texts } from "./in-process-spool.js";

const everything = { count: 100, bytes: Infinity };

/** Bytes that `entry` makes of a text. */
const sizeOf = (text: string): number => recordSize("host;service".length, text.length);

describe("sequence numbers", () => {
  test("go on when a queue has run empty and the process was killed", async () => {
    const host = new InProcessSpool();
    await host.open();
    await host.spool.append([entry("nagios", "one"), entry("nagios", "two")]);
    let queue = await host.spool.open("nagios", queueOptions());
    await queue.settle({ remove: (await queue.claim(everything)).map(({ sequence }) => sequence), bury: [] });

    await host.crash();
    await host.spool.append([entry("nagios", "three")]);
    queue = await host.spool.open("nagios", queueOptions());
    expect((await queue.claim(everything)).map(({ sequence }) => sequence)).toEqual([3]);
  });

  test("are each queue's own", async () => {
    const host = new InProcessSpool();
    await host.open();
    await host.spool.append([entry("a", "one"), entry("b", "two"), entry(["a", "b"], "three")]);
    const sequences = async (queue: string) =>
      (await host.spool.list({ queue, part: "waiting", limit: 10 })).map(({ sequence }) => sequence);
    expect([await sequences("a"), await sequences("b")]).toEqual([
      [1, 2],
      [1, 2],
    ]);
  });
});

describe("an entry for several queues", () => {
  test("is in all of them, once each", async () => {
    const host = new InProcessSpool();
    await host.open();
    await host.spool.append([entry(["a", "b", "a"], "one"), entry([], "nowhere")]);
    expect([await contentOf(host.spool, "a"), await contentOf(host.spool, "b")]).toEqual([["one"], ["one"]]);
  });

  test("is in none of them when one is full, and neither is what came in the same call", async () => {
    const host = new InProcessSpool();
    await host.open();
    await host.spool.open("full", queueOptions({ maximumCount: 1 }));
    await host.spool.append([entry("full", "first")]);
    const both = [entry("other", "before"), entry(["other", "full"], "second")];
    await expect(host.spool.append(both)).rejects.toMatchObject({
      code: "RESOURCE_EXHAUSTED",
      message: "The queue full is full: it holds 1 of at most 1 results, dead letters included",
    });
    expect(await contentOf(host.spool, "other")).toEqual([]);
    expect(host.spool.status().queues.map(({ name, refused }) => [name, refused])).toEqual([
      ["full", 1],
      ["other", 2],
    ]);
    await host.spool.append([entry("other", "alone")]);
    expect(await contentOf(host.spool, "other")).toEqual(["alone"]);
  });

  test("is in none of them when the disk refuses it", async () => {
    const host = new InProcessSpool();
    await host.open();
    host.failures = 1;
    await expect(host.spool.append([entry(["a", "b"], "one")])).rejects.toMatchObject({ code: "UNAVAILABLE" });
    await host.spool.append([entry("b", "two")]);
    expect([await contentOf(host.spool, "a"), await contentOf(host.spool, "b")]).toEqual([[], ["two"]]);
    await host.crash();
    expect([await contentOf(host.spool, "a"), await contentOf(host.spool, "b")]).toEqual([[], ["two"]]);
  });
});

describe("limits", () => {
  test("hold when many ask at once: room is reserved before an entry is on its way", async () => {
    const host = new InProcessSpool(undefined, { maximumCount: 10 });
    await host.open();
    const outcomes = await Promise.allSettled(
      Array.from({ length: 50 }, (_, index) => host.spool.append([entry("nagios", `${index}`)])),
    );
    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(10);
    expect(host.spool.status()).toMatchObject({ count: 10, queues: [{ waiting: 10, refused: 40 }] });
  });

  test("count bytes, of one queue and of all, and say which was reached", async () => {
    const host = new InProcessSpool(undefined, { maximumBytes: 3 * sizeOf("12345") });
    await host.open();
    await host.spool.open("small", queueOptions({ maximumBytes: sizeOf("12345") }));
    await host.spool.append([entry("small", "12345")]);
    await expect(host.spool.append([entry("small", "1")])).rejects.toThrow(
      "The queue small is full: it holds 57 of at most 57 bytes, dead letters included",
    );
    await host.spool.append([entry("large", "12345"), entry("large", "12345")]);
    await expect(host.spool.append([entry("large", "1")])).rejects.toThrow(
      "The spool is full, for large: it holds 171 of at most 171 bytes, dead letters included",
    );
  });

  test("give room back when something was delivered or refused by the disk", async () => {
    const host = new InProcessSpool(undefined, { maximumCount: 2 });
    await host.open();
    const queue = await host.spool.open("nagios", queueOptions());
    host.failures = 1;
    await expect(host.spool.append([entry("nagios", "lost"), entry("nagios", "lost")])).rejects.toThrow();
    await host.spool.append([entry("nagios", "one"), entry("nagios", "two")]);
    await expect(host.spool.append([entry("nagios", "three")])).rejects.toMatchObject({ code: "RESOURCE_EXHAUSTED" });
    const [first] = await queue.claim(everything);
    await queue.settle({ remove: [first?.sequence ?? 0], bury: [] });
    await host.spool.append([entry("nagios", "three")]);
    expect(await contentOf(host.spool, "nagios")).toEqual(["two", "three"]);
  });

  test("count dead letters", async () => {
    const host = new InProcessSpool(undefined, { maximumCount: 1 });
    await host.open();
    const queue = await host.spool.open("nagios", queueOptions());
    await host.spool.append([entry("nagios", "one")]);
    const [record] = await queue.claim(everything);
    await queue.settle({ remove: [], bury: [{ sequence: record?.sequence ?? 0, reason: "no" }] });
    await expect(host.spool.append([entry("nagios", "two")])).rejects.toMatchObject({ code: "RESOURCE_EXHAUSTED" });
    await host.spool.drop({ queue: "nagios", part: "dead" });
    await host.spool.append([entry("nagios", "two")]);
  });
});

test("what can't be stored is refused before anything is done", async () => {
  const host = new InProcessSpool();
  await host.open();
  const refusal = async (bad: object) =>
    await host.spool.append([entry("a", "good"), { ...entry("a", "bad"), ...bad }]).then(
      () => "accepted",
      (error) => `${error.code}: ${error.message}`,
    );
  expect([
    await refusal({ queues: [""] }),
    await refusal({ queues: ["q".repeat(70_000)] }),
    await refusal({ subject: "ü".repeat(40_000) }),
    await refusal({ timeMs: -1 }),
    await refusal({ timeMs: 1.5 }),
    await refusal({ timeMs: Number.NaN }),
  ]).toEqual([
    "INVALID_ARGUMENT: A queue has no name",
    "INVALID_ARGUMENT: The name of a queue has 70000 bytes, more than 65535",
    "INVALID_ARGUMENT: A subject of 80000 bytes is longer than 65535",
    "INVALID_ARGUMENT: -1 is no time in milliseconds since 1970",
    "INVALID_ARGUMENT: 1.5 is no time in milliseconds since 1970",
    "INVALID_ARGUMENT: NaN is no time in milliseconds since 1970",
  ]);
  expect(host.spool.status().count).toBe(0);
});

test("umlauts, empty payloads and large ones come out as they went in", async () => {
  const host = new InProcessSpool();
  await host.open();
  const large = Buffer.alloc(1_500_000, "x");
  const subject = "größe;Festplatte /\u{1F4BE}";
  await host.spool.append([
    { queues: ["a"], subject, timeMs: 0, bytes: new Uint8Array(0) },
    { queues: ["a"], subject: "", timeMs: 2 ** 52, bytes: large },
  ]);
  const [first, second] = await host.spool.list({ queue: "a", part: "waiting", limit: 10 });
  expect({ ...first, bytes: first?.bytes.length }).toEqual({ sequence: 1, subject, timeMs: 0, bytes: 0 });
  expect(second).toMatchObject({ sequence: 2, subject: "", timeMs: 2 ** 52 });
  expect(large.equals(second?.bytes ?? Buffer.alloc(0))).toBe(true);
});

test("consumers hear of what was appended after it is on disk, until they stop listening", async () => {
  const host = new InProcessSpool();
  await host.open();
  const queue = await host.spool.open("a", queueOptions());
  const heard: Promise<string[]>[] = [];
  const stop = queue.onAppended(() => heard.push(queue.claim(everything).then(texts)));
  await host.spool.append([entry("b", "elsewhere")]);
  await host.spool.append([entry("a", "one"), entry("a", "two")]);
  expect(await Promise.all(heard)).toEqual([["one", "two"]]);
  stop();
  await host.spool.append([entry("a", "three")]);
  expect(heard).toHaveLength(1);
});

test("a spool that is closed waits for what has joined a batch, and takes no more", async () => {
  const host = new InProcessSpool();
  await host.open();
  const last = host.spool.append([entry("a", "last")]);
  const closed = host.spool.close();
  await expect(host.spool.append([entry("a", "late")])).rejects.toMatchObject({
    code: "UNAVAILABLE",
    message: "The spool is closed",
  });
  await Promise.all([last, closed]);
  await host.open();
  expect(await contentOf(host.spool, "a")).toEqual(["last"]);
});
