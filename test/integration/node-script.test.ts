import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  Event,
  EventMessage,
  ExecuteRequest,
  ExecuteRequestMessage,
  KeyValue,
  Line,
  QueryResponse,
  SubmitRequestMessage,
} from "../../dist/wire/messages.js";
import { type Harness, type HarnessOptions, startScripts, stoppedAfterTest } from "../support/script-harness.js";

function start(files: Readonly<Record<string, string>>, options?: HarnessOptions): Promise<Harness> {
  return stoppedAfterTest(startScripts(files, options));
}

/** A script whose init has the given body; `registry`, `core` and `settings` are there. */
function script(init: string, more = ""): string {
  return `import { Core, log, logDebug, logError, Registry, Settings, sleep, status } from "nscp-gateway/script";
${more}
export async function init(pluginId: number, pluginAlias: string, scriptAlias: string): Promise<void> {
  const registry = Registry.get(pluginId), core = Core.get(pluginId), settings = Settings.get(pluginId);
  ${init}
}`;
}

async function submit(running: Harness, channel: string, ...messages: string[]) {
  const payload = messages.map((message, index) =>
    QueryResponse.create({
      command: `service ${index}`,
      source: "web01",
      result: 1,
      lines: [Line.create({ message })],
    }),
  );
  const outcome = await running.core.submit(channel, SubmitRequestMessage.create({ channel, payload }), running.call());
  return outcome.message.payload.map(({ result }) => [result?.code === 0, result?.message]);
}

async function execute(running: Harness, command: string, ...args: string[]) {
  const payload = [ExecuteRequest.create({ command, arguments: args })];
  const outcome = await running.core.execute("", ExecuteRequestMessage.create({ payload }), running.call());
  return outcome.message.payload.map(({ result, message }) => [result, message]);
}

describe("a simple function", () => {
  it("answers with state, message and performance data, in any spelling of its name", async () => {
    const { query } = await start({
      "sample.ts": script(`registry.simpleFunction("Check_Sample", (args: string[]) => [
        status.WARNING, "args: " + args.join(","), "'count'=123;200;600",
      ], "A sample")`),
    });
    expect(await query("check_sample", "a", "b c")).toEqual([1, "args: a,b c", "'count'=123;200;600"]);
  });

  it("may leave out what it does not need, and what makes no sense is UNKNOWN", async () => {
    const { query, log } = await start({
      "results.js": script(`const results: Record<string, unknown> = {
        code: 2, single: [1], pair: [status.OK, "text"], number: [0, 17], more: [0, "a", "'b'=1", "c"], empty: [],
        beyond: [7, "kept"], fraction: [0.5, "kept"], absent: undefined, text: "OK", named: ["OK", "text"],
        blank: [0, null, undefined],
      };
      registry.simpleFunction("check_result", ([name]) => results[name] as never);`).replace(
        /: Record<string, unknown>| as never|: number|: string|: Promise<void>/g,
        "",
      ),
    });
    const exception = [3, "Exception in: check_result", ""];
    expect(await query("check_result", "code")).toEqual([2, "", ""]);
    expect(await query("check_result", "single")).toEqual([1, "", ""]);
    expect(await query("check_result", "pair")).toEqual([0, "text", ""]);
    expect(await query("check_result", "number")).toEqual([0, "17", ""]);
    expect(await query("check_result", "more")).toEqual([0, "a", "'b'=1"]);
    expect(await query("check_result", "empty")).toEqual([3, "", ""]);
    expect(await query("check_result", "beyond")).toEqual([3, "kept", ""]);
    expect(await query("check_result", "fraction")).toEqual([3, "kept", ""]);
    expect(await query("check_result", "blank")).toEqual([0, "", ""]);
    for (const name of ["absent", "text", "named"]) expect(await query("check_result", name)).toEqual(exception);
    expect(log.texts("error")).toEqual([
      "Exception in check_result: TypeError: check_result returned undefined instead of [code, message, perf]",
      "Exception in check_result: TypeError: check_result returned a string instead of [code, message, perf]",
      "Exception in check_result: TypeError: check_result returned an array without a code instead of [code, message, perf]",
    ]);
  });

  it("may be async, has a help from its description, other names and a time limit of its own", async () => {
    const { query } = await start({
      "options.mjs":
        script(`registry.simpleFunction("check_slow", async () => { await sleep(60_000); return 0; }, "Takes long", { timeout: 100, aliases: ["slow"] });
        registry.simpleFunction("check_help", async (args) => { await sleep(1); return [0, args[0]]; }, "", { handlesHelp: true });`).replace(
          /: number|: string|: Promise<void>/g,
          "",
        ),
    });
    expect(await query("check_slow")).toEqual([3, "check_slow timed out after 0.1 s", ""]);
    expect(await query("slow", "help")).toEqual([0, "Takes long", ""]);
    expect(await query("check_help", "help")).toEqual([0, "help", ""]);
  });

  it("is told who asks and when nobody waits any more, if it has a parameter for it", async () => {
    const { query, log } = await start(
      {
        "context.ts":
          script(`registry.simpleFunction("check_who", (_args, call) => [0, call.principal + " by " + call.frontEnd]);
        registry.simpleFunction("check_wait", (_args, call) => new Promise((resolve) => {
          call.signal.addEventListener("abort", () => { log("ended: " + call.signal.reason.message); resolve([0]); });
        }));
        registry.simpleFunction("check_look", async (_args, call) => {
          await sleep(300);
          log("looked late: " + call.signal.reason.message);
          return 0;
        });`),
      },
      { queryTimeoutMs: 100 },
    );
    expect(await query("check_who")).toEqual([0, "local by test", ""]);
    expect(await query("check_wait")).toEqual([3, "check_wait timed out after 0.1 s", ""]);
    const record = await log.written(/^ended: check_wait timed out after 0\.1 s$/);
    expect(record.fields["script"]).toBe("context");
    expect(await query("check_look")).toEqual([3, "check_look timed out after 0.1 s", ""]);
    await log.written(/^looked late: check_look timed out after 0\.1 s$/);
  });
});

