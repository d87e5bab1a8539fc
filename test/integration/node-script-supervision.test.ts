import { execFileSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Event, EventMessage, Line, QueryResponse, SubmitRequestMessage } from "../../dist/wire/messages.js";
import { startGateway, temporaryFolder } from "../support/gateway-process.js";
import { type Harness, type HarnessOptions, startScripts, stoppedAfterTest } from "../support/script-harness.js";

function start(files: Readonly<Record<string, string>>, options: HarnessOptions = {}): Promise<Harness> {
  // Scripts that hang are not waited for long.
  return stoppedAfterTest(startScripts(files, { stopTimeoutMs: 500, ...options }));
}

/** A script with one check, whose body is given. */
function check(name: string, body: string, more = ""): string {
  return `import { Registry, status, log } from "nscp-gateway/script";
${more}
export function init(pluginId) {
  Registry.get(pluginId).simpleFunction("${name}", (args) => { ${body} }, "");
}`;
}

const well = check("check_well", 'return [status.OK, "well"];');

/** Asks until the answer is the expected one: a restart happens in its own time. */
async function until(ask: () => Promise<unknown>, expected: unknown): Promise<void> {
  await expect.poll(ask, { timeout: 20_000, interval: 50 }).toEqual(expected);
}

describe("a script that hangs", () => {
  const files = {
    "well.ts": well,
    "loop.ts": check("check_loop", 'if (args[0] === "now" || args.length === 0) for (;;); return [0, "alive"];'),
  };

  it("costs its own answer and no other of the same message", async () => {
    const { queryAll, query, script } = await start(files, { queryTimeoutMs: 2_000 });
    const commands = new Array<string>(100).fill("check_well");
    commands[40] = "check_loop";
    const answers = await queryAll(commands);
    const expected = commands.map((command) =>
      command === "check_loop" ? [3, "check_loop timed out after 2 s", ""] : [0, "well", ""],
    );
    expect(answers).toEqual(expected);
    expect(await query("check_well")).toEqual([0, "well", ""]);
    expect(await query("check_loop", "later")).toEqual([0, "alive", ""]);
    expect(script().status().hosts?.[0]).toMatchObject({ state: "running", restarts: 1 });
  });

  it("is left alone, and shown, when that is wanted", async () => {
    const { query, script, log } = await start(files, { queryTimeoutMs: 500, timeoutAction: "report" });
    expect(await query("check_loop")).toEqual([3, "check_loop timed out after 0.5 s", ""]);
    await log.written(/^loop hangs$/);
    expect(script().status().hosts?.[0]).toMatchObject({ restarts: 0, scripts: ["well", "loop (hangs)"] });
    expect(await query("check_well")).toEqual([0, "well", ""]);
  });

  it("answers again in a new process when its thread can't be ended", async () => {
    const block = check(
      "check_block",
      'if (args[0] === "now") execSync("sleep 60"); return [0, "alive"];',
      'import { execSync } from "node:child_process";',
    );
    const { query, log } = await start({ "block.ts": block, "well.ts": well }, { queryTimeoutMs: 500 });
    expect(await query("check_block", "now")).toEqual([3, "check_block timed out after 0.5 s", ""]);
    await log.written(/script host was lost/);
    await until(() => query("check_block"), [0, "alive", ""]);
    await until(() => query("check_well"), [0, "well", ""]);
  });

  it("is not restarted for an async callback that never ends", async () => {
    const never = check("check_never", 'return args[0] === "never" ? new Promise(() => {}) : [0, "alive"];');
    const { query, script } = await start({ "never.ts": never }, { queryTimeoutMs: 200 });
    expect(await query("check_never", "never")).toEqual([3, "check_never timed out after 0.2 s", ""]);
    expect(await query("check_never")).toEqual([0, "alive", ""]);
    expect(script().status().hosts?.[0]).toMatchObject({ restarts: 0 });
  });

  it("holds nobody up who submits, tells of an event or collects metrics", async () => {
    const hanging = `import { Registry } from "nscp-gateway/script";
export function init(pluginId) {
  const registry = Registry.get(pluginId);
  registry.simpleSubscription("inbox", () => new Promise(() => {}));
  registry.event("news", () => new Promise(() => {}));
  registry.fetchMetrics(() => new Promise(() => {}));
}`;
    const looping = `import { Registry } from "nscp-gateway/script";
export function init(pluginId) {
  Registry.get(pluginId).fetchMetrics(() => { for (;;); });
  Registry.get(pluginId).simpleFunction("check_looping", () => [0, "alive"]);
}`;
    const metrics = `import { log, Registry } from "nscp-gateway/script";
export function init(pluginId) {
  Registry.get(pluginId).fetchMetrics(() => ({ count: 1 }));
  Registry.get(pluginId).submitMetrics((all) => log(JSON.stringify(all)));
}`;
    const { core, call, log, query } = await start(
      { "hanging.ts": hanging, "looping.ts": looping, "metrics.ts": metrics },
      { entries: { hanging: { timeoutMs: 200 }, looping: { timeoutMs: 200 } } },
    );
    const { message } = await core.submit(
      "inbox",
      SubmitRequestMessage.create({ payload: [QueryResponse.create({ lines: [Line.create({ message: "a" })] })] }),
      call(),
    );
    expect(message.payload.map(({ result }) => result?.message)).toEqual([
      "node: hanging took longer than 0.2 s for inbox",
    ]);
    await core.emit(EventMessage.create({ payload: [Event.create({ event: "news" })] }), call());
    await core.collectMetrics();
    expect(log.texts("info")).toEqual(['{"count":"1"}']);
    expect(log.texts("warn").sort()).toEqual([
      "node: hanging took longer than 0.2 s for inbox",
      "node: hanging took longer than 0.2 s for metrics",
      "node: hanging took longer than 0.2 s for news",
      "node: looping took longer than 0.2 s for metrics",
    ]);
    await log.written(/^looping was ended and is restarted: it did not react any more$/);
    await until(() => query("check_looping"), [0, "alive", ""]);
  });
});

