import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { encodeNrpeQuery } from "../../src/wire/nrpe/packet.js";
import { clientHellos } from "../fuzz/corpus.js";
import { checkDoors, type DoorName, doorNames, type FrontDoors, startFrontDoors } from "../support/front-doors.js";
import { anonymousMiB, descriptors } from "../support/process-figures.js";

const isLong = process.env["NSCP_TEST_LONG"] === "1";

/** Connections of the attackers. */
const crowd = 2000;
/** How often the poller asks while they are there. */
const polls = isLong ? 500 : 20;
/** What they may cost while they are there, whatever they send: a seat each, up to the limit, with what they sent. */
const mostMiB = 160;

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
  // In a long run nothing ends by its deadline while the poller is timed.
  const wait = isLong ? "20s" : "2s";
  const keys: Partial<Record<DoorName, string>> = { grpc: "connection idle" };
  front = await startFrontDoors((door) => `handshake timeout = ${wait}\n${keys[door] ?? "timeout"} = ${wait}`);
});

afterAll(async () => {
  expect(await front.gateway.stop()).toEqual({ code: 0, signal: null });
});

/** Connections of other processes that hold what they can get. */
interface Attack {
  /** The last of them is closed, by the gateway. */
  readonly ended: Promise<void>;
}

async function attack(door: DoorName, addresses: readonly string[], kind: "silent" | "dripping"): Promise<Attack> {
  const child = fork(fileURLToPath(new URL("./attackers.js", import.meta.url)));
  onTestFinished(() => {
    if (child.exitCode === null) child.kill("SIGKILL");
  });
  const said = (word: string) => saying(child, word);
  const [open, ended] = [said("open"), said("ended")];
  const { head, drip } = drips[door];
  const isDripping = kind === "dripping";
  child.send({
    ...{ port: front.ports[door], addresses, count: crowd, everyMs: 250 },
    head: isDripping ? Buffer.from(head, "latin1").toString("hex") : "",
    drip: isDripping ? drip.toString("hex") : "",
  });
  await open;
  return { ended };
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
  return times.sort((left, right) => left - right);
}

const elsewhere = Array.from({ length: 10 }, (_, index) => `127.0.0.${index + 2}`);

describe.each(doorNames)("at the port of %s", (door) => {
  test.each([
    ["silent", "of other addresses", elsewhere],
    ["dripping", "of other addresses", elsewhere],
    ["silent", "of the poller's address", ["127.0.0.1"]],
  ] as const)(
    "2,000 %s connections %s keep no poller waiting, and end",
    async (kind, _title, addresses) => {
      const { pid } = front.gateway;
      const quiet = await poll(door);
      const before = { descriptors: descriptors(pid), anonymousMiB: anonymousMiB(pid) };
      const { ended } = await attack(door, addresses, kind);
      const busy = await poll(door);
      expect(anonymousMiB(pid) - before.anonymousMiB).toBeLessThan(mostMiB);
      await ended;
      await expect.poll(() => descriptors(pid), { timeout: 30_000 }).toBeLessThanOrEqual(before.descriptors + 4);
      await checkDoors(front, [door]);
      if (!isLong) return;
      const p99 = (times: readonly number[]) => times[Math.ceil(times.length * 0.99) - 1] ?? Number.NaN;
      const ratio = (p99(busy) / p99(quiet)).toFixed(2);
      process.stderr.write(
        `${door}, ${kind} ${_title}: p99 ${p99(quiet).toFixed(2)} ms quiet, ${p99(busy).toFixed(2)} ms among them, ratio ${ratio}\n`,
      );
    },
    180_000,
  );
});
