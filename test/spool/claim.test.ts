import { describe, expect, test } from "vitest";
import { recordKey } from "../../src/spool/format.js";
import type { DeadLetter, SpoolQueue } from "../../src/spool/spool.js";
import { FakeClock } from "../support/fake-clock.js";
import { claimTexts, contentOf, entry, InProcessSpool, queueOptions } from "./in-process-spool.js";

async function filled(queue: string, ...results: string[]): Promise<InProcessSpool> {
  const host = new InProcessSpool();
  await host.open();
  await host.spool.append(results.map((text) => entry(queue, text)));
  return host;
}

async function removeAll(queue: SpoolQueue): Promise<void> {
  const records = await queue.claim({ count: 1000, bytes: Infinity });
  await queue.settle({ remove: records.map(({ sequence }) => sequence), bury: [] });
}

describe("a claim", () => {
  test("gives the oldest records in order, and again what was not settled", async () => {
    const host = await filled("a", "1", "2", "3", "4");
    const queue = await host.spool.open("a", queueOptions());
    expect(await claimTexts(queue, 3)).toEqual(["1", "2", "3"]);
    await queue.settle({ remove: [1, 3], bury: [] });
    expect(await claimTexts(queue, 3)).toEqual(["2", "4"]);
  });

  test("ends before the record that would be too much, but has one at least", async () => {
    const host = await filled("a", "1234", "5678", "9", "x".repeat(100));
    const queue = await host.spool.open("a", queueOptions());
    const lengths = async (bytes: number) =>
      (await queue.claim({ count: 10, bytes })).map((record) => record.bytes.length);
    expect([await lengths(9), await lengths(8), await lengths(7), await lengths(1)]).toEqual([
      [4, 4, 1],
      [4, 4],
      [4],
      [4],
    ]);
  });

  test("is empty when nothing waits, also in a queue that was never written to", async () => {
    const host = await filled("a");
    expect(await claimTexts(await host.spool.open("new", queueOptions()))).toEqual([]);
  });

  test("is not dropped by an operator; the rest is", async () => {
    const host = await filled("a", "1", "2", "3");
    const queue = await host.spool.open("a", queueOptions());
    await claimTexts(queue, 2);
    expect(await host.spool.drop({ queue: "a", part: "waiting", sequences: [1, 3] })).toBe(1);
    expect(await host.spool.drop({ queue: "a", part: "waiting" })).toBe(0);
    expect(await contentOf(host.spool, "a")).toEqual(["1", "2"]);
    queue.release();
    await host.spool.open("a", queueOptions());
    expect(await host.spool.drop({ queue: "a", part: "waiting" })).toBe(2);
  });
});

describe("consumers", () => {
  test("of one queue follow one another: the next one waits until the former has released it", async () => {
    const host = await filled("a", "1");
    const first = await host.spool.open("a", queueOptions());
    const events: string[] = [];
    const second = host.spool.open("a", queueOptions()).then((queue) => {
      events.push("opened");
      return queue;
    });
    await claimTexts(first);
    await host.spool.append([entry("a", "2")]);
    events.push("released");
    first.release();
    expect(await claimTexts(await second)).toEqual(["1", "2"]);
    expect(events).toEqual(["released", "opened"]);
    await expect(first.claim({ count: 1, bytes: 1 })).rejects.toMatchObject({ code: "FAILED_PRECONDITION" });
    // What it has delivered may still be said.
    await first.settle({ remove: [1], bury: [] });
    expect(await contentOf(host.spool, "a")).toEqual(["2"]);
  });

  test("that wait are told when the spool is closed", async () => {
    const host = await filled("a");
    await host.spool.open("a", queueOptions());
    const second = host.spool.open("a", queueOptions());
    const refusal = expect(second).rejects.toMatchObject({ code: "UNAVAILABLE" });
    await host.spool.close();
    await refusal;
  });

  test("that leave keep their records and are shown as gone", async () => {
    const host = await filled("a", "1");
    const queue = await host.spool.open("a", queueOptions());
    expect(host.spool.status().queues).toMatchObject([{ name: "a", hasConsumer: true, waiting: 1 }]);
    queue.release();
    queue.release();
    expect(host.spool.status().queues).toMatchObject([{ name: "a", hasConsumer: false, waiting: 1 }]);
  });
});

