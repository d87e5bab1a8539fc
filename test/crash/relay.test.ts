import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { type GatewayProcess, startGateway, temporaryFolder } from "../support/gateway-process.js";
import { NrdpReceiver, NscaNgReceiver, type Receiver } from "./receivers.js";
import { frontEndSettings, type Load, write } from "./writer.js";

const rounds = process.env["NSCP_TEST_LONG"] === "1" ? 300 : 20;
const batchSize = 50;
const password = "s3cret";

/** Where the gateway ends itself while it takes, sends and removes results; the others concern the opening of a store. */
const crashPoints = [
  ...["before-commit", "after-commit", "before-acknowledge", "after-claim", "before-settle", "after-settle"],
] as const;

const folder = temporaryFolder("relay-crash");
afterAll(() => folder.remove());

/** How a round goes. Every other one ends at a crash point, the others at any moment. */
interface Round extends Load {
  /** Ends at its crash point when it comes to it for the n-th time; otherwise after n submissions. */
  readonly after: number;
  /** Milliseconds between the n-th submission and the end. */
  readonly delayMs: number;
  /** Whether NRDP's and NSCA-ng's receivers are there, at the beginning and from the middle on. */
  readonly present: readonly [readonly [boolean, boolean], readonly [boolean, boolean]];
}

const presence = fc.tuple(fc.boolean(), fc.boolean());
const [plan = []] = fc.sample(
  fc.array(
    fc.record<Round>({
      after: fc.integer({ min: 1, max: 25 }),
      delayMs: fc.integer({ min: 0, max: 30 }),
      resultsPerCall: fc.integer({ min: 1, max: 20 }),
      present: fc.tuple(presence, presence),
    }),
    { minLength: rounds, maxLength: rounds },
  ),
  { numRuns: 1, seed: 20261122 },
);

test(
  `a gateway that is killed ${rounds} times loses nothing that it has accepted, while its receivers come and go`,
  async () => {
    const nrdp = new NrdpReceiver();
    const nscaNg = new NscaNgReceiver(password);
    const receivers = [nrdp, nscaNg];
    await Promise.all(receivers.map((receiver) => receiver.come()));
    const accepted: string[] = [];
    let kills = 0;
    try {
      for (const [number, round] of plan.entries()) {
        const point = number % 2 === 0 ? crashPoints[(number / 2) % crashPoints.length] : undefined;
        await present(receivers, round.present[0]);
        const gateway = await start(receivers, point === undefined ? undefined : `${point}:${round.after}`);
        if (gateway === undefined) {
          kills++;
          continue;
        }
        const writing = write(gateway, number, round, accepted);
        await writing.half;
        await present(receivers, round.present[1]);
        if (point === undefined) {
          await writing.enough;
          await sleep(round.delayMs);
          gateway.kill();
        } else {
          // Without a receiver nothing is claimed, so some points are only come to when one is back.
          await present(receivers, [true, true]);
        }
        await gateway.exited;
        kills++;
        await writing.ended;
      }
      await present(receivers, [true, true]);
      const gateway = await start(receivers, undefined);
      try {
        const missing = (receiver: Receiver) => {
          const taken = new Set(receiver.taken);
          return accepted.filter((id) => !taken.has(id)).length;
        };
        while (receivers.some((receiver) => missing(receiver) > 0) && gateway?.hasEnded === false) await sleep(50);
        const waiting = await gateway?.nscp("queue", "list", "--json");
        expect({ nrdp: missing(nrdp), nscaNg: missing(nscaNg) }, `${waiting?.stdout}\n${gateway?.log}`).toEqual({
          nrdp: 0,
          nscaNg: 0,
        });
      } finally {
        await gateway?.stop();
      }
    } finally {
      await Promise.all(receivers.map((receiver) => receiver.go()));
    }
    expect(kills).toBe(rounds);
    expect(accepted.length).toBeGreaterThan(rounds);
    for (const receiver of receivers) {
      const twice = receiver.taken.length - new Set(receiver.taken).size;
      expect(twice, "what came twice").toBeLessThanOrEqual((kills + receiver.interruptions) * batchSize);
      expect(orderOf(receiver), "each writer's results arrive in the order in which they were accepted").toEqual([]);
    }
    const figures = receivers.map(({ taken }) => `${taken.length - new Set(taken).size} twice of ${taken.length}`);
    process.stdout.write(`${kills} kills, ${accepted.length} accepted, 0 lost; ${figures.join(", ")}\n`);
  },
  rounds * 15_000,
);

/** @returns nothing when the gateway came to its crash point before it was ready */
async function start(receivers: readonly Receiver[], crash: string | undefined): Promise<GatewayProcess | undefined> {
  const [nrdp, nscaNg] = receivers;
  const delivery = `batch size = ${batchSize}\nretry delay = 10ms\nmaximum retry delay = 100ms`;
  try {
    return await startGateway({
      folder: folder.path,
      certificates: false,
      env: crash === undefined ? {} : { NSCP_SPOOL_CRASH: crash },
      settings: `
[/modules]
GRPCServer = enabled
NRDPClient = enabled
NSCANgClient = enabled

[/settings/NRDP/client]
channel = RELAY

[/settings/NRDP/client/targets/default]
address = http://127.0.0.1:${nrdp?.port}/nrdp/
token = ${password}
${delivery}

[/settings/NSCA-NG/client]
channel = RELAY

[/settings/NSCA-NG/client/targets/default]
address = 127.0.0.1:${nscaNg?.port}
identity = gateway
password = ${password}
${delivery}
${frontEndSettings}`,
    });
  } catch (thrown) {
    if (crash === undefined) throw thrown;
    return undefined;
  }
}

async function present(receivers: readonly Receiver[], wanted: readonly boolean[]): Promise<void> {
  await Promise.all(receivers.map((receiver, index) => (wanted[index] === true ? receiver.come() : receiver.go())));
}

/** What arrived for the first time behind something of the same writer that was sent later. */
function orderOf({ taken }: Receiver): string[] {
  const latest = new Map<string, readonly number[]>();
  return [...new Set(taken)].filter((id) => {
    const [letter = "", ...numbers] = id.split(".");
    const place = numbers.map(Number);
    const before = latest.get(letter);
    latest.set(letter, place);
    return before !== undefined && isBefore(place, before);
  });
}

function isBefore(left: readonly number[], right: readonly number[]): boolean {
  const differs = left.findIndex((number, index) => number !== right[index]);
  return differs >= 0 && (left[differs] ?? 0) < (right[differs] ?? 0);
}
