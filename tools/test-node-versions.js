// Runs the tests with every Node.js that is supported: node tools/test-node-versions.js [major …] [-- words for vitest]
//
// The binaries come from npm: the package `node` only picks the one for the platform, so that one is installed by name,
// into a temporary folder. dist/ is built first, with the Node.js that runs this.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const supported = ["20", "22", "24"];
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const words = process.argv.slice(2);
const separator = words.includes("--") ? words.indexOf("--") : words.length;
const majors = separator === 0 ? supported : words.slice(0, separator);
const vitestWords = words.slice(separator + 1);

execFileSync(process.execPath, [join(root, "tools", "build.js")], { cwd: root, stdio: "inherit" });
const folder = mkdtempSync(join(tmpdir(), "nscp-node-"));
try {
  const results = majors.map((major) => {
    const node = install(major);
    const version = execFileSync(node, ["--version"], { encoding: "utf8" }).trim();
    process.stdout.write(`\n== Node.js ${version}\n`);
    return { version, passed: test(node) };
  });
  process.stdout.write(
    `\n${results.map(({ version, passed }) => `${version}: ${passed ? "passed" : "FAILED"}`).join("\n")}\n`,
  );
  process.exitCode = results.every(({ passed }) => passed) ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** @returns the binary of the newest release with this major version */
function install(major) {
  const name = `node-${process.platform}-${process.arch}`;
  const prefix = join(folder, major);
  const options = ["--prefix", prefix, "--no-save", "--ignore-scripts", "--loglevel=error"];
  execFileSync("npm", ["install", ...options, `${name}@${major}`], { cwd: folder, stdio: "inherit" });
  return join(prefix, "node_modules", name, "bin", "node");
}

/** Programs that tests start by the name `node` have to be this one, too. */
function test(node) {
  const path = `${dirname(node)}${delimiter}${process.env.PATH}`;
  const vitest = join(root, "node_modules", "vitest", "vitest.mjs");
  const run = spawnSync(node, [vitest, "run", ...vitestWords], {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, PATH: path },
  });
  return run.status === 0;
}
