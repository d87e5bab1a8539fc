import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { StatusCode } from "../../dist/wire/messages.js";
import { needPeer, pythonProtobuf } from "../peers/peers.js";
import { packageRoot, run } from "../support/gateway-process.js";
import { type PassiveResult, PythonGateway } from "../support/python-gateway.js";

const folder = join(packageRoot, "scripts", "python");
let gateway: PythonGateway;

const source = (name: string) => readFileSync(join(folder, name), "utf8");

/** A gateway with samples, and other scripts beside them. */
async function start(names: readonly string[], settings = "", others: Readonly<Record<string, string>> = {}) {
  const samples = Object.fromEntries(names.map((name) => [name, source(name)]));
  gateway = await PythonGateway.start({ settings, scripts: { ...samples, ...others } });
}

afterEach(() => gateway?.stop());

const modules = "[/modules]\nPythonScript = enabled\nCheckHelpers = enabled\n";

it("there is a test for every sample", async () => {
  await start([]);
  // test_sample.py is a test itself: unit.test.ts runs it.
  expect(
    readdirSync(folder)
      .filter((name) => name.endsWith(".py"))
      .sort(),
  ).toEqual([
    "check_sample.py",
    "command_sample.py",
    "core_sample.py",
    "filter_sample.py",
    "inventory_sample.py",
    "metrics_sample.py",
    "modules_sample.py",
    "patience_sample.py",
    "raw_sample.py",
    "settings_sample.py",
    "test_sample.py",
  ]);
});

it("check_sample counts its arguments", async () => {
  await start(["check_sample.py"]);
  expect(await gateway.query("check_python", "a", "b")).toEqual([0, "I was given 2 arguments", "'arguments'=2;5"]);
  expect(await gateway.query("check_python", ..."abcdef")).toEqual([1, "I was given 6 arguments", "'arguments'=6;5"]);
  expect(await gateway.query("check_python", "help")).toEqual([0, "Counts its arguments: check_python [word ...]", ""]);
});

it("raw_sample answers, runs a command, hears of results and of events, all as messages", async (context) => {
  needPeer(pythonProtobuf, context);
  await start(["raw_sample.py"]);
  expect(await gateway.query("check_raw_python", "a", "b")).toEqual([0, "check_raw_python from here\na\nb", ""]);
  expect(await gateway.execute("run_raw_python", "so", "so")).toEqual([[1, "so so"]]);
  expect(await gateway.submit("raw_python", { command: "disk", message: "full", source: "web01" })).toEqual([[0, ""]]);
  await gateway.emit({}, "sample:raw");
  expect(gateway.said()).toEqual(["raw_python: disk from web01, 1 lines", "sample:raw happened 1 times"]);
});

it("command_sample greets in the words of the settings", async () => {
  await start(["command_sample.py"], "[/settings/command_sample]\ngreeting = Servus\n");
  expect(await gateway.execute("hello_python", "World")).toEqual([[0, "Servus World"]]);
  expect(gateway.said("D")).toContain("command_sample is loaded by python as command_sample");
});

it("command_sample installs itself, and takes itself out again", async () => {
  await start([]);
  const nscp = async (...words: string[]) => {
    mkdirSync(join(gateway.folder, "scripts", "python"), { recursive: true });
    writeFileSync(join(gateway.folder, "scripts", "python", "command_sample.py"), source("command_sample.py"));
    const store = ["--settings", "nscp.ini", "--path-override", `data-path=${gateway.folder}`];
    const command = [join(packageRoot, "bin", "nscp.js"), ...words, ...store];
    const { code, stdout, stderr } = await run(process.execPath, command, { cwd: gateway.folder });
    return [code, stdout + stderr];
  };
  const byHand = ["py", "execute", "--script", "command_sample.py"];
  expect(await nscp(...byHand, "install", "--greeting", "Servus")).toEqual([0, "L     python Installed\n\n"]);
  expect(gateway.settings).toContain("command_sample = command_sample.py\n");
  expect(await nscp("config", "check")).toEqual([
    0,
    `No problems found in ini://${join(gateway.folder, "nscp.ini")}\n`,
  ]);
  expect(await nscp("client", "--command", "hello_python", "World")).toEqual([0, "Servus World\n"]);
  expect(await nscp(...byHand, "uninstall")).toEqual([0, "L     python Uninstalled\n\n"]);
  expect(gateway.settings).not.toContain("command_sample.py");
  expect(gateway.settings).not.toContain("Servus");
});

const relay = `
from NSCP import Registry, log

def hear(channel, source, command, code, message, perf):
    log("passed on: %s %s %s" % (command, code, message))

def init(plugin_id, plugin_alias, script_alias):
    Registry.get(plugin_id).simple_subscription("relay", hear)
`;

it("filter_sample passes on what changed, to the channel of its settings", async () => {
  const section = "[/settings/filter_sample/python/filter_sample]\n";
  const settings = `${section}channel = in\ntarget = relay\n`;
  await start(["filter_sample.py"], settings, { "relay.py": relay });
  const submit = (result: Omit<PassiveResult, "command">) => gateway.submit("in", { command: "disk", ...result });
  for (const message of ["full", "full", "empty"]) expect(await submit({ message, code: 2 })).toEqual([[0, ""]]);
  await submit({ message: "empty", code: 2, source: "web02" });
  expect(gateway.said()).toEqual([
    "passed on: disk CRITICAL full",
    "Nothing new about disk",
    "passed on: disk CRITICAL empty",
    "passed on: disk CRITICAL empty",
  ]);
});

