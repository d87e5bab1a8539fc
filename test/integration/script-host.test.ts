import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { pythonHostCommand } from "../../dist/modules/python-script/host-command.js";
import { HostProcess } from "../../dist/script-host/host-process.js";
import {
  Event,
  EventMessage,
  ExecuteRequest,
  ExecuteRequestMessage,
  Line,
  QueryResponse,
  SubmitRequestMessage,
} from "../../dist/wire/messages.js";
import { needPeer, python } from "../peers/peers.js";
import { clock, type Harness, type HarnessOptions, startScripts } from "../support/script-harness.js";

const minimalHost = fileURLToPath(new URL("../support/minimal-host.js", import.meta.url));
let harness: Harness | undefined;

afterEach(async () => {
  await harness?.stop();
  harness = undefined;
});

function start(
  files: Readonly<Record<string, object>>,
  hostArgs: readonly string[] = [minimalHost],
  options: HarnessOptions = {},
): Promise<Harness> {
  const sources = Object.fromEntries(Object.entries(files).map(([name, content]) => [name, JSON.stringify(content)]));
  return startScripts(sources, {
    command: () => ({ file: process.execPath, args: hostArgs, env: process.env, lanes: 0 }),
    startTimeoutMs: 5_000,
    ...options,
  });
}

/** With a host that knows where its callbacks are. */
async function startWhere(files: Readonly<Record<string, object>>, options: HarnessOptions = {}): Promise<Harness> {
  harness = await start(files, [minimalHost, "where"], { queryTimeoutMs: 200, ...options });
  return harness;
}

function hostOf({ script }: Harness) {
  return script().status().hosts?.[0];
}

const one = { register: [["query", "check_one"]], answer: [1, "one", "'a'=1"] };
const two = { register: [["query", "check_two"]], answer: [0, "two", ""] };

describe("a host of another language", () => {
  it("has its scripts on one channel", async () => {
    harness = await start({ "one.json": one, "two.json": two });
    const { queryAll, log } = harness;
    expect(await queryAll(["check_one", "check_two", "check_one"])).toEqual([
      [1, "one", "'a'=1"],
      [0, "two", ""],
      [1, "one", "'a'=1"],
    ]);
    expect(
      log.records.filter(({ level }) => level === "info").map(({ text, fields }) => [text, fields["script"]]),
    ).toEqual([
      ["asked for check_one", "one"],
      ["asked for check_two", "two"],
      ["asked for check_one", "one"],
    ]);
  });

  it("is replaced when it ends, with all scripts", async () => {
    harness = await start({ "one.json": one, "exit.json": { ...two, exit: true } });
    const { query } = harness;
    expect(await query("check_two")).toEqual([
      3,
      "node: script host was lost: it exited with code 7, while it ran check_two of exit",
      "",
    ]);
    await expect.poll(() => query("check_one"), { timeout: 20_000 }).toEqual([1, "one", "'a'=1"]);
  });

  it("that can't be started is tried again, given up, and shown so, and the gateway runs", async () => {
    harness = await start({ "one.json": one }, ["-e", "process.exit(3)"]);
    const host = () => harness?.script().status().hosts?.[0];
    await expect.poll(() => host()?.state, { timeout: 20_000 }).toBe("given up");
    expect(host()).toEqual({
      name: "node",
      state: "given up",
      pid: 0,
      restarts: 2,
      lastFailure: "it exited with code 3",
      scripts: ["one (node: script host was given up: it exited with code 3)"],
    });
    expect(await harness.query("check_one")).toEqual([3, "Unknown command(s): check_one", ""]);
  });

  it("that speaks another version of the protocol is told apart from one that crashed", async () => {
    const speaksTwo = `const head = Buffer.from('[{"t":"ready","protocol":2,"host":"new"}]'), prefix = Buffer.alloc(8);
      prefix.writeUInt32BE(head.length + 4, 0); prefix.writeUInt32BE(head.length, 4);
      new (require("node:net").Socket)({ fd: 3 }).write(Buffer.concat([prefix, head]));`;
    harness = await start({ "one.json": one }, ["-e", speaksTwo]);
    const host = () => harness?.script().status().hosts?.[0];
    await expect
      .poll(() => host()?.lastFailure, { timeout: 20_000 })
      .toBe("it speaks version 2 of the protocol instead of 1");
  });
});

