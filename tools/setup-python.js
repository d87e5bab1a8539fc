// Makes the gateway's own Python environment, .venv beside this folder, with the packages of requirements.txt in it.
//
// It runs after every npm install. There it must never be the reason for a failure (--optional): without the environment
// Python scripts run with the system's python3, and those that import plugin_pb2 need its protobuf. The environment is
// made under another name and then put in its place, so what is in its place is whole; one that is not is removed.
// NSCP_PYTHON names the interpreter to make it with; NSCP_SKIP_PYTHON_SETUP=1 leaves everything as it is.
import { spawn } from "node:child_process";
import { existsSync, lstatSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const self = fileURLToPath(import.meta.url);
const root = dirname(dirname(self));
const environment = join(root, ".venv");
/** Where it is made, and where the one that it replaces waits for its end. */
const fresh = `${environment}.${process.pid}`;
const replaced = `${fresh}.old`;
const requirements = join(root, "requirements.txt");
const again = `node ${self}`;

/** All of it together, in milliseconds; an installation does not wait longer. */
const timeLimit = 120_000;
const started = Date.now();

const interpreters = ["python3", ...[14, 13, 12, 11, 10, 9].map((minor) => `python3.${minor}`)];

/** What an interpreter says about itself; it must be understood by those that are too old as well. */
const probe = `
import json, sys
def module(name):
    try:
        return __import__(name, fromlist=["name"])
    except Exception:
        return None
print(json.dumps({
    "version": list(sys.version_info[:3]),
    "makesEnvironments": bool(module("venv") and module("ensurepip")),
    "protobuf": getattr(module("google.protobuf"), "__version__", None),
}))
`;

if (!/^(|0)$/.test(process.env["NSCP_SKIP_PYTHON_SETUP"] ?? "")) process.exit(0);
let endRunning = () => {};
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.once(signal, () => {
    endRunning();
    removeUnfinished();
    process.exit(1);
  });
}
try {
  const { line, usable } = await setUp();
  if (line !== undefined) process.stdout.write(`${line}\n`);
  if (!usable && !process.argv.includes("--optional")) process.exitCode = 1;
} catch (thrown) {
  process.stdout.write(
    `Python was not set up: ${oneLine(String(thrown?.message ?? thrown))}. Try again with: ${again}\n`,
  );
  if (!process.argv.includes("--optional")) process.exitCode = 1;
}

/** @returns {Promise<{ line?: string, usable: boolean }>} what to tell, and whether scripts can import plugin_pb2 */
async function setUp() {
  const wanted = /^protobuf==([\w.]+)/m.exec(readFileSync(requirements, "utf8"))?.[1];
  if (wanted === undefined) throw new Error(`${requirements} says nothing about protobuf`);
  const present = await ask(join(environment, "bin", "python"));
  if (present?.protobuf === wanted && isNewEnough(present)) return { usable: true };
  removeLeftovers();

  const made = await make();
  if (made.version !== undefined) {
    return { usable: true, line: `Python scripts use ${environment}: Python ${made.version} with protobuf ${wanted}` };
  }
  if (hasMessages(present)) {
    return {
      usable: true,
      line: `Python scripts go on with protobuf ${present.protobuf}, as ${wanted} can't be had: ${made.reason}`,
    };
  }
  rmSync(environment, { recursive: true, force: true });
  const system = await ask("python3");
  if (hasMessages(system)) {
    return { usable: true, line: `Python scripts use the system's python3 with protobuf ${system.protobuf}` };
  }
  return { usable: false, line: `Python scripts can't ${made.lost}: ${made.reason}. ${made.remedy}` };
}

/** Makes the environment: the version of its Python, or what scripts can't do, why, and how that is put right. */
async function make() {
  const configured = process.env["NSCP_PYTHON"];
  const found = [];
  for (const name of configured ? [configured] : interpreters) {
    const answer = await ask(name);
    if (answer === undefined || !isNewEnough(answer)) continue;
    found.push(name);
    if (!answer.makesEnvironments) continue;
    const failure = await makeWith(name);
    if (failure === undefined) return { version: answer.version.join(".") };
    return {
      lost: "import plugin_pb2",
      reason: failure,
      remedy: `Try again with "${again}", or install the package python3-protobuf`,
    };
  }
  if (found.length > 0) {
    return {
      lost: "import plugin_pb2",
      reason: `${found[0]} can't make a virtual environment`,
      remedy: `Install the package python3-venv and run "${again}", or install the package python3-protobuf`,
    };
  }
  return {
    lost: "run",
    reason: `${configured ? `NSCP_PYTHON (${configured}) is` : "there is"} no Python 3.9 or newer`,
    remedy: `Install the packages python3 and python3-venv and run "${again}"`,
  };
}

