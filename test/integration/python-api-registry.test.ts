import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EventMessage } from "../../dist/wire/messages.js";
import { packageRoot } from "../support/gateway-process.js";
import { consoleScript, executed, type PythonConsole, startConsole, submit } from "../support/python-api.js";

let python: PythonConsole;

beforeAll(async () => {
  python = await startConsole({
    "other.py": consoleScript
      .replaceAll('"evaluate"', '"other"')
      .replaceAll('"execute"', '"execute_other"')
      .replaceAll('"value"', '"other_value"'),
  });
});

afterAll(() => python.stop());

describe("registering", () => {
  it.each([
    ['registry.function("a", len, "")', "None"],
    ['registry.simple_function("a", len, "")', "None"],
    ['registry.cmdline("a", len)', "None"],
    ['registry.simple_cmdline("a", len)', "None"],
    ['registry.subscription("a", len)', "None"],
    ['registry.simple_subscription("a", len)', "None"],
    ['registry.event("a", len)', "(True, '')"],
    ['registry.event_pb("a", len)', "(True, '')"],
    ["registry.submit_metrics(len)", "None"],
    ["registry.fetch_metrics(dict)", "None"],
  ])("%s answers %s", async (expression, answer) => {
    expect(await python.evaluate(expression)).toBe(answer);
  });

  it("takes names as bytes, and functions that are no functions", async () => {
    await python.execute(`
class Callable:
    def __call__(self, args): return 0, "called"
    def method(self, args): return 0, "method"
registry.simple_function(b"check_bytes", Callable(), b"")
registry.simple_function("check_method", Callable().method, "")`);
    expect(await python.query("check_bytes")).toEqual([0, "called", ""]);
    expect(await python.query("check_method")).toEqual([0, "method", ""]);
  });

  it("gives checks their description in the inventory, and finds them in any spelling", async () => {
    await python.execute('registry.simple_function("Check_Case", lambda args: (0, "found"), "Looks at the case")');
    expect(await python.query("cHECK_cASE")).toEqual([0, "found", ""]);
    const entry = python.registry.findQuery("check_case");
    expect([entry?.spelling, entry?.options.description, entry?.owner.alias]).toEqual([
      "Check_Case",
      "Looks at the case",
      "python",
    ]);
  });

  it("a check again gives its name to the new function, simple or not, and says so", async () => {
    await python.execute('registry.simple_function("twice", lambda args: (0, "first"), "")');
    python.logged();
    await python.execute('registry.simple_function("TWICE", lambda args: (0, "second"), "")');
    expect(await python.query("twice")).toEqual([0, "second", ""]);
    await python.execute('registry.function("twice", lambda *args: (1, b""), "")');
    expect(await python.query("twice")).toEqual([3, "Failed to execute script twice", ""]);
    await python.execute('registry.simple_function("twice", lambda args: (0, "third"), "")');
    expect(await python.query("twice")).toEqual([0, "third", ""]);
    const infos = python.logged().filter(([level]) => level === "info");
    expect(infos).toContainEqual(["info", "Duplicate command twice: python replaces python"]);
  });

  it("a command again, also while it runs", async () => {
    await python.execute(`
def first(args):
    registry.simple_cmdline("again", lambda args: (0, "second"))
    return 0, "first"
registry.simple_cmdline("again", first)`);
    expect(await executed(python, "again")).toEqual([[0, "first"]]);
    expect(await executed(python, "again")).toEqual([[0, "second"]]);
  });

  it("works from inside of a callback and from a thread", async () => {
    await python.execute(`
thread = threading.Thread(target=lambda: registry.simple_function("from_thread", lambda args: (0, "thread"), ""))
thread.start()
thread.join()`);
    expect(await python.query("from_thread")).toEqual([0, "thread", ""]);
  });
});

describe("a plugin id that no module has", () => {
  it("is refused where something is registered under it, which goes on", async () => {
    python.logged();
    await python.execute(`
stranger = Registry.get(999)
done = [
    stranger.simple_function("stray", lambda args: (0, "no"), ""),
    stranger.function("stray", lambda *args: (0, b""), ""),
    stranger.subscription("stray", lambda *args: True),
    stranger.simple_subscription("stray", lambda *args: True),
    stranger.event("stray", len),
    stranger.event_pb("stray", len),
]`);
    expect(await python.evaluate("done")).toBe(
      "[None, None, None, None, (False, 'Failed to find plugin: 999'), (False, 'Failed to find plugin: 999')]",
    );
    expect(python.logged()).toEqual(
      Array.from({ length: 6 }, () => ["error", "Failed query: Failed to find plugin: 999"]),
    );
    expect(await python.query("stray")).toEqual([3, "Unknown command(s): stray", ""]);
    expect(await submit(python, "stray", [{ command: "a" }])).toEqual([[false, "Failed to submit message: stray"]]);
  });

  it("does not matter for commands and metrics, nor for who asks", async () => {
    await python.execute(`
Registry.get(999).simple_cmdline("stray", lambda args: (0, "runs"))
Registry.get(999).fetch_metrics(dict)
Settings.get(999).set_string("/a", "stray", "value")`);
    expect(await executed(python, "stray")).toEqual([[0, "runs"]]);
    expect(await python.evaluate("Core.get(999).simple_query('evaluate', ['1 + 1'])[1]")).toBe("'2'");
    expect(await python.evaluate("Settings.get(999).get_string('/a', 'stray', '')")).toBe("'value'");
  });
});

it("what a script registered goes with the script, and what others registered stays", async () => {
  const both = (statements: string) =>
    Promise.all(["execute", "execute_other"].map((name) => python.query(name, statements)));
  await both(`
import os
kept = []
mine = ids[2]
registry.simple_function("check_" + mine, lambda args: (0, mine), "")
registry.simple_cmdline("do", lambda args: (0, mine))
registry.simple_subscription("channel", lambda *args: log(mine))
registry.event("event", lambda *args: log(mine))
registry.submit_metrics(lambda *args: log(mine))`);
  const heard = async () => {
    python.logged();
    await submit(python, "channel", [{ command: "a", lines: [{ message: "a" }] }]);
    await python.core.emit(EventMessage.fromObject({ payload: [{ event: "event" }] }), python.call());
    await python.core.collectMetrics();
    const infos = python.logged().filter(([level]) => level === "info");
    return infos.map(([, text]) => text).sort();
  };
  expect(await heard()).toEqual([...Array(3).fill("console"), ...Array(3).fill("other")]);

  // It does not register again what it registered before: only init runs.
  expect(await python.modules.reload("python")).toBe(true);
  expect(await heard()).toEqual([]);
  expect(await python.query("check_other")).toEqual([3, "Unknown command(s): check_other", ""]);
  expect(await executed(python, "do")).toEqual([[3, "Command not found: do"]]);
  expect(await python.evaluate("ids")).toBe("(0, 'python', 'console')");

  await python.query("execute_other", 'registry.simple_subscription("channel", lambda *args: log("other"))');
  expect(await heard()).toEqual(["other"]);
});

it("the contract's samples run as they are written", async () => {
  const samples = readFileSync(join(packageRoot, "src", "modules", "python-script", "host", "NSCP.py"), "utf8");
  const sample = /::\n\n(.*?)\n\nFunctions/s.exec(samples)?.[1] ?? "";
  await python.execute(`${sample.replace(/^ {4}/gm, "")}\ninit(*ids)`);
  expect(await python.query("check_py_test", "x")).toEqual([0, "This is the message", "'count'=123;200;600"]);
});
