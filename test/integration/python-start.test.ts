import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { temporaryFolder } from "../support/gateway-process.js";
import { hostOf, neighbour, startPython } from "../support/python-source.js";
import type { Harness } from "../support/script-harness.js";

const running: Harness[] = [];
const folders: ReturnType<typeof temporaryFolder>[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((harness) => harness.stop()));
  for (const folder of folders.splice(0)) folder.remove();
});

/** Interpreters differ in what they say of syntax, and in what they underline. */
function plain(text: string): string {
  return text.replace(/^ *[~^]+\n/gm, "").replace(/\w+Error: .*null bytes.*/, "SyntaxError: null bytes");
}

describe("a Python script that can't be read", () => {
  it("is told of in one record each, and the others start", async () => {
    const files = {
      "syntax.py": "def check(:\n",
      "nul.py": "log = 1\0\n",
      "encoded.py": "",
      "coding.py": "# coding: nonsense\nlog = 1\n",
      "leaves.py": "import sys\nsys.exit(3)\n",
      "imports.py": "import nowhere_to_be_found\n",
      "unreadable.py": "",
      "folder.py": "",
      "init_leaves.py": "def init(plugin_id, plugin_alias, script_alias):\n    raise SystemExit(5)\n",
      "init_other.py": "def init():\n    pass\n",
      "neighbour.py": neighbour,
    };
    const harness = await startPython(files);
    running.push(harness);
    const { folder, log, modules, query } = harness;
    for (const name of ["folder.py", "unreadable.py"]) rmSync(join(folder, name));
    mkdirSync(join(folder, "folder.py"));
    // A file that can be opened and not be read, whoever one is.
    symlinkSync("/proc/self/mem", join(folder, "unreadable.py"));
    writeFileSync(join(folder, "encoded.py"), Buffer.from('name = "\xe4"\n', "latin1"));
    log.records.length = 0;
    await modules.reload("python");
    const errors = log.texts("error").map((text) => plain(text.replaceAll(folder, "")));
    const looked = errors.shift();
    expect(looked).toMatch(/^Script not found: \/folder\.py looking in \/folder\.py, /);
    expect(errors.map((text) => text.replace(/(codec can't decode byte 0xe4) .*/, "$1"))).toEqual([
      'Failed to load script: /syntax.py: File "/syntax.py", line 1\n    def check(:\nSyntaxError: invalid syntax',
      "Failed to load script: /nul.py: SyntaxError: null bytes",
      `Failed to load script: /encoded.py: File "/encoded.py", line 1\n    name = "\ufffd"\nSyntaxError: (unicode error) 'utf-8' codec can't decode byte 0xe4`,
      'Failed to load script: /coding.py: File "/coding.py", line 0\nSyntaxError: unknown encoding: nonsense',
      'Failed to load script: /leaves.py: Traceback (most recent call last):\n  File "/leaves.py", line 2, in <module>\n    sys.exit(3)\nSystemExit: 3',
      "Failed to load script: /imports.py: Traceback (most recent call last):\n  File \"/imports.py\", line 1, in <module>\n    import nowhere_to_be_found\nModuleNotFoundError: No module named 'nowhere_to_be_found'",
      "Failed to load script: /unreadable.py: OSError: [Errno 5] Input/output error",
      'Exception in init of init_leaves: Traceback (most recent call last):\n  File "/init_leaves.py", line 2, in init\n    raise SystemExit(5)\nSystemExit: 5',
      "Exception in init of init_other: TypeError: init() takes 0 positional arguments but 3 were given",
    ]);
    expect(harness.script().trouble("syntax")).toBe(
      "python: syntax failed to load: SyntaxError: invalid syntax (syntax.py, line 1)",
    );
    expect(await query("check_neighbour")).toEqual([0, "call 1", ""]);
    expect(hostOf(harness)).toMatchObject({ state: "running", restarts: 0 });
  });
});

/** An executable that is a shell script. */
function program(text: string): string {
  const folder = temporaryFolder("interpreter");
  folders.push(folder);
  const file = join(folder.path, "python");
  writeFileSync(file, `#!/bin/sh\n${text}\n`);
  chmodSync(file, 0o755);
  return file;
}

const interpreters: Readonly<Record<string, { make: () => string; says: RegExp }>> = {
  "is not there": {
    make: () => "/nowhere/python",
    says: /^it could not be started: there is no \/nowhere\/python; install Python 3\.9 or newer, or name an interpreter with the setting "python executable"$/,
  },
  "is not in the search path": {
    make: () => "no-such-python",
    says: /^it could not be started: there is no no-such-python in the search path; install Python 3\.9 or newer, or name an interpreter with the setting "python executable"$/,
  },
  "may not be executed": {
    make() {
      const file = program("");
      chmodSync(file, 0o600);
      return file;
    },
    says: /^it could not be started: \S+\/python can't be executed$/,
  },
  "is a folder": {
    make: () => join(program(""), ".."),
    says: /^it could not be started: \S+ can't be executed$/,
  },
  "is too old": {
    make() {
      const file = program('PYTHONPATH="${0%/*}" exec python3 "$@"');
      writeFileSync(join(file, "..", "sitecustomize.py"), "import sys\nsys.version_info = (3, 8, 18)\n");
      return file;
    },
    says: /^it exited with code 1 \(Python scripts need Python 3\.9 or newer; \S+ is 3\.8\. Set \[\/settings\/python\] python executable\.\)$/,
  },
  "has nothing to say": { make: () => program("exit 0"), says: /^it exited with code 0$/ },
  "says something else": {
    make: () => program("echo garbage >&3; exec sleep 60"),
    says: /^it was not understood: A frame of 1734439526 bytes is out of bounds\.$/,
  },
  "never gets ready": { make: () => program("exec sleep 60"), says: /^its start took longer than 1 s$/ },
};

describe("an interpreter that can't be used", () => {
  it("is tried three times, and the status and the log say why; the gateway runs", async () => {
    const outcomes = await Promise.all(
      Object.values(interpreters).map(async ({ make, says }) => {
        const harness = await startPython({ "neighbour.py": neighbour }, { python: make(), startTimeoutMs: 1_000 });
        running.push(harness);
        await expect.poll(() => hostOf(harness).state, { timeout: 30_000 }).toBe("given up");
        const { lastFailure, scripts, restarts } = hostOf(harness);
        expect(lastFailure).toMatch(says);
        expect(scripts).toEqual([`neighbour (python: script host was given up: ${lastFailure})`]);
        expect(await harness.query("check_neighbour")).toEqual([3, "Unknown command(s): check_neighbour", ""]);
        return {
          restarts,
          errors: harness.log.texts("error").filter((text) => !text.startsWith("neighbour: Fatal Python error: ")),
          expected: [250, 2000]
            .map((ms) => `python: the script host was lost and is restarted in ${ms} ms: ${lastFailure}`)
            .concat(`python: the script host was lost for the third time in 5 minutes and is given up: ${lastFailure}`),
        };
      }),
    );
    expect(outcomes.map(({ errors }) => errors)).toEqual(outcomes.map(({ expected }) => expected));
    expect(outcomes.map(({ restarts }) => restarts)).toEqual(outcomes.map(() => 2));
  });
});
