// A process that uses a spool until it is killed, and what it can say of that by then. Lines are written at once, so
// that they are there when the next instruction is not reached any more:
//
//     appending <id>         <id> is about to be appended to both queues
//     accepted <id>          the spool has said that it is on disk
//     delivered <seq> <id>   the receiver of `drained` has it
//     settled <seq>          the spool has said that its removal is on disk
//
// Arguments: the spool's folder, the file of those lines, where the numbers of new results begin, how many to append at
// once, and after how many to close the spool; 0: never.
import { appendFileSync, openSync, writeSync } from "node:fs";
import { openSpool } from "../../dist/spool/open-spool.js";

const [folder, file, first, group, last] = process.argv.slice(2);
const lines = openSync(file, "a");
const say = (...words) => writeSync(lines, `${words.join(" ")}\n`);

const clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, fire) {
    const timer = setTimeout(fire, ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
};
const complain = (message) => appendFileSync(2, `${message}\n`);
const quiet = () => undefined;
const log = {
  critical: complain,
  error: complain,
  warn: complain,
  info: quiet,
  debug: quiet,
  trace: quiet,
  child: () => log,
};

const limits = { maximumBytes: 2 ** 28, maximumCount: 1e6, ballastBytes: 2 ** 16, deadLetterAgeMs: Infinity };
const spool = await openSpool({ folder, ...limits, clock, log });
console.log("open");

let next = Number(first);
let isLast = false;

async function append() {
  while (!isLast) {
    const ids = Array.from({ length: Number(group) }, () => String(next++));
    for (const id of ids) say("appending", id);
    const results = ids.map((id) => {
      const bytes = Buffer.from(`${id} ${"x".repeat(Number(id) % 5000)}`);
      return { queues: ["drained", "kept"], subject: `host;${id}`, timeMs: Date.now(), bytes };
    });
    await spool.append(results);
    for (const id of ids) say("accepted", id);
    isLast = Number(last) > 0 && next >= Number(first) + Number(last);
  }
}

async function drain() {
  const options = { maximumAgeMs: Infinity, maximumCount: Infinity, maximumBytes: Infinity };
  const queue = await spool.open("drained", { replay: { kind: "all-in-order" }, ...options });
  while (!isLast) {
    const records = await queue.claim({ count: 20, bytes: 1e6 });
    for (const { sequence, bytes } of records) say("delivered", sequence, Buffer.from(bytes).toString().split(" ")[0]);
    const remove = [];
    const bury = [];
    for (const { sequence } of records) {
      if (sequence % 7 === 0) bury.push({ sequence, reason: "no" });
      else remove.push(sequence);
    }
    await queue.settle({ remove, bury });
    for (const sequence of remove) say("settled", sequence);
    if (records.length === 0) await new Promise((resolve) => setImmediate(resolve));
  }
}

await Promise.all([append(), append(), drain()]);
await spool.close();
console.log("closed");