describe("a script that fails", () => {
  it("answers UNKNOWN for what it throws or rejects, and the log has its own lines", async () => {
    const source = check(
      "check_throw",
      'const text: string = "no luck";\n  if (args[0] === "async") return Promise.reject(new Error(text));\n  throw new Error(text);',
    );
    const { query, log, folder } = await start({ "throw.ts": source });
    expect(await query("check_throw")).toEqual([3, "Exception in: check_throw", ""]);
    expect(await query("check_throw", "async")).toEqual([3, "Exception in: check_throw", ""]);
    // The third line of the script throws, and nothing of the host stands in the trace.
    const trace = (column: number, line: number) =>
      new RegExp(`^Exception in check_throw: Error: no luck\n +at .*${folder}/throw\\.ts:${line}:${column}\\)?$`);
    const [thrown, rejected] = log.texts("error");
    expect(thrown).toMatch(trace(9, 6));
    expect(rejected).toMatch(trace(50, 5));
  });

  it("goes on after a promise that nobody handles and after an error in a timer", async () => {
    const source = check(
      "check_stray",
      'setTimeout(() => { throw new Error("in a timer"); }); void Promise.reject(new Error("forgotten")); return 0;',
    );
    const { query, log } = await start({ "stray.ts": source });
    expect(await query("check_stray")).toEqual([0, "", ""]);
    const rejection = await log.written(/^Unhandled rejection in stray: Error: forgotten/);
    const exception = await log.written(/^Uncaught exception in stray: Error: in a timer/);
    expect([rejection.level, exception.level]).toEqual(["error", "error"]);
    expect(await query("check_stray")).toEqual([0, "", ""]);
  });

  it("does not keep the others from loading", async () => {
    const { query, log, script } = await start({
      "broken.ts": "export function init( {",
      "missing.ts": 'import "./nowhere.js";',
      "well.ts": well,
    });
    expect(await query("check_well")).toEqual([0, "well", ""]);
    const errors = log
      .texts("error")
      .map((text) => text.replace(/^(Failed to load script: ).*\/(\w+\.ts): .*/s, "$1$2"));
    expect(errors.sort()).toEqual(["Failed to load script: broken.ts", "Failed to load script: missing.ts"]);
    expect(script().trouble("broken")).toContain("broken failed to load: ");
  });
});

