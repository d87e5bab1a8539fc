import { rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { descriptors, residentMiBOf, threads } from "../support/process-figures.js";
import { check, hostOf, startPython, until } from "../support/python-source.js";
import { type Harness, type HarnessOptions, stoppedAfterTest } from "../support/script-harness.js";

function start(files: Readonly<Record<string, string>>, options: HarnessOptions = {}): Promise<Harness> {
  return stoppedAfterTest(startPython(files, options));
}

const counter = {
  "counter.py": `${check("check_counter", "return 0, 'mine %d, shared %d' % (next(mine), next(_shared.counter))", "import itertools, _shared\nmine = itertools.count(1)")}
def shutdown():
    log('goodbye')
`,
  "_shared.py": "import itertools\ncounter = itertools.count(1)\n",
};

describe("a reload of the module", () => {
  it("keeps the process and what its scripts imported, and starts the scripts afresh after their shutdown", async () => {
    const running = await start({ ...counter, "old.py": check("check_old", "return 0, 'old'") });
    const { query, modules, write, log, folder } = running;
    const { pid } = hostOf(running);
    expect(await query("check_counter")).toEqual([0, "mine 1, shared 1", ""]);
    expect(await query("check_counter")).toEqual([0, "mine 2, shared 2", ""]);
    rmSync(join(folder, "old.py"));
    write("_shared.py", "raise ValueError('imported again')");
    expect(await modules.reload("python")).toBe(true);
    expect(log.texts("info")).toEqual(["goodbye"]);
    expect(await query("check_counter")).toEqual([0, "mine 1, shared 3", ""]);
    expect(await query("check_old")).toEqual([3, "Unknown command(s): check_old", ""]);
    write("counter.py", check("check_other", "return 0, 'other'"));
    expect(await modules.reload("python")).toBe(true);
    expect(await query("check_other")).toEqual([0, "other", ""]);
    expect(await query("check_counter")).toEqual([3, "Unknown command(s): check_counter", ""]);
    expect(hostOf(running)).toMatchObject({ pid, state: "running", restarts: 0, scripts: ["counter"] });
    expect(log.texts("info")).toEqual(["goodbye", "goodbye"]);
  });

  it("answers those who are there first, and those who come meanwhile too", async () => {
    const slow = check(
      "check_slow",
      "log('begun')\nsleep(300)\nreturn 0, 'life %d' % life",
      "import _shared\nlife = next(_shared.counter)",
    );
    // Long enough for two that come one after the other.
    const options = { stopTimeoutMs: 20_000 };
    const running = await start({ "slow.py": slow, "_shared.py": counter["_shared.py"] }, options);
    const { query, modules, log } = running;
    const first = query("check_slow");
    await log.written(/^begun$/);
    const reloaded = modules.reload("python");
    const second = query("check_slow");
    expect(await first).toEqual([0, "life 1", ""]);
    expect(await second).toEqual([0, expect.stringMatching(/^life [12]$/), ""]);
    expect(await reloaded).toBe(true);
    expect(await query("check_slow")).toEqual([0, "life 2", ""]);
    expect(log.texts("error")).toEqual([]);
  });

  it("ends a script that hangs, and the others have their answers", async () => {
    const hang = check("check_hang", "log('begun')\nwhile True: time.sleep(0.01)", "import time");
    const running = await start({ ...counter, "hang.py": hang });
    const { query, modules, log } = running;
    const { pid } = hostOf(running);
    const hanging = query("check_hang");
    await log.written(/^begun$/);
    const reloaded = modules.reload("python");
    const other = query("check_counter");
    expect(await hanging).toEqual([3, "python: hang was reloaded", ""]);
    expect(await other).toEqual([0, "mine 1, shared 1", ""]);
    expect(await reloaded).toBe(true);
    expect(hostOf(running)).toMatchObject({ pid, state: "running", restarts: 0, scripts: ["counter", "hang"] });
  });

  it("can be asked for by a callback, its own script's included, and happens when it has returned", async () => {
    const asks = check(
      "check_asks",
      "return 0, 'reload: %s, life %d' % (core.reload('python'), next(_shared.counter))",
      "import _shared",
    );
    const running = await start({
      "asks.py": `${asks}\ndef shutdown():\n    log('goodbye')\n`,
      "_shared.py": counter["_shared.py"],
    });
    const { query, log } = running;
    const { pid } = hostOf(running);
    expect(await query("check_asks")).toEqual([0, "reload: True, life 1", ""]);
    await log.written(/^goodbye$/);
    expect(await query("check_asks")).toEqual([0, "reload: True, life 2", ""]);
    await until(() => log.texts("info"), ["goodbye", "goodbye"]);
    await until(() => hostOf(running).state, "running");
    expect(hostOf(running)).toMatchObject({ pid, restarts: 0 });
    expect(log.texts("error")).toEqual([]);
  });

  it("again and again leaves nothing behind", async () => {
    const thread = check(
      "check_thread",
      "return 0, str(len(sys.path))",
      "import sys, threading\nthreading.Thread(target=lambda: None).start()",
    );
    const running = await start({ ...counter, "thread.py": thread });
    const { query, modules, log } = running;
    const { pid } = hostOf(running);
    const reload = async (times: number) => {
      for (let time = 0; time < times; time++) {
        await modules.reload("python");
        expect(await query("check_counter")).toEqual([0, expect.stringMatching(/^mine 1, shared \d+$/), ""]);
      }
    };
    await reload(10);
    const figures = () => ({ threads: threads(pid), descriptors: descriptors(pid), MiB: residentMiBOf(pid) });
    const before = figures();
    const path = await query("check_thread");
    await reload(100);
    const after = figures();
    console.log("100 reloads", { before, after });
    expect(after.descriptors).toBe(before.descriptors);
    // The pool keeps threads; how many were needed at once is a matter of chance.
    expect(after.threads - before.threads).toBeLessThan(8);
    expect(after.MiB - before.MiB).toBeLessThan(4);
    expect(await query("check_thread")).toEqual(path);
    expect(hostOf(running)).toMatchObject({ pid, state: "running", restarts: 0 });
    expect(log.texts("error")).toEqual([]);
  });
});
