// Fills a spool as deliveries and receivers do, says what is in it then, and is killed: the store is not closed in order.
// Words: the folder, how many rounds, and how many results a round.
import { openSpool } from "../../dist/spool/open-spool.js";

const [, , folder, rounds, results] = process.argv;
const silent = () => {};
const log = { critical: silent, error: silent, warn: silent, info: silent, debug: silent, trace: silent };
const clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, fire) {
    const timer = setTimeout(fire, ms);
    return () => clearTimeout(timer);
  },
};
const spool = await openSpool({
  ...{ folder, maximumBytes: 2 ** 30, maximumCount: 1e6, ballastBytes: 0 },
  ...{ deadLetterAgeMs: Number.POSITIVE_INFINITY, clock, log },
});
const options = {
  maximumAgeMs: Number.POSITIVE_INFINITY,
  maximumCount: Number.POSITIVE_INFINITY,
  maximumBytes: Number.POSITIVE_INFINITY,
};
const queues = [
  await spool.open("in order", { ...options, replay: { kind: "all-in-order" } }),
  await spool.open("latest", { ...options, replay: { kind: "latest-per-service" } }),
];
let seed = 42;
const random = () => {
  seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
  return seed / 0x7fffffff;
};
let number = 0;
for (let round = 0; round < Number(rounds); round++) {
  const entries = Array.from({ length: Number(results) }, () => {
    number += 1;
    // One in twenty has pages of its own.
    const length = random() < 0.05 ? 9000 : 100 + Math.floor(random() * 200);
    return {
      queues: ["in order", "latest"],
      subject: `host;service ${Math.floor(random() * 400)}`,
      timeMs: 1_900_000_000_000 + number,
      bytes: Buffer.alloc(length, `result ${number}. `),
    };
  });
  await spool.append(entries);
  for (const queue of queues) {
    const claimed = await queue.claim({ count: Math.floor(random() * Number(results)), bytes: 1e9 });
    const sequences = claimed.map(({ sequence }) => sequence);
    const refused = sequences.splice(0, 1).map((sequence) => ({ sequence, reason: "no such service" }));
    await queue.settle({ remove: sequences, bury: refused });
  }
}
const content = [];
for (const queue of ["in order", "latest"]) {
  for (const part of ["waiting", "dead"]) {
    for (const { sequence, subject, timeMs, bytes } of await spool.list({ queue, part, limit: 1e6 })) {
      content.push([queue, part, sequence, subject, timeMs, Buffer.from(bytes).toString("latin1")]);
    }
  }
}
process.stdout.write(`${JSON.stringify(content)}\n`, () => process.kill(process.pid, "SIGKILL"));
