import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { check, hostOf, lineOf, neighbour, startPython, until } from "../support/python-source.js";
import { type Harness, type HarnessOptions, stoppedAfterTest } from "../support/script-harness.js";

function start(files: Readonly<Record<string, string>>, options: HarnessOptions = {}): Promise<Harness> {
  return stoppedAfterTest(startPython(files, { queryTimeoutMs: 500, ...options }));
}

interface Hang {
  /** Of the check that hangs. */
  readonly body: string;
  /** Stands in the line of the script where it hangs. */
  readonly at: string;
  readonly more?: string;
  /** The function that the line is in; `check` unless given. */
  readonly in?: string;
  /** What that line calls, when it is Python code too; `N` is the number of a line in the standard library. */
  readonly within?: string;
  /** It uses the processor all the while. */
  readonly spins?: boolean;
}

const hangs: Readonly<Record<string, Hang>> = {
  sleeps: { body: "time.sleep(60)", at: "time.sleep", more: "import time" },
  circles: { body: "while True: pass", at: "while True", spins: true },
  helper: {
    body: "_helper.spin()",
    at: "_helper.spin",
    more: "import _helper",
    within: "_helper.py:2 in spin",
    spins: true,
  },
  lock: {
    body: "lock = threading.Lock()\nlock.acquire()\nlock.acquire(True)",
    at: "acquire(True)",
    more: "import threading",
  },
  event: {
    body: "threading.Event().wait()",
    at: "Event().wait",
    more: "import threading",
    within: "threading.py:N in wait",
  },
  program: {
    body: "subprocess.call(['sleep', '60'])",
    at: "subprocess.call",
    more: "import subprocess",
    within: "subprocess.py:N in _try_wait",
  },
  result: {
    body: "return Result()",
    at: "while True",
    in: "__len__",
    spins: true,
    more: "class Result:\n    def __len__(self):\n        while True: pass",
  },
  reads: { body: "os.read(os.pipe()[0], 1)", at: "os.read", more: "import os" },
  catches: {
    body: "while True:\n    try:\n        time.sleep(60)\n    except Exception:\n        pass",
    at: "time.sleep",
    more: "import time",
  },
};

/** Lines of the standard library are not the same in every version. */
function plain(text: string): string {
  return text.replace(/(threading|subprocess)\.py:\d+/, "$1.py:N");
}

