import { mkdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { findScript, scriptCandidates } from "../../src/script-host/find-script.js";
import { temporaryFolder } from "../support/gateway-process.js";

const language = { folder: "node", extensions: [".ts", ".js"] };
let folder: ReturnType<typeof temporaryFolder>;

beforeEach(() => {
  folder = temporaryFolder("find");
  mkdirSync(join(folder.path, "node", "sub.ts"), { recursive: true });
});

afterEach(() => folder.remove());

function write(...path: string[]): string {
  const file = join(folder.path, ...path);
  writeFileSync(file, "");
  return file;
}

it("finds a script by its path, by its name in the language's folder and below the scripts", () => {
  const own = write("node", "a.ts");
  const plain = write("node", "a.js");
  const outside = write("b.js");
  const find = (name: string) => findScript(name, folder.path, language);
  expect(find(own)).toBe(own);
  expect(find(own.slice(0, -3))).toBe(own);
  expect(find("a")).toBe(own);
  expect(find("a.js")).toBe(plain);
  expect(find("node/a.ts")).toBe(own);
  expect(find("b")).toBe(outside);
  expect(find("c")).toBeUndefined();
  expect(find("")).toBeUndefined();
});

it("takes names as settings of other systems have them: with the folder of the scripts, and with backslashes", () => {
  const own = write("node", "a.ts");
  const scripts = basename(folder.path);
  const names = [`${scripts}/node/a.ts`, `${scripts}\\node\\a`, "node\\a.ts", `${scripts.toUpperCase()}/node/a`];
  expect(names.map((name) => findScript(name, folder.path, language))).toEqual(names.map(() => own));
});

it("takes no folder for a script", () => {
  expect(findScript("sub.ts", folder.path, language)).toBeUndefined();
});

it("tells where it looked", () => {
  expect(scriptCandidates("x", "/s", language)).toEqual([
    "x",
    "x.ts",
    "x.js",
    "/s/node/x",
    "/s/node/x.ts",
    "/s/node/x.js",
    "/s/x",
    "/s/x.ts",
    "/s/x.js",
  ]);
});
