import { describe, expect, it } from "vitest";
import { type Harness, type HarnessOptions, startScripts, stoppedAfterTest } from "../support/script-harness.js";

function start(files: Readonly<Record<string, string>>, options?: HarnessOptions): Promise<Harness> {
  return stoppedAfterTest(startScripts(files, { ...options, language: "python" }));
}

describe("a Python script", () => {
  it("answers", async () => {
    const { query } = await start({
      "sample.py": `
from NSCP import Core, Registry, log, sleep, status

def check(args):
    log("Got arguments: %s" % args)
    return (status.WARNING, "This is the message", "'count'=123;200;600")

def slow(args):
    sleep(200)
    return status.OK, "slept"

def deep(args):
    left = int(args[0])
    if left == 0:
        return status.OK, "bottom"
    code, message, perf = core.simple_query("check_deep", [str(left - 1)])
    return code, message

def init(plugin_id, plugin_alias, script_alias):
    global core
    core = Core.get(plugin_id)
    registry = Registry.get(plugin_id)
    registry.simple_function("check_sample", check, "A sample")
    registry.simple_function("check_slow", slow, "Sleeps")
    registry.simple_function("check_deep", deep, "Recursion")
    log("*** plugin_id: %d, plugin_alias: %s, script_alias: %s" % (plugin_id, plugin_alias, script_alias))
`,
    });
    expect(await query("check_sample", "a", "b")).toEqual([1, "This is the message", "'count'=123;200;600"]);
    const slow = query("check_slow");
    expect(await query("check_sample")).toEqual([1, "This is the message", "'count'=123;200;600"]);
    expect(await slow).toEqual([0, "slept", ""]);
    expect(await query("check_deep", "200")).toEqual([0, "bottom", ""]);
  });
});