/** Makes a whole environment with an interpreter and puts it into its place; says what failed. */
async function makeWith(interpreter) {
  try {
    const venv = await run(interpreter, ["-I", "-m", "venv", "--prompt", "nscp-gateway", fresh]);
    if (venv.failure !== undefined) return `${interpreter} -m venv: ${venv.failure}`;
    const options = ["--only-binary", ":all:", "--require-hashes", "--disable-pip-version-check", "--no-input", "-q"];
    const patience = ["--retries", "1", "--timeout", "20"];
    const pip = ["-I", "-m", "pip", "install", ...options, ...patience, "-r", requirements];
    const installed = await run(join(fresh, "bin", "python"), pip);
    if (installed.failure !== undefined) return `pip: ${installed.failure}`;
    rename(fresh);
    if (existsSync(environment)) renameSync(environment, replaced);
    renameSync(fresh, environment);
    return undefined;
  } finally {
    removeUnfinished();
  }
}

function removeUnfinished() {
  // A program that was just killed may still be writing a file.
  for (const folder of [fresh, replaced]) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}

/** Its programs and its description know where an environment is. */
function rename(folder) {
  const programs = readdirSync(join(folder, "bin")).map((name) => join(folder, "bin", name));
  for (const file of [join(folder, "pyvenv.cfg"), ...programs]) {
    if (!lstatSync(file).isFile()) continue;
    const text = readFileSync(file, "utf8");
    if (text.includes(folder)) writeFileSync(file, text.replaceAll(folder, environment));
  }
}

/** Environments that somebody began who was killed. */
function removeLeftovers() {
  for (const name of readdirSync(root)) {
    const owner = /^\.venv\.(\d+)(\.old)?$/.exec(name)?.[1];
    if (owner !== undefined && !isRunning(Number(owner))) rmSync(join(root, name), { recursive: true, force: true });
  }
}

function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return thrown.code === "EPERM";
  }
}

/** What an interpreter says about itself; nothing when there is none, or none that works. */
async function ask(interpreter) {
  const { failure, stdout } = await run(interpreter, ["-c", probe]);
  if (failure !== undefined) return undefined;
  try {
    return JSON.parse(stdout);
  } catch {
    return undefined;
  }
}

function isNewEnough({ version: [major, minor] }) {
  return major > 3 || (major === 3 && minor >= 9);
}

/** A Python that scripts run with, whose protobuf makes plugin_pb2. */
function hasMessages(answer) {
  if (answer === undefined || answer.protobuf === null || !isNewEnough(answer)) return false;
  const [major, minor] = answer.protobuf.split(".").map(Number);
  return major > 3 || (major === 3 && minor >= 20);
}

/**
 * Runs a program to its end, or until the time is up or this process is told to end; then what it started ends with it.
 *
 * @returns {Promise<{ failure?: string, stdout: string }>} the failure is what it said last, in one line
 */
function run(file, args) {
  return new Promise((resolve) => {
    const child = spawn(file, args, {
      cwd: root,
      env: ownEnvironment(),
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    let stdout = "";
    let stderr = "";
    let isLate = false;
    endRunning = () => {
      try {
        process.kill(-child.pid, "SIGKILL");
      } catch {
        // It has ended by itself.
      }
    };
    const late = () => {
      isLate = true;
      endRunning();
    };
    const timer = setTimeout(late, Math.max(0, started + timeLimit - Date.now()));
    child.stdout.setEncoding("utf8").on("data", (text) => {
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text) => {
      stderr += text;
    });
    const finish = (failure) => {
      clearTimeout(timer);
      endRunning = () => {};
      resolve({ failure, stdout });
    };
    child.once("error", (error) => finish(error.message));
    child.once("close", (code, signal) => {
      if (isLate) finish(`not done in ${timeLimit / 1000} s`);
      else if (code === 0) finish(undefined);
      else finish(lastWords(`${stdout}\n${stderr}`) || `ended with ${signal ?? code}`);
    });
  });
}

/** Without what would send pip's packages somewhere else. */
function ownEnvironment() {
  const { PIP_TARGET, PIP_PREFIX, PIP_ROOT, ...rest } = process.env;
  return { ...rest, PIP_USER: "0" };
}

function lastWords(output) {
  const lines = output.split("\n").filter((line) => line.trim() !== "");
  // Without a network pip ends with words about versions.
  if (lines.some((line) => line.includes("Retrying ("))) return "the package index can't be reached";
  const error = lines.findLast((line) => /^(ERROR|Error):/i.test(line)) ?? lines.at(-1) ?? "";
  return oneLine(error.replace(/^ERROR:\s*/i, ""));
}

function oneLine(text) {
  return text.replace(/\s+/g, " ").trim().replace(/\.$/, "");
}
