import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { crashPoints } from "../../dist/spool/crash-points.js";
import { openSpool } from "../../dist/spool/open-spool.js";
import { systemClock } from "../../src/gateway/system-clock.js";
import { silentLogger } from "../../src/kernel/log.js";
import type { DeadLetter, Spool } from "../../src/spool/spool.js";
import { packageRoot } from "../support/gateway-process.js";

const isLong = process.env["NSCP_TEST_LONG"] !== undefined;
const killed = { code: null, signal: "SIGKILL" };
/** Records of one claim: what a crash may have delivered twice. */
const claimSize = 20;

let folder: string;
let lines: string;
let next: number;
let kills: number;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "nscp-crash-"));
  lines = join(folder, "lines");
  writeFileSync(lines, "");
  next = 1;
  kills = 0;
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

function start(program: string, args: readonly string[], crash: string | undefined): ChildProcess {
  const env = { ...process.env, ...(crash === undefined ? {} : { NSCP_SPOOL_CRASH: crash }) };
  return spawn(process.execPath, [join(packageRoot, "test/crash", program), ...args], {
    env,
    stdio: ["ignore", "pipe", "inherit"],
  });
}

/** Uses the spool until a crash point, until it is killed some milliseconds after it is open, or to its end. */
async function use(how: { crash?: string; killAfterMs?: number; last?: number }): Promise<object> {
  const args = [join(folder, "spool"), lines, String(next), "5", String(how.last ?? 0)];
  // What was not accepted may be there or not; its number is not given to another result.
  next += 1_000_000;
  const child = start("spool-process.js", args, how.crash);
  const exit = once(child, "exit");
  if (how.killAfterMs !== undefined && child.stdout !== null) {
    await once(child.stdout, "data");
    setTimeout(() => child.kill("SIGKILL"), how.killAfterMs);
  }
  const [code, signal] = await exit;
  if (signal !== null) kills += 1;
  return { code, signal };
}

async function prepare(what: "migrate" | "compact", crash?: string): Promise<object> {
  const child = start("spool-preparer.js", [join(folder, "spool"), what], crash);
  const [code, signal] = await once(child, "exit");
  return { code, signal };
}

async function open(): Promise<Spool> {
  const limits = { maximumBytes: 2 ** 28, maximumCount: 1e6, ballastBytes: 0, deadLetterAgeMs: Infinity };
  return await openSpool({ folder: join(folder, "spool"), ...limits, clock: systemClock, log: silentLogger });
}

async function idsOf(spool: Spool, queue: string, part: "waiting" | "dead"): Promise<string[]> {
  const records = await spool.list({ queue, part, limit: 1e6 });
  return records.map(({ bytes }) => Buffer.from(bytes).toString().split(" ")[0] ?? "");
}

const twice = (values: readonly string[]): string[] =>
  values.filter((value, index) => values.indexOf(value, index + 1) >= 0);

