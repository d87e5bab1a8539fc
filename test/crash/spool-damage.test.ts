import {
  closeSync,
  cpSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openSpool } from "../../dist/spool/open-spool.js";
import { packageRoot, run, temporaryFolder } from "../support/gateway-process.js";
import { RecordingLog } from "../support/recording-log.js";

const isLong = process.env["NSCP_TEST_LONG"] === "1";
const rounds = isLong ? 100 : 8;

/** A store that was not closed in order, and what was in it: `queue/sequence` to the record. */
const original = temporaryFolder("damage");
let content: ReadonlyMap<string, string>;

beforeAll(async () => {
  content = await fill(original.path, 40, 60);
});
afterAll(() => original.remove());

async function fill(folder: string, batches: number, results: number): Promise<Map<string, string>> {
  const writer = join(packageRoot, "test", "crash", "unclean-spool.js");
  const { signal, stdout, stderr } = await run(process.execPath, [writer, folder, String(batches), String(results)]);
  expect({ signal, stderr }).toEqual({ signal: "SIGKILL", stderr: "" });
  const rows: [string, string, number, string, number, string][] = JSON.parse(stdout);
  return new Map(
    rows.map(([queue, _part, sequence, subject, timeMs, bytes]) => [
      `${queue}/${sequence}`,
      `${subject} ${timeMs} ${bytes}`,
    ]),
  );
}

const clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms: number, fire: () => void) {
    const timer = setTimeout(fire, ms);
    return () => clearTimeout(timer);
  },
};

function open(folder: string, log = new RecordingLog()) {
  const limits = { maximumBytes: 2 ** 30, maximumCount: 1e6, ballastBytes: 0 };
  return openSpool({ folder, ...limits, deadLetterAgeMs: Number.POSITIVE_INFINITY, clock, log });
}

type OpenSpool = Awaited<ReturnType<typeof open>>;

/** Everything that the spool has, waiting or dead. */
async function contentOf(spool: OpenSpool): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const { name } of spool.status().queues) {
    for (const part of ["waiting", "dead"] as const) {
      for (const { sequence, subject, timeMs, bytes } of await spool.list({ queue: name, part, limit: 1e6 })) {
        found.set(`${name}/${sequence}`, `${subject} ${timeMs} ${Buffer.from(bytes).toString("latin1")}`);
      }
    }
  }
  return found;
}

/** A generator of the same numbers in every run. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (state >>> 8) / 2 ** 24;
  };
}

const pageSize = 4096;

/** One bit, some sectors, a whole page, or a page that was written to the wrong place. */
const kinds = ["bit", "torn", "empty", "misplaced"] as const;

function damage(file: string, kind: (typeof kinds)[number], random: () => number): string {
  const fd = openSync(file, "r+");
  try {
    const pages = fstatSync(fd).size / pageSize;
    const page = Math.floor(random() * pages);
    const bytes = Buffer.alloc(pageSize);
    readSync(fd, bytes, 0, pageSize, page * pageSize);
    if (kind === "bit") {
      const at = Math.floor(random() * pageSize);
      bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << Math.floor(random() * 8)), at);
    } else if (kind === "torn") {
      for (let at = 512 * Math.floor(1 + random() * 7); at < pageSize; at++)
        bytes.writeUInt8(Math.floor(random() * 256), at);
    } else if (kind === "empty") {
      bytes.fill(0);
    } else {
      readSync(fd, bytes, 0, pageSize, Math.floor(random() * pages) * pageSize);
    }
    writeSync(fd, bytes, 0, pageSize, page * pageSize);
    return `${kind} page ${page} of ${pages}`;
  } finally {
    closeSync(fd);
  }
}

/** How many records the log says may be lost or are damaged; with `stale`, or may be older ones than there were. */
function reported(log: RecordingLog, stale = false): number {
  const text = log.of("critical").join("\n");
  const counts = [
    ...text.matchAll(/(\d+) could not be read/g),
    ...text.matchAll(/(\d+) may be lost/g),
    ...(stale ? text.matchAll(/(\d+) of them were found outside/g) : []),
    ...text.matchAll(/up to (\d+) dead letters may be lost/g),
  ];
  return counts.reduce((sum, [, count]) => sum + Number(count), 0);
}