describe("the process of the scripts", () => {
  it("has the gateway's environment and none of the options of its Node", async () => {
    const before = process.env["NODE_OPTIONS"];
    process.env["NODE_OPTIONS"] = "--stack-trace-limit=3";
    try {
      const { query } = await start({
        "env.ts": script(
          'registry.simpleFunction("check_env", () => [0, process.env.NODE_OPTIONS + " " + (process.env.PATH !== undefined)]);',
        ),
      });
      expect(await query("check_env")).toEqual([0, "undefined true", ""]);
    } finally {
      if (before === undefined) delete process.env["NODE_OPTIONS"];
      else process.env["NODE_OPTIONS"] = before;
    }
  });
});

describe("a script file", () => {
  it("may be an ES module or CommonJS, TypeScript or JavaScript, with helpers that use the API too", async () => {
    const check = (name: string) =>
      `Registry.get(id).simpleFunction("${name}", () => [0, helper()]);`.replaceAll("\n", " ");
    const { queryAll } = await start({
      "_helper.ts":
        'import { status } from "nscp-gateway/script"; export const helper = (): string => `helped ${status.CRITICAL}`;',
      "esm.ts": `import { Registry } from "nscp-gateway/script"; import { helper } from "./_helper.js"; const later = await Promise.resolve(1); enum Kind { One }
        export const init = (id: number): void => { if (later + Kind.One) { ${check("esm_ts")} } };`,
      "esm.mjs": `import { Registry } from "nscp-gateway/script"; import { helper } from "./_helper.ts";
        export default { init(id) { if (import.meta.url.startsWith("file://")) { ${check("esm_mjs")} } } };`,
      "common.js": `const { Registry } = require("nscp-gateway/script"); const { helper } = require("./_helper.ts");
        module.exports.init = function (id) { if (__filename.endsWith("common.js")) { ${check("common_js")} } };`,
    });
    expect(await queryAll(["esm_ts", "esm_mjs", "common_js"])).toEqual([
      [0, "helped 2", ""],
      [0, "helped 2", ""],
      [0, "helped 2", ""],
    ]);
  });
});