describe("Python scripts that hang", () => {
  const sources = Object.entries(hangs).map(([name, { body, more = "" }]) => {
    return [`${name}.py`, check(`check_${name}`, `if not args: return status.OK, 'alive'\n${body}`, more)];
  });
  const files: Readonly<Record<string, string>> = {
    ...Object.fromEntries(sources),
    "_helper.py": "def spin():\n    while True: pass\n",
    "neighbour.py": neighbour,
  };
  const places = Object.entries(hangs).map(([name, { at, in: where = "check", within, spins = false }]) => {
    const place = `${name}.py:${lineOf(files[`${name}.py`] ?? "", at)} in ${where}`;
    return { name, spins, place: within === undefined ? place : `${place} (${within})` };
  });
  places.sort((one, other) => Number(one.spins) - Number(other.spins));

  it("say where, each in its own way, and are started again; a neighbour answers on and keeps its state", async () => {
    const running = await start(files);
    const { query, log } = running;
    const { pid } = hostOf(running);
    expect(await query("check_neighbour")).toEqual([0, "call 1", ""]);
    const late = places.filter(({ spins }) => !spins).map(({ name }) => query(`check_${name}`, "now"));
    expect(await query("check_neighbour")).toEqual([0, "call 2", ""]);
    const answers = await Promise.all(late);
    // One at a time: several would keep the interpreter from saying in time where they are.
    for (const { name } of places.filter(({ spins }) => spins)) {
      answers.push(await query(`check_${name}`, "now"));
      await log.written(new RegExp(`^${name} was ended`));
    }
    expect(answers.map(([state, message, perf]) => [state, plain(message), perf])).toEqual(
      places.map(({ name, place }) => [3, `check_${name} timed out after 0.5 s: ${name} is at ${place}`, ""]),
    );
    expect(await query("check_neighbour")).toEqual([0, "call 3", ""]);
    for (const { name } of places) await log.written(new RegExp(`^${name} was ended`));
    expect(log.texts("error").map(plain).sort()).toEqual(
      places.map(({ name, place }) => `${name} was ended and is restarted: it did not react any more: ${place}`).sort(),
    );
    for (const { name } of places) await until(() => query(`check_${name}`), [0, "alive", ""]);
    expect(await query("check_neighbour")).toEqual([0, "call 4", ""]);
    expect(hostOf(running)).toMatchObject({
      ...{ state: "running", pid, restarts: places.length },
      scripts: [...Object.keys(hangs), "neighbour"],
    });
    expect(log.texts("info")).toEqual(["neighbour starts"]);
  });

  it("end what was called after their turn was due, with the place that holds it up", async () => {
    const source = check("check_hang", "time.sleep(60)", "import time");
    const { query } = await start({ "hang.py": source });
    const first = query("check_hang");
    const second = query("check_hang");
    const place = `hang.py:${lineOf(source, "time.sleep")} in check`;
    expect(await first).toEqual([3, `check_hang timed out after 0.5 s: hang is at ${place}`, ""]);
    expect(await second).toEqual([
      ...[3, `check_hang timed out after 0.5 s: its turn has not come: hang is at ${place}`, ""],
    ]);
  });

  it("do not take those with them that wait for their answers", async () => {
    const caller = check("check_caller", "return core.simple_query('check_hang', ['now']) if args else (0, 'alive')");
    const hang = check("check_hang", "if args: time.sleep(60)\nreturn 0, 'alive'", "import time");
    const running = await start({ "caller.py": caller, "hang.py": hang });
    const { query, log } = running;
    const place = `caller.py:${lineOf(caller, "core.simple_query")} in check`;
    expect(await query("check_caller", "now")).toEqual([
      ...[3, `check_caller timed out after 0.5 s: caller is at ${place}`, ""],
    ]);
    expect(await query("check_caller")).toEqual([0, "alive", ""]);
    await log.written(/^hang was ended/);
    await until(() => query("check_hang"), [0, "alive", ""]);
    expect(log.texts("error")).toEqual([
      `hang was ended and is restarted: it did not react any more: hang.py:${lineOf(hang, "time.sleep")} in check`,
    ]);
    expect(hostOf(running)).toMatchObject({ restarts: 1, scripts: ["caller", "hang"] });
  });

  it("are left alone with the action report, and shown until they answer after all", async () => {
    const source = check(
      "check_hang",
      "if not args: return status.OK, 'alive'\ngate.acquire(True)\nreturn status.OK, 'late'",
      "import threading\ngate = threading.Lock()\ngate.acquire()\nimport _gates\n_gates.hang = gate",
    );
    const opener = check("check_open", "_gates.hang.release()\nreturn status.OK, 'open'", "import _gates");
    const running = await start(
      { "hang.py": source, "opener.py": opener, "_gates.py": "" },
      { timeoutAction: "report" },
    );
    const { query, log } = running;
    const { pid } = hostOf(running);
    const place = `hang.py:${lineOf(source, "acquire(True)")} in check`;
    const text = `check_hang timed out after 0.5 s: hang is at ${place}`;
    expect(await query("check_hang", "now")).toEqual([3, text, ""]);
    await log.written(/^hang hangs at /);
    expect(hostOf(running).scripts).toEqual([`hang (hangs at ${place})`, "opener"]);
    expect(await query("check_open")).toEqual([0, "open", ""]);
    await log.written(/^hang answers again, \d+(\.\d)? s late$/);
    expect(await query("check_hang")).toEqual([0, "alive", ""]);
    expect(hostOf(running)).toMatchObject({ pid, restarts: 0, scripts: ["hang", "opener"] });
    expect(log.texts("warn")).toEqual([text, `hang hangs at ${place}`]);
    expect(log.texts("error")).toEqual([]);
  });

  it("say where init and the file itself hang, and the others start", async () => {
    const file = "import time\ntime.sleep(60)\n";
    const init = "import time\ndef init(plugin_id, plugin_alias, script_alias):\n    time.sleep(60)\n";
    const running = await start(
      { "file.py": file, "init.py": init, "neighbour.py": neighbour },
      { startTimeoutMs: 1000 },
    );
    const { query, log, folder } = running;
    expect(log.texts("error")).toEqual([
      `Failed to load script: ${folder}/file.py: Loading ${folder}/file.py took longer than 1 s: it is at file.py:2`,
      "init: init of init took longer than 1 s: it is at init.py:3 in init",
    ]);
    expect(await query("check_neighbour")).toEqual([0, "call 1", ""]);
  });
});