describe("a script that ends itself", () => {
  it("is started again after process.exit", async () => {
    const source = check("check_exit", 'if (args[0] === "now") process.exit(4); return [0, "alive"];');
    const { query, queryAll } = await start({ "exit.ts": source, "well.ts": well });
    expect(await query("check_exit", "now")).toEqual([3, "node: exit was ended: it called process.exit(4)", ""]);
    expect(await queryAll(["check_exit", "check_well"])).toEqual([
      [3, "node: exit is restarting: it called process.exit(4)", ""],
      [0, "well", ""],
    ]);
    await until(() => query("check_exit"), [0, "alive", ""]);
  });

  it("answers UNKNOWN for process.abort, which a thread can't call", async () => {
    const { query, log } = await start({ "abort.ts": check("check_abort", "process.abort();") });
    expect(await query("check_abort")).toEqual([3, "Exception in: check_abort", ""]);
    expect(log.texts("error")[0]).toContain("process.abort() is not supported in workers");
  });

  it("takes the process with it when it kills it, which is replaced, and given up the third time", async () => {
    const source = check(
      "check_kill",
      'if (args[0] === "now") process.kill(process.pid, "SIGKILL"); return [0, "alive"];',
    );
    const { query, script } = await start({ "kill.ts": source });
    const lost = [3, "node: script host was lost: it was ended by SIGKILL, while it ran check_kill of kill", ""];
    for (let crash = 1; crash <= 2; crash++) {
      // The answer to the kill itself may be on its way already.
      await until(() => query("check_kill", "now"), lost);
      expect(await query("check_kill")).toEqual([3, "node: script host is restarting: it was ended by SIGKILL", ""]);
      await until(() => query("check_kill"), [0, "alive", ""]);
    }
    expect(await query("check_kill", "now")).toEqual(lost);
    expect(await query("check_kill")).toEqual([3, "node: script host was given up: it was ended by SIGKILL", ""]);
    expect(script().status().hosts?.[0]).toMatchObject({ state: "given up", pid: 0, restarts: 2 });
  });
});

describe("a script that uses too much memory", () => {
  it("is started again when its heap is full, without its neighbours", async () => {
    const source = check(
      "check_heap",
      'if (args[0] !== "now") return [0, "alive"]; for (;;) keep.push({ a: [keep.length] });',
      "const keep = [];",
    );
    const { query, script } = await start(
      { "heap.ts": source, "well.ts": well },
      { entries: { heap: { memoryLimit: 64 * 1024 ** 2 } } },
    );
    const { pid } = script().status().hosts?.[0] ?? {};
    expect(await query("check_heap", "now")).toEqual([3, "node: heap was ended: it ran out of memory", ""]);
    expect(await query("check_well")).toEqual([0, "well", ""]);
    await until(() => query("check_heap"), [0, "alive", ""]);
    expect(script().status().hosts?.[0]?.pid).toBe(pid);
  });

  it("loses the process when it is buffers that fill it, and all scripts come back", async () => {
    const source = check(
      "check_buffers",
      'if (args[0] !== "now") return [0, "alive"]; const more = () => { keep.push(Buffer.alloc(16 * 1024 * 1024, 1)); setTimeout(more, 10); }; more(); return new Promise(() => {});',
      "const keep: Buffer[] = [];",
    );
    const { query } = await start({ "buffers.ts": source, "well.ts": well }, { memoryLimit: 300 * 1024 ** 2 });
    const [state, message] = await query("check_buffers", "now");
    expect([state, message.replace(/\d+ MB of/, "n MB of")]).toEqual([
      3,
      "node: script host was lost: it used n MB of memory, its limit is 300 MB, while it ran check_buffers of buffers",
    ]);
    await until(() => query("check_buffers"), [0, "alive", ""]);
    await until(() => query("check_well"), [0, "well", ""]);
  });

  it("can take the process with it at one blow, and all scripts come back", async () => {
    const source = check(
      "check_blow",
      'if (args[0] !== "now") return [0, "alive"]; for (;;) keep.push(new Array(3e7).fill(0));',
      "const keep: unknown[] = [];",
    );
    const { query } = await start({ "blow.ts": source, "well.ts": well });
    const [state, message] = await query("check_blow", "now");
    expect(state).toBe(3);
    expect(message).toMatch(/memory/);
    await until(() => query("check_blow"), [0, "alive", ""]);
    await until(() => query("check_well"), [0, "well", ""]);
  });
});

