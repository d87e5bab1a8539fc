import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { packageRoot, run, temporaryFolder } from "../support/gateway-process.js";

let folder: ReturnType<typeof temporaryFolder>;

beforeEach(() => {
  folder = temporaryFolder("python");
  mkdirSync(join(folder.path, "scripts", "python", "lib"), { recursive: true });
});

afterEach(() => folder.remove());

function write(name: string, source: string): string {
  const file = join(folder.path, name);
  writeFileSync(file, source);
  return file;
}

const settings = () => readFileSync(join(folder.path, "nscp.ini"), "utf8");
/** Without the comments that describe what was written. */
const settingsText = () =>
  settings()
    .split("\n")
    .filter((line) => !line.startsWith(";"))
    .join("\n");

/** `nscp` in the folder: its exit code and what it printed. */
async function nscp(words: readonly string[]): Promise<[number | null, string]> {
  const command = [join(packageRoot, "bin", "nscp.js"), ...words];
  const { code, stdout, stderr } = await run(process.execPath, command, { cwd: folder.path });
  return [code, stdout + stderr];
}

const store = () => ["--settings", "nscp.ini", "--path-override", `data-path=${folder.path}`];

/** An action of `nscp py` with the settings of the folder. */
const py = (action: string, ...words: string[]) => nscp(["py", action, ...store(), ...words]);

const minimal = `from NSCP import Registry, status

def init(plugin_id, plugin_alias, script_alias):
    registry = Registry.get(plugin_id)
    registry.simple_function("check_minimal", lambda args: (status.WARNING, "minimal", "'a'=1"), "Says so")
    registry.simple_function("check_another", lambda args: (status.OK, " ".join(args)), "Repeats its arguments")
    registry.simple_cmdline("do_minimal", lambda args: (0, "did %s" % args))
`;

describe("nscp py add", () => {
  it("writes what the documentation of the scripts says, and the check answers", async () => {
    write("scripts/python/my_script.py", minimal);
    expect(await py("add", "--script", "my_script.py")).toEqual([0, "Added my_script as my_script.py\n"]);
    expect(settingsText()).toBe(`[/modules]
PythonScript = enabled

[/settings/python/scripts]
my_script = my_script.py
`);
    expect(await nscp(["client", ...store(), "--query", "check_minimal"])).toEqual([1, "minimal|'a'=1\n"]);
  });

  it("copies a script from elsewhere to the folder of scripts and stores its bare name", async () => {
    const source = write("elsewhere.py", "");
    expect(await py("add", "--import", source)).toEqual([0, "Added elsewhere as elsewhere.py\n"]);
    expect(existsSync(join(folder.path, "scripts", "python", "elsewhere.py"))).toBe(true);
    expect(settingsText()).toContain("\nelsewhere = elsewhere.py\n");
    expect(await py("add", "--import", source, "--script", "renamed.py", "--no-config")).toEqual([
      0,
      "Added renamed as renamed.py\n",
    ]);
    expect(existsSync(join(folder.path, "scripts", "python", "renamed.py"))).toBe(true);
    expect(settings()).not.toContain("renamed");
  });

  it("changes nothing for a script that is not there", async () => {
    expect(await py("add", "--script", "nowhere")).toEqual([3, "Script not found: nowhere\n"]);
    expect(existsSync(join(folder.path, "nscp.ini"))).toBe(false);
  });
});