describe("age", () => {
  const now = new FakeClock().now();
  const aged = (ageMs: number) => ({ timeMs: now - ageMs });

  test("beyond the maximum makes dead letters that say so, also of a long backlog", async () => {
    const host = new InProcessSpool();
    await host.open();
    const old = Array.from({ length: 4500 }, (_, index) => entry("a", `${index}`, aged(61_000)));
    await host.spool.append([...old, entry("a", "young", aged(60_000))]);
    const queue = await host.spool.open("a", queueOptions({ maximumAgeMs: 60_000 }));
    expect(await claimTexts(queue)).toEqual(["young"]);
    expect(host.spool.status().queues).toMatchObject([{ waiting: 1, dead: 4500, buried: 4500, dropped: 0 }]);
    const [letter] = (await host.spool.list({ queue: "a", part: "dead", limit: 1 })) as DeadLetter[];
    expect(letter).toEqual({
      sequence: 1,
      subject: "host;service",
      timeMs: now - 61_000,
      bytes: new Uint8Array([48]),
      reason: "older than 60 s",
      buriedMs: now,
    });
  });

  test("beyond that of drop-older-than drops and counts", async () => {
    const host = new InProcessSpool();
    await host.open();
    await host.spool.append([entry("a", "old", aged(5001)), entry("a", "young", aged(5000))]);
    const queue = await host.spool.open("a", queueOptions({ replay: { kind: "drop-older-than", ageMs: 5000 } }));
    expect(await claimTexts(queue)).toEqual(["young"]);
    expect(host.spool.status().queues).toMatchObject([{ waiting: 1, dead: 0, dropped: 1 }]);
  });

  test("does not matter for what an operator has tried again", async () => {
    const host = new InProcessSpool();
    await host.open();
    await host.spool.append([entry("a", "old", aged(61_000))]);
    const queue = await host.spool.open("a", queueOptions({ maximumAgeMs: 60_000 }));
    expect(await claimTexts(queue)).toEqual([]);
    expect(await host.spool.retry({ queue: "a" })).toBe(1);
    expect(await claimTexts(queue)).toEqual(["old"]);
  });
});

describe("a record that is damaged on disk", () => {
  async function damaged(): Promise<InProcessSpool> {
    const host = await filled("a", "one", "two", "three");
    await host.spool.close();
    await host.tamper(({ queue }) => {
      const value = queue.getBinary(recordKey(1, 2)) ?? Buffer.alloc(0);
      value[value.length - 1] = 0x21;
      queue.putSync(recordKey(1, 2), value);
    });
    await host.open();
    return host;
  }

  test("becomes a dead letter with its bytes; what is behind it goes out, and it is counted", async () => {
    const host = await damaged();
    const queue = await host.spool.open("a", queueOptions());
    expect(await claimTexts(queue)).toEqual(["one", "three"]);
    const [letter] = (await host.spool.list({ queue: "a", part: "dead", limit: 10 })) as DeadLetter[];
    expect(letter).toMatchObject({ sequence: 2, subject: "", reason: "damaged on disk" });
    expect(Buffer.from(letter?.bytes ?? []).toString("latin1")).toMatch(/host;servicetw!$/);
    expect(host.spool.status()).toMatchObject({ damagedRecords: 1, queues: [{ waiting: 2, dead: 1, buried: 1 }] });
    expect(host.log.of("error")).toEqual(["1 records of the queue a are damaged; they are dead letters"]);
    await removeAll(queue);
    expect(host.spool.status().queues).toMatchObject([{ waiting: 0, waitingBytes: 0 }]);
  });

  test("is not tried again", async () => {
    const host = await damaged();
    await claimTexts(await host.spool.open("a", queueOptions()));
    expect(await host.spool.retry({ queue: "a" })).toBe(0);
    expect(host.spool.status().queues).toMatchObject([{ dead: 1 }]);
  });

  test("is known by a key that is not its own, too", async () => {
    const host = await filled("a", "one", "two");
    await host.spool.close();
    await host.tamper(({ queue }) => {
      queue.putSync(recordKey(1, 2), queue.getBinary(recordKey(1, 1)) ?? Buffer.alloc(0));
    });
    await host.open();
    expect(await claimTexts(await host.spool.open("a", queueOptions()))).toEqual(["one"]);
    expect(host.spool.status()).toMatchObject({ damagedRecords: 1 });
  });
});