describe("a raw function", () => {
  it("gets the message of one check and answers with a message", async () => {
    const running = await start({
      "raw.ts": script(`registry.function("Check_Raw", (command, request) => ({
        payload: [{
          command, result: status.CRITICAL,
          lines: [{ message: request.payload.length + ":" + request.payload[0].arguments.join() }, { message: "more", perf: [{ alias: "a", floatValue: { value: 1 } }] }],
        }],
      }));
      registry.function("check_code", () => [1, { payload: [{ result: 0 }] }]);
      registry.function("check_two", async () => [0, { payload: [{ result: 0 }, { result: 0 }] }]);
      registry.function("check_header", (_command, { header }) => ({ payload: [{ result: 0, lines: [{ message: header.metadata.map(({ key, value }) => key + "=" + value).join() }] }] }));`),
    });
    const { query } = running;
    expect(await query("CHECK_RAW", "x", "y")).toEqual([2, "1:x,ymore", "'a'=1"]);
    expect(await query("check_code")).toEqual([3, "Failed to execute script check_code", ""]);
    expect(await query("check_two")).toEqual([3, "Invalid response: check_two", ""]);
    expect(await query("check_header")).toEqual([0, "nscp.principal=local", ""]);
  });
});

describe("commands", () => {
  it("run with arguments, simple and raw", async () => {
    const running = await start({
      "commands.ts": script(`registry.simpleCmdline("do_simple", (args) => [1, "simple " + args.join()]);
        registry.simpleCmdline("do_throw", () => { throw new Error("no"); });
        registry.cmdline("do_raw", (command, request) => [0, { payload: [{ result: 2, message: command + request.payload[0].arguments.join() }] }]);`),
    });
    expect(await execute(running, "do_simple", "a", "b")).toEqual([[1, "simple a,b"]]);
    expect(await execute(running, "do_throw")).toEqual([[3, "Exception in: do_throw"]]);
    expect(await execute(running, "do_raw", "c")).toEqual([[2, "do_rawc"]]);
    expect(await execute(running, "do_nothing")).toEqual([[3, "Command not found: do_nothing"]]);
  });
});

describe("subscriptions", () => {
  it("take passive results one by one and may refuse them", async () => {
    const running = await start({
      "simple.ts":
        script(`registry.simpleSubscription("inbox, other", (channel, source, command, code, message, perf) => {
        log([channel, source, command, code, message, perf].join("|"));
        if (message === "nothing") return;
        if (message === "text") return "yes" as never;
        return message !== "refused";
      });`),
    });
    expect(await submit(running, "INBOX", "fine", "refused", "nothing", "text")).toEqual([
      [true, ""],
      [false, "Invalid response: INBOX"],
      [true, ""],
      [false, "Invalid response: INBOX"],
    ]);
    expect(await submit(running, "other", "fine")).toEqual([[true, ""]]);
    expect(running.log.texts("info")[0]).toBe("INBOX|web01|service 0|1|fine|");
  });

  it("ask the raw handler first, and the simple one unless that answered with results", async () => {
    const running = await start({
      "both.ts":
        script(`registry.subscription("raw", (channel, message) => [true, { payload: [{ result: { message: channel + message.payload.length } }] }]);
        registry.subscription("plain", () => true);
        registry.subscription("no", () => false);
        registry.subscription("both", () => { log("raw"); return false; });
        registry.simpleSubscription("both", () => { log("simple"); return true; });`),
    });
    expect(await submit(running, "raw", "a", "b")).toEqual([
      [true, "raw2"],
      [true, "raw2"],
    ]);
    expect(await submit(running, "plain", "a")).toEqual([[true, ""]]);
    expect(await submit(running, "no", "a")).toEqual([[false, "Unable to process message: no"]]);
    expect(await submit(running, "both", "a")).toEqual([[true, ""]]);
    expect(running.log.texts("info")).toEqual(["raw", "simple"]);
  });
});

describe("events and metrics", () => {
  it("hands events to those who listen", async () => {
    const running = await start({
      "events.ts": script(`registry.event("logfile:errors", (event, data) => log(event + " " + data.file));
        registry.eventPb("$$event$$", (event, message) => log("all " + event + " " + message.payload.length));`),
    });
    const data = [KeyValue.create({ key: "file", value: "a.log" })];
    const payload = [Event.create({ event: "LogFile:Errors", data }), Event.create({ event: "other" })];
    await running.core.emit(EventMessage.create({ payload }), running.call());
    expect(running.log.texts("info").sort()).toEqual(["LogFile:Errors a.log", "all LogFile:Errors 2", "all other 2"]);
  });

  it("collects metrics and hands them out by their dotted names", async () => {
    const running = await start({
      "metrics.ts":
        script(`registry.fetchMetrics(() => ({ "my.count": 0, "my.latency": 17.3, "my.big": 2 ** 40, "my.state": "ok", "my.none": null }));
        registry.submitMetrics((metrics) => log(JSON.stringify(metrics)));`),
    });
    await running.core.collectMetrics();
    expect(running.log.texts("info")).toEqual([
      JSON.stringify({ "my.count": "0", "my.latency": "17.3", "my.big": "1099511627776", "my.state": "ok" }),
    ]);
  });
});

