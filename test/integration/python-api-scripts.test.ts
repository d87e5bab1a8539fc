import { describe, expect, it } from "vitest";
import { type Harness, type HarnessOptions, startScripts, stoppedAfterTest } from "../support/script-harness.js";

function start(files: Readonly<Record<string, string>>, options?: HarnessOptions): Promise<Harness> {
  return stoppedAfterTest(startScripts(files, { ...options, language: "python" }));
}

/** Texts of the log without those that are about loading. */
function said({ log }: Harness): [string, string][] {
  const about = /^((Adding script|Loading python script|Lib path): |PythonScript loaded as )/;
  return log.records.filter(({ text }) => !about.test(text)).map(({ level, text }) => [level, text]);
}

describe("the lifecycle of a script", () => {
  it("begins with init, gets its ids, and ends with shutdown", async () => {
    const running = await start(
      {
        "life.py": `
from NSCP import log
log("body")
def init(*args): log("init %r" % (args,))
def __main__(*args): log("main %r" % (args,))
def shutdown(*args): log("shutdown %r" % (args,))`,
      },
      { entries: { life: { alias: "an alias" } } },
    );
    await running.script().main("life", ["install", "--root", "/tmp", ""]);
    await running.stop();
    expect(said(running)).toEqual([
      ["info", "body"],
      ["info", "init (0, 'python', 'an alias')"],
      ["info", "main (['install', '--root', '/tmp', ''],)"],
      ["info", "shutdown ()"],
    ]);
  });

  it("tells at debug level what is loaded and where it may import from", async () => {
    const { log, folder } = await start({ "life.py": "" });
    expect(log.texts("debug")).toEqual([
      `Adding script: life (${folder}/life.py)`,
      `Loading python script: ${folder}/life.py`,
      `Lib path: ${folder}/python/lib`,
      "PythonScript loaded as python",
    ]);
  });

  it("skips what is missing or false", async () => {
    const running = await start({ "without.py": "", "empty.py": "init = None\n__main__ = 0\nshutdown = ''" });
    await running.script().main("without", ["a"]);
    await running.script().main("empty", ["a"]);
    await running.stop();
    expect(said(running)).toEqual([]);
  });

  it.each([
    ["raise ValueError('boom')", "ValueError: boom"],
    ["sys.exit(3)", "SystemExit: 3"],
    ["raise KeyboardInterrupt()", "KeyboardInterrupt"],
  ])("goes on after %s in init, main or shutdown", async (statement, error) => {
    const running = await start({
      "failing.py": `
from NSCP import Registry
def init(plugin_id, plugin_alias, script_alias):
    Registry.get(plugin_id).simple_function("check", lambda args: (0, "fine"), "")
    ${statement}
def __main__(args):
    ${statement}
def shutdown():
    ${statement}`,
    });
    expect(await running.query("check")).toEqual([0, "fine", ""]);
    await expect(running.script().main("failing", [])).rejects.toThrow(error);
    expect(await running.query("check")).toEqual([0, "fine", ""]);
    await running.stop();
    const trace = (line: number, name: string) =>
      `Traceback (most recent call last):\n  File "${running.folder}/failing.py", line ${line}, in ${name}\n    ${statement}\n${error}`;
    expect(said(running).map(([level, text]) => [level, withoutMarks(text)])).toEqual([
      ["error", `Exception in init of failing: ${trace(5, "init")}`],
      ["error", `Exception in shutdown of failing: ${trace(9, "shutdown")}`],
    ]);
  });

  it("calls what is named init whatever it is, and says when that is not possible", async () => {
    const running = await start({ "wrong.py": "init = 5" });
    expect(said(running)).toEqual([["error", "Exception in init of wrong: TypeError: 'int' object is not callable"]]);
  });
});