describe("a callback that comes back after its script was ended", () => {
  it("does no harm: its answer goes nowhere, and the gateway can't be asked by it", async () => {
    const source = check(
      "check_late",
      `if not args: return status.OK, 'life %s' % life
try:
    with open(os.path.join(folder, 'pipe')) as pipe: pipe.read()
except BaseException: pass
told = []
for ask in (lambda: core.simple_query('check_neighbour', []), lambda: log('I am back'), lambda: print('and I print'),
            lambda: Registry.get(1).simple_function('check_late', lambda args: (2, 'an old one'), ''),
            lambda: sleep(1)):
    try:
        told.append(repr(ask()))
    except BaseException as error:
        told.append(type(error).__name__)
with open(os.path.join(folder, 'told'), 'w') as file: file.write(' '.join(told))
return status.OK, 'too late'`,
      "import os, itertools, _lives\nfolder = os.path.dirname(__file__)\nlife = next(_lives.counter)",
    );
    const files = {
      ...{ "late.py": source, "neighbour.py": neighbour },
      "_lives.py": "import itertools\ncounter = itertools.count(1)\n",
    };
    const running = await start(files);
    const { query, log, folder } = running;
    const { pid } = hostOf(running);
    execFileSync("mkfifo", [join(folder, "pipe")]);
    await query("check_late", "now");
    await log.written(/^late was ended/);
    await until(() => query("check_late"), [0, "life 2", ""]);
    writeFileSync(join(folder, "pipe"), "");
    const told = () => {
      try {
        return readFileSync(join(folder, "told"), "utf8");
      } catch {
        return "";
      }
    };
    await until(told, "ScriptEnded None None ScriptEnded ScriptEnded");
    expect(await query("check_late")).toEqual([0, "life 2", ""]);
    expect(await query("check_neighbour")).toEqual([0, "call 1", ""]);
    expect(hostOf(running)).toMatchObject({ pid, restarts: 1 });
  });
});

describe("threads that can't be ended", () => {
  it("stay behind, up to a number; then the process is replaced and everything is back", async () => {
    const names = Array.from({ length: 18 }, (_, index) => `reads${index}`);
    const reads = (name: string) =>
      check(`check_${name}`, "if args: os.read(os.pipe()[0], 1)\nreturn status.OK, 'alive'", "import os");
    const running = await start({
      ...Object.fromEntries(names.map((name) => [`${name}.py`, reads(name)])),
      "neighbour.py": neighbour,
    });
    const { query, log } = running;
    const { pid } = hostOf(running);
    await Promise.all(names.map((name) => query(`check_${name}`, "now")));
    await log.written(/script host was lost/);
    for (const name of names) await until(() => query(`check_${name}`), [0, "alive", ""]);
    await until(() => query("check_neighbour"), [0, "call 1", ""]);
    await until(() => hostOf(running).state, "running");
    expect(hostOf(running).scripts).toEqual([...names, "neighbour"]);
    expect(hostOf(running).pid).not.toBe(pid);
    expect(log.texts("error").at(-1)).toMatch(
      /^python: the script host was lost and is restarted in 0 ms: reads\d+ could not be ended: it did not react any more: reads\d+\.py:5 in check$/,
    );
  });
});
