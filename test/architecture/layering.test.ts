import { readdirSync, readFileSync } from "node:fs";
import { posix, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { describe, expect, test } from "vitest";

/** What a room may import beside itself; imports run one way. */
const rooms: Readonly<Record<string, readonly string[]>> = {
  wire: [],
  kernel: ["wire"],
  settings: ["kernel", "wire"],
  "script-host": ["settings", "kernel", "wire"],
  spool: ["settings", "kernel", "wire"],
  security: ["settings", "kernel", "wire"],
  telemetry: ["settings", "kernel", "wire"],
  relay: ["spool", "settings", "kernel", "wire"],
  "front-end": ["security", "settings", "kernel", "wire"],
  modules: ["front-end", "relay", "script-host", "spool", "security", "telemetry", "settings", "kernel", "wire"],
  gateway: [
    "modules",
    "front-end",
    "relay",
    "script-host",
    "spool",
    "security",
    "telemetry",
    "settings",
    "kernel",
    "wire",
  ],
  cli: [
    "gateway",
    "modules",
    "front-end",
    "relay",
    "script-host",
    "spool",
    "security",
    "telemetry",
    "settings",
    "kernel",
    "wire",
  ],
  "script.ts": ["wire"],
};

/** What scripts import is loaded beside them: apart from messages only what ties it to the gateway on the other side. */
const scriptRuntime = /^(?:modules\/node-script\/host\/|script-host\/(?:protocol|script-bridge)\.js$)/;

/** Rooms without input, output and time of their own. */
const pureRooms: ReadonlySet<string> = new Set(["kernel", "wire"]);

/** What a pure room may take from the platform: no sockets, files, processes, threads or timers. */
const pureBuiltins: ReadonlySet<string> = new Set(["node:buffer", "node:crypto", "node:util", "node:zlib"]);

const timers: ReadonlySet<string> = new Set(["setTimeout", "setInterval", "setImmediate"]);

/** Functions of node:child_process that take a command line and give it to a shell. */
const shellFunctions: ReadonlySet<string> = new Set(["exec", "execSync"]);

interface Source {
  /** Below src/, with slashes. */
  readonly path: string;
  readonly text: string;
}

/** Everything in the sources that breaks the rules, one line each. */
function violations(sources: readonly Source[]): string[] {
  return sources.flatMap((source) => {
    const tree = ts.createSourceFile(source.path, source.text, ts.ScriptTarget.Latest, true);
    return [
      ...importsOf(tree).flatMap(({ specifier, names }) => importProblem(source.path, specifier, names)),
      ...codeProblems(source.path, tree),
    ];
  });
}

interface Import {
  readonly specifier: string;
  /** Names that are imported by themselves; with `import * as` and `import()` all of them, written `*`. */
  readonly names: readonly string[];
}

function importsOf(tree: ts.SourceFile): Import[] {
  const imports: Import[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) {
      if (node.moduleSpecifier !== undefined)
        imports.push({ specifier: literal(node.moduleSpecifier), names: namesOf(node) });
    } else if (ts.isImportTypeNode(node)) {
      imports.push({ specifier: literal(node.argument), names: [] });
    } else if (ts.isCallExpression(node) && isLoader(node.expression)) {
      imports.push({ specifier: literal(node.arguments[0]), names: ["*"] });
    }
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return imports;
}

function namesOf(node: ts.ImportDeclaration | ts.ExportDeclaration): string[] {
  const bindings = ts.isImportDeclaration(node) ? node.importClause?.namedBindings : node.exportClause;
  if (bindings === undefined || !(ts.isNamedImports(bindings) || ts.isNamedExports(bindings))) return ["*"];
  return bindings.elements.map((element) => (element.propertyName ?? element.name).text);
}

function isLoader(expression: ts.Expression): boolean {
  return expression.kind === ts.SyntaxKind.ImportKeyword || expression.getText() === "require";
}

function literal(node: ts.Node | undefined): string {
  if (node !== undefined && ts.isLiteralTypeNode(node)) return literal(node.literal);
  return node !== undefined && ts.isStringLiteralLike(node) ? node.text : "";
}

function importProblem(path: string, specifier: string, names: readonly string[]): string[] {
  const room = roomOf(path);
  if (!specifier.startsWith(".")) {
    if (specifier.startsWith("node:child_process") && names.some((name) => name === "*" || shellFunctions.has(name))) {
      return [`${path} imports what runs shells from ${specifier}`];
    }
    const isPlatform = specifier.startsWith("node:");
    return pureRooms.has(room) && isPlatform && !pureBuiltins.has(specifier) ? [`${path} imports ${specifier}`] : [];
  }
  const target = posix.join(posix.dirname(path), specifier);
  const complaint = [`${path} imports ${target}`];
  const wanted = roomOf(target);
  if (wanted === ".." || target.startsWith("..")) return [];
  if (room === "script.ts") {
    return wanted === "wire" || scriptRuntime.test(target) ? [] : complaint;
  }
  if (wanted === "script.js") return moduleOf(path) === "node-script" ? [] : complaint;
  if (room !== wanted) return rooms[room]?.includes(wanted) === true ? [] : complaint;
  return room === "modules" && moduleOf(target) !== undefined && moduleOf(path) !== moduleOf(target) ? complaint : [];
}

/** The folder below src/, or the file when it lies there itself. */
function roomOf(path: string): string {
  return path.split("/")[0] ?? "";
}

/** The folder of a module; nothing for what all modules share. */
function moduleOf(path: string): string | undefined {
  const [room, module, ...rest] = path.split("/");
  return room === "modules" && rest.length > 0 ? module : undefined;
}

function codeProblems(path: string, tree: ts.SourceFile): string[] {
  const problems: string[] = [];
  const isPure = pureRooms.has(roomOf(path));
  const visit = (node: ts.Node): void => {
    if (isPure && ts.isIdentifier(node) && timers.has(node.text)) problems.push(`${path} uses ${node.text}`);
    const isShell = ts.isPropertyAssignment(node) && /^["']?shell["']?$/.test(node.name.getText());
    if ((isShell && node.initializer.getText() !== "false") || isShorthandShell(node)) {
      problems.push(`${path} starts a shell`);
    }
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return problems;
}

function isShorthandShell(node: ts.Node): boolean {
  return ts.isShorthandPropertyAssignment(node) && node.name.text === "shell";
}

function readSources(): Source[] {
  const root = fileURLToPath(new URL("../../src/", import.meta.url));
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts") && !entry.name.endsWith(".d.ts"))
    .map((entry) => {
      const file = `${entry.parentPath}/${entry.name}`;
      return { path: relative(root, file).split(sep).join("/"), text: readFileSync(file, "utf8") };
    });
}

test("imports run one way, the kernel and the wire stay pure, and nobody starts a shell", () => {
  const sources = readSources();
  expect(sources.length).toBeGreaterThan(50);
  expect(violations(sources)).toEqual([]);
});

test("every room has its rule", () => {
  const found = new Set(readSources().map(({ path }) => roomOf(path)));
  expect([...found].filter((room) => rooms[room] === undefined)).toEqual([]);
});

describe("the rules find what breaks them", () => {
  test.each([
    { path: "wire/a.ts", text: 'import { x } from "../kernel/b.js";', problem: "wire/a.ts imports kernel/b.js" },
    {
      path: "kernel/a.ts",
      text: 'import type { X } from "../settings/b.js";',
      problem: "kernel/a.ts imports settings/b.js",
    },
    {
      path: "kernel/a.ts",
      text: 'export { x } from "../telemetry/b.js";',
      problem: "kernel/a.ts imports telemetry/b.js",
    },
    { path: "kernel/a.ts", text: 'export * from "../cli/b.js";', problem: "kernel/a.ts imports cli/b.js" },
    {
      path: "kernel/a.ts",
      text: 'const x = await import("../modules/x/b.js");',
      problem: "kernel/a.ts imports modules/x/b.js",
    },
    { path: "kernel/a.ts", text: 'type X = import("../spool/b.js").X;', problem: "kernel/a.ts imports spool/b.js" },
    { path: "spool/a.ts", text: 'import "../security/b.js";', problem: "spool/a.ts imports security/b.js" },
    { path: "settings/a.ts", text: 'import "../modules/x/b.js";', problem: "settings/a.ts imports modules/x/b.js" },
    { path: "modules/x/a.ts", text: 'import "../y/b.js";', problem: "modules/x/a.ts imports modules/y/b.js" },
    {
      path: "modules/x/parts/a.ts",
      text: 'import "../../y/b.js";',
      problem: "modules/x/parts/a.ts imports modules/y/b.js",
    },
    { path: "modules/module.ts", text: 'import "./y/b.js";', problem: "modules/module.ts imports modules/y/b.js" },
    { path: "modules/x/a.ts", text: 'import "../../gateway/b.js";', problem: "modules/x/a.ts imports gateway/b.js" },
    { path: "gateway/a.ts", text: 'import "../cli/b.js";', problem: "gateway/a.ts imports cli/b.js" },
    { path: "script.ts", text: 'import "./kernel/b.js";', problem: "script.ts imports kernel/b.js" },
    {
      path: "script.ts",
      text: 'import "./modules/node-script/index.js";',
      problem: "script.ts imports modules/node-script/index.js",
    },
    {
      path: "script.ts",
      text: 'import "./script-host/supervisor.js";',
      problem: "script.ts imports script-host/supervisor.js",
    },
    { path: "cli/a.ts", text: 'import "../script.js";', problem: "cli/a.ts imports script.js" },
    { path: "kernel/a.ts", text: 'import { connect } from "node:net";', problem: "kernel/a.ts imports node:net" },
    {
      path: "wire/a.ts",
      text: 'import { readFile } from "node:fs/promises";',
      problem: "wire/a.ts imports node:fs/promises",
    },
    { path: "wire/a.ts", text: 'const fs = require("node:fs");', problem: "wire/a.ts imports node:fs" },
    { path: "kernel/a.ts", text: "globalThis.setTimeout(() => {}, 1);", problem: "kernel/a.ts uses setTimeout" },
    {
      path: "cli/a.ts",
      text: 'import { exec } from "node:child_process";',
      problem: "cli/a.ts imports what runs shells from node:child_process",
    },
    {
      path: "cli/a.ts",
      text: 'import { execSync as run } from "node:child_process";',
      problem: "cli/a.ts imports what runs shells from node:child_process",
    },
    {
      path: "cli/a.ts",
      text: 'import * as child from "node:child_process";',
      problem: "cli/a.ts imports what runs shells from node:child_process",
    },
    { path: "cli/a.ts", text: 'spawn("ls", [], { shell: true });', problem: "cli/a.ts starts a shell" },
    { path: "cli/a.ts", text: 'spawn("ls", [], { "shell": "/bin/sh" });', problem: "cli/a.ts starts a shell" },
    { path: "cli/a.ts", text: 'spawn("ls", [], { shell });', problem: "cli/a.ts starts a shell" },
  ])("$path: $text", ({ path, text, problem }) => {
    expect(violations([{ path, text }])).toEqual([problem]);
  });

  test.each([
    { path: "kernel/a.ts", text: 'import { x } from "../wire/b.js"; import { y } from "./c.js";' },
    { path: "wire/a.ts", text: 'import { createCipheriv } from "node:crypto"; import Long from "long";' },
    { path: "modules/x/a.ts", text: 'import "../module.js"; import "./parts/b.js"; import "../../spool/b.js";' },
    { path: "modules/node-script/host/a.ts", text: 'import type { X } from "../../../script.js";' },
    { path: "cli/a.ts", text: 'import "../modules/x/b.js"; import "../gateway/b.js"; setTimeout(() => {}, 1);' },
    {
      path: "script.ts",
      text: 'import "./wire/b.js"; import "./modules/node-script/host/b.js"; import "./script-host/protocol.js";',
    },
    { path: "script-host/a.ts", text: 'import { spawn } from "node:child_process"; spawn("x", [], { shell: false });' },
    { path: "wire/a.ts", text: '// import "../kernel/b.js"; setTimeout\nconst text = "setTimeout";' },
  ])("$path may: $text", ({ path, text }) => {
    expect(violations([{ path, text }])).toEqual([]);
  });
});