describe("a script that can't be loaded", () => {
  it.each([
    ["raise ValueError('boom')", 3, "ValueError: boom"],
    ["import no_such_module", 3, "ModuleNotFoundError: No module named 'no_such_module'"],
    ["sys.exit()", 3, "SystemExit"],
  ])("because of %s is in the log with its path and the traceback, and others run", async (statement, line, error) => {
    const running = await start({
      "bad.py": `from NSCP import log\ndef init(*args): log("init of bad")\n${statement}`,
      "good.py": `from NSCP import Registry
def init(plugin_id, *rest): Registry.get(plugin_id).simple_function("good", lambda args: (0, "good"), "")`,
    });
    expect(await running.query("good")).toEqual([0, "good", ""]);
    expect(said(running).map(([level, text]) => [level, withoutMarks(text)])).toEqual([
      [
        "error",
        `Failed to load script: ${running.folder}/bad.py: Traceback (most recent call last):\n  File "${running.folder}/bad.py", line ${line}, in <module>\n    ${statement}\n${error}`,
      ],
    ]);
  });

  it("because of a syntax error is shown where", async () => {
    const running = await start({ "bad.py": "def init(:\n    pass" });
    expect(running.log.texts("error")).toEqual([
      expect.stringMatching(
        new RegExp(
          `^Failed to load script: ${running.folder}/bad\\.py: +File "${running.folder}/bad\\.py", line 1\n.*\nSyntaxError: .*$`,
          "s",
        ),
      ),
    ]);
  });

  it("because it is not there is in the log with where it was looked for", async () => {
    const running = await start({ "there.py": "" }, { entries: { there: { script: "elsewhere" } } });
    const { folder } = running;
    expect(running.log.texts("error")).toEqual([
      `Script not found: elsewhere looking in elsewhere, elsewhere.py, ${folder}/python/elsewhere, ${folder}/python/elsewhere.py, ${folder}/elsewhere, ${folder}/elsewhere.py`,
    ]);
  });

  it("because it is not in UTF-8 says so", async () => {
    const running = await start({ "bad.py": "# coding: ascii\nx = '\u00e5'" });
    expect(running.log.texts("error")).toEqual([expect.stringMatching(/bad\.py: .*SyntaxError: /s)]);
  });
});

/** A script that shows an expression as its check. */
function shows(expression: string, more = ""): string {
  return `from NSCP import Registry, log
${more}
def init(plugin_id, plugin_alias, script_alias):
    Registry.get(plugin_id).simple_function("show_" + script_alias, lambda args: (0, repr(${expression})), "")`;
}

describe("the globals of a script", () => {
  it("look like those of a main module, and have sys and StringIO", async () => {
    const { query, folder } = await start({
      "globals.py": shows(
        "(__name__, __file__, sys.__name__, StringIO('x').read(), ran, locals() is globals())",
        "if __name__ == '__main__': ran = True",
      ),
    });
    expect(await query("show_globals")).toEqual([
      0,
      `('__main__', '${folder}/globals.py', 'sys', 'x', True, False)`,
      "",
    ]);
  });

  it("have the names of the body and of init in one place", async () => {
    const { query } = await start({
      "names.py": shows(
        "(top, later)",
        "top = 1\ndef _unused(): pass\nclass A:\n    inner = top\nlater = [A.inner for _ in range(2)]",
      ),
    });
    expect(await query("show_names")).toEqual([0, "(1, [1, 1])", ""]);
  });

  it("are the script's own, also where one file is loaded twice", async () => {
    const source = shows(
      "(id(globals()) != 0, counter, counter.append(script_name))",
      "counter = []\nscript_name = 'unset'",
    );
    const named = `${source}\n    global script_name\n    script_name = script_alias`;
    const { query } = await start({ "first.py": named, "second.py": "" }, { entries: { second: { script: "first" } } });
    expect(await query("show_first")).toEqual([0, "(True, ['first'], None)", ""]);
    expect(await query("show_second")).toEqual([0, "(True, ['second'], None)", ""]);
    expect(await query("show_first")).toEqual([0, "(True, ['first', 'first'], None)", ""]);
  });

  it("work for classes that look up their module", async () => {
    const { query } = await start({
      "classes.py": shows(
        "(Point(1, 2), Color.RED, Pair(1, 2))",
        "import collections, dataclasses, enum\n@dataclasses.dataclass\nclass Point:\n    x: int\n    y: 'int'\nclass Color(enum.Enum):\n    RED = 1\nPair = collections.namedtuple('Pair', 'a b')",
      ),
    });
    expect(await query("show_classes")).toEqual([0, "(Point(x=1, y=2), <Color.RED: 1>, Pair(a=1, b=2))", ""]);
  });
});

