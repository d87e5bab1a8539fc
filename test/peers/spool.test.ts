import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { packageRoot } from "../support/gateway-process.js";
import { mountArguments, needPeer, ownMounts, strace } from "./peers.js";

const program = join(packageRoot, "test/peers/spool-program.js");

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "nscp-spool-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function run(command: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: "utf8", maxBuffer: 2 ** 26 });
  expect({ status, stderr: status === 0 ? "" : stderr }).toEqual({ status: 0, stderr: "" });
  return stdout;
}

test("a result is flushed to the disk before anybody is told that it was accepted, and its removal before that is told", (context) => {
  const file = needPeer(strace, context);
  const folder = temporaryFolder();
  const trace = join(folder, "trace");
  const calls = "trace=write,writev,pwrite64,pwritev,pwritev2,fdatasync,openat";
  run(file, ["-f", "-y", "-s", "20000", "-e", calls, "-o", trace, process.execPath, program, "acknowledge", folder]);

  // What a call is done with stands on its own line when another thread was shown in between.
  const lines = readFileSync(trace, "latin1").split("\n");
  const isStore = (line: string): boolean => line.includes("/store.mdb>");
  const events = lines.flatMap((line) => {
    const said = /write\(1<.*"((?:accepted|settled)-\d)\./.exec(line)?.[1];
    if (said !== undefined) return said;
    if (/ fdatasync\(/.test(line) && isStore(line) && !line.includes("unfinished")) return "flushed";
    if (/ <\.\.\. fdatasync resumed>/.test(line)) return "flushed";
    const results = [...line.matchAll(/result-\d/g)].map(([result]) => result);
    if (results.length > 0 && / (?:pwrite64|pwritev2?|writev)\(/.test(line) && isStore(line)) return results;
    // The page that makes the others valid goes through a descriptor that was opened with O_DSYNC.
    if (/ pwrite64\(.*, 128, \d+\)? /.test(line) && isStore(line)) return "made valid";
    return [];
  });
  expect(lines.some((line) => /openat\(.*store\.mdb".*O_DSYNC/.test(line))).toBe(true);
  for (let number = 1; number <= 5; number += 1) {
    const from = events.indexOf(`result-${number}`);
    const accepted = events.indexOf(`accepted-${number}`);
    const settled = events.indexOf(`settled-${number}`);
    expect(from).toBeGreaterThanOrEqual(0);
    expect(accepted).toBeGreaterThan(from);
    expect(events.slice(from, accepted).slice(-2)).toEqual(["flushed", "made valid"]);
    expect(events.slice(accepted + 1, settled).slice(-2)).toEqual(["flushed", "made valid"]);
  }
});

test("a result whose flush failed is refused and is not there, also when the process is killed right after", (context) => {
  const file = needPeer(strace, context);
  const folder = temporaryFolder();
  // The store is made without trouble; of the flushes behind that one in three fails.
  const inject = ["-f", "-o", "/dev/null", "-e", "inject=fdatasync:error=EIO:when=9+3"];
  run(process.execPath, [program, "list", folder]);
  const traced = spawnSync(file, [...inject, process.execPath, program, "flushFails", folder], { encoding: "utf8" });
  const { accepted, refused } = JSON.parse(traced.stdout);
  const refusal = "UNAVAILABLE: Nothing is accepted: the spool in FOLDER can't be written: Input/output error";
  expect({ refusals: [...new Set(refused)], all: accepted.length + refused.length }).toEqual({
    refusals: [refusal],
    all: 20,
  });
  expect(accepted.length).toBeGreaterThan(0);
  expect(JSON.parse(run(process.execPath, [program, "list", folder]))).toEqual([accepted, accepted]);
});

test("a disk that another file fills: submissions are refused, delivery goes on, nothing delivered comes back, and all is well when there is room", (context) => {
  const file = needPeer(ownMounts, context);
  const folder = temporaryFolder();
  mkdirSync(join(folder, "disk"));
  const script =
    'mount -t tmpfs -o size=4m none "$1/disk" && mkdir "$1/disk/spool" && exec "$2" "$3" fillDisk "$1/disk/spool"';
  const said = run(file, [...mountArguments, "sh", "-c", script, "sh", folder, process.execPath, program]);
  const full = "disk full: the spool in FOLDER has no room to grow";
  const refused = `RESOURCE_EXHAUSTED: Nothing is accepted: ${full}`;
  const { late, ...rest } = JSON.parse(said);
  expect(rest).toEqual({
    refused: [refused],
    refusing: full,
    delivered: 200 + late,
    left: 0,
    back: 0,
    stillRefused: refused,
    afterwards: "accepted",
    content: ["afterwards"],
  });
});

test("memory stays as it is while the backlog grows", () => {
  // The heap finds its size with the first results; from there on 1 kB more on disk must not be 1 kB more in memory.
  const steps = process.env["NSCP_TEST_LONG"] === undefined ? [60_000, 140_000] : [200_000, 400_000, 400_000];
  const arguments_ = ["--expose-gc", program, "rest", temporaryFolder(), ...steps.map(String)];
  const said: { waiting: number; anonymousMiB: number }[] = JSON.parse(run(process.execPath, arguments_));
  const [first, last] = [said[0], said.at(-1)];
  if (first === undefined || last === undefined) throw new Error("Nothing was said");
  const backlogMiB = (last.waiting - first.waiting) / 1024;
  expect(last.waiting).toBe(steps.reduce((sum, step) => sum + step, 0));
  expect(last.anonymousMiB - first.anonymousMiB).toBeLessThan(backlogMiB / 3);
}, 600_000);
