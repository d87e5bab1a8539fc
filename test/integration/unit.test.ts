import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { needPeer, python } from "../peers/peers.js";
import { type Finished, packageRoot, run, temporaryFolder } from "../support/gateway-process.js";

let folder: ReturnType<typeof temporaryFolder>;

beforeEach(() => {
  folder = temporaryFolder("unit");
});

afterEach(() => folder.remove());

function write(name: string, source: string): string {
  const file = join(folder.path, name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, source);
  return file;
}

/** `nscp unit` in the folder: its exit code and what it printed. */
async function unit(...words: string[]): Promise<[code: number | null, stdout: string, stderr: string]> {
  const nscp = join(packageRoot, "bin", "nscp.js");
  const { code, stdout, stderr }: Finished = await run(process.execPath, [nscp, "unit", ...words], {
    cwd: folder.path,
  });
  return [code, stdout, stderr];
}

const samples = ["--path-override", `scripts=${join(packageRoot, "scripts")}`];
const own = () => ["--path-override", `scripts=${join(folder.path, "scripts")}`];

/** The fenced block of the page that defines a unit script. */
function documented(language: string, word: string): string {
  const page = readFileSync(join(packageRoot, "docs", "command-line.md"), "utf8");
  const blocks = [...page.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, "gms"))].map(([, text = ""]) => text);
  return blocks.find((text) => text.includes(word)) ?? "";
}

/** What the helpers of both languages do alike. */
const languages = [
  {
    language: "node",
    helper: "node/lib/nscp-unit.ts",
    sample: ["counts its arguments", "warns about more than five", "explains itself"],
    one: "explains itself",
    block: documented("ts", "unitScript"),
    file: "test_documented.ts",
    under: "check_sample.ts",
    documentedName: "counts its arguments",
    failing: `import assert from "node:assert/strict";
      import { query, test, unitScript } from "./lib/nscp-unit.js";
      test("knows", async () => assert.deepEqual(await query("check_nothing"), [3, "Unknown command(s): check_nothing", ""]));
      test("fails", () => assert.fail("as it must"));
      export const { init, main } = unitScript(import.meta.url);`,
    failed: /^ERROR: 1\/2 test\(s\) failed\n\[FAILED\] fails: AssertionError \[ERR_ASSERTION\]: as it must\n/m,
  },
  {
    language: "python",
    helper: "python/lib/nscp_unit.py",
    sample: [
      "CheckSample.test_counts_its_arguments",
      "CheckSample.test_warns_about_more_than_five",
      "test_does_without_arguments",
    ],
    one: "test_does_without_arguments",
    block: documented("python", "unit_script"),
    file: "test_documented.py",
    under: "check_sample.py",
    documentedName: "CheckSample.test_counts_its_arguments",
    failing: `from nscp_unit import query, unit_script
def test_knows():
    assert query("check_nothing") == (3, "Unknown command(s): check_nothing", "")
def test_fails():
    assert False, "as it must"
init, __main__ = unit_script(globals())
`,
    failed: /^ERROR: 1\/2 test\(s\) failed\n\[FAILED\] test_fails: Traceback [\s\S]*AssertionError: as it must\n/m,
  },
];

describe.each(languages)("nscp unit --language $language", (the) => {
  beforeEach((context) => {
    if (the.language === "python") needPeer(python, context);
  });

  const sampleUnit = (...words: string[]) =>
    unit("--language", the.language, "--script", "test_sample", ...words, ...samples);

  const copy = (name: string) => write(join("scripts", name), readFileSync(join(packageRoot, "scripts", name), "utf8"));

  it("runs the sample of a test", async () => {
    expect(await sampleUnit()).toEqual([0, "OK: 3 test(s) successful\n", ""]);
  });

  it("names the tests that succeed, and runs just those that are asked for", async () => {
    const all = ["OK: 3 test(s) successful", ...the.sample.map((name) => `[OK] ${name}`)];
    expect(await sampleUnit("--show-all")).toEqual([0, `${all.join("\n")}\n`, ""]);
    expect(await sampleUnit("--show-all", "-c", the.one)).toEqual([
      0,
      `OK: 1 test(s) successful\n[OK] ${the.one}\n`,
      "",
    ]);
    expect(await sampleUnit("--case", "nobody", "--case", the.one)).toEqual([
      3,
      `There is no test called nobody (there are ${the.sample.join(", ")})\n`,
      "",
    ]);
  });

  it("says which tests fail, and why", async () => {
    copy(the.helper);
    write(`scripts/${the.language}/${the.file}`, the.failing);
    const [code, stdout] = await unit("-l", the.language, "--script", the.file, ...own());
    expect(code).toBe(2);
    expect(stdout).toMatch(the.failed);
  });

  it("runs the script that the documentation shows", async () => {
    copy(the.helper);
    copy(`${the.language}/${the.under}`);
    write(`scripts/${the.language}/${the.file}`, the.block);
    expect(await unit("-l", the.language, "--script", the.file, "--show-all", ...own())).toEqual([
      0,
      `OK: 1 test(s) successful\n[OK] ${the.documentedName}\n`,
      "",
    ]);
  });
});

