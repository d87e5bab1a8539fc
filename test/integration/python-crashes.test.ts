import { describe, expect, it } from "vitest";
import { check, hostOf, lineOf, neighbour, startPython, until } from "../support/python-source.js";
import { type Harness, type HarnessOptions, stoppedAfterTest } from "../support/script-harness.js";

function start(files: Readonly<Record<string, string>>, options: HarnessOptions = {}): Promise<Harness> {
  return stoppedAfterTest(startPython(files, options));
}

interface Crash {
  readonly body: string;
  readonly more: string;
  /** What is said of it; `HERE` is the last line of the body. */
  readonly reason: string;
}

const crashes: Readonly<Record<string, Crash>> = {
  "leaves with os._exit": { body: "os._exit(7)", more: "import os", reason: "it exited with code 7" },
  "kills its process": { body: "os.kill(os.getpid(), 9)", more: "import os", reason: "it was ended by SIGKILL" },
  "reads where no memory is": {
    body: "ctypes.string_at(0)",
    more: "import ctypes",
    reason: "it was ended by SIGSEGV at HERE",
  },
  "calls os.abort": { body: "os.abort()", more: "import os", reason: "it was ended by SIGABRT at HERE" },
  "is ended by the system from a thread of its own": {
    body: "threading.Thread(target=lambda: ctypes.string_at(0)).start()\ntime.sleep(60)",
    more: "import ctypes, threading, time",
    reason: "it was ended by SIGSEGV at crash.py:LAMBDA in <lambda>",
  },
};

describe("a Python script that takes its process down", () => {
  for (const [how, { body, more, reason: template }] of Object.entries(crashes)) {
    it(`because it ${how}: whoever waits learns why, and everything is started again`, async () => {
      const source = check("check_crash", `if not args: return status.OK, 'alive'\n${body}`, more);
      const last = body.split("\n").at(-1) ?? "";
      const reason = template
        .replace("HERE", `crash.py:${lineOf(source, last)} in check`)
        .replace("LAMBDA", String(source.includes("lambda") ? lineOf(source, "lambda") : 0));
      const slow = check("check_slow", "sleep(60000)");
      const running = await start({ "crash.py": source, "neighbour.py": neighbour, "slow.py": slow });
      const { query, log } = running;
      const { pid } = hostOf(running);
      await until(() => query("check_neighbour"), [0, "call 1", ""]);
      const inFlight = query("check_slow");
      // Where the place is known only its script is named.
      const ran = reason.includes(" at ") ? "check_crash of crash" : "check_crash of crash, check_slow of slow";
      const lost = [3, `python: script host was lost: ${reason}, while it ran ${ran}`, ""];
      expect(await query("check_crash", "now")).toEqual(lost);
      expect(await inFlight).toEqual(lost);
      expect(await query("check_neighbour")).toEqual([3, `python: script host is restarting: ${reason}`, ""]);
      await until(() => query("check_neighbour"), [0, "call 1", ""]);
      await until(() => query("check_crash"), [0, "alive", ""]);
      expect(log.texts("info")).toEqual(["neighbour starts", "neighbour starts"]);
      await until(() => hostOf(running).state, "running");
      expect(hostOf(running)).toMatchObject({ restarts: 1, scripts: ["crash", "neighbour", "slow"] });
      expect(hostOf(running).pid).not.toBe(pid);
    });
  }

  it("again and again is given up alone", async () => {
    const crash = check("check_crash", "os._exit(7)", "import os");
    const running = await start({ "crash.py": crash, "neighbour.py": neighbour });
    const { query, log } = running;
    const lost = [3, "python: script host was lost: it exited with code 7, while it ran check_crash of crash", ""];
    for (let loss = 1; loss <= 3; loss++) {
      await until(() => hostOf(running).state, "running");
      expect(await query("check_crash")).toEqual(lost);
    }
    await until(() => query("check_neighbour"), [0, "call 1", ""]);
    expect(await query("check_crash")).toEqual([3, "python: crash was given up: it exited with code 7", ""]);
    await until(() => hostOf(running).state, "running");
    expect(hostOf(running)).toMatchObject({
      scripts: ["crash (python: crash was given up: it exited with code 7)", "neighbour"],
    });
    expect(log.texts("error").at(-1)).toBe(
      "crash is given up, it took the script host down with it: it exited with code 7",
    );
  });
});