it("filter_sample refuses what nobody takes, and does not take it for passed on", async () => {
  await start(["filter_sample.py"]);
  const refused = [[StatusCode.STATUS_ERROR, "Invalid response: filter_python"]];
  expect(await gateway.submit("filter_python", { command: "disk", message: "full" })).toEqual(refused);
  expect(await gateway.submit("filter_python", { command: "disk", message: "full" })).toEqual(refused);
  const line = "disk was not passed on: Failed to submit message: NSCA";
  expect(gateway.said()).toEqual([line, line]);
});

it("metrics_sample has metrics, hears of events and sees all metrics", async () => {
  await start(["metrics_sample.py"]);
  await gateway.emit({ line: "7" }, "logfile:errors");
  const { payload } = await gateway.gateway.core.collectMetrics();
  const values = payload.flatMap(({ bundles }) => bundles.flatMap(({ value }) => value));
  const own = values.filter(({ key }) => key.startsWith("metrics_python."));
  expect(own.map(({ key, gaugeValue, stringValue }) => [key, gaugeValue?.value ?? stringValue?.value])).toEqual([
    ["metrics_python.uptime", expect.any(Number)],
    ["metrics_python.events", 1],
    ["metrics_python.state", "ok"],
  ]);
  expect(gateway.said()).toEqual(["logfile:errors: {'line': '7'}"]);
  expect(gateway.said("D").filter((line) => /^\d+ metrics were collected$/.test(line))).toHaveLength(1);
});

it("patience_sample waits until a check is OK, and answers others meanwhile", async () => {
  const moody = `
from NSCP import Registry, log, status

moods = [status.CRITICAL, status.WARNING, status.OK]

def check_moody(args):
    log("asked")
    return moods.pop(0), "as I like"

def init(plugin_id, plugin_alias, script_alias):
    Registry.get(plugin_id).simple_function("check_moody", check_moody, "Is OK when asked three times")
`;
  await start(["patience_sample.py"], "", { "moody.py": moody });
  const patient = gateway.query("check_patiently", "command=check_moody", "tries=5");
  let seen: [number, string, string];
  do seen = await gateway.query("check_waiting");
  while (seen[1] === "0 checks are waiting");
  expect(seen).toEqual([0, "1 checks are waiting", "'waiting'=1"]);
  expect(await patient).toEqual([0, "as I like (asked 3 times)", ""]);
  expect(await gateway.query("check_patiently")).toEqual([3, "Say which check: command=NAME", ""]);
});

it("modules_sample loads, reloads and unloads modules, and expands paths", async () => {
  await start(["modules_sample.py"]);
  expect(await gateway.execute("module_python", "load", "CheckHelpers", "helpers")).toEqual([
    [0, "load CheckHelpers helpers: done"],
  ]);
  expect(await gateway.query("check_ok", "message=here")).toEqual([0, "here", ""]);
  expect(await gateway.execute("module_python", "reload", "helpers")).toEqual([[0, "reload helpers: done"]]);
  expect(await gateway.execute("module_python", "unload", "helpers")).toEqual([[0, "unload helpers: done"]]);
  expect(await gateway.query("check_ok")).toEqual([3, "Unknown command(s): check_ok", ""]);
  expect(await gateway.execute("module_python", "unload", "helpers")).toEqual([
    [2, "unload helpers: failed, see the log"],
  ]);
  expect(await gateway.execute("module_python", "load")).toEqual([
    [3, "Usage: module_python load|unload|reload NAME [ALIAS]"],
  ]);
  expect(await gateway.execute("path_python", "${scripts}/python")).toEqual([
    [0, join(gateway.folder, "scripts", "python")],
  ]);
});

it("settings_sample writes its settings down, and reads them the next time", async () => {
  await start(["settings_sample.py"]);
  expect(await gateway.query("check_files_python")).toEqual([0, "1 files", "'files'=1;3"]);
  const saved = gateway.settings;
  for (const line of ["limit = 3\n", "strict = false\n", "unit = files\n"]) expect(saved).toContain(line);
  const changed = saved.replace("limit = 3", "limit = 0").replace("strict = false", "strict = yes");
  writeFileSync(join(gateway.folder, "nscp.ini"), changed.replace("unit = files", "unit = things"));
  expect(await gateway.gateway.reload("service")).toEqual({ reloaded: true, problems: [] });
  expect(await gateway.query("check_files_python")).toEqual([2, "1 things", "'things'=1;0"]);
});

it("core_sample asks with messages: checks side by side, a command, and a passive result", async (context) => {
  needPeer(pythonProtobuf, context);
  await start(["core_sample.py", "command_sample.py", "raw_sample.py"], modules);
  expect(await gateway.query("check_all_python", "check_ok", "check_critical")).toEqual([
    2,
    "check_ok: No message, check_critical: No message",
    "",
  ]);
  expect(await gateway.execute("greet_python", "Anna")).toEqual([[0, "Hello Anna, Hello again"]]);
  expect(await gateway.query("report_python", "disk", "rather", "full")).toEqual([0, "Reported", ""]);
  expect(gateway.said()).toEqual(["raw_python: disk from core_sample, 1 lines"]);
});

it("inventory_sample lists checks, modules and settings", async (context) => {
  needPeer(pythonProtobuf, context);
  await start(["inventory_sample.py", "check_sample.py"], "[/settings/x]\npassword = secret\n");
  const [[code, text] = []] = await gateway.execute("inventory_python");
  expect(code).toBe(0);
  expect(text?.split("\n")).toContain("check_python: Counts its arguments: check_python [word ...]");
  expect(text?.split("\n")).toContain("PythonScript: Runs Python scripts");
  expect(await gateway.execute("settings_python", "/settings/python")).toEqual([
    [
      0,
      "/settings/python/scripts.check_sample = check_sample.py\n/settings/python/scripts.inventory_sample = inventory_sample.py",
    ],
  ]);
});