describe("what a script prints", () => {
  it("is there although it hangs right after", async () => {
    const body = 'if (args[0] !== "now") return 0; console.log("printed"); log("logged"); for (;;);';
    const { query, log } = await start({ "told.ts": check("check_told", body) }, { queryTimeoutMs: 1_000 });
    expect(await query("check_told", "now")).toEqual([3, "check_told timed out after 1 s", ""]);
    expect(log.texts("info")).toEqual(["told: printed", "logged"]);
  });

  it("stands in the log with the script's name", async () => {
    const source = check(
      "check_print",
      'console.log("to stdout"); console.error("to stderr"); process.stdout.write("no end"); process.stdout.write(" yet\\n"); return 0;',
    );
    const { query, log } = await start({ "print.ts": source });
    await query("check_print");
    await log.written(/no end yet/);
    const lines = log.records.filter(({ level }) => level !== "debug").map(({ level, text }) => [level, text]);
    expect(lines).toEqual([
      ["info", "print: to stdout"],
      ["error", "print: to stderr"],
      ["info", "print: no end yet"],
    ]);
  });

  it("is cut when it floods, through the console or past it", async () => {
    const source = check(
      "check_flood",
      `const line = "x".repeat(999);
       if (args[0] === "console") for (let count = 0; count < 100_000; count++) console.log(line);
       else for (let count = 0; count < 100; count++) writeSync(1, (line + "\\n").repeat(1000));
       return [0, "flooded"];`,
      'import { writeSync } from "node:fs";',
    );
    const { query, log } = await start({ "flood.ts": source });
    expect(await query("check_flood", "console")).toEqual([0, "flooded", ""]);
    expect(await query("check_flood", "raw")).toEqual([0, "flooded", ""]);
    expect(await query("check_flood", "console")).toEqual([0, "flooded", ""]);
    expect(log.records.length).toBeLessThan(10_000);
    await log.written(/lines( of output)? were left out/);
  });
});

describe("what a script starts", () => {
  it("does not hold up the end of the host, and ends with it", async () => {
    const source = check(
      "check_child",
      'const child = spawn("sleep", ["600"], { stdio: "inherit" }); return [0, String(child.pid)];',
      'import { spawn } from "node:child_process";',
    );
    const running = await start({ "child.ts": source });
    const [, pid] = await running.query("check_child");
    expect(existsSync(`/proc/${pid}/stat`)).toBe(true);
    await running.modules.stopAll();
    await until(() => Promise.resolve(isRunning(pid)), false);
  });
});

/** Whether the process is there and not only waiting to be reaped. */
function isRunning(pid: string): boolean {
  try {
    return !execFileSync("ps", ["-o", "stat=", "-p", pid], { encoding: "utf8" }).startsWith("Z");
  } catch {
    return false;
  }
}

describe("a script that writes where it should not", () => {
  it("is ended when it disturbs its own channel, and started again", async () => {
    const source = check(
      "check_garbage",
      `if (args[0] !== "now") return [0, "alive"];
       writeSync(4, "\xff".repeat(64));
       return new Promise(() => {});`,
      'import { writeSync } from "node:fs";',
    );
    const { query, log } = await start({ "garbage.ts": source, "well.ts": well });
    const [state, message] = await query("check_garbage", "now");
    expect(state).toBe(3);
    expect(message).toContain("was ended: it was not understood: A frame of ");
    await log.written(/was not understood/);
    await until(() => query("check_garbage"), [0, "alive", ""]);
    await until(() => query("check_well"), [0, "well", ""]);
  });
});

describe("a copy of a script in a cache", () => {
  it("is neither written nor run: nothing but the file itself counts", async () => {
    const cache = temporaryFolder("cache");
    const before = { tmp: process.env["TMPDIR"], jiti: process.env["JITI_FS_CACHE"] };
    process.env["TMPDIR"] = cache.path;
    process.env["JITI_FS_CACHE"] = "true";
    try {
      const { query } = await start({ "cached.ts": well });
      expect(await query("check_well")).toEqual([0, "well", ""]);
      expect(readdirSync(cache.path, { recursive: true }).filter((file) => String(file).includes("jiti"))).toEqual([]);
    } finally {
      restore("TMPDIR", before.tmp);
      restore("JITI_FS_CACHE", before.jiti);
      cache.remove();
    }
  });
});

describe("a gateway that is killed", () => {
  it("leaves no host behind, whatever its scripts do", async () => {
    const gateway = await startGateway({
      settings: "[/modules]\nNodeScript = enabled\n[/settings/node/scripts]\nloop = loop.ts\n",
      files: {
        "scripts/node/loop.ts": `import { log, Registry } from "nscp-gateway/script";
          export function init() { log("host " + process.pid); setTimeout(() => { for (;;); }, 100); }`,
      },
      certificates: false,
    });
    const host = (await gateway.waitForLog(/host (\d+)/))[1] ?? "";
    expect(isRunning(host)).toBe(true);
    await gateway.stop("SIGKILL");
    await until(() => Promise.resolve(isRunning(host)), false);
  });
});

function restore(name: string, value: string | undefined): void {
  if (value === undefined) delete process.env[name];
  else process.env[name] = value;
}
