import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import pythonScript from "../../dist/modules/python-script/index.js";
import { StatusCode } from "../../dist/wire/messages.js";
import { needPeer, pythonProtobuf } from "../peers/peers.js";
import { packageRoot } from "../support/gateway-process.js";
import { runnableBlocks } from "../support/markdown-blocks.js";
import { PythonGateway } from "../support/python-gateway.js";

const page = (file: string) => readFileSync(join(packageRoot, file), "utf8");
const guide = page("docs/scripts-python.md");
const scripts = new Map(runnableBlocks(guide).map(({ how, text }) => [how, text]));

/** The fenced blocks of a page in the given language. */
function blocks(markdown: string, language: string): string[] {
  return [...markdown.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, "gms"))].map(([, text = ""]) => text);
}

let gateway: PythonGateway;

afterEach(() => gateway?.stop());

/** A gateway with the script of the guide, and perhaps others beside it. */
async function start(name: string, settings = "", others: Readonly<Record<string, string>> = {}): Promise<void> {
  gateway = await PythonGateway.start({ settings, scripts: { [name]: scripts.get(name) ?? "", ...others } });
  expect(gateway.log.filter((line) => /^[EW]/.test(line))).toEqual([]);
}

/** What each script of the guide does. */
const behaviour: Readonly<Record<string, () => Promise<void>>> = {
  "check_load.py": async () => {
    await start("check_load.py");
    const [code, message, perf] = await gateway.query("check_load", "1000", "2000");
    expect([code, ...[message, perf].map((text) => text.replace(/\d+(\.\d+)?/g, "n"))]).toEqual([
      ...[0, "Load is n", "'load'=n;n;n"],
    ]);
    expect((await gateway.query("check_load", "0", "0"))[0]).toBe(2);
    expect(await gateway.query("check_load", "help")).toEqual([0, "Load average: check_load [warning critical]", ""]);
  },
  "check_size.py": async () => {
    await start("check_size.py");
    gateway.write("file", "ten bytes\n");
    const file = `file=${join(gateway.folder, "file")}`;
    expect(await gateway.query("check_size", file)).toEqual([0, "file has 10 bytes", "'size'=10B;1000"]);
    expect(await gateway.query("check_size", file, "max=9")).toEqual([1, "file has 10 bytes", "'size'=10B;9"]);
    expect(await gateway.query("check_size", "file=/nowhere")).toEqual([3, "There is no file /nowhere", ""]);
    expect(await gateway.query("check_size", file, "max=many")).toEqual([3, "Exception in: check_size", ""]);
  },
  "check_lines.py": async () => {
    await start("check_lines.py");
    expect(await gateway.query("check_lines", "a", "b")).toEqual([1, "a\nb\n", ""]);
  },
  "queue_command.py": async () => {
    await start("queue_command.py");
    expect(await gateway.execute("queue")).toEqual([[0, "2 waiting"]]);
    expect(await gateway.execute("queue", "flush")).toEqual([[0, "Flushed"]]);
    expect(await gateway.execute("queue")).toEqual([[0, "0 waiting"]]);
    expect(gateway.said()).toEqual(["2 flushed"]);
  },
  "only_problems.py": async () => {
    await start("only_problems.py", "", {
      "problems.py": `
from NSCP import Registry, log
def init(plugin_id, plugin_alias, script_alias):
    Registry.get(plugin_id).simple_subscription("problems", lambda *result: log(result[2]))
`,
    });
    expect(await gateway.submit("all", { command: "fine", message: "" })).toEqual([[StatusCode.STATUS_OK, ""]]);
    expect(await gateway.submit("all", { command: "bad", message: "", code: 2 })).toEqual([[StatusCode.STATUS_OK, ""]]);
    expect(gateway.said()).toEqual(["bad"]);
  },
  "counters.py": async () => {
    await start("counters.py");
    for (let i = 0; i < 2; i++) await gateway.emit({}, "door:open");
    const { payload } = await gateway.gateway.core.collectMetrics();
    const values = payload.flatMap(({ bundles }) => bundles.flatMap(({ value }) => value));
    expect(values.find(({ key }) => key === "events.door:open")?.gaugeValue?.value).toBe(2);
    expect(gateway.said("D").filter((line) => /^uptime is \d/.test(line))).toHaveLength(1);
  },
  "limits.py": async () => {
    await start(
      "limits.py",
      "[/settings/limits/python/limits]\nwarning = 3\n[/settings/core]\nscript sections = /settings/limits\n",
    );
    expect(await gateway.query("check_limit", "3")).toEqual([0, "3 of 3", ""]);
    expect(await gateway.query("check_limit", "4")).toEqual([1, "4 of 3", ""]);
  },
  "check_both.py": async () => {
    await start("check_both.py", "[/modules]\nPythonScript = enabled\nCheckHelpers = enabled\n");
    expect(await gateway.query("check_both", "check_ok", "check_warning")).toEqual([
      1,
      "No message and No message",
      "",
    ]);
    expect(await gateway.query("check_both", "check_both", "check_ok")).toEqual([3, " and No message", ""]);
  },
  "turns.py": async () => {
    await start("turns.py");
    const all = await Promise.all([1, 2, 3].map(() => gateway.query("check_turns")));
    expect(all.map(([, message]) => message).sort()).toContain("3 at a time");
  },
  "background.py": async () => {
    await start("background.py");
    expect(await gateway.query("check_background")).toEqual([0, "measured", ""]);
    expect(await gateway.gateway.reload("python")).toMatchObject({ reloaded: true });
    expect(gateway.said("D")).toContain("No thread is left");
    expect(await gateway.query("check_background")).toEqual([0, "measured", ""]);
  },
};

