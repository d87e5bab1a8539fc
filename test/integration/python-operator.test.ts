/** What the operator of a gateway reads about scripts: one record for each problem, and a status with all that is missing. */
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { PythonGateway, type PythonGatewayOptions } from "../support/python-gateway.js";

const gateways: PythonGateway[] = [];

afterEach(async () => {
  for (const gateway of gateways.splice(0)) await gateway.stop();
});

async function start(options: PythonGatewayOptions): Promise<PythonGateway> {
  const gateway = await PythonGateway.start(options);
  gateways.push(gateway);
  return gateway;
}

it("a traceback shows the lines of the script, and none of what is below them", async () => {
  const gateway = await start({
    scripts: {
      "mistakes.py": `from NSCP import Core, Registry

def check_query(args):
    return Core.get(0).simple_query("check_ok", None)

def check_import(args):
    import nscp_host.nothing

def inner(args):
    raise KeyError(args[0])

def check_nested(args):
    return inner(args)

def init(plugin_id, plugin_alias, script_alias):
    registry = Registry.get(plugin_id)
    for function in (check_query, check_nested):
        registry.simple_function(function.__name__, function)
`,
    },
  });
  await gateway.query("check_query");
  await gateway.query("check_nested", "x");
  const file = join(gateway.folder, "scripts", "python", "mistakes.py");
  const errors = gateway.log.filter((line) => line.startsWith("E"));
  expect(errors.map((line) => line.replace(/ +[~^]+(?= )/g, "").replace(/ {2,}/g, " "))).toEqual([
    `E python Exception in check_query: Traceback (most recent call last): File "${file}", line 4, in check_query return Core.get(0).simple_query("check_ok", None) NSCP.ArgumentError: arguments is None instead of list`,
    `E python Exception in check_nested: Traceback (most recent call last): File "${file}", line 13, in check_nested return inner(args) File "${file}", line 10, in inner raise KeyError(args[0]) KeyError: 'x'`,
  ]);
});

it("what a thread of a script raises is one record, with the names of the script and the thread", async () => {
  const gateway = await start({
    scripts: {
      "background.py": `import threading, time
from NSCP import Registry, log

def work():
    raise ValueError("no work\\nfor me")

def leave():
    raise SystemExit(1)

def check_threads(args):
    for target in (work, leave):
        thread = threading.Thread(target=target, name=target.__name__)
        thread.start()
        thread.join()

def init(plugin_id, plugin_alias, script_alias):
    Registry.get(plugin_id).simple_function("check_threads", check_threads)
`,
    },
  });
  await gateway.query("check_threads");
  const errors = gateway.log.filter((line) => line.startsWith("E"));
  expect(errors.map((line) => line.replace(/Traceback .*, line 5, in work/, "…"))).toEqual([
    'E     python Exception in work of background: …     raise ValueError("no work\\nfor me") ValueError: no work for me',
  ]);
});

it("what is missing is told once, with its line in the settings", async () => {
  const gateway = await start({
    settings: "[/modules]\nPythonScript = enabled\nCheckSystem = enabled\n[/settings/python/scripts]\nfine = fine.py\n",
    files: { "scripts/python/fine.py": "" },
  });
  expect(gateway.log.filter((line) => line.includes("CheckSystem"))).toEqual([
    `E       core ${gateway.folder}/nscp.ini:3: error: [/modules] CheckSystem: there is no module CheckSystem`,
  ]);
  expect(await gateway.gateway.loadModule("CheckSystem", "")).toBe(false);
  expect(gateway.log.at(-1)).toBe("E       core Failed to load module: CheckSystem: there is no such module");
});

it("the status names scripts that are not there, that could not be read, and those whose init failed", async () => {
  const gateway = await start({
    settings: "[/settings/python/scripts]\ngone = gone.py\n",
    scripts: {
      "fine.py": "",
      "late.py": "def init(*args):\n    raise ValueError('no\\n  configuration')\n",
      "syntax.py": "def\n",
    },
  });
  const status = () => gateway.gateway.modules().find(({ name }) => name === "PythonScript")?.status;
  expect(status()?.detail).toEqual(["script gone is not there: gone.py"]);
  expect(status()?.hosts?.[0]?.scripts).toEqual([
    "fine",
    "late (init failed: ValueError: no configuration)",
    "syntax (python: syntax failed to load: SyntaxError: invalid syntax (syntax.py, line 1))",
  ]);

  gateway.write("scripts/python/late.py", "");
  gateway.write("scripts/python/syntax.py", "");
  gateway.write("scripts/python/gone.py", "");
  await gateway.gateway.reload("python");
  expect(status()?.detail).toBeUndefined();
  expect(status()?.hosts?.[0]?.scripts).toEqual(["fine", "gone", "late", "syntax"]);
});