describe("imports", () => {
  it("find python/lib, then python, then the folder of the script, none of them twice", async () => {
    const { query, folder } = await start({
      "python/lib/helper.py": "name = 'lib'",
      "python/helper.py": "name = 'python'",
      "helper.py": "name = 'own'",
      "python/lib/__init__.py": "",
      "python/beside.py": "name = 'python'",
      "beside.py": "name = 'own'",
      "_own.py": "name = 'own'",
      "first.py": shows(
        "(helper.name, lib.helper.name, beside.name, _own.name, [path for path in sys.path if path.startswith(root)])",
        "import helper, lib.helper, beside, _own, os\nroot = os.path.dirname(__file__)",
      ),
      "second.py": shows("len(sys.path) == len(set(sys.path))"),
    });
    expect(await query("show_first")).toEqual([
      0,
      `('lib', 'lib', 'python', 'own', ['${folder}/python/lib', '${folder}/python', '${folder}'])`,
      "",
    ]);
    expect(await query("show_second")).toEqual([0, "True", ""]);
  });

  it("find the gateway's NSCP and message classes whatever is in the folders of scripts", async () => {
    const { query } = await start({
      "python/lib/NSCP.py": "raise ImportError('a copy')",
      "python/lib/plugin_pb2.py": "raise ImportError('a copy')",
      "own.py": shows(
        "NSCP.__doc__.splitlines()[0]",
        "import NSCP, importlib.util\nassert 'lib' not in importlib.util.find_spec('plugin_pb2').origin",
      ),
    });
    expect(await query("show_own")).toEqual([0, "'What Python scripts know of the gateway.'", ""]);
  });

  it("keep the state of helpers from one script to the next", async () => {
    const { query } = await start({
      "python/lib/shared.py": "count = []",
      "a.py": shows("shared.count", "import shared\nshared.count.append('a')"),
      "b.py": shows("sorted(shared.count)", "import shared\nshared.count.append('b')"),
    });
    expect(await query("show_b")).toEqual([0, "['a', 'b']", ""]);
  });
});

describe("what a script prints", () => {
  it("goes to the log line by line, and what it wrote to stderr can be read back", async () => {
    const { query, log } = await start({
      "prints.py": shows(
        "(sys.stderr.getvalue(), isinstance(sys.stdout.encoding, str))",
        "print('one', 'two')\nprint('three\\nfour')\nsys.stderr.write('problem\\n')\nsys.stdout.buffer.write(b'bytes\\n')",
      ),
    });
    expect(await query("show_prints")).toEqual([0, "('problem\\n', True)", ""]);
    const lines = log.records.filter(({ text }) => text.startsWith("prints: "));
    expect(lines.map(({ level, text }) => [level, text])).toEqual([
      ["info", "prints: one two"],
      ["info", "prints: three"],
      ["info", "prints: four"],
      ["error", "prints: problem"],
      ["info", "prints: bytes"],
    ]);
  });

  it("is told once for each exception, with just that traceback", async () => {
    const { query, log } = await start({
      "raises.py": `from NSCP import Registry
def check(args): raise ValueError(args[0])
def init(plugin_id, *rest): Registry.get(plugin_id).simple_function("check", check, "")`,
    });
    await query("check", "first");
    await query("check", "second");
    expect(log.texts("error").map((text) => [withoutMarks(text).split("\n").length, text.split("\n").at(-1)])).toEqual([
      [4, "ValueError: first"],
      [4, "ValueError: second"],
    ]);
  });
});

/** Newer Pythons underline parts of a line. */
function withoutMarks(trace: string): string {
  return trace.replace(/\n +[~^]+(?=\n)/g, "");
}