const hang = { register: [["query", "check_hang"]], answer: [0, "after all", ""], at: "hang.py:3 in check" };
const free = { register: [["query", "free"]], answer: [0, "free", ""], frees: true };
const hangs = "hang is at hang.py:3 in check";

describe("a script that hangs", () => {
  it("says where, in the answer and in the log, and is started again", async () => {
    const { query, log } = await startWhere({ "hang.json": hang, "one.json": one });
    const text = `check_hang timed out after 0.2 s: ${hangs}`;
    expect(await query("check_hang")).toEqual([3, text, ""]);
    expect(log.texts("warn")).toEqual([text]);
    await log.written(/^hang was ended and is restarted: it did not react any more: hang\.py:3 in check$/);
    expect(await query("check_one")).toEqual([1, "one", "'a'=1"]);
  });

  it("says where for passive results, events and commands with a deadline", async () => {
    const register = [
      ["channel", "inbox"],
      ["event", "news"],
      ["command", "clean"],
    ];
    const { core, call, log } = await startWhere(
      { "hang.json": { ...hang, register } },
      { entries: { hang: { timeoutMs: 200 } }, timeoutAction: "report" },
    );
    const payload = [QueryResponse.create({ lines: [Line.create({ message: "a" })] })];
    const { message } = await core.submit("inbox", SubmitRequestMessage.create({ payload }), call());
    const inbox = `node: hang took longer than 0.2 s for inbox: ${hangs}`;
    const news = `node: hang took longer than 0.2 s for news: its turn has not come: ${hangs}`;
    expect(message.payload.map(({ result }) => result?.message)).toEqual([inbox]);
    await core.emit(EventMessage.create({ payload: [Event.create({ event: "news" })] }), call());
    expect(log.texts("warn").filter((text) => text.includes("took longer"))).toEqual([inbox, news]);
    const clean = ExecuteRequestMessage.create({ payload: [ExecuteRequest.create({ command: "clean" })] });
    const answer = await core.execute("", clean, call(2_000));
    expect(answer.message.payload[0]?.message).toMatch(
      /^clean timed out after \S+ s: its turn has not come: hang is at hang\.py:3 in check$/,
    );
  });

  it("is left alone with the action report, and shown until it answers after all", async () => {
    const running = await startWhere({ "hang.json": hang, "free.json": free }, { timeoutAction: "report" });
    const { query, log } = running;
    const { pid } = hostOf(running) ?? {};
    const text = `check_hang timed out after 0.2 s: ${hangs}`;
    expect(await query("check_hang")).toEqual([3, text, ""]);
    await log.written(/^hang hangs at hang\.py:3 in check$/);
    expect(hostOf(running)?.scripts).toEqual(["hang (hangs at hang.py:3 in check)", "free"]);
    const next = `check_hang timed out after 0.2 s: its turn has not come: ${hangs}`;
    expect(await query("check_hang")).toEqual([3, next, ""]);
    expect(await query("free")).toEqual([0, "free", ""]);
    await log.written(/^hang answers again, \d+(\.\d)? s late$/);
    expect(hostOf(running)).toMatchObject({ pid, restarts: 0, scripts: ["hang", "free"] });
    expect(log.texts("warn")).toEqual([text, "hang hangs at hang.py:3 in check", next]);
  });

  it("can have an action of its own", async () => {
    const running = await startWhere(
      { "hang.json": hang, "free.json": free },
      { entries: { hang: { timeoutAction: "report" } } },
    );
    await running.query("check_hang");
    await running.log.written(/^hang hangs at /);
    expect(hostOf(running)?.restarts).toBe(0);
  });

  it("says where its file hangs that is not read in time", async () => {
    const loads = { ...one, loadsAt: "one.py:2 in <module>" };
    const { log, folder, script, query } = await startWhere(
      { "one.json": loads, "two.json": two },
      { startTimeoutMs: 2_000, inTurn: true },
    );
    const { text } = await log.written(/^Failed to load script/);
    const reason = `Loading ${join(folder, "one.json")} took longer than 2 s: it is at one.py:2 in <module>`;
    expect(text).toBe(`Failed to load script: ${join(folder, "one.json")}: Error: ${reason}`.replace("Error: ", ""));
    expect(script().trouble("one")).toBe(`node: one failed to load: ${reason}`);
    expect(await query("check_two")).toEqual([0, "two", ""]);
  });
});

