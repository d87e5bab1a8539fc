import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { packageRoot, run, temporaryFolder } from "../support/gateway-process.js";

interface PackedFile {
  readonly path: string;
  readonly size: number;
}

const folder = temporaryFolder("package");
let files: readonly PackedFile[] = [];

/** `npm` without what the npm that runs the tests has set for its own children. */
function npm(...args: readonly string[]) {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_(?!config_)/i.test(name)));
  return run("npm", [...args, "--loglevel=error"], { cwd: folder.path, env });
}

beforeAll(async () => {
  const packed = await npm("pack", packageRoot, "--ignore-scripts", "--json", "--pack-destination", folder.path);
  expect(packed).toMatchObject({ code: 0 });
  const [result] = JSON.parse(packed.stdout);
  files = result.files;
  writeFileSync(join(folder.path, "package.json"), JSON.stringify({ private: true, type: "module" }));
  const options = ["--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund"];
  const installed = await npm("install", ...options, join(folder.path, result.filename));
  expect(installed).toMatchObject({ code: 0 });
}, 180_000);

afterAll(() => folder.remove());

function write(name: string, text: string): void {
  const file = join(folder.path, name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

function nscp(...args: readonly string[]) {
  return run(join(folder.path, "node_modules", ".bin", "nscp"), args, { cwd: folder.path });
}

test("the package holds what runs and what is read, and no sources or tests", () => {
  const names = files.map(({ path }) => path);
  for (const needed of [
    ...["README.md", "LICENSE", "CHANGELOG.md", "package.json", "bin/nscp.js", "config/gateway.ini"],
    ...["dist/cli/main.js", "dist/script.js", "dist/script.d.ts", "dist/wire/generated/messages.js"],
    ...["dist/wire/generated/messages.d.ts", "proto/gateway.proto", "certs/README.md", "requirements.txt"],
    ...["dist/modules/python-script/host/plugin_pb2.py", "dist/modules/python-script/host/nscp_host/messages.binpb"],
  ]) {
    expect(names).toContain(needed);
  }
  const rooms = new Set(names.map((name) => (name.includes("/") ? name.slice(0, name.indexOf("/")) : "")));
  expect([...rooms].sort()).toEqual(["", "bin", "certs", "config", "dist", "docs", "proto", "scripts", "tools"]);
  expect(names.filter((name) => name.startsWith("tools/"))).toEqual(["tools/setup-python.js"]);
  expect(names.filter((name) => /\.test\.|\.tsbuildinfo$|\.pem$|(^|\/)\.|\.log$|\.pyc$/.test(name))).toEqual([]);
  expect(names.filter((name) => name.startsWith("dist/") && /(?<!\.d)\.ts$/.test(name))).toEqual([]);
  expect(files.reduce((sum, { size }) => sum + size, 0)).toBeLessThan(10 * 2 ** 20);
});

test("no source map names a file that is not in the package", () => {
  const installed = join(folder.path, "node_modules", "nscp-gateway");
  const missing = files
    .filter(({ path }) => path.endsWith(".map"))
    .flatMap(({ path }) => {
      const { sources, sourcesContent } = JSON.parse(readFileSync(join(installed, path), "utf8"));
      return sourcesContent === undefined ? sources.map((source: string) => `${path} → ${source}`) : [];
    });
  expect(missing).toEqual([]);
});

test("the installed command says its version", async () => {
  const { version } = JSON.parse(readFileSync(join(packageRoot, "package.json"), "utf8"));
  expect(await nscp("--version")).toMatchObject({
    code: 0,
    stdout: expect.stringContaining(`Version: ${version}`),
    stderr: "",
  });
});

test("a script type-checks against the installed package and answers", async () => {
  write(
    "scripts/node/check_installed.ts",
    `import { Registry, status, type SimpleFunction } from "nscp-gateway/script";

const answer: SimpleFunction = (args) => [status.WARNING, \`installed \${args.join(" ")}\`, "'words'=" + args.length];

export function init(pluginId: number): void {
  Registry.get(pluginId).simpleFunction("check_installed", answer, "Says that it is installed");
}
`,
  );
  const options = {
    strict: true,
    noEmit: true,
    module: "NodeNext",
    target: "ES2022",
    lib: ["ES2023", "DOM"],
    types: [],
  };
  write("tsconfig.json", JSON.stringify({ compilerOptions: options, include: ["scripts"] }));
  const compiler = join(packageRoot, "node_modules", "typescript", "bin", "tsc");
  expect(await run(process.execPath, [compiler, "-p", folder.path], { cwd: folder.path })).toMatchObject({
    code: 0,
    stdout: "",
  });
  write("nscp.ini", "[/modules]\nNodeScript = enabled\n\n[/settings/node/scripts]\ninstalled = check_installed.ts\n");
  expect(await nscp("client", "--settings", "nscp.ini", "--query", "check_installed", "and", "well")).toEqual({
    code: 1,
    signal: null,
    stdout: "installed and well|'words'=2\n",
    stderr: "",
  });
});