/** What must hold whatever happened. */
async function examine(): Promise<void> {
  const said = new Map<string, string[][]>();
  for (const line of readFileSync(lines, "utf8").split("\n")) {
    const [word = "", ...rest] = line.split(" ");
    said.set(word, [...(said.get(word) ?? []), rest]);
  }
  const of = (word: string): string[][] => said.get(word) ?? [];
  const accepted = of("accepted").map(([id = ""]) => id);
  const delivered = of("delivered").map(([sequence = "", id = ""]) => ({ sequence, id }));
  expect(accepted.length).toBeGreaterThan(0);
  const settled = new Set(of("settled").map(([sequence]) => sequence));

  const spool = await open();
  try {
    const kept = await idsOf(spool, "kept", "waiting");
    const waiting = await idsOf(spool, "drained", "waiting");
    const dead = await idsOf(spool, "drained", "dead");

    const found = new Set([...delivered.map(({ id }) => id), ...waiting, ...dead]);
    expect({ lost: accepted.filter((id) => !found.has(id)) }).toEqual({ lost: [] });
    expect({ lost: accepted.filter((id) => !new Set(kept).has(id)) }).toEqual({ lost: [] });

    expect({ twice: twice(kept), twiceDrained: twice([...waiting, ...dead]) }).toEqual({ twice: [], twiceDrained: [] });

    const back = (await spool.list({ queue: "drained", part: "waiting", limit: 1e6 })).filter(({ sequence }) =>
      settled.has(String(sequence)),
    );
    expect({ back }).toEqual({ back: [] });

    // All of a batch is there or none of it: what both queues were given is in both.
    const keptIds = new Set(kept);
    expect({ partial: [...found].filter((id) => !keptIds.has(id)) }).toEqual({ partial: [] });

    const resultOf = new Map<string, string>();
    const letters = (await spool.list({ queue: "drained", part: "dead", limit: 1e6 })) as readonly DeadLetter[];
    const known = [
      ...delivered,
      ...letters.map(({ sequence, bytes }) => ({ sequence: String(sequence), id: idIn(bytes) })),
    ];
    for (const { sequence, id } of known) {
      expect({ sequence, id: resultOf.get(sequence) ?? id }).toEqual({ sequence, id });
      resultOf.set(sequence, id);
    }
    expect(delivered.length - new Set(delivered.map(({ id }) => id)).size).toBeLessThanOrEqual(kills * claimSize);
    expect(spool.status()).toMatchObject({ damagedStores: [], damagedRecords: 0 });
  } finally {
    await spool.close();
  }
}

function idIn(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString().split(" ")[0] ?? "";
}

test("killed at any moment: what was accepted is there, once; what was settled does not come back; no number is used again", async () => {
  const rounds = isLong ? 300 : 12;
  for (let round = 0; round < rounds; round += 1) {
    expect(await use({ killAfterMs: (round * 37) % 250 })).toEqual(killed);
  }
  await examine();
}, 1_200_000);

/** Only a damaged store leads there; see the tests of damage. */
const damageOnly: ReadonlySet<string> = new Set(["during-salvage", "after-set-aside"]);

/** How the process comes to each other crash point. */
const scenarios: Readonly<Record<string, (point: string) => Promise<void>>> = {
  "before-commit": whileInUse,
  "after-commit": whileInUse,
  "before-acknowledge": whileInUse,
  "after-claim": whileInUse,
  "before-settle": whileInUse,
  "after-settle": whileInUse,
  "during-compaction": (point) => whilePrepared("compact", point),
  "after-swap": (point) => whilePrepared("compact", point),
  "during-migration": (point) => whilePrepared("migrate", point),
  "before-clean": async (point) => {
    expect(await use({ last: 100, crash: point })).toEqual(killed);
  },
};

async function whileInUse(point: string): Promise<void> {
  for (const nth of isLong ? [1, 2, 5, 10, 20, 50] : [3, 15]) {
    expect(await use({ crash: `${point}:${nth}` })).toEqual(killed);
  }
}

async function whilePrepared(what: "migrate" | "compact", point: string): Promise<void> {
  expect(await use({ last: 200 })).toEqual({ code: 0, signal: null });
  const spool = await open();
  const all = await spool.list({ queue: "kept", part: "waiting", limit: 1e6 });
  // Most of what the store has held is gone again.
  const large = { queues: ["passing"], subject: "", timeMs: 0, bytes: Buffer.alloc(5000) };
  await spool.append(Array.from({ length: 2000 }, () => large));
  expect(await spool.drop({ queue: "passing", part: "waiting" })).toBe(2000);
  await spool.close();
  expect(await prepare(what, point)).toEqual(killed);
  if (what === "compact") expect(await prepare(what)).toEqual({ code: 0, signal: null });
  const again = await open();
  expect(await again.list({ queue: "kept", part: "waiting", limit: 1e6 })).toEqual(all);
  await again.close();
}

describe("killed at a crash point", () => {
  test.each(Object.keys(crashPoints).filter((point) => !damageOnly.has(point)))(
    "%s",
    async (point) => {
      const scenario = scenarios[point];
      if (scenario === undefined) throw new Error(`Nothing comes to the crash point ${point}`);
      await scenario(point);
      await examine();
    },
    600_000,
  );
});