describe("what a script asks of the gateway", () => {
  it("runs checks and commands and submits, from init on", async () => {
    const running = await start({
      "asks.ts": script(`registry.simpleFunction("check_own", (args) => [1, args.join("-"), "'a'=1"]);
        registry.simpleCmdline("do_own", (args) => [2, args.join("-")]);
        registry.simpleSubscription("own", () => true);
        log(JSON.stringify([
          [pluginId, pluginAlias, scriptAlias],
          await core.simpleQuery("check_own", ["text", 1, true, false]),
          await core.simpleQuery("check_unknown"),
          await core.simpleExec("local", "do_own", ["x"]),
          await core.simpleExec("", "do_unknown"),
          await core.simpleSubmit("own", "service", status.OK, "text", "'a'=1"),
          await core.simpleSubmit("nowhere", "service", status.OK, "text"),
          (await core.query("ignored", { payload: [{ command: "check_own", arguments: ["raw"] }] })).payload[0].lines[0].message,
          (await core.exec("", { payload: [{ command: "do_own", arguments: ["raw"] }] })).payload[0].message,
          await core.submit("own", { payload: [{ command: "service" }] }),
          await core.expandPath("\${scripts}/x"),
        ]));`),
    });
    expect(JSON.parse(running.log.texts("info")[0] ?? "")).toEqual([
      [0, "node", "asks"],
      [1, "text-1-1-0", "'a'=1"],
      [3, "Unknown command(s): check_unknown", ""],
      [2, ["x"]],
      [3, ["Command not found: do_unknown"]],
      [true, ""],
      [false, "Failed to submit message: nowhere"],
      "raw",
      "raw",
      [true, ""],
      `${running.folder}/x`,
    ]);
  });

  it("reads and writes settings", async () => {
    const running = await start({
      "settings.ts": script(`await settings.setString("/a", "text", "value");
        await settings.setBool("/a", "flag", true);
        await settings.setInt("/a", "number", 12);
        await settings.setString("/a", "gone", "x");
        await settings.setString("/a", "gone", "");
        await settings.save();
        log(JSON.stringify([
          await settings.getSection("/a/"), await settings.getSection("/none"),
          await settings.getString("/a", "text", "d"), await settings.getString("/a", "none", "d"),
          await settings.getBool("/a", "flag"), await settings.getBool("/a", "text", true), await settings.getBool("/a", "none", true),
          await settings.getInt("/a", "number"), await settings.getInt("/a", "text", -1), await settings.getInt("/a", "none", -1),
        ]));`),
    });
    expect(JSON.parse(running.log.texts("info")[0] ?? "")).toEqual([
      ["flag", "number", "text"],
      [],
      "value",
      "d",
      true,
      false,
      true,
      12,
      -1,
      -1,
    ]);
  });

  it("nests 512 deep, below a limit of 64 calls in flight", async () => {
    const { query } = await start(
      {
        "deep.ts": script(`registry.simpleFunction("check_deep", async ([depth]) => {
          if (depth === "0") return [0, "bottom"];
          return core.simpleQuery("check_deep", [Number(depth) - 1]);
        });`),
      },
      { callsInFlight: 64 },
    );
    expect(await query("check_deep", "511")).toEqual([0, "bottom", ""]);
    expect(await query("check_deep", "512")).toEqual([
      3,
      "Failed to process command check_deep: Calls are nested deeper than 512.",
      "",
    ]);
  });

  it("is refused when it waits for nobody any more", async () => {
    const { query, log } = await start(
      {
        "late.ts": script(`registry.simpleFunction("check_late", async () => {
          await sleep(300);
          try { await core.simpleQuery("check_late"); } catch (error) { log(error.message); }
          return 0;
        });`),
      },
      { queryTimeoutMs: 100 },
    );
    expect(await query("check_late")).toEqual([3, "check_late timed out after 0.1 s", ""]);
    await log.written(/^Nobody waits for it: check_late timed out after 0\.1 s$/);
  });

  it("is told what is wrong with an argument, and the gateway does not take it", async () => {
    const running = await start({
      "wrong.js": script(`const fault = (promise) => promise.then(() => "none", (error) => error.message);
        log(JSON.stringify([
          await fault(core.simpleQuery(5)),
          await fault(core.simpleSubmit("own", "service", "0", "text")),
          await fault(core.simpleSubmit("own", undefined, 0, "text")),
          await fault(core.simpleSubmit("own", "service", 0, new TextEncoder().encode("bytes are fine"))),
          await fault(core.reload()),
          await fault(settings.setString("/a", "key", 5)),
          await fault(settings.setInt("/a", "key", "none")),
          await fault(settings.getBool("/a", "key", "yes")),
        ]));
        for (const wrong of [
          () => registry.simpleFunction(undefined, () => 0),
          () => registry.simpleFunction("check_a"),
          () => registry.simpleFunction("check_a", () => 0, 5),
          () => registry.simpleFunction("check_a", () => 0, "", { aliases: "load" }),
          () => registry.simpleFunction("check_a", () => 0, "", { timeout: "soon" }),
          () => registry.simpleSubscription(" ", () => true),
        ]) try { wrong(); } catch (error) { log(error.message); }`).replaceAll(
        /: (number|string|Promise<void>)(?=[,) ])/g,
        "",
      ),
    });
    const [faults, ...others] = running.log.texts("info");
    expect(JSON.parse(faults ?? "")).toEqual([
      "simpleQuery: command is a number instead of a text",
      "simpleSubmit: code is a string instead of a number",
      "simpleSubmit: command is missing instead of a text",
      "none",
      "reload: module is missing instead of a text",
      "settingsSet: value is a number instead of a text",
      "key can't be set to none.",
      "settingsBool: default is a string instead of true or false",
    ]);
    expect(others).toEqual([
      "The name of a query is undefined instead of a text.",
      "The callback for check_a is no function.",
      "The description of check_a is no text.",
      "The aliases of check_a are no array of texts.",
      "The timeout of check_a is no number of milliseconds above 0.",
      "A channel needs a name.",
    ]);
    expect(running.log.texts("error")).toEqual([]);
  });

  it("writes errors to the log with the lines of its source", async () => {
    const { log, folder } = await start({
      "errors.ts": script(`log(new TypeError("wrong"));`, "interface A { b: string }"),
    });
    expect(log.texts("info")).toEqual([`TypeError: wrong\n    at Object.init (${folder}/errors.ts:5:7)`]);
  });

  it("ties the log to the call", async () => {
    const { query, log } = await start({
      "logs.ts": script(`log("at init");
        registry.simpleFunction("check_log", async () => { log("now"); await sleep(1); logError("later"); logDebug({ state: "ok" }); return 0; });`),
    });
    await query("check_log");
    const records = log.records.filter(({ fields }) => fields["script"] === "logs");
    expect(records.map(({ level, text, fields }) => [level, text, fields["traceId"]])).toEqual([
      ["info", "at init", undefined],
      ["info", "now", "trace-1"],
      ["error", "later", "trace-1"],
      ["debug", "{ state: 'ok' }", "trace-1"],
    ]);
  });
});