describe("a Python script that uses too much memory", () => {
  const eats = check(
    "check_eats",
    "if not args: return status.OK, 'alive'\nwhile True:\n    kept.append(bytearray(b'x' * 2**24))\n    time.sleep(0.02)",
    "import time\nkept = []",
  );

  it("is ended with its process, which comes back with all its scripts", async () => {
    const running = await start({ "eats.py": eats, "neighbour.py": neighbour }, { memoryLimit: 200 * 1024 ** 2 });
    const { query } = running;
    const [state, message] = await query("check_eats", "now");
    expect([state, message.replace(/\d+ MB of/, "n MB of")]).toEqual([
      3,
      "python: script host was lost: it used n MB of memory, its limit is 200 MB, while it ran check_eats of eats",
    ]);
    await until(() => query("check_eats"), [0, "alive", ""]);
    await until(() => query("check_neighbour"), [0, "call 1", ""]);
    await until(() => hostOf(running).state, "running");
    expect(hostOf(running).restarts).toBe(1);
  });

  it("is ended alone where every script has a process", async () => {
    const running = await start(
      { "eats.py": eats, "neighbour.py": neighbour },
      { isolation: "script", entries: { eats: { memoryLimit: 100 * 1024 ** 2 } } },
    );
    const { query, script } = running;
    expect(await query("check_neighbour")).toEqual([0, "call 1", ""]);
    const [state, message] = await query("check_eats", "now");
    expect([state, message.replace(/\d+ MB of/, "n MB of")]).toEqual([
      3,
      "python: script host was lost: it used n MB of memory, its limit is 100 MB, while it ran check_eats of eats",
    ]);
    await until(() => query("check_eats"), [0, "alive", ""]);
    expect(await query("check_neighbour")).toEqual([0, "call 2", ""]);
    const hosts = script()
      .status()
      .hosts?.map(({ name, restarts }) => ({ name, restarts }));
    expect(hosts).toEqual([
      { name: "python/eats", restarts: 1 },
      { name: "python/neighbour", restarts: 0 },
    ]);
  });

  it("is told when it asks for more than there is", async () => {
    const source = check("check_much", "return 'x' * 10**15");
    const { query, log, folder } = await start({ "much.py": source });
    expect(await query("check_much")).toEqual([3, "Exception in: check_much", ""]);
    // Newer versions underline what failed.
    const trace = log.texts("error").map((text) => text.replace(/^ *[~^]+\n/m, ""));
    expect(trace).toEqual([
      `Exception in check_much: Traceback (most recent call last):\n  File "${folder}/much.py", line ${lineOf(source, "10**15")}, in check\n    return 'x' * 10**15\nMemoryError`,
    ]);
  });
});

describe("a Python script that blocks the interpreter", () => {
  const blocks: Readonly<Record<string, { body: string; more: string }>> = {
    "in a library": { body: "ctypes.PyDLL(None).sleep(60)", more: "import ctypes" },
    "in a regular expression": { body: "re.match('(a+)+$', 'a' * 40 + 'b')", more: "import re" },
  };
  for (const [where, { body, more }] of Object.entries(blocks)) {
    it(`${where} costs the process, says where, and everything is started again`, async () => {
      const source = check("check_block", `if not args: return status.OK, 'alive'\n${body}`, more);
      const running = await start({ "block.py": source, "neighbour.py": neighbour }, { queryTimeoutMs: 1000 });
      const { query, log } = running;
      const { pid } = hostOf(running);
      const blocked = query("check_block", "now");
      const meanwhile = query("check_neighbour");
      expect(await blocked).toEqual([3, "check_block timed out after 1 s: the process of block does not react", ""]);
      await meanwhile;
      const { text } = await log.written(/script host was lost/);
      expect(text).toBe(
        `python: the script host was lost and is restarted in 0 ms: check_block of block did not react any more: block.py:${lineOf(source, body)} in check`,
      );
      await until(() => query("check_block"), [0, "alive", ""]);
      await until(() => query("check_neighbour"), [0, "call 1", ""]);
      await until(() => hostOf(running).state, "running");
      expect(hostOf(running)).toMatchObject({ restarts: 1, scripts: ["block", "neighbour"] });
      expect(hostOf(running).pid).not.toBe(pid);
    });
  }
});