describe("a store that was not closed in order", () => {
  it("and is sound is opened as it is", async () => {
    const folder = temporaryFolder("damage");
    cpSync(original.path, folder.path, { recursive: true });
    const log = new RecordingLog();
    const spool = await open(folder.path, log);
    expect(await contentOf(spool)).toEqual(content);
    expect(spool.status().damagedStores).toEqual([]);
    expect(log.of("info")[0]).toMatch(/^The spool .* was not closed in order; it is sound, with \d+ waiting results/);
    await spool.close();
    folder.remove();
  });

  it(`and has a damaged page, ${rounds} times, ends with a running spool that has or names every record`, {
    timeout: rounds * 30_000,
  }, async () => {
    const random = numbers(20_261_122);
    const outcomes: string[] = [];
    let damaged = 0;
    for (let round = 0; round < rounds; round++) {
      const folder = temporaryFolder("damage");
      cpSync(original.path, folder.path, { recursive: true });
      const what = damage(join(folder.path, "store.mdb"), kinds[round % kinds.length] ?? "bit", random);
      const log = new RecordingLog();
      const spool = await open(folder.path, log);
      const found = await contentOf(spool);
      const lost = [...content.keys()].filter((place) => !found.has(place)).length;
      const wrong = [...content].filter(([place, record]) => found.get(place) !== record).length;
      if (lost > reported(log) || wrong > reported(log, true)) {
        outcomes.push(`${what}: ${lost} lost, ${wrong} wrong, told: ${log.of("critical")}`);
      }
      const aside = spool.status().damagedStores;
      damaged += aside.length;
      if ((aside.length === 0) !== (log.of("critical").length === 0)) outcomes.push(`${what}: ${log.records}`);
      // It takes results, under numbers that were never used.
      await spool.append([{ queues: ["in order"], subject: "new", timeMs: 1, bytes: Buffer.from("new") }]);
      const numbersOf = (places: Iterable<string>) =>
        [...places].filter((place) => place.startsWith("in order/")).map((place) => Number(place.split("/")[1]));
      const added = [...(await contentOf(spool))].filter(([, record]) => record === "new 1 new");
      const [number = 0] = numbersOf(added.map(([place]) => place));
      if (added.length !== 1 || number <= Math.max(...numbersOf(content.keys()))) outcomes.push(`${what}: ${added}`);
      await spool.close();
      // Nothing is left to do for the next start.
      const again = new RecordingLog();
      const second = await open(folder.path, again);
      if (again.records.length > 0) outcomes.push(`${what}: ${again.records}`);
      await second.close();
      folder.remove();
    }
    expect(outcomes).toEqual([]);
    expect(damaged).toBeGreaterThan(rounds / 2);
  });

  it("and is not LMDB's any more is kept, and the spool begins empty", async () => {
    const folder = temporaryFolder("damage");
    mkdirSync(folder.path, { recursive: true });
    writeFileSync(join(folder.path, "store.mdb"), Buffer.alloc(20_000, "garbage"));
    const log = new RecordingLog();
    const spool = await open(folder.path, log);
    expect(await contentOf(spool)).toEqual(new Map());
    expect(spool.status().damagedStores.length).toBe(1);
    expect(log.of("critical").length).toBe(2);
    await spool.close();
    folder.remove();
  });

  it.each(["during-salvage", "after-set-aside", "after-swap"])(
    "and whose salvage is interrupted %s is salvaged at the next start",
    async (point) => {
      const folder = temporaryFolder("damage");
      cpSync(original.path, folder.path, { recursive: true });
      const file = join(folder.path, "store.mdb");
      const random = numbers(5);
      for (let page = 0; page < 8; page++) damage(file, "torn", random);
      const writer = join(packageRoot, "test", "crash", "unclean-spool.js");
      const env = { ...process.env, NSCP_SPOOL_CRASH: point };
      const { signal, stdout } = await run(process.execPath, [writer, folder.path, "0", "1"], { env });
      expect({ signal, stdout }).toEqual({ signal: "SIGKILL", stdout: "" });
      expect(existsSync(file)).toBe(true);
      const log = new RecordingLog();
      const spool = await open(folder.path, log);
      const found = await contentOf(spool);
      const lost = [...content.keys()].filter((place) => !found.has(place));
      const kept = readdirSync(folder.path).filter((name) => name.startsWith("damaged-"));
      expect({ kept: kept.length, told: spool.status().damagedStores.length }).toEqual({ kept: 1, told: 1 });
      expect(statSync(join(folder.path, kept[0] ?? "")).size).toBe(statSync(join(original.path, "store.mdb")).size);
      if (point !== "after-swap") expect(lost.length).toBeLessThanOrEqual(reported(log));
      expect(found.size).toBeGreaterThan(content.size / 2);
      await spool.close();
      folder.remove();
    },
  );
});
