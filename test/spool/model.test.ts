import fc from "fast-check";
import { expect, test } from "vitest";
import { recordSize } from "../../src/spool/format.js";
import type { LocalSpool } from "../../src/spool/local-spool.js";
import type { DeadLetter, QueueStatus, SpoolQueue } from "../../src/spool/spool.js";
import { entry, InProcessSpool, queueOptions, texts } from "./in-process-spool.js";

interface Waiting {
  readonly sequence: number;
  readonly subject: string;
  text: string;
}

/** What a queue is, said as simply as possible. */
class ModelQueue {
  next = 1;
  waiting: Waiting[] = [];
  dead: (Waiting & { readonly reason: string })[] = [];
  claimed: readonly Waiting[] = [];

  constructor(
    readonly name: string,
    readonly isLatest: boolean,
  ) {}

  /** Whether something waits that a newer result may replace. */
  replaceable(subject: string): Waiting | undefined {
    if (!this.isLatest) return undefined;
    const newest = this.waiting.filter((record) => record.subject === subject).at(-1);
    return newest === undefined || this.isClaimed(newest.sequence) ? undefined : newest;
  }

  append(subject: string, text: string): void {
    const place = this.replaceable(subject);
    if (place !== undefined) {
      place.text = text;
      return;
    }
    this.waiting.push({ sequence: this.next, subject, text });
    this.next += 1;
  }

  isClaimed(sequence: number): boolean {
    const [first, last] = [this.claimed[0], this.claimed.at(-1)];
    return first !== undefined && last !== undefined && sequence >= first.sequence && sequence <= last.sequence;
  }

  take(sequence: number): Waiting | undefined {
    const found = this.waiting.find((record) => record.sequence === sequence);
    this.waiting = this.waiting.filter((record) => record !== found);
    return found;
  }
}

class World {
  readonly host = new InProcessSpool();
  readonly model = [new ModelQueue("plain", false), new ModelQueue("latest", true)] as const;
  private consumers: SpoolQueue[] = [];
  private count = 0;

  async start(): Promise<void> {
    await this.openQueues(await this.host.open());
  }

  async append(picks: readonly { queues: readonly number[]; subject: string }[], fails: boolean): Promise<void> {
    const entries = picks.map(({ queues, subject }) => {
      this.count += 1;
      const chosen = queues.flatMap((index) => this.model[index] ?? []);
      const named = chosen.map(({ name }) => name);
      return { chosen, subject, entry: entry(named, `result ${this.count}`, { subject }) };
    });
    if (fails && entries.some(({ chosen }) => chosen.length > 0)) {
      // The batch, and what is then tried without new records.
      this.host.failures = 1;
      await expect(this.host.spool.append(entries.map((one) => one.entry))).rejects.toMatchObject({
        code: "UNAVAILABLE",
      });
      this.host.failures = 0;
      return;
    }
    await this.host.spool.append(entries.map((one) => one.entry));
    for (const { chosen, subject, entry } of entries) {
      for (const queue of chosen) queue.append(subject, texts([entry])[0] ?? "");
    }
  }

  async claim(index: number, count: number): Promise<void> {
    const queue = this.queue(index);
    const records = (await this.consumers[index]?.claim({ count, bytes: Infinity })) ?? [];
    queue.claimed = queue.waiting.slice(0, count).map((record) => ({ ...record }));
    const seen = records.map(({ sequence, subject, bytes }) => ({ sequence, subject, text: texts([{ bytes }])[0] }));
    expect(seen).toEqual(queue.claimed);
  }

  /** By what the claim holds: some are removed, some are buried, some stay. With no room on the disk it holds all the same. */
  async settle(index: number, fates: readonly string[], fails: boolean): Promise<void> {
    const queue = this.queue(index);
    const fateOf = (at: number): string => fates[at % fates.length] ?? "stay";
    const remove = queue.claimed.filter((_, at) => fateOf(at) === "remove").map(({ sequence }) => sequence);
    const buried = queue.claimed.filter((_, at) => fateOf(at) === "bury").map(({ sequence }) => sequence);
    const bury = buried.map((sequence) => ({ sequence, reason: `no ${sequence}` }));
    if (fails) this.host.failures = 2;
    await this.consumers[index]?.settle({ remove, bury });
    if (fails) {
      const rest = queue.waiting.filter(({ sequence }) => ![...remove, ...buried].includes(sequence));
      const claimed = await this.consumers[index]?.claim({ count: 1000, bytes: Infinity });
      expect(claimed?.map(({ sequence }) => sequence)).toEqual(rest.map(({ sequence }) => sequence));
      this.host.failures = 0;
      // What was put off is done with the next write.
      await this.host.spool.drop({ queue: queue.name, part: "waiting", sequences: [99_999] });
      queue.claimed = rest.map((record) => ({ ...record }));
    }
    for (const sequence of remove) queue.take(sequence);
    for (const { sequence, reason } of bury) {
      const record = queue.take(sequence);
      if (record !== undefined) queue.dead.push({ ...record, reason });
    }
    queue.dead.sort((a, b) => a.sequence - b.sequence);
  }