describe("the guide for Python scripts", () => {
  it("has no script that nothing is known of", () => {
    expect([...scripts.keys()]).toEqual(Object.keys(behaviour));
    expect(blocks(guide, "python")).toHaveLength(scripts.size);
  });

  it.for(Object.keys(behaviour))("has %s, which does what the text around it says", async (name, context) => {
    if (scripts.get(name)?.includes("plugin_pb2")) needPeer(pythonProtobuf, context);
    await behaviour[name]?.();
  });

  it("has settings that load a script, and two instances of the module", async () => {
    const [first = "", instances = "", interpreter = ""] = blocks(guide, "ini");
    const source = scripts.get("check_load.py") ?? "";
    gateway = await PythonGateway.start({ settings: first, files: { "scripts/python/check_load.py": source } });
    expect((await gateway.query("check_load", "1000", "2000"))[0]).toBe(0);
    await gateway.stop();
    expect(interpreter).toBe("[/settings/python]\npython executable = /opt/checks/bin/python\n");
    // The machine may not have that interpreter.
    const settings = instances.replace("python executable = python3.12\n", "");
    gateway = await PythonGateway.start({ settings, files: { "scripts/python/check_load.py": source } });
    const loaded = gateway.gateway.modules().map(({ alias, state }) => [alias, state]);
    expect(loaded).toEqual([
      ["office", "running"],
      ["shop", "running"],
    ]);
    expect((await gateway.query("check_load", "1000", "2000"))[0]).toBe(0);
  });

  it("says what is answered to what a check returns", async () => {
    gateway = await PythonGateway.start({
      scripts: {
        "returns.py": `
import sys
from NSCP import Registry, status

results = {
    "all": (status.WARNING, "text", "'a'=1;2;3"),
    "list": [status.OK, 12],
    "one": (status.OK,),
    "none": (),
    "strange": (7, "text"),
    "None": None,
    "number": 0,
}

def check(args):
    if args == ["exit"]:
        sys.exit(0)
    return results[args[0]]

def init(plugin_id, plugin_alias, script_alias):
    Registry.get(plugin_id).simple_function("check_returns", check, "")
`,
      },
    });
    const answers = [];
    for (const name of ["all", "list", "one", "none", "strange", "None", "number", "exit"]) {
      answers.push([name, ...(await gateway.query("check_returns", name))]);
    }
    expect(answers).toEqual([
      ["all", 1, "text", "'a'=1;2;3"],
      ["list", 0, "12", ""],
      ["one", 0, "", ""],
      ["none", 3, "", ""],
      ["strange", 3, "text", ""],
      ["None", 3, "None", ""],
      ["number", 3, "Exception in: check_returns", ""],
      ["exit", 3, "Exception in: check_returns", ""],
    ]);
  });

  it("says how lines are logged that a script prints", async () => {
    gateway = await PythonGateway.start({
      scripts: { "prints.py": 'import sys\nprint("to the one")\nprint("to the other", file=sys.stderr)\n' },
    });
    expect(gateway.said()).toEqual(["prints: to the one"]);
    expect(gateway.said("E")).toEqual(["prints: to the other"]);
  });

  it("says that a reload reads the script again, and not what it imports", async () => {
    const script = (text: string) => `
from NSCP import Registry, status
import helper

helper.loads += 1

def init(plugin_id, plugin_alias, script_alias):
    Registry.get(plugin_id).simple_function(
        "check_reload", lambda args: (status.OK, "${text}, %s, load %d" % (helper.text, helper.loads)), "")
`;
    gateway = await PythonGateway.start({
      scripts: { "again.py": script("old") },
      files: { "scripts/python/lib/helper.py": 'text = "old helper"\nloads = 0\n' },
    });
    expect(await gateway.query("check_reload")).toEqual([0, "old, old helper, load 1", ""]);
    gateway.write("scripts/python/again.py", script("new"));
    gateway.write("scripts/python/lib/helper.py", 'text = "new helper"\nloads = 0\n');
    expect(await gateway.gateway.reload("python")).toEqual({ reloaded: true, problems: [] });
    expect(await gateway.query("check_reload")).toEqual([0, "new, old helper, load 2", ""]);
  });

  it("says that a check that takes too long tells where, and that the others answer meanwhile", async () => {
    gateway = await PythonGateway.start({
      settings: "[/settings/python/scripts/slow]\nscript = slow.py\ntimeout = 1s\n",
      files: {
        "scripts/python/slow.py": `
from NSCP import Registry, sleep, status

def check_slow(args):
    sleep(3000)
    return status.OK, "late"

def init(plugin_id, plugin_alias, script_alias):
    registry = Registry.get(plugin_id)
    registry.simple_function("check_slow", check_slow, "Takes too long")
    registry.simple_function("check_quick", lambda args: (status.OK, "at once"), "Does not")
`,
      },
    });
    const slow = gateway.query("check_slow");
    expect(await gateway.query("check_quick")).toEqual([0, "at once", ""]);
    expect(await slow).toEqual([3, "check_slow timed out after 1 s: slow is at slow.py:5 in check_slow", ""]);
    expect(await gateway.query("check_quick")).toEqual([0, "at once", ""]);
    expect(gateway.log.filter((line) => line.includes("restarted"))).toEqual([]);
  });
});

it("the module's page has settings that load the sample", async () => {
  gateway = await PythonGateway.start({
    settings: blocks(page("src/modules/python-script/README.md"), "ini").join("\n"),
  });
  expect(await gateway.query("check_python", "a")).toEqual([0, "I was given 1 arguments", "'arguments'=1;5"]);
  expect(gateway.log.filter((line) => /^[EW]/.test(line))).toEqual([]);
});

it("the module's page has every setting of the module", () => {
  const readme = page("src/modules/python-script/README.md");
  const settings = pythonScript.settings;
  const keys = Object.keys(settings.keys).map((key) => key.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`));
  expect(keys.filter((key) => !readme.includes(`| \`${key}\` |`))).toEqual([]);
});