describe("nscp py install, list, show and delete", () => {
  it("manage the scripts of the settings", async () => {
    write("scripts/python/a.py", "# a");
    write("scripts/python/b.py", "# b");
    write("scripts/python/lib/helper.py", "");
    write("scripts/python/notes.txt", "");
    expect(await py("list")).toEqual([0, "python/a.py\npython/b.py\n"]);
    expect(await py("list", "--json", "--include-lib")).toEqual([
      0,
      '["python/a.py","python/b.py","python/lib/helper.py"]\n',
    ]);
    expect(await py("install", "--add", "a.py", "--add", "b.py")).toEqual([0, "a.py\nb.py\n"]);
    expect(await py("install", "--remove", "a.py")).toEqual([0, "b.py\n"]);
    expect(settingsText()).toContain("PythonScript = enabled\n");
    expect(await py("show", "--script", "b.py")).toEqual([
      0,
      `b.py = b.py\n${join(folder.path, "scripts", "python", "b.py")}\n\n# b`,
    ]);
    expect(await py("delete", "--script", "b.py")).toEqual([0, "Removed b.py\n"]);
    expect(await py("list", "--configured")).toEqual([0, ""]);
  });

  it("list the checks that the scripts register, under every alias of the module", async () => {
    write("scripts/python/minimal.py", minimal);
    write("scripts/python/talks.py", minimal.replaceAll("check_", "check_more_").concat('print("talking")\n'));
    write(
      "nscp.ini",
      `[/modules]
PythonScript = enabled
second = PythonScript
CheckHelpers = enabled
[/settings/python/scripts]
minimal = minimal.py
[/settings/second/scripts]
talks = talks.py
`,
    );
    const names = ["check_another", "check_minimal", "check_more_another", "check_more_minimal"];
    expect(await py("list", "--query")).toEqual([0, `${names.join("\n")}\n`]);
    expect(await py("list", "--query", "--json")).toEqual([0, `${JSON.stringify(names)}\n`]);
  });

  it("say how they are used", async () => {
    const usage = "Usage: nscp py [add|execute|list|install|delete] --help\n";
    expect(await nscp(["py"])).toEqual([3, usage]);
    expect(await nscp(["python"])).toEqual([3, usage]);
    expect(await nscp(["py", "bogus"])).toEqual([3, `${usage}Unknown action: bogus\n`]);
    const [code, help] = await nscp(["py", "--help"]);
    expect([code, help.split("\n")[0]]).toEqual([1, usage.trimEnd()]);
  });
});

describe("nscp py stubs", () => {
  it("says where editors find what NSCP offers", async () => {
    const [code, text] = await nscp(["py", "stubs"]);
    expect(code).toBe(0);
    expect(existsSync(join(text.trimEnd(), "NSCP.pyi"))).toBe(true);
  });
});

describe("nscp py execute", () => {
  beforeEach(() => {
    write("nscp.ini", "");
    write(
      "scripts/python/my_script.py",
      'from NSCP import log\n\ndef __main__(args):\n    log("My arguments are: %s" % args)\n',
    );
  });

  it.each(["execute", "exec", "python-script"])("runs __main__ with the arguments as they are: %s", async (word) => {
    expect(await py(word, "--script", "my_script.py", "install", "--root", "/tmp")).toEqual([
      0,
      "L     python My arguments are: ['install', '--root', '/tmp']\n\n",
    ]);
  });

  it("leaves the script what looks like options of ours", async () => {
    expect(await py("execute", "--script", "my_script", "install", "--root", "/tmp", "--help", "--debug")).toEqual([
      0,
      "L     python My arguments are: ['install', '--root', '/tmp', '--help', '--debug']\n\n",
    ]);
    expect(await py("execute", "--file", "my_script.py", "--", "--settings", "x", "--", "-h")).toEqual([
      0,
      "L     python My arguments are: ['--settings', 'x', '--', '-h']\n\n",
    ]);
  });

  it("runs init, __main__ and shutdown beside the scripts of the settings, and prints in order", async () => {
    write("scripts/python/minimal.py", minimal);
    write("nscp.ini", "[/modules]\nPythonScript = enabled\n[/settings/python/scripts]\nminimal = minimal.py\n");
    write(
      "hand.py",
      `import sys
from NSCP import Core, log, log_error

def init(*ids):
    global core
    core = Core.get(ids[0])
    print("init", ids)

def __main__(args):
    for number in range(3):
        print("printed", number)
        log("logged %d" % number)
    sys.stderr.write("to stderr\\n")
    log("answer: %s %s %s" % core.simple_query("check_minimal", []))

def shutdown():
    print("bye")
`,
    );
    const { code, stdout, stderr } = await run(
      process.execPath,
      [join(packageRoot, "bin", "nscp.js"), "py", "execute", ...store(), "--script", "hand.py"],
      { cwd: folder.path },
    );
    expect([code, stderr]).toEqual([0, "to stderr\n"]);
    expect(stdout.split("\n")).toEqual([
      "init (0, '', '')",
      ...[0, 1, 2].flatMap((number) => [`printed ${number}`, `L     python logged ${number}`]),
      "L     python answer: WARNING minimal 'a'=1",
      "bye",
      "",
      "",
    ]);
  });

  it("is no news where the settings have the script too", async () => {
    write("scripts/python/minimal.py", minimal);
    write("nscp.ini", "[/modules]\nPythonScript = enabled\n[/settings/python/scripts]\nminimal = minimal.py\n");
    expect(await py("execute", "--script", "minimal.py")).toEqual([0, "\n"]);
  });

  it("names settings that are not there when no script is found beside them", async () => {
    const file = join(folder.path, "nowhere", "nscp.ini");
    const text = `Script not found: mine.py\n${file}: error: the settings file is not there\n`;
    write("scripts/python/mine.py", "");
    expect(await nscp(["py", "execute", "--settings", "nowhere/nscp.ini", "--script", "mine.py"])).toEqual([3, text]);
  });

  it("fails for a script that is not there, is broken, or throws", async () => {
    write("broken.py", "def main(:\n");
    const thrower = write("thrower.py", "def __main__(args):\n    raise ValueError('no luck')\n");
    expect(await py("execute", "--script", "nowhere")).toEqual([3, "Script not found: nowhere\n"]);
    const [code, text] = await py("execute", "--script", "broken.py");
    const broken = join(folder.path, "broken.py");
    expect([code, text.startsWith(`E     python Failed to load script: ${broken}: `)]).toEqual([3, true]);
    expect(text).toMatch(/ SyntaxError: invalid syntax\n\n$/);
    const [failed, trace] = await py("execute", "--script", "thrower.py");
    expect([failed, trace]).toEqual([
      3,
      `E     python Exception in __main__: Traceback (most recent call last):
               File "${thrower}", line 2, in __main__
                 raise ValueError('no luck')
             ValueError: no luck
Failed to execute __main__

`,
    ]);
  });
});