describe("a process in which nothing reacts", () => {
  it("is replaced whatever the action is, and the others go on", async () => {
    const block = { register: [["query", "check_block"]], answer: [0, "", ""], blocks: true };
    const running = await startWhere({ "block.json": block, "one.json": one }, { timeoutAction: "report" });
    const { query, log } = running;
    expect(await query("check_block")).toEqual([
      3,
      "check_block timed out after 0.2 s: the process of block does not react",
      "",
    ]);
    const { text } = await log.written(/script host was lost/);
    expect(text).toBe(
      "node: the script host was lost and is restarted in 0 ms: check_block of block did not react any more",
    );
    await expect.poll(() => query("check_one"), { timeout: 20_000 }).toEqual([1, "one", "'a'=1"]);
  });
});

describe("a script that takes the process down", () => {
  it("is given up the third time, and the others go on", async () => {
    const running = await startWhere({ "one.json": one, "exit.json": { ...two, exit: true } });
    const { query, log } = running;
    const lost = [3, "node: script host was lost: it exited with code 7, while it ran check_two of exit", ""];
    for (let loss = 1; loss <= 3; loss++) {
      await expect.poll(() => query("check_two"), { timeout: 20_000 }).toEqual(lost);
    }
    await expect.poll(() => query("check_one"), { timeout: 20_000 }).toEqual([1, "one", "'a'=1"]);
    expect(await query("check_two")).toEqual([3, "node: exit was given up: it exited with code 7", ""]);
    await log.written(/^exit is given up, it took the script host down with it: it exited with code 7$/);
    expect(hostOf(running)).toMatchObject({
      state: "running",
      restarts: 3,
      scripts: ["one", "exit (node: exit was given up: it exited with code 7)"],
    });
    await running.modules.reload("node");
    expect(await query("check_two")).toEqual(lost);
  });
});

describe("scripts that start in turn", () => {
  it("are read when the one before is through its init", async () => {
    const files = { "b.json": two, "a.json": one };
    const entries = { a: { alias: "", pluginAlias: "" } };
    const { log } = await startWhere(files, { inTurn: true, entries });
    const told = log.texts("debug").filter((text) => /^(load|init) /.test(text));
    expect(told).toEqual(["load 1", "init node b", "load 2", "init  "]);
  });
});

