import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { nscaEncryption } from "../../src/wire/nsca/encryption.js";
import { decodeNscaInit, NSCA_INIT_SIZE } from "../../src/wire/nsca/init-packet.js";
import { parseNscaMethod } from "../../src/wire/nsca/methods.js";

import { checkDoors, type DoorName, doorSecret, type FrontDoors, startFrontDoors } from "../support/front-doors.js";
import { anonymousMiB, descriptors } from "../support/process-figures.js";
import { announceSeed, seed, share } from "./budget.js";
import { clientHellos, httpRequests } from "./corpus.js";
import { mutatedBytes, mutatedRequests } from "./mutations.js";
import { type NscaInput, nrpeInput, nscaInput, timelyPacket } from "./packets.js";
import { type Attempt, attempt, inParallel } from "./target.js";

/** Connections at a time: below what one address may have. */
const width = 48;
/** Inputs of a kind between two looks at whether the port still serves. */
const batch = 500;
/** One of so many clients waits for the gateway to end the connection by its deadline. */
const patientOneIn = 97;
/** What may be added by all inputs: caches that have an upper bound, and what the collector leaves for later. */
const growth = { anonymousMiB: 96, heapMiB: 24, descriptors: 8 };

const nscaMethod = parseNscaMethod("xor");
const doors = ["nrpe", "nrpeTls", "nsca", "nrdp", "web"] as const satisfies readonly DoorName[];
const probe = fileURLToPath(new URL("../support/memory-probe.js", import.meta.url));

let front: FrontDoors;

beforeAll(async () => {
  announceSeed();
  const nodeArguments = ["--expose-gc", "--import", probe];
  front = await startFrontDoors(() => "timeout = 2s\nhandshake timeout = 2s", { nodeArguments });
});

afterAll(async () => {
  expect(await front.gateway.stop()).toEqual({ code: 0, signal: null });
});

/** A kind of garbage: for which port, how much of it, and how it is sent. */
interface Kind<Input> {
  readonly title: string;
  readonly door: (typeof doors)[number];
  /** Of all inputs. */
  readonly part: number;
  readonly inputs: fc.Arbitrary<Input>;
  send(input: Input): Attempt;
}

function kind<Input>(described: Kind<Input>): Kind<unknown> {
  return described as Kind<unknown>;
}

const asItIs = (bytes: Buffer): Attempt => ({ bytes });
const insideTls = (bytes: Buffer): Attempt => ({ bytes, isSecured: true });

const kinds: readonly Kind<unknown>[] = [
  kind({ title: "queries of NRPE", door: "nrpe", part: 0.3, inputs: nrpeInput, send: asItIs }),
  kind({ title: "handshakes of NRPE", door: "nrpeTls", part: 0.05, inputs: mutatedBytes(clientHellos), send: asItIs }),
  kind({ title: "queries of NRPE inside TLS", door: "nrpeTls", part: 0.05, inputs: nrpeInput, send: insideTls }),
  kind({ title: "packets of NSCA", door: "nsca", part: 0.25, inputs: nscaInput, send: encrypted }),
  kind({ title: "requests to NRDP", door: "nrdp", part: 0.15, inputs: mutatedRequests(httpRequests), send: asItIs }),
  kind({
    title: "requests to the web server",
    door: "web",
    part: 0.2,
    inputs: mutatedRequests(httpRequests),
    send: asItIs,
  }),
];

function encrypted(input: NscaInput): Attempt {
  return {
    greeting: NSCA_INIT_SIZE,
    bytes: (greeting) => {
      if (nscaMethod.problem !== undefined) throw new Error(nscaMethod.problem);
      const { iv, timestamp } = decodeNscaInit(greeting.subarray(0, NSCA_INIT_SIZE));
      const packet = timelyPacket(input, timestamp);
      return input.isEncrypted
        ? Buffer.from(nscaEncryption(nscaMethod.method, doorSecret, iv, "encrypt").update(packet))
        : packet;
    },
  };
}

/** So many inputs of a kind, in batches with a look at the port behind each. */
async function feed({ door, inputs, send }: Kind<unknown>, count: number, offset = 0): Promise<void> {
  for (let from = 0; from < count; from += batch) {
    const some = fc.sample(inputs, { numRuns: Math.min(batch, count - from), seed: seed + offset + from });
    await inParallel(some, width, (input, index) =>
      attempt(front.ports[door], { ...send(input), isPatient: (from + index) % patientOneIn === 0 }),
    );
    await checkDoors(front, [door]);
  }
}

/** What the gateway holds when all that can be given back is. */
async function figures() {
  const { gateway } = front;
  const before = gateway.log.match(/memory-probe \d+/g)?.length ?? 0;
  process.kill(gateway.pid, "SIGUSR2");
  const [, text = "{}"] = await gateway.waitForLog(new RegExp(`memory-probe ${before + 1} (.*)`));
  const { heapUsed } = JSON.parse(text) as { heapUsed: number };
  return {
    heapMiB: heapUsed / 2 ** 20,
    anonymousMiB: anonymousMiB(gateway.pid),
    descriptors: descriptors(gateway.pid),
  };
}

test("mutated queries, packets and requests neither crash a gateway, nor hang it, nor make it grow", async () => {
  const { pid } = front.gateway;
  // Caches fill, code is compiled.
  for (const one of kinds) await feed(one, Math.max(50, share(one.part * 0.05)), 1_000_000_007);
  const warm = await figures();
  for (const one of kinds) await feed(one, share(one.part));
  await checkDoors(front, doors);
  await expect
    .poll(() => descriptors(pid), { timeout: 30_000 })
    .toBeLessThanOrEqual(warm.descriptors + growth.descriptors);
  const after = await figures();
  const grown = {
    anonymousMiB: Math.max(0, after.anonymousMiB - warm.anonymousMiB - growth.anonymousMiB),
    heapMiB: Math.max(0, after.heapMiB - warm.heapMiB - growth.heapMiB),
  };
  process.stderr.write(`Fuzz: ${JSON.stringify({ warm, after })}\n`);
  expect(grown).toEqual({ anonymousMiB: 0, heapMiB: 0 });
  expect(front.gateway.pid).toBe(pid);
  expect(front.gateway.hasEnded).toBe(false);
  expect(front.gateway.log.split("\n").filter((line) => /^[CE] |inside the gateway/.test(line))).toEqual([]);
}, 1_800_000);
