/** What scripts are promised about their life: when they are called, with what, and what the log shows of it. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { packageRoot, run, temporaryFolder } from "../support/gateway-process.js";
import { PythonGateway } from "../support/python-gateway.js";

let gateway: PythonGateway | undefined;
let folder: ReturnType<typeof temporaryFolder> | undefined;

afterEach(async () => {
  await gateway?.stop();
  folder?.remove();
  gateway = folder = undefined;
});

async function start(options: Parameters<typeof PythonGateway.start>[0]): Promise<PythonGateway> {
  gateway = await PythonGateway.start(options);
  return gateway;
}

/** `nscp` in a folder with one script: exit code and what it printed. */
function commandLine(script: string) {
  const own = temporaryFolder("contract");
  folder = own;
  mkdirSync(join(own.path, "scripts", "python"), { recursive: true });
  writeFileSync(join(own.path, "scripts", "python", "greeter.py"), script);
  writeFileSync(join(own.path, "nscp.ini"), "");
  const store = ["--settings", "nscp.ini", "--path-override", `data-path=${own.path}`];
  return async (...words: string[]): Promise<[number | null, string]> => {
    const command = [join(packageRoot, "bin", "nscp.js"), ...words.slice(0, 2), ...store, ...words.slice(2)];
    const { code, stdout, stderr } = await run(process.execPath, command, { cwd: own.path });
    return [code, stdout + stderr];
  };
}

describe("nscp py add", () => {
  it("switches the module on and puts the script under its name without the ending", async () => {
    const nscp = commandLine("");
    expect(await nscp("py", "add", "--script", "greeter.py")).toEqual([0, "Added greeter as greeter.py\n"]);
    const settings = readFileSync(join(folder?.path ?? "", "nscp.ini"), "utf8");
    const lines = settings.split("\n").filter((line) => line !== "" && !line.startsWith(";"));
    expect(lines).toEqual([
      ...["[/modules]", "PythonScript = enabled"],
      ...["[/settings/python/scripts]", "greeter = greeter.py"],
    ]);
  });
});

describe("__main__", () => {
  it("is given the words behind the script as a list, and what it logs stands on the console", async () => {
    const nscp = commandLine(`
from NSCP import log

def __main__(args):
    log("My arguments are: %s" % args)
`);
    expect(await nscp("py", "execute", "--script", "greeter.py", "install", "--root", "/tmp")).toEqual([
      0,
      "L     python My arguments are: ['install', '--root', '/tmp']\n\n",
    ]);
  });

  it("runs only by hand", async () => {
    const { log } = await start({
      scripts: {
        "greeter.py": `
from NSCP import log

def __main__(args):
    log("by hand")

def init(plugin_id, plugin_alias, script_alias):
    log("by the module")
`,
      },
    });
    expect(log.filter((line) => line.startsWith("L     python"))).toEqual(["L     python by the module"]);
  });
});

const tellsWhoItIs = `
from NSCP import log

def init(plugin_id, plugin_alias, script_alias):
    log("*** plugin_id: %d, plugin_alias: %s, script_alias: %s" % (plugin_id, plugin_alias, script_alias))
`;

describe("init", () => {
  it("is told the id and both names, and the log shows each step of the start in its order", async () => {
    const { log, folder: root } = await start({
      settings: "[/settings/python/scripts]\nfront = greeter.py\n",
      files: { "scripts/python/greeter.py": tellsWhoItIs },
    });
    const file = join(root, "scripts", "python", "greeter.py");
    expect(log.filter((line) => /^. +python /.test(line))).toEqual([
      "D     python boot python",
      "D     python Prepare python",
      "D     python init python",
      `D     python Adding script: front (${file})`,
      `D     python Loading python script: ${file}`,
      `D     python Lib path: ${join(root, "scripts", "python", "lib")}`,
      "L     python *** plugin_id: 0, plugin_alias: python, script_alias: front",
    ]);
  });

  it("tells the instances of the module apart by their id, and the scripts of each by their key", async () => {
    const { log } = await start({
      settings: `[/modules]
one = PythonScript
two = PythonScript
[/settings/one/scripts]
a = greeter.py
b = greeter.py
[/settings/two/scripts]
a = greeter.py
b = greeter.py
`,
      files: { "scripts/python/greeter.py": tellsWhoItIs },
    });
    const told = log.flatMap((line) => {
      const match = /plugin_id: (\d+), plugin_alias: (\w+), script_alias: (\w+)/.exec(line);
      return match === null ? [] : [match.slice(1)];
    });
    const [[first = ""] = [], , [second = ""] = []] = told;
    expect(told).toEqual([
      [first, "one", "a"],
      [first, "one", "b"],
      [second, "two", "a"],
      [second, "two", "b"],
    ]);
    expect(Number(second)).toBeGreaterThan(Number(first));
  });

  it("lets a script that is loaded several times have settings for each", async () => {
    const { log } = await start({
      settings: `[/modules]
one = PythonScript
[/settings/one/scripts]
a = greeter.py
b = greeter.py
[/settings/greeter/one/a]
word = Hello
[/settings/greeter/one/b]
word = Servus
`,
      files: {
        "scripts/python/greeter.py": `
from NSCP import Settings, log

def init(plugin_id, plugin_alias, script_alias):
    section = "/settings/greeter/%s/%s/" % (plugin_alias, script_alias)
    log(Settings.get(plugin_id).get_string(section, "word", "nothing"))
`,
      },
    });
    expect(log.filter((line) => /^L +one/.test(line))).toEqual(["L        one Hello", "L        one Servus"]);
  });
});

describe("shutdown", () => {
  const leaves = `
from NSCP import log

def init(plugin_id, plugin_alias, script_alias):
    log("Hello")

def shutdown():
    log("Good bye")
`;

  it("runs when the gateway stops", async () => {
    const started = await start({ scripts: { "leaves.py": leaves } });
    await started.stop();
    expect(started.said()).toEqual(["Hello", "Good bye"]);
  });

  it("runs when the module is unloaded", async () => {
    const started = await start({ scripts: { "leaves.py": leaves } });
    expect(await started.gateway.unloadModule("python")).toBe(true);
    expect(started.said()).toEqual(["Hello", "Good bye"]);
  });

  it("runs when the module is reloaded, before the script is loaded again", async () => {
    const started = await start({ scripts: { "leaves.py": leaves } });
    expect(await started.gateway.reload("python")).toMatchObject({ reloaded: true });
    expect(started.said()).toEqual(["Hello", "Good bye", "Hello"]);
  });

  it("runs at the end of a script that is run by hand", async () => {
    const nscp = commandLine(leaves);
    expect(await nscp("py", "execute", "--script", "greeter.py")).toEqual([
      0,
      "L     python Hello\nL     python Good bye\n\n",
    ]);
  });
});

it("a script needs none of the three", async () => {
  const nscp = commandLine("print('read')");
  expect(await nscp("py", "execute", "--script", "greeter.py")).toEqual([0, "read\n\n"]);
  const started = await start({ scripts: { "plain.py": "print('read')" } });
  expect(started.log.filter((line) => line.startsWith("E"))).toEqual([]);
  await started.stop();
  expect(started.log.filter((line) => line.startsWith("E"))).toEqual([]);
});