describe("a reload that keeps the process", () => {
  it("starts the scripts of the settings in it, those that changed and new ones, and no others", async () => {
    const running = await startWhere({ "one.json": one, "two.json": two }, { keepProcess: true });
    const { query, write, modules, folder } = running;
    const { pid } = hostOf(running) ?? {};
    write("one.json", JSON.stringify({ register: [["query", "check_other"]], answer: [0, "other", ""] }));
    rmSync(join(folder, "two.json"));
    expect(await modules.reload("node")).toBe(true);
    expect(hostOf(running)).toMatchObject({ pid, state: "running", restarts: 0, scripts: ["one"] });
    expect(await query("check_other")).toEqual([0, "other", ""]);
    expect(await query("check_one")).toEqual([3, "Unknown command(s): check_one", ""]);
    expect(await query("check_two")).toEqual([3, "Unknown command(s): check_two", ""]);
    write("two.json", JSON.stringify(two));
    await modules.reload("node");
    expect(await query("check_two")).toEqual([0, "two", ""]);
    expect(hostOf(running)).toMatchObject({ pid, scripts: ["one", "two"] });
  });

  it("lets those wait who ask meanwhile, and gives up those who are not answered in time", async () => {
    const running = await startWhere(
      { "hang.json": hang, "one.json": one },
      { keepProcess: true, queryTimeoutMs: 20_000, stopTimeoutMs: 1_000 },
    );
    const { query, modules, log } = running;
    const { pid } = hostOf(running) ?? {};
    const inFlight = query("check_hang");
    await log.written(/^asked for check_hang$/);
    const reloaded = modules.reload("node");
    const meanwhile = query("check_one");
    expect(await inFlight).toEqual([3, "node: hang was reloaded", ""]);
    expect(await meanwhile).toEqual([1, "one", "'a'=1"]);
    expect(await reloaded).toBe(true);
    expect(hostOf(running)).toMatchObject({ pid, restarts: 0 });
  });

  it("takes another process when a script can't be ended", async () => {
    const running = await startWhere({ "one.json": { ...one, stays: true }, "two.json": two }, { keepProcess: true });
    const { query, modules, log } = running;
    const { pid } = hostOf(running) ?? {};
    expect(await modules.reload("node")).toBe(true);
    expect(log.texts("warn")).toEqual(["node: one could not be ended: the process is replaced"]);
    expect(await query("check_one")).toEqual([1, "one", "'a'=1"]);
    expect(hostOf(running)).toMatchObject({ state: "running", restarts: 1 });
    expect(hostOf(running)?.pid).not.toBe(pid);
  });

  it("keeps the process of each script where every script has one", async () => {
    const running = await startWhere({ "one.json": one, "two.json": two }, { keepProcess: true, isolation: "script" });
    const pids = () =>
      running
        .script()
        .status()
        .hosts?.map(({ name, pid }) => [name, pid]);
    const before = pids();
    await running.modules.reload("node");
    expect(pids()).toEqual(before);
    expect(await running.query("check_two")).toEqual([0, "two", ""]);
    rmSync(join(running.folder, "two.json"));
    await running.modules.reload("node");
    expect(pids()).toEqual(before?.slice(0, 1));
  });
});

describe("the last words of a Python process", () => {
  beforeEach((context) => {
    needPeer(python, context);
  });

  /** Runs a file with the interpreter alone, and kills it when it says so. Resolves with the reason and the place. */
  async function run(source: string): Promise<{ reason: string; place: string | undefined; stacks: number }> {
    const folder = mkdtempSync(join(tmpdir(), "nscp-last-words-"));
    const file = join(folder, "script.py");
    writeFileSync(file, source);
    let stacks = 0;
    try {
      return await new Promise((resolve) => {
        const process = new HostProcess(
          { ...pythonHostCommand({ executable: "python3", cache: "", scripts: folder }), args: ["-u", file] },
          { memoryLimit: undefined },
          clock,
          {
            onControl() {},
            onLine(_stream, text) {
              if (text === "stuck") process.killStuck("check of script did not react any more", [file]);
            },
            onStack() {
              stacks++;
            },
            onExit: (reason, place) => resolve({ reason, place: place?.file.replace(folder, ""), stacks }),
          },
        );
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  it("say where it crashed", async () => {
    const crash =
      "import ctypes, faulthandler\nfaulthandler.enable(all_threads=ALL)\ndef crash():\n    ctypes.string_at(0)\ncrash()\n";
    for (const all of ["True", "False"]) {
      expect(await run(crash.replace("ALL", all))).toEqual({
        reason: "it was ended by SIGSEGV at script.py:4 in crash",
        place: "/script.py",
        stacks: 0,
      });
    }
  });

  it("say where it is stuck although nothing else can run in it", async () => {
    const block = `
import ctypes, faulthandler, signal, threading
faulthandler.register(signal.SIGUSR2, all_threads=True)
def block():
    ctypes.PyDLL(None).system(b"echo stuck; exec sleep 60")
threading.Thread(target=block).start()
threading.Event().wait()
`;
    const { stacks, ...end } = await run(block);
    expect(end).toEqual({
      reason: "check of script did not react any more: script.py:5 in block",
      place: "/script.py",
    });
    expect(stacks).toBeGreaterThan(0);
  });
});
