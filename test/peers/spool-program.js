// Uses a spool as a test asks for. Words: what to do, and the spool's folder.
import { readFileSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { openSpool } from "../../dist/spool/open-spool.js";

const [what, folder] = process.argv.slice(2);
const clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, fire) {
    const timer = setTimeout(fire, ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
};
const quiet = () => undefined;
const log = { critical: quiet, error: quiet, warn: quiet, info: quiet, debug: quiet, trace: quiet, child: () => log };
const unlimited = { maximumAgeMs: Infinity, maximumCount: Infinity, maximumBytes: Infinity };
const open = (ballastBytes) =>
  openSpool({ folder, maximumBytes: 2 ** 30, maximumCount: 1e7, ballastBytes, deadLetterAgeMs: Infinity, clock, log });
const result = (queue, text) => ({
  queues: [queue],
  subject: "host;service",
  timeMs: Date.now(),
  bytes: Buffer.from(text),
});
const textsOf = (records) => records.map(({ bytes }) => Buffer.from(bytes).toString().trimEnd());
const failure = ({ code, message }) => `${code}: ${message.replaceAll(folder, "FOLDER")}`;

const programs = { acknowledge, flushFails, list, fillDisk, rest };
await programs[what]();

/** Appends and removes one result at a time, and says so with one system call each. */
async function acknowledge() {
  const spool = await open(0);
  const queue = await spool.open("a", { replay: { kind: "all-in-order" }, ...unlimited });
  for (let number = 1; number <= 5; number += 1) {
    await spool.append([result("a", `result-${number}.`)]);
    writeSync(1, `accepted-${number}.\n`);
    const [record] = await queue.claim({ count: 1, bytes: 1 });
    await queue.settle({ remove: [record.sequence], bury: [] });
    writeSync(1, `settled-${number}.\n`);
  }
  await spool.close();
}

/** Appends one result at a time, and says which were accepted and how others were refused. */
async function flushFails() {
  const spool = await open(0);
  const said = { accepted: [], refused: [] };
  for (let number = 1; number <= 20; number += 1) {
    const attempt = spool.append([result("a", `${number}`), result("b", `${number}`)]);
    await attempt.then(
      () => said.accepted.push(`${number}`),
      (error) => said.refused.push(failure(error)),
    );
  }
  console.log(JSON.stringify(said));
  process.kill(process.pid, "SIGKILL");
}

/** Says what waits. */
async function list() {
  const spool = await open(0);
  const waiting = async (queue) => textsOf(await spool.list({ queue, part: "waiting", limit: 1000 }));
  console.log(JSON.stringify([await waiting("a"), await waiting("b")]));
  await spool.close();
}

/** Lets another file take all the room there is, and gives it back. */
async function fillDisk() {
  const ballast = 256 * 1024;
  let spool = await open(ballast);
  let queue = await spool.open("a", { replay: { kind: "all-in-order" }, ...unlimited });
  const large = "x".repeat(3000);
  await spool.append(Array.from({ length: 200 }, (_, index) => result("a", `${index} ${large}`)));
  const filler = join(folder, "..", "filler");
  takeAllRoom(filler);

  const said = { refused: [], delivered: 0, late: 0 };
  const deliver = async (count) => {
    const records = await queue.claim({ count, bytes: Infinity });
    await queue.settle({ remove: records.map(({ sequence }) => sequence), bury: [] });
    said.delivered += records.length;
    return records.length;
  };
  const attempt = (text) =>
    spool.append([result("a", text)]).then(
      () => "accepted",
      (error) => failure(error),
    );

  // Whatever LMDB has free within its file is used up first.
  let outcome = "accepted";
  for (said.late = 0; outcome === "accepted"; said.late += 1) outcome = await attempt(`late ${large.repeat(20)}`);
  said.late -= 1;
  said.refused.push(outcome, await attempt("late"));
  said.refusing = spool.status().refusing.replaceAll(folder, "FOLDER");

  while ((await deliver(10)) > 0) said.refused.push(await attempt("late"));
  said.refused = [...new Set(said.refused)];
  said.left = (await queue.claim({ count: 1, bytes: 1 })).length;
  // What had no room on the disk must not come back in the next process; room is given up for it.
  await spool.close();
  spool = await open(ballast);
  queue = await spool.open("a", { replay: { kind: "all-in-order" }, ...unlimited });
  said.back = textsOf(await queue.claim({ count: 1000, bytes: Infinity })).length;
  said.stillRefused = await attempt("late");

  rmSync(filler);
  while (spool.status().refusing !== "") await new Promise((resolve) => setTimeout(resolve, 50));
  said.afterwards = await attempt("afterwards");
  said.content = textsOf(await queue.claim({ count: 10, bytes: Infinity }));
  await spool.close();
  console.log(JSON.stringify(said));
}

function takeAllRoom(file) {
  for (let piece = 1024 * 1024; piece >= 1; piece = Math.floor(piece / 2)) {
    try {
      for (;;) writeFileSync(file, Buffer.alloc(piece, 1), { flag: "a" });
    } catch {}
  }
}

/** Lets results rest, and says what memory of its own the process needs. */
async function rest() {
  const spool = await open(0);
  const said = [];
  for (const count of process.argv.slice(4).map(Number)) {
    for (let done = 0; done < count; done += 500) {
      await spool.append(Array.from({ length: 500 }, (_, index) => result("a", `${done + index} ${"x".repeat(1000)}`)));
    }
    for (let round = 0; round < 3; round += 1) globalThis.gc?.();
    const anonymous = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"));
    said.push({ waiting: spool.status().count, anonymousMiB: Math.round(Number(anonymous[1]) / 1024) });
  }
  console.log(JSON.stringify(said));
  await spool.close();
}
