import { describe, expect, it } from "vitest";
import { check, hostOf, isRunning, neighbour, startPython, until } from "../support/python-source.js";
import { type Harness, type HarnessOptions, stoppedAfterTest } from "../support/script-harness.js";

function start(files: Readonly<Record<string, string>>, options: HarnessOptions = {}): Promise<Harness> {
  return stoppedAfterTest(startPython(files, options));
}

/** Newer versions of Python don't like forks of processes with threads. */
function isWarning(text: string): boolean {
  return /: DeprecationWarning: |^\w+: {3}pid = os\.fork\(\)$/.test(text);
}

/** Processes that hold all that they inherit for a minute; each check answers with the id of one. */
const holders: Readonly<Record<string, string>> = {
  fork: "pid = os.fork()\nif pid == 0: time.sleep(60)\nreturn 0, str(pid)",
  unnoticed: "pid = ctypes.CDLL(None).fork()\nif pid == 0: ctypes.CDLL(None).sleep(60)\nreturn 0, str(pid)",
  program: "return 0, str(subprocess.Popen(['sleep', '60'], close_fds=False).pid)",
  background:
    "return 0, subprocess.check_output('sleep 60 >&2 & echo $!', shell=True, text=True, close_fds=False).strip()",
  worker:
    "process = multiprocessing.get_context('fork').Process(target=time.sleep, args=(60,))\nprocess.start()\nreturn 0, str(process.pid)",
  stubborn:
    "pid = os.fork()\nif pid == 0:\n    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())\n    time.sleep(60)\nreturn 0, str(pid)",
};

const imports = "import concurrent.futures, ctypes, multiprocessing, os, signal, subprocess, time";

async function startHolders(): Promise<{ running: Harness; pids: string[] }> {
  const files = Object.entries(holders).map(([name, body]) => [`${name}.py`, check(`check_${name}`, body, imports)]);
  const crash = check("check_crash", "os._exit(7)", imports);
  const running = await start({ ...Object.fromEntries(files), "crash.py": crash, "neighbour.py": neighbour });
  // One after the other: a fork takes along the pipes that another thread has just made.
  const answers: [number, string, string][] = [];
  for (const name of Object.keys(holders)) answers.push(await running.query(`check_${name}`));
  expect(answers.map(([state, , perf]) => [state, perf])).toEqual(answers.map(() => [0, ""]));
  const pids = answers.map(([, pid]) => pid);
  expect(pids.map((pid) => isRunning(pid))).toEqual(pids.map(() => true));
  expect(await running.query("check_neighbour")).toEqual([0, "call 1", ""]);
  return { running, pids };
}

describe("processes that Python scripts start and that hold what they inherit", () => {
  it("end with the module, which they don't hold up", async () => {
    const { running, pids } = await startHolders();
    const { pid } = hostOf(running);
    await running.modules.stopAll();
    await until(() => pids.concat(String(pid)).filter((one) => isRunning(one)), []);
  });

  it("end with their process, which is replaced", async () => {
    const { running, pids } = await startHolders();
    expect(await running.query("check_crash")).toEqual([
      ...[3, "python: script host was lost: it exited with code 7, while it ran check_crash of crash", ""],
    ]);
    await until(() => pids.filter((one) => isRunning(one)), []);
    await until(() => running.query("check_neighbour"), [0, "call 1", ""]);
  });

  it("are not held against a script that is ended alone", async () => {
    const fork = check("check_fork", "if os.fork() == 0: time.sleep(60)\ntime.sleep(60)", imports);
    const running = await start({ "fork.py": fork, "neighbour.py": neighbour }, { queryTimeoutMs: 500 });
    const { pid } = hostOf(running);
    await running.query("check_fork");
    await running.log.written(/^fork was ended and is restarted/);
    expect(await running.query("check_neighbour")).toEqual([0, "call 1", ""]);
    expect(hostOf(running)).toMatchObject({ pid, restarts: 1 });
  });
});