  async drop(index: number, part: "waiting" | "dead", pick: number | undefined): Promise<void> {
    const queue = this.queue(index);
    const all = queue[part].map(({ sequence }) => sequence);
    const meant = pick === undefined ? all : all.filter((_, at) => at === pick);
    const can = meant.filter((sequence) => part === "dead" || !queue.isClaimed(sequence));
    const choice = { queue: queue.name, part, ...(pick === undefined ? {} : { sequences: [...meant, 99_999] }) };
    expect(await this.host.spool.drop(choice)).toBe(can.length);
    if (part === "waiting") queue.waiting = queue.waiting.filter(({ sequence }) => !can.includes(sequence));
    else queue.dead = queue.dead.filter(({ sequence }) => !can.includes(sequence));
  }

  async retry(index: number): Promise<void> {
    const queue = this.queue(index);
    let count = 0;
    for (const letter of queue.dead) {
      const isOvertaken = queue.isLatest && queue.waiting.some(({ subject }) => subject === letter.subject);
      if (isOvertaken) continue;
      queue.append(letter.subject, letter.text);
      count += 1;
    }
    queue.dead = [];
    expect(await this.host.spool.retry({ queue: queue.name })).toBe(count);
  }

  async crash(): Promise<void> {
    for (const queue of this.model) queue.claimed = [];
    await this.openQueues(await this.host.crash());
  }

  async compare(): Promise<void> {
    const { spool } = this.host;
    const status = new Map(spool.status().queues.map((queue) => [queue.name, queue]));
    for (const { name, waiting, dead } of this.model) {
      const shown = (await spool.list({ queue: name, part: "waiting", limit: 1000 })).map(show);
      expect(shown).toEqual(waiting.map(({ sequence, subject, text }) => [sequence, subject, text]));
      const letters = (await spool.list({ queue: name, part: "dead", limit: 1000 })) as readonly DeadLetter[];
      expect(letters.map((letter) => [...show(letter), letter.reason])).toEqual(
        dead.map(({ sequence, subject, text, reason }) => [sequence, subject, text, reason]),
      );
      const sizes = waiting.map(({ subject, text }) => recordSize(subject.length, text.length));
      const bytes = sizes.reduce((sum, size) => sum + size, 0);
      expect(figures(status.get(name))).toEqual([waiting.length, bytes, dead.length]);
    }
  }

  private queue(index: number): ModelQueue {
    return this.model[index === 0 ? 0 : 1];
  }

  private async openQueues(spool: LocalSpool): Promise<void> {
    this.consumers = [
      await spool.open("plain", queueOptions()),
      await spool.open("latest", queueOptions({ replay: { kind: "latest-per-service" } })),
    ];
  }
}

function show({ sequence, subject, bytes }: { sequence: number; subject: string; bytes: Uint8Array }) {
  return [sequence, subject, Buffer.from(bytes).toString()];
}

function figures(status: QueueStatus | undefined): number[] {
  return [status?.waiting ?? 0, status?.waitingBytes ?? 0, status?.dead ?? 0];
}

const queue = fc.nat({ max: 1 });
const rarely = fc.nat({ max: 3 }).map((value) => value === 0);
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(
        fc.array(
          fc.record({
            queues: fc.constantFrom([], [0], [1], [0, 1], [1, 0]),
            subject: fc.constantFrom("a;x", "a;y", "b"),
          }),
          { maxLength: 6 },
        ),
        rarely,
      )
      .map(([picks, fails]) => ({
        name: `append ${JSON.stringify(picks)} ${fails}`,
        run: (w: World) => w.append(picks, fails),
      })),
  },
  {
    weight: 4,
    arbitrary: fc
      .tuple(queue, fc.integer({ min: 1, max: 5 }))
      .map(([index, count]) => ({ name: `claim ${index} ${count}`, run: (w: World) => w.claim(index, count) })),
  },
  {
    weight: 4,
    arbitrary: fc
      .tuple(queue, fc.array(fc.constantFrom("remove", "bury", "stay"), { minLength: 1, maxLength: 4 }), rarely)
      .map(([index, fates, fails]) => ({
        name: `settle ${index} ${fates} ${fails}`,
        run: (w: World) => w.settle(index, fates, fails),
      })),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(queue, fc.constantFrom("waiting", "dead"), fc.option(fc.nat({ max: 5 }), { nil: undefined }))
      .map(([index, part, pick]) => ({
        name: `drop ${index} ${part} ${pick}`,
        run: (w: World) => w.drop(index, part, pick),
      })),
  },
  { weight: 1, arbitrary: queue.map((index) => ({ name: `retry ${index}`, run: (w: World) => w.retry(index) })) },
  { weight: 1, arbitrary: fc.constant({ name: "crash", run: (w: World) => w.crash() }) },
);

test("whatever is appended, claimed, settled, dropped, retried, refused by the disk or cut off by a crash: the spool is what a list in memory would be", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const world = new World();
      await world.start();
      for (const { run } of steps) {
        await run(world);
        await world.compare();
      }
      await world.host.spool.close();
    }),
    { numRuns: process.env["NSCP_TEST_LONG"] === undefined ? 100 : 2000 },
  );
}, 600_000);