describe("nscp client", () => {
  it("runs checks and commands of Python scripts", async () => {
    write("scripts/python/minimal.py", minimal);
    write("nscp.ini", "[/modules]\nPythonScript = enabled\n[/settings/python/scripts]\nminimal = minimal.py\n");
    const client = (...words: string[]) => nscp(["client", ...store(), ...words]);
    expect(await client("--module", "PythonScript", "--query", "check_another", "a", "b")).toEqual([0, "a b\n"]);
    expect(await client("--module", "PythonScript", "--exec", "do_minimal", "a")).toEqual([0, "did ['a']\n"]);
    expect(await client("--command", "do_minimal")).toEqual([0, "did []\n"]);
  });

  it("ends quietly after a check that has everything reloaded", async () => {
    write(
      "scripts/python/reloads.py",
      `from NSCP import Core, Registry, status

def init(plugin_id, plugin_alias, script_alias):
    core = Core.get(plugin_id)
    registry = Registry.get(plugin_id)
    registry.simple_function("check_reload", lambda args: (status.OK, "%s" % core.reload(args[0])))
`,
    );
    const modules = "CheckHelpers = enabled\nPythonScript = enabled\nsecond = CheckHelpers\nthird = PythonScript";
    write("nscp.ini", `[/modules]\n${modules}\n[/settings/python/scripts]\nreloads = reloads.py\n`);
    for (const what of ["service", "delayed,service", "python", "delayed,python", "settings"]) {
      const words = ["client", ...store(), "--log", "error", "--query", "check_reload", what];
      expect(await nscp(words)).toEqual([0, "True\n"]);
    }
  });
});

describe("nscp ext", () => {
  it("runs a command as nscp client does", async () => {
    write("scripts/python/minimal.py", minimal);
    write("nscp.ini", "[/modules]\nPythonScript = enabled\n[/settings/python/scripts]\nminimal = minimal.py\n");
    expect(await nscp(["ext", ...store(), "--command", "do_minimal", "a", "--b"])).toEqual([0, "did ['a', '--b']\n"]);
    expect(await nscp(["ext-scr", "--command=DO_MINIMAL", ...store()])).toEqual([0, "did []\n"]);
    expect(await nscp(["ext", ...store(), "--command", "do_nothing"])).toEqual([1, "Command not found: do_nothing\n"]);
  });
});
