import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { loadavg } from "node:os";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { encodeNrpeQuery } from "../../src/wire/nrpe/packet.js";
import { clientHellos } from "../fuzz/corpus.js";
import { checkDoors, type DoorName, doorNames, type FrontDoors, startFrontDoors } from "../support/front-doors.js";
import { anonymousMiB, descriptors } from "../support/process-figures.js";

/** With figures: how long pollers wait among the attackers, by how long they wait without. */
const isLong = process.env["NSCP_TEST_LONG"] === "1";

/** Connections of the attackers, of each kind. */
const crowd = isLong ? 2000 : 400;
/** How often the poller asks, without attackers and among them. */
const polls = isLong ? 500 : 10;
/** Each with figures of its own. */
const rounds = isLong ? 3 : 1;
/** What they may cost while they are there, whatever they send: a seat each, up to the limit, with what they sent. */
const mostMiB = 160;
/** By how much the slowest of a hundred answers may be slower among them, in the median of the rounds. */
const mostRatio = 3;

/** How a connection of a protocol is begun and not got on with. */
const drips: Readonly<Record<DoorName, { readonly head: string; readonly drip: Buffer }>> = {
  // The preface and SETTINGS, then a frame of headers that does not come to its end.
  grpc: {
    head: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
    drip: Buffer.concat([Buffer.from([0, 0x3f, 0xff, 1, 0, 0, 0, 0, 1]), Buffer.alloc(1000, 0x82)]),
  },
  nrpe: { head: "", drip: encodeNrpeQuery("check_ok", { version: 4 }) },
  nrpeTls: { head: "", drip: clientHellos[0] ?? Buffer.alloc(0) },
  nsca: { head: "", drip: Buffer.alloc(700, 0x5a) },
  nrdp: { head: "POST /nrdp/ HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n", drip: Buffer.from("token=a&") },
  web: { head: "GET /query/check_ok HTTP/1.1\r\n", drip: Buffer.from("X-A: b\r\n") },
};

let front: FrontDoors;

beforeAll(async () => {
  // In a long run nothing ends by its deadline while the poller is timed; in a short one limits and crowd are smaller alike.
  const [wait, limits] = isLong ? ["20s", ""] : ["2s", "max connections = 200\nmax connections per peer = 40"];
  const keys: Partial<Record<DoorName, string>> = { grpc: "connection idle" };
  front = await startFrontDoors(
    (door) => `handshake timeout = ${wait}\n${keys[door] ?? "timeout"} = ${wait}\n${limits}`,
  );
});

afterAll(async () => {
  expect(await front.gateway.stop()).toEqual({ code: 0, signal: null });
});

/** What attackers do, and where they come from. */
interface Kind {
  readonly title: string;
  readonly drips: boolean;
  readonly addresses: readonly string[];
}

/** Connections of another process that hold what they can get. */
interface Attack {
  /** The last of them is closed, by the gateway. */
  readonly ended: Promise<void>;
  /** They go away by themselves. */
  stop(): Promise<void>;
}

async function attack(door: DoorName, { drips: isDripping, addresses }: Kind): Promise<Attack> {
  const child = fork(fileURLToPath(new URL("./attackers.js", import.meta.url)));
  onTestFinished(() => {
    if (child.exitCode === null) child.kill("SIGKILL");
  });
  const [open, ended] = [saying(child, "open"), saying(child, "ended")];
  ended.catch(() => {});
  const { head, drip } = drips[door];
  child.send({
    ...{ port: front.ports[door], addresses, count: crowd, everyMs: 250 },
    head: isDripping ? Buffer.from(head, "latin1").toString("hex") : "",
    drip: isDripping ? drip.toString("hex") : "",
  });
  await open;
  return {
    ended,
    stop: async () => {
      const gone = once(child, "exit");
      child.kill("SIGKILL");
      await gone;
    },
  };
}

function saying(child: ChildProcess, word: string): Promise<void> {
  return new Promise((resolve, reject) => {
    child.on("message", (message) => {
      if (message === word) resolve();
    });
    child.once("exit", () => reject(new Error(`The attackers ended before they said ${word}`)));
  });
}

/** Milliseconds of each of so many polls one behind the other, over a connection of its own. */
async function poll(door: DoorName): Promise<number[]> {
  const times: number[] = [];
  for (let number = 0; number < polls; number++) {
    const began = performance.now();
    await checkDoors(front, [door]);
    times.push(performance.now() - began);
  }
  return times;
}

/** The value that so large a part of the values does not exceed. */
function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.ceil(sorted.length * part) - 1] ?? Number.NaN;
}

const elsewhere = Array.from({ length: 10 }, (_, index) => `127.0.0.${index + 2}`);

const kinds: readonly Kind[] = [
  { title: "silent ones of other addresses", drips: false, addresses: elsewhere },
  { title: "dripping ones of other addresses", drips: true, addresses: elsewhere },
  { title: "silent ones of the poller's address", drips: false, addresses: ["127.0.0.1"] },
];

/** Those that come together: by themselves when they are timed. */
const waves = (isLong ? kinds.map((kind) => [kind]) : [kinds]).map(
  (wave) => [wave.map(({ title }) => title).join(", "), wave] as const,
);

/** Held by the gateway while nobody attacks. */
interface Before {
  readonly descriptors: number;
  readonly anonymousMiB: number;
}

describe.each(doorNames)("at the port of %s", (door) => {
  test.each(waves)(
    "half-open connections, %s, keep no poller waiting, and end",
    async (title, wave) => {
      const { pid } = front.gateway;
      const figures: { readonly quiet: number; readonly busy: number }[] = [];
      const allGone = ({ descriptors: most }: Before) =>
        expect.poll(() => descriptors(pid), { timeout: 60_000 }).toBeLessThanOrEqual(most + 4);
      // What is made once, and code that gets fast only after a while, belongs to no round.
      await poll(door);
      for (let round = 1; round <= rounds; round++) {
        const quiet = await poll(door);
        const before = { descriptors: descriptors(pid), anonymousMiB: anonymousMiB(pid) };
        const attacks = await Promise.all(wave.map((kind) => attack(door, kind)));
        const busy = await poll(door);
        expect(anonymousMiB(pid) - before.anonymousMiB).toBeLessThan(mostMiB);
        await Promise.all(attacks.map((one) => (round === rounds ? one.ended : one.stop())));
        await allGone(before);
        quiet.push(...(await poll(door)));
        figures.push({ quiet: quantile(quiet, 0.99), busy: quantile(busy, 0.99) });
      }
      if (isLong) report(door, title, figures);
    },
    300_000,
  );
});

function report(door: DoorName, title: string, figures: readonly { readonly quiet: number; readonly busy: number }[]) {
  const ratios = figures.map(({ quiet, busy }) => busy / quiet);
  const rows = figures.map(({ quiet, busy }) => `${quiet.toFixed(1)}/${busy.toFixed(1)}`).join(" ");
  const ratio = quantile(ratios, 0.5);
  process.stderr.write(
    `${door}, ${title}: p99 in ms without/among them ${rows}, ratio ${ratio.toFixed(2)}, load ${loadavg()[0]?.toFixed(1)}\n`,
  );
  expect(ratio).toBeLessThanOrEqual(mostRatio);
}
