import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { packageRoot, run, temporaryFolder } from "../support/gateway-process.js";

let folder: ReturnType<typeof temporaryFolder>;

beforeEach(() => {
  folder = temporaryFolder("node");
  mkdirSync(join(folder.path, "scripts", "node", "lib"), { recursive: true });
  writeFileSync(join(folder.path, "nscp.ini"), "[/modules]\nCheckHelpers = enabled\n");
});

afterEach(() => folder.remove());

function write(name: string, source: string): string {
  const file = join(folder.path, name);
  writeFileSync(file, source);
  return file;
}

const settings = () => readFileSync(join(folder.path, "nscp.ini"), "utf8");

/** `nscp` with the settings of the folder: its exit code and what it printed. */
async function nscp(...words: string[]): Promise<[number | null, string]> {
  const store = ["--settings", "nscp.ini", "--path-override", `data-path=${folder.path}`];
  const command = [join(packageRoot, "bin", "nscp.js"), ...words, ...store];
  const { code, stdout, stderr } = await run(process.execPath, command, { cwd: folder.path });
  return [code, stdout + stderr];
}

const minimal = `import { Registry } from "nscp-gateway/script";
export function init(id) { Registry.get(id).simpleFunction("check_minimal", () => [1, "minimal", "'a'=1"], ""); }`;

describe("nscp node add", () => {
  it("puts a script that exists into the settings, which then answers", async () => {
    write("scripts/node/minimal.ts", minimal);
    expect(await nscp("node", "add", "--script", "minimal.ts")).toEqual([0, "Added minimal as minimal.ts\n"]);
    expect(settings()).toContain("NodeScript = enabled\n");
    expect(settings()).toContain("[/settings/node/scripts]\nminimal = minimal.ts\n");
    expect(await nscp("client", "--query", "check_minimal")).toEqual([1, "minimal|'a'=1\n"]);
  });

  it("takes another name, and gives none to two scripts", async () => {
    write("scripts/node/minimal.ts", minimal);
    write("scripts/node/other.ts", minimal);
    expect(await nscp("node", "add", "--script", "minimal", "--alias", "mine")).toEqual([0, "Added mine as minimal\n"]);
    expect(await nscp("node", "add", "--script", "other", "--alias", "mine")).toEqual([
      3,
      "mine is minimal already; replace it with --replace.\n",
    ]);
    expect(await nscp("node", "add", "--script", "other", "--alias", "mine", "--replace")).toEqual([
      0,
      "Added mine as other\n",
    ]);
  });

  it("copies a script from elsewhere", async () => {
    const source = write("elsewhere.js", "");
    expect(await nscp("node", "add", "--import", source)).toEqual([0, "Added elsewhere as elsewhere.js\n"]);
    expect(existsSync(join(folder.path, "scripts", "node", "elsewhere.js"))).toBe(true);
    const [code, text] = await nscp("node", "add", "--import", source);
    expect([code, text.replace(folder.path, "")]).toEqual([
      3,
      "/scripts/node/elsewhere.js exists already; overwrite it with --replace.\n",
    ]);
  });

  it("changes nothing for a script that is not there", async () => {
    expect(await nscp("node", "add", "--script", "nowhere.ts")).toEqual([3, "Script not found: nowhere.ts\n"]);
    expect(settings()).toBe("[/modules]\nCheckHelpers = enabled\n");
  });
});

describe("nscp node install, list, show and delete", () => {
  it("manage the scripts of the settings", async () => {
    write("scripts/node/a.ts", "// a");
    write("scripts/node/b.js", "// b");
    write("scripts/node/lib/helper.ts", "");
    write("scripts/node/notes.txt", "");
    expect(await nscp("node", "list")).toEqual([0, "node/a.ts\nnode/b.js\n"]);
    expect(await nscp("node", "list", "--json", "--include-lib")).toEqual([
      0,
      '["node/a.ts","node/b.js","node/lib/helper.ts"]\n',
    ]);
    expect(await nscp("node", "install", "--add", "a.ts", "--add", "b.js")).toEqual([0, "a.ts\nb.js\n"]);
    expect(await nscp("node", "install", "--remove", "a.ts")).toEqual([0, "b.js\n"]);
    expect(await nscp("node", "list", "--configured")).toEqual([0, "b.js = b.js\n"]);
    expect(await nscp("node", "show", "--script", "b.js")).toEqual([
      0,
      `b.js = b.js\n${join(folder.path, "scripts", "node", "b.js")}\n\n// b`,
    ]);
    expect(await nscp("node", "delete", "--script", "b.ts")).toEqual([
      3,
      'Script not found: b.ts (did you mean "b.js"?)\n',
    ]);
    expect(await nscp("node", "delete", "--script", "b.js")).toEqual([0, "Removed b.js\n"]);
    expect(await nscp("node", "list", "--configured")).toEqual([0, ""]);
    expect(existsSync(join(folder.path, "scripts", "node", "b.js"))).toBe(true);
  });

  it("say how they are used", async () => {
    const usage = "Usage: nscp node [add|install|list|show|delete|execute] --help\n";
    const { code, stdout } = await run(process.execPath, [join(packageRoot, "bin", "nscp.js"), "node"]);
    expect([code, stdout]).toEqual([3, usage]);
  });
});

describe("nscp node execute", () => {
  it("runs init, main with the arguments as they are, and shutdown", async () => {
    write(
      "hand.ts",
      `import { Core, log } from "nscp-gateway/script";
      export function init(id: number, plugin: string, script: string): void { log(["init", id, plugin, script].join("|")); }
      export async function main(args: string[]): Promise<void> {
        console.log("printed");
        log("My arguments are: " + JSON.stringify(args));
        log((await Core.get(0).simpleQuery("check_nothing"))[1]);
      }
      export function shutdown(): void { log("Good bye"); }`,
    );
    expect(await nscp("node", "execute", "--script", "hand.ts", "install", "--root", "/tmp")).toEqual([
      0,
      `L       node init|0|node|
printed
L       node My arguments are: ["install","--root","/tmp"]
E       node Unknown command(s): check_nothing, available commands: none
L       node Unknown command(s): check_nothing
L       node Good bye

`,
    ]);
  });

  it("fails for a script that is not there, is broken, or throws", async () => {
    write("broken.ts", "export function main( {");
    const thrower = write(
      "thrower.ts",
      'export async function main(): Promise<void> {\n  throw new Error("no luck");\n}',
    );
    expect(await nscp("node", "execute", "--script", "nowhere")).toEqual([3, "Script not found: nowhere\n"]);
    const [code, text] = await nscp("node", "execute", "--script", "broken.ts");
    expect([code, text.split("\n")[0]?.replace(/ParseError.*/, "…")]).toEqual([
      3,
      `E       node Failed to load script: ${join(folder.path, "broken.ts")}: Error: …`,
    ]);
    expect(await nscp("node", "execute", "--file", "thrower.ts")).toEqual([
      3,
      `E       node Exception in main: Error: no luck
                 at Object.main (${thrower}:2:9)
Failed to execute main

`,
    ]);
  });
});
