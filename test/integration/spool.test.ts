import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { openSpool } from "../../dist/spool/open-spool.js";
import { systemClock } from "../../src/gateway/system-clock.js";
import { packageRoot } from "../support/gateway-process.js";
import { RecordingLog } from "../support/recording-log.js";

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "nscp-spool-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function optionsFor(folder: string, log = new RecordingLog()) {
  const limits = { maximumBytes: 2 ** 26, maximumCount: 1e6, ballastBytes: 2 ** 16 };
  return { folder, ...limits, deadLetterAgeMs: Number.POSITIVE_INFINITY, clock: systemClock, log };
}

const opener = `
import { openSpool } from ${JSON.stringify(pathToFileURL(join(packageRoot, "dist/spool/open-spool.js")).href)};
const quiet = () => undefined;
const log = { critical: quiet, error: quiet, warn: quiet, info: quiet, debug: quiet, trace: quiet };
const clock = { now: Date.now, monotonic: () => 0, after: () => quiet };
const limits = { maximumBytes: 1e6, maximumCount: 1e6, ballastBytes: 0, deadLetterAgeMs: Infinity };
// All processes are there before the first one opens the folder.
process.stdout.write("ready\\n");
await new Promise((resolve) => process.stdin.once("data", resolve));
openSpool({ folder: process.argv[1], ...limits, clock, log }).then(
  () => process.stdout.write("owner\\n"),
  (error) => process.stdout.write(error.code + ": " + error.message + "\\n"),
);
await new Promise((resolve) => process.stdin.once("end", resolve));
process.kill(process.pid, "SIGKILL");`;

test("of several processes that open one spool at the same moment one gets it, and when that is killed the next one", async () => {
  const folder = temporaryFolder();
  for (let round = 0; round < 2; round += 1) {
    const children = Array.from({ length: 5 }, () =>
      spawn(process.execPath, ["--input-type=module", "-e", opener, folder], { stdio: ["pipe", "pipe", "inherit"] }),
    );
    await Promise.all(children.map(({ stdout }) => once(stdout, "data")));
    const answers = children.map(({ stdout }) => once(stdout, "data"));
    for (const { stdin } of children) stdin.write("go");
    const said = (await Promise.all(answers)).map(([data]) => String(data).trim());
    const owner = children[said.indexOf("owner")];
    const refusal = `FAILED_PRECONDITION: The spool ${folder} is used by the process ${owner?.pid}; a spool has one owner at a time`;
    expect(said.filter((line) => line !== "owner")).toEqual([refusal, refusal, refusal, refusal]);
    const exits = children.map((child) => once(child, "exit"));
    for (const { stdin } of children) stdin.end();
    await Promise.all(exits);
  }
});

test("a spool that was closed in order is opened without a walk, one that was not is walked first", async () => {
  const folder = temporaryFolder();
  const entry = { queues: ["a"], subject: "host;service", timeMs: 1, bytes: Buffer.from("result") };
  const first = await openSpool(optionsFor(folder));
  await expect(openSpool(optionsFor(folder))).rejects.toMatchObject({ code: "FAILED_PRECONDITION" });
  await first.append([entry]);
  await first.close();

  const log = new RecordingLog();
  const second = await openSpool(optionsFor(folder, log));
  expect(second.status()).toMatchObject({ count: 1, queues: [{ name: "a", waiting: 1, oldestMs: 1 }] });
  expect(log.records).toEqual([]);
  await second.close();
  await expect(second.append([entry])).rejects.toMatchObject({ code: "UNAVAILABLE" });

  rmSync(join(folder, "clean"));
  const third = await openSpool(optionsFor(folder, log));
  expect(log.records).toEqual([
    `info: The spool ${folder} was not closed in order; it is sound, with 1 waiting results and 0 dead letters`,
  ]);
  expect(await third.list({ queue: "a", part: "waiting", limit: 1 })).toMatchObject([{ sequence: 1 }]);
  await third.close();
});

test("results of many callers share flushes: each is there, in the order of its caller", async () => {
  const spool = await openSpool(optionsFor(temporaryFolder()));
  const caller = async (name: string): Promise<void> => {
    for (let number = 0; number < 50; number += 1) {
      const bytes = Buffer.from(`${name} ${number}`);
      await spool.append([{ queues: ["a"], subject: name, timeMs: number, bytes }]);
    }
  };
  const names = Array.from({ length: 40 }, (_, index) => `caller ${index}`);
  await Promise.all(names.map(caller));
  const records = await spool.list({ queue: "a", part: "waiting", limit: 10_000 });
  for (const name of names) {
    const own = records.filter(({ subject }) => subject === name).map(({ bytes }) => Buffer.from(bytes).toString());
    expect(own).toEqual(Array.from({ length: 50 }, (_, number) => `${name} ${number}`));
  }
  expect(records.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 2000 }, (_, index) => index + 1));
  await spool.close();
});

test("a folder that can't be used is named", async () => {
  await expect(openSpool(optionsFor("/dev/null/spool"))).rejects.toMatchObject({
    code: "UNAVAILABLE",
    message: "The spool /dev/null/spool can't be opened: ENOTDIR: not a directory, mkdir '/dev/null/spool'",
  });
});