describe("nscp unit, when a signal ends it", () => {
  beforeEach((context) => {
    needPeer(python, context);
  });

  it.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)("leaves nothing behind after %s", async (signal) => {
    write(
      "test_endless.py",
      `import os
from NSCP import Core, sleep
from nscp_unit import unit_script

def test_endless():
    # What is printed is a line of the log.
    print("sleeping beside", os.listdir(os.environ["TMPDIR"]))
    sleep(600_000)

init, __main__ = unit_script(globals())
`,
    );
    const temporary = join(folder.path, "temporary");
    mkdirSync(temporary);
    const nscp = join(packageRoot, "bin", "nscp.js");
    const child = spawn(process.execPath, [nscp, "unit", "-l", "py", "--script", "test_endless.py", ...samples], {
      cwd: folder.path,
      env: { ...process.env, TMPDIR: temporary },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const ended = once(child, "exit");
    let printed = "";
    for await (const part of child.stdout.setEncoding("utf8")) {
      printed += part;
      if (/sleeping beside .*\n/.test(printed)) child.kill(signal);
    }
    expect(printed).toMatch(/sleeping beside \['nscp-unit-\w+'\]\n$/);
    expect(await ended).toEqual([null, signal]);
    expect(readdirSync(temporary)).toEqual([]);
  });
});

describe("the helper for Python", () => {
  beforeEach((context) => {
    needPeer(python, context);
  });

  it("knows what unittest knows: skipped and expected failures, parts of tests, what is set up for a class", async () => {
    write(
      "test_kinds.py",
      `import unittest
from unittest import TestCase
from nscp_unit import unit_script

class Kinds(TestCase):
    @unittest.skip("not today")
    def test_a_skipped(self):
        self.fail()

    @unittest.expectedFailure
    def test_b_expected(self):
        self.fail()

    @unittest.expectedFailure
    def test_c_unexpected(self):
        pass

    def test_d_parts(self):
        for part in range(3):
            with self.subTest(part=part):
                if part == 1:
                    raise LookupError(part)

class Broken(TestCase):
    @classmethod
    def setUpClass(cls):
        raise OSError("no disk")

    def test_never(self):
        pass

init, __main__ = unit_script(globals(), settings={"/settings/python": {"memory limit": "512M"}})
`,
    );
    const kinds = (...words: string[]) =>
      unit("--language", "py", "--script", "test_kinds.py", "--show-all", ...words, ...samples);
    const [code, stdout] = await kinds();
    const lines = stdout.split("\n").filter((line) => /^(ERROR|\[|\w+Error)/.test(line));
    expect([code, lines]).toEqual([
      2,
      [
        "ERROR: 3/5 test(s) failed",
        "[SKIPPED] Kinds.test_a_skipped: not today",
        "[OK] Kinds.test_b_expected: failed as expected",
        "[FAILED] Kinds.test_c_unexpected: it succeeded unexpectedly",
        "[FAILED] Kinds.test_d_parts (part=1): Traceback (most recent call last):",
        "LookupError: 1",
        "[FAILED] setUpClass (__main__.Broken): Traceback (most recent call last):",
        "OSError: no disk",
      ],
    ]);
    expect(await kinds("--case", "test_a_skipped", "test_b_expected")).toEqual([
      0,
      "OK: 1 test(s) successful, 1 skipped\n[SKIPPED] Kinds.test_a_skipped: not today\n[OK] Kinds.test_b_expected: failed as expected\n",
      "",
    ]);
  });
});

describe("nscp unit", () => {
  it("loads what install configured, and leaves the settings of the machine alone", async () => {
    write(
      "scripts/node/other.ts",
      `export function init(id: number, plugin: string, script: string): void {
      console.log(["other", plugin, script].join(" ")); }`,
    );
    write(
      "scripts/node/whole.ts",
      `import { fileURLToPath } from "node:url";
      import { Core, log, Registry, Settings } from "nscp-gateway/script";
      export function init(id: number, plugin: string, script: string): void {
        log(["init", plugin, script].join("|"));
        const said: string[] = [];
        const registry = Registry.get(id);
        registry.simpleFunction("node_unittest_show_ok", () => { said.push("all"); return 0; });
        registry.simpleFunction("node_unittest_add_case", (names) => { said.push(...names); return 0; });
        registry.simpleFunction("node_unittest", async () => {
          const [, text] = await Core.get(0).simpleQuery("check_ok", ["message=from CheckHelpers"]);
          const other = await Settings.get(0).getString("/modules", "Nowhere", "");
          return [1, [...said, text, other].join(", "), "'tests'=7"];
        });
      }
      export async function main(args: string[]): Promise<void> {
        log("main " + args.join(" "));
        const settings = Settings.get(0);
        for (const [key, value] of [["tests", "NodeScript"], ["CheckHelpers", "enabled"], ["Nowhere", "enabled"]] as const)
          await settings.setString("/modules", key, value);
        await settings.setString("/settings/tests/scripts", "mine", fileURLToPath(import.meta.url));
        await settings.setString("/settings/tests/scripts", "other", "other");
        await settings.save();
      }
      export function shutdown(): void { log("shutdown"); }`,
    );
    write("nscp.ini", "[/modules]\nCheckHelpers = disabled\n");
    const [code, stdout, stderr] = await unit(
      ...["--language", "typescript", "--script", "whole", "--show-all"],
      ...["--case", "a", "b c", "--case", "d", ...own()],
    );
    expect([code, stderr]).toEqual([1, ""]);
    expect(stdout.split("\n").filter((line) => !line.includes("Nowhere"))).toEqual([
      "L       node init|node|",
      "L       node main install",
      "L       node shutdown",
      "L      tests init|tests|mine",
      "L      tests other: other tests other",
      "L      tests shutdown",
      "all, a, b c, d, from CheckHelpers, enabled|'tests'=7",
      "",
    ]);
    expect(readFileSync(join(folder.path, "nscp.ini"), "utf8")).toBe("[/modules]\nCheckHelpers = disabled\n");
  });

  it("writes to the settings that are named", async () => {
    const file = write("nscp.ini", "");
    const words = ["--language", "ts", "--script", "test_sample", "--settings", "nscp.ini", ...samples];
    expect(await unit(...words)).toEqual([0, "OK: 3 test(s) successful\n", ""]);
    expect(readFileSync(file, "utf8")).toContain("\nNodeScript = enabled\n");
    expect(readFileSync(file, "utf8")).toContain("\ncheck_sample = check_sample.ts\n");
  });

  it("fails when install does", async () => {
    write("thrower.ts", 'export function main(): void { throw new Error("no luck"); }');
    const [code, stdout, stderr] = await unit("--language", "ts", "--script", "thrower.ts", ...samples);
    expect([code, stdout.split("\n")[0], stderr]).toEqual([
      3,
      "E       node Exception in main: Error: no luck",
      "Failed to setup unit test\n",
    ]);
    expect(await unit("--language", "py", "--script", "nowhere", ...samples)).toEqual([
      3,
      "Script not found: nowhere\n",
      "Failed to setup unit test\n",
    ]);
  });

  it("fails when nothing that was configured has tests", async () => {
    write("empty.ts", "");
    expect(await unit("--language", "ts", "--script", "empty.ts", ...samples)).toEqual([
      3,
      "No handler for command: node_unittest\n",
      "",
    ]);
  });

  it("fails when what was configured can't be started", async () => {
    write(
      "port.ts",
      `import { Settings } from "nscp-gateway/script";
      export async function main(): Promise<void> {
        await Settings.get(0).setString("/modules", "GRPCServer", "enabled");
        await Settings.get(0).setString("/settings/GRPC/server", "bind to", "192.0.2.1");
        await Settings.get(0).setString("/settings/GRPC/server", "use ssl", "false");
        await Settings.get(0).save();
      }`,
    );
    const [code, , stderr] = await unit("--language", "ts", "--script", "port.ts", ...samples);
    expect([code, stderr.split(":")[0]]).toEqual([3, "Failed to reload configuration"]);
  });

  it("knows its languages", async () => {
    expect(await unit("--language", "cobol", "--script", "x")).toEqual([
      3,
      "",
      "Not a language: cobol (there are python, py, node, typescript, ts, javascript, js)\n",
    ]);
  });
});