describe("limits", () => {
  it("refuses a call when too many have no answer, but not the many payloads of one", async () => {
    const running = await start(
      {
        "slow.ts": script(
          'registry.simpleFunction("check_slow", async () => { await sleep(300); return [0, "done"]; });',
        ),
      },
      { callsInFlight: 4 },
    );
    const many = running.queryAll(new Array<string>(20).fill("check_slow"));
    await expect(running.query("check_slow")).rejects.toMatchObject({ code: "RESOURCE_EXHAUSTED" });
    expect(await many).toEqual(new Array(20).fill([0, "done", ""]));
    expect(await running.query("check_slow")).toEqual([0, "done", ""]);
  });
});

describe("reload and unload", () => {
  it("takes changed code, also of a helper", async () => {
    const running = await start({
      "main.ts": script(
        'registry.simpleFunction("check_main", () => [0, "main 1, " + helper()]);',
        'import { helper } from "./_helper.ts";',
      ),
      "_helper.ts": 'export const helper = (): string => "helper 1";',
    });
    expect(await running.query("check_main")).toEqual([0, "main 1, helper 1", ""]);
    running.write("_helper.ts", 'export const helper = (): string => "helper 2";');
    await running.modules.reload("node");
    expect(await running.query("check_main")).toEqual([0, "main 1, helper 2", ""]);
    running.write("main.ts", script('registry.simpleFunction("check_other", () => [0, "main 2"]);'));
    await running.modules.reload("node");
    expect(await running.query("check_other")).toEqual([0, "main 2", ""]);
    expect(await running.query("check_main")).toEqual([3, "Unknown command(s): check_main", ""]);
  });

  it("costs no call its answer: those in flight are answered by the old code, those that come by the new", async () => {
    const code = (version: number) =>
      script(`registry.simpleFunction("check_slow", async () => { log("asked"); await sleep(500); return [0, "old"]; });
        registry.simpleFunction("check_version", () => [0, "version ${version}"]);`);
    const running = await start({ "reloaded.ts": code(1) });
    const slow = running.query("check_slow");
    await running.log.written(/asked/);
    running.write("reloaded.ts", code(2));
    const reloaded = running.modules.reload("node");
    await new Promise(setImmediate);
    expect(await running.query("check_version")).toEqual([0, "version 2", ""]);
    expect(await slow).toEqual([0, "old", ""]);
    expect(await reloaded).toBe(true);
  });

  it("happens after the callback that asked for it has its answer", async () => {
    const running = await start({
      "self.ts": script(
        'registry.simpleFunction("check_reload", async () => [0, String(await core.reload("node"))]);',
        'log("loaded");',
      ),
    });
    expect(await running.query("check_reload")).toEqual([0, "true", ""]);
    await expect.poll(() => running.log.texts("info")).toEqual(["loaded", "loaded"]);
    await expect.poll(() => running.query("check_reload")).toEqual([0, "true", ""]);
  });

  it("does not keep a script from calling itself while it shuts down", async () => {
    const running = await start({
      "last.ts": `${script('registry.simpleFunction("check_last", () => [0, "still here"]);')}
        export async function shutdown() { log((await Core.get(0).simpleQuery("check_last"))[1]); }`,
    });
    await running.modules.reload("node");
    expect(running.log.texts("info")).toEqual(["still here"]);
    expect(running.log.texts("warn")).toEqual([]);
  });

  it("calls shutdown and leaves nothing behind", async () => {
    const running = await start({
      "bye.ts": `${script(`registry.simpleFunction("check_bye", () => 0); registry.simpleCmdline("bye", () => 0);
        registry.simpleSubscription("bye", () => true); registry.event("bye", () => {}); registry.fetchMetrics(() => ({}));`)}
        export async function shutdown() { log("Good bye"); await Core.get(0).simpleQuery("check_bye"); log("really"); }`,
    });
    const pid = running.script().status().hosts?.[0]?.pid ?? 0;
    await running.modules.unload("node");
    expect(running.log.texts("info")).toEqual(["Good bye", "really"]);
    const { registry } = running;
    expect([registry.listQueries(), registry.listCommands(), registry.listChannels(), registry.listEvents()]).toEqual([
      [],
      [],
      [],
      [],
    ]);
    expect(registry.metricsSources()).toEqual([]);
    expect(existsSync(`/proc/${pid}`)).toBe(false);
  });
});

describe("isolation = script", () => {
  it("gives each script a process, and none is lost with another", async () => {
    const running = await start(
      {
        "one.ts": script(
          'registry.simpleFunction("check_one", ([what]) => { if (what === "die") process.kill(process.pid, "SIGKILL"); return [0, String(process.pid)]; });',
        ),
        "two.ts": script('registry.simpleFunction("check_two", () => [0, String(process.pid)]);'),
      },
      { isolation: "script" },
    );
    const [one, two] = running.script().status().hosts ?? [];
    expect([one?.name, two?.name]).toEqual(["node/one", "node/two"]);
    expect(await running.query("check_two")).toEqual([0, String(two?.pid), ""]);
    const lost = running.query("check_one", "die");
    expect(await running.query("check_two")).toEqual([0, String(two?.pid), ""]);
    expect(await lost).toEqual([
      3,
      "node: script host was lost: it was ended by SIGKILL, while it ran check_one of one",
      "",
    ]);
    expect(await running.query("check_two")).toEqual([0, String(two?.pid), ""]);
  });
});
