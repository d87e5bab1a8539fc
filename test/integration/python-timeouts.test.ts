import { afterEach, expect, it } from "vitest";
import { childrenOf, descriptors, residentMiBOf, threads } from "../support/process-figures.js";
import { check, groupMembers, hostOf, isRunning, startPython, until } from "../support/python-source.js";
import type { Harness } from "../support/script-harness.js";

/** With NSCP_TEST_LONG=1 ten thousand callbacks time out. */
const isLong = process.env["NSCP_TEST_LONG"] === "1";
const rounds = isLong ? 20 : 2;
const callsPerScript = isLong ? 25 : 8;

/** What the scripts do when they are asked to be late, and how many do so. */
const kinds: Readonly<Record<string, { body: string; count: number }>> = {
  // Gives up its turn: the script goes on with other calls, and is not restarted.
  sleeps: { body: "sleep(1000)", count: 6 },
  loops: { body: "while True: time.sleep(0.001)", count: 7 },
  // Can't be ended: its thread stays behind for a while.
  blocks: { body: "time.sleep(2.5)", count: 7 },
};

const names = Object.entries(kinds).flatMap(([kind, { count }]) =>
  Array.from({ length: count }, (_, index) => `${kind}${index}`),
);

function source(name: string): string {
  const body = kinds[name.replace(/\d+$/, "")]?.body ?? "";
  return check(
    `check_${name}`,
    `if args: return status.OK, 'alive'\n${body}\nreturn status.OK, 'late'`,
    "import threading, time",
  );
}

let harness: Harness | undefined;

afterEach(async () => {
  await harness?.stop();
  harness = undefined;
});

/** All scripts are called so many times at once, and each call times out; then all are there again. */
async function beLate({ query, log, modules }: Harness, round: number): Promise<void> {
  const calls = names.flatMap((name) => new Array<string>(callsPerScript).fill(name));
  const answers = await Promise.all(calls.map((name) => query(`check_${name}`)));
  const late = answers.filter(
    ([state, message]) => state === 3 && /^check_\w+ timed out after 0\.5 s(: |$)/.test(message),
  );
  expect(answers.filter((answer) => !late.includes(answer))).toEqual([]);
  // Whoever asks a script that hangs waits until it is back.
  await until(
    async () => (await Promise.all(names.map((name) => query(`check_${name}`, "now")))).map(([state]) => state),
    names.map(() => 0),
  );
  expect(log.texts("error").filter((text) => text.includes("script host was lost"))).toEqual([]);
  log.records.length = 0;
  // A script that hangs again and again is started later and later, which a reload forgets.
  if (round % 2 === 1) await modules.reload("python");
}

function figuresOf(running: Harness) {
  const { pid } = hostOf(running);
  return {
    host: { pid, descriptors: descriptors(pid), threads: threads(pid), MiB: Math.round(residentMiBOf(pid)) },
    gateway: { descriptors: descriptors(process.pid), MiB: Math.round(residentMiBOf(process.pid)) },
  };
}

/** What resident memory may differ by, in MiB: what a process had to allocate at its busiest it keeps. */
const margin = { host: 16, gateway: 96 };

it("callbacks that time out leave nothing behind, however many they are", { timeout: 600_000 }, async () => {
  const files = Object.fromEntries(names.map((name) => [`${name}.py`, source(name)]));
  const running = await startPython(files, { queryTimeoutMs: 500, callsInFlight: 1000 });
  harness = running;
  const children = childrenOf(process.pid);
  await beLate(running, 1);
  const before = figuresOf(running);
  const { restarts } = hostOf(running);
  for (let round = 0; round < rounds; round++) await beLate(running, round);
  // The last of the threads that could not be ended come back.
  await expect.poll(() => threads(before.host.pid), { timeout: 20_000 }).toBeLessThanOrEqual(before.host.threads);
  const after = figuresOf(running);
  const calls = rounds * names.length * callsPerScript;
  const hangs = rounds * names.filter((name) => !name.startsWith("sleeps")).length;
  console.log(`${calls} callbacks timed out, ${hangs} scripts were restarted`, { before, after });
  expect(after).toMatchObject({
    host: { pid: before.host.pid, descriptors: before.host.descriptors },
    gateway: { descriptors: before.gateway.descriptors },
  });
  expect(after.host.MiB - before.host.MiB).toBeLessThan(margin.host);
  expect(after.gateway.MiB - before.gateway.MiB).toBeLessThan(margin.gateway);
  expect(hostOf(running)).toMatchObject({ state: "running", restarts: restarts + hangs });
  // Neither orphans nor zombies: the host is the only child, and its guard is all that goes with it.
  expect(childrenOf(process.pid)).toEqual(children);
  const members = groupMembers(before.host.pid);
  expect(members.length).toBe(2);
  await running.stop();
  harness = undefined;
  await until(() => members.filter((pid) => isRunning(pid)), []);
  expect(childrenOf(process.pid)).toEqual([]);
});