const pools: Readonly<Record<string, readonly [body: string, answer: string]>> = {
  returns: ["pid = os.fork()\nif pid == 0: return 0, 'child'\nreturn 0, str(os.waitpid(pid, 0)[1])", "0"],
  raises: ["pid = os.fork()\nif pid == 0: raise ValueError('child')\nreturn 0, str(os.waitpid(pid, 0)[1])", "0"],
  ...Object.fromEntries(
    ["fork", "spawn", "forkserver"].map((method) => [
      method,
      [
        `with multiprocessing.get_context('${method}').Pool(2) as pool:\n    return 0, str(pool.map(_helper.double, [1, 2, 3]))`,
        "[2, 4, 6]",
      ],
    ]),
  ),
  queue: [
    "context = multiprocessing.get_context('fork')\nqueue = context.Queue()\nprocess = context.Process(target=lambda: queue.put(42))\nprocess.start()\nvalue = queue.get(timeout=10)\nprocess.join()\nreturn 0, '%s %s' % (value, process.exitcode)",
    "42 0",
  ],
  executor: [
    "with concurrent.futures.ProcessPoolExecutor(2) as pool:\n    return 0, str(list(pool.map(_helper.double, [1, 2, 3])))",
    "[2, 4, 6]",
  ],
  threads: [
    "with concurrent.futures.ThreadPoolExecutor(2) as pool:\n    return 0, str(list(pool.map(lambda n: core.simple_query('check_double', [str(n)])[1], [1, 2, 3])))",
    "['2', '4', '6']",
  ],
};

describe("a Python script that works in several processes", () => {
  it("gets the results, whatever way they are started", async () => {
    const files = Object.entries(pools).map(([name, [body]]) => {
      return [`${name}.py`, check(`check_${name}`, body, `${imports}, _helper`)];
    });
    const running = await start({
      ...Object.fromEntries(files),
      "_helper.py": "def double(number):\n    return number * 2\n",
      "double.py": check("check_double", "return 0, str(int(args[0]) * 2)"),
    });
    const names = Object.keys(pools);
    const answers: unknown[] = [];
    for (const name of names) answers.push(await running.query(`check_${name}`));
    expect(Object.fromEntries(names.map((name, index) => [name, answers[index]]))).toEqual(
      Object.fromEntries(Object.entries(pools).map(([name, [, answer]]) => [name, [0, answer, ""]])),
    );
    expect(running.log.texts("error").filter((text) => !isWarning(text))).toEqual([]);
    expect(hostOf(running).restarts).toBe(0);
  });

  it("can't call the gateway from a forked one, which says so", async () => {
    const body = `
ours, theirs = os.pipe()
pid = os.fork()
if pid == 0:
    asks = [lambda: core.simple_submit('inbox', 'check', 0, '', ''), lambda: core.reload('python'),
            lambda: Settings.get(1).get_string('/x', 'y', 'z'), lambda: core.simple_query('check_neighbour', []),
            lambda: Registry.get(1).simple_function('check_new', check), lambda: sleep(1), lambda: print('printed')]
    for ask in asks:
        try:
            told = repr(ask())
        except BaseException as error:
            told = repr(error)
        os.write(theirs, told.encode() + b'\\n')
    os._exit(0)
os.waitpid(pid, 0)
return 0, os.read(ours, 10000).decode()`;
    const running = await start({ "fork.py": check("check_fork", body, imports), "neighbour.py": neighbour });
    const { query, log } = running;
    const refused = `RuntimeError("A process that a script forked can't call the gateway.")`;
    const [state, told] = await query("check_fork");
    expect([state, told.trim().split("\n")]).toEqual([
      0,
      [
        ...[refused, refused, refused, "(NSCP.status.UNKNOWN, '', '')"],
        `RuntimeError("A process that a script forked can't register anything.")`,
        ...["None", "None"],
      ],
    ]);
    await log.written(/printed/);
    const lines = log.records
      .filter(({ level, text }) => level !== "debug" && !isWarning(text))
      .map(({ level, text }) => [level, text]);
    expect(lines).toEqual([
      ["info", "neighbour starts"],
      ["error", "python: Failed to run check_neighbour: A process that a script forked can't call the gateway."],
      ["info", "python: printed"],
    ]);
    expect(await query("check_neighbour")).toEqual([0, "call 1", ""]);
  });
});
