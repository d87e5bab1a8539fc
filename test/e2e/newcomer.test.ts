import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { checkNrpe, curl, needPeer, python } from "../peers/peers.js";
import { freePort } from "../support/free-port.js";
import { type Finished, packageRoot, run, temporaryFolder } from "../support/gateway-process.js";
import { runnableBlocks } from "../support/markdown-blocks.js";

/** What somebody has who has cloned the repository and installed it. */
const checkout = temporaryFolder("checkout");
const readme = readFileSync(join(packageRoot, "README.md"), "utf8");

function shell(command: string): Promise<Finished> {
  return run("sh", ["-e", "-c", command], { cwd: checkout.path });
}

/** `npm start`, with what it has printed so far. */
class Start {
  output = "";
  readonly ended: Promise<unknown[]>;
  private hasEnded = false;
  private readonly child;
  private look = () => {};

  constructor(env: NodeJS.ProcessEnv = process.env) {
    this.child = spawn("npm", ["start"], {
      ...{ cwd: checkout.path, env, detached: true },
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        this.output += text;
        this.look();
      });
    }
    this.ended = once(this.child, "close");
    this.ended.then(() => {
      this.hasEnded = true;
      this.look();
    });
  }

  /** The first match of what is printed. */
  printed(pattern: RegExp): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      this.look = () => {
        const match = pattern.exec(this.output);
        if (match !== null) resolve(match);
        else if (this.hasEnded) reject(new Error(`npm start ended before it printed ${pattern}:\n${this.output}`));
      };
      this.look();
    });
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name);
  }

  /** Ends whatever is left of npm and what it started. */
  killGroup(): void {
    if (this.hasEnded || this.child.pid === undefined) return;
    process.kill(-this.child.pid, "SIGKILL");
  }
}

let start: Start;

/** What the sample check answers. */
const sampleLine = "I was given 0 arguments|'arguments'=0;5\n";

test("the lock file has every part that another part names, for each platform: npm ci refuses one that has not", () => {
  interface Part {
    readonly dependencies?: Readonly<Record<string, string>>;
    readonly optionalDependencies?: Readonly<Record<string, string>>;
  }
  const lock: { packages: Record<string, Part> } = JSON.parse(
    readFileSync(join(packageRoot, "package-lock.json"), "utf8"),
  );
  const missing = Object.entries(lock.packages).flatMap(([place, { dependencies, optionalDependencies }]) =>
    Object.keys({ ...dependencies, ...optionalDependencies })
      .filter((name) => !foldersAbove(place).some((folder) => `${folder}node_modules/${name}` in lock.packages))
      .map((name) => `${place} needs ${name}`),
  );
  expect(missing).toEqual([]);
});

/** Where a part is looked for: in its own folder, and in those above it. */
function foldersAbove(place: string): readonly string[] {
  const folders = place === "" ? [] : [`${place}/`];
  for (let end = place.lastIndexOf("node_modules/"); end > 0; end = place.lastIndexOf("node_modules/", end - 1))
    folders.push(place.slice(0, end));
  return [...folders, ""];
}

beforeAll(async () => {
  const listed = execFileSync("git", ["ls-files", "-z"], { cwd: packageRoot, encoding: "utf8" });
  for (const name of listed.split("\0").filter((file) => file !== "")) {
    mkdirSync(dirname(join(checkout.path, name)), { recursive: true });
    cpSync(join(packageRoot, name), join(checkout.path, name));
  }
  symlinkSync(join(packageRoot, "node_modules"), join(checkout.path, "node_modules"));
  cpSync(join(packageRoot, "dist"), join(checkout.path, "dist"), { recursive: true });
  // Another gateway may have the usual ports on this machine.
  const configuration = join(checkout.path, "config", "gateway.ini");
  let text = readFileSync(configuration, "utf8");
  for (const usual of ["8444", "8443", "5666"]) text = text.replaceAll(usual, String(await freePort()));
  writeFileSync(configuration, text);
  start = new Start();
  await start.printed(/\bis ready\b/);
});

afterAll(() => {
  start?.killGroup();
  checkout.remove();
});

/** The commands that `npm start` printed, in their order. */
async function printedCommands(): Promise<string[]> {
  await start.printed(/^.*settings --list$/m);
  return [...start.output.matchAll(/^ {2}(\S*nscp(?:\.js)? .*)$/gm)].map(([, command = ""]) => command);
}

test("npm start prints checks in both languages, and as they stand there they answer with a line for Nagios", async (context) => {
  needPeer(python, context);
  const checks = (await printedCommands()).filter((command) => /--address .* --query /.test(command));
  const answered = await Promise.all(checks.map(shell));
  expect(answered.map(({ code, stdout, stderr }) => [code, stdout, stderr])).toEqual([
    [0, "I was given 0 arguments|'arguments'=0;5\n", ""],
    [0, "I was given 2 arguments|'arguments'=2;5\n", ""],
  ]);
});

test("the other commands that npm start prints work too", async (context) => {
  needPeer(python, context);
  const others = (await printedCommands()).filter((command) => !/--address .* --query /.test(command));
  expect(others.map((command) => command.split(" ")[1])).toEqual([
    ...["client", "client", "nrpe", "client", "client", "queue", "status", "settings"],
  ]);
  for (const command of others) expect(await shell(command)).toMatchObject({ code: 0 });
});

test("the check answers over HTTP with the password that is shown once, and the password stands nowhere else", async (context) => {
  needPeer(curl, context);
  await printedCommands();
  const [, command = "", password = ""] = /^ {2}(curl .*--user admin:(\w{32}) .*)$/m.exec(start.output) ?? [];
  const answered = await shell(`${command} --silent --show-error`);
  expect(answered).toMatchObject({ code: 0, stderr: "" });
  expect(JSON.parse(answered.stdout)).toMatchObject({ command: "check_sample", result: 0 });
  const wrong = await shell(command.replace(password, "wrong").replace("curl", "curl --silent"));
  expect(wrong.stdout).toBe("403 You're not allowed");
  expect(start.output.split(password)).toHaveLength(2);
  const kept = await shell(`grep -rlF ${password} var config`);
  expect(kept).toMatchObject({ code: 1, stdout: "" });
  expect(statSync(join(checkout.path, "var", "nscp.ini")).mode & 0o777).toBe(0o600);
});

test("nscp nrpe gets the same answer", async () => {
  const [command = ""] = (await printedCommands()).filter((printed) => printed.includes(" nrpe "));
  expect(await shell(command)).toMatchObject({ code: 0, stdout: sampleLine, stderr: "" });
});

test("check_nrpe gets the same answer", async (context) => {
  const program = needPeer(checkNrpe, context);
  await printedCommands();
  const [, command = ""] = /^ {2}(check_nrpe .*)$/m.exec(start.output) ?? [];
  expect(await shell(command.replace("check_nrpe", program))).toMatchObject({ code: 0, stdout: sampleLine });
});

test("a passive result is accepted, rests on disk while its receiver is away, and arrives when it is there", async () => {
  const queue = async () => {
    const { stdout } = await shell("./bin/nscp.js queue list file-writer/default --json");
    return JSON.parse(stdout).queue[0];
  };
  const [submit = ""] = (await printedCommands()).filter((command) => command.includes("--channel results"));
  const [makeFolder = ""] = /^ {2}mkdir .*$/m.exec(start.output) ?? [];
  const [read = ""] = /^ {2}cat .*$/m.exec(start.output) ?? [];
  expect(await shell(submit)).toMatchObject({ code: 0, stdout: "Submission successful\n", stderr: "" });
  let state = await queue();
  while (state.delivery.lastError === "") state = await queue();
  expect(state.delivery.lastError).toContain("received/results.txt");
  expect(state.waiting).toBeGreaterThan(0);

  expect(await shell(makeFolder)).toMatchObject({ code: 0 });
  while ((await queue()).waiting > 0) {}
  const rows = (await shell(read)).stdout.trimEnd().split("\n");
  expect(rows).toHaveLength(state.waiting);
  for (const row of rows) expect(row).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \S+ disk CRITICAL full$/);

  const block = runnableBlocks(readme).find(({ how }) => how === "run in a second terminal, relay");
  expect(await shell(block?.text ?? "exit 1")).toMatchObject({ code: 0 });
  while ((await shell(read)).stdout.trimEnd().split("\n").length === rows.length) {}
  expect((await shell(read)).stdout).toMatch(/ disk CRITICAL 91 % full\n$/);
});

test.for([
  { language: "python", file: "python/check_answer.py", line: "The answer is 42|'answer'=42;50;100" },
  { language: "ts", file: "node/check_reply.ts", line: "The reply is 42|'reply'=42;50;100" },
])(
  "what the README says about a check in $language works as it is written",
  async ({ language, file, line }, context) => {
    if (language === "python") needPeer(python, context);
    const blocks = runnableBlocks(readme);
    const script = blocks.findIndex((block) => block.language === language);
    const [source, commands] = blocks.slice(script, script + 2);
    expect([source?.how, commands?.how]).toEqual(["run as a script", "run in a second terminal"]);
    writeFileSync(join(checkout.path, "scripts", file), source?.text ?? "");
    const answered = await shell(commands?.text ?? "");
    expect(answered).toMatchObject({ code: 0 });
    expect(answered.stdout.trimEnd().split("\n").at(-1)).toBe(line);
  },
);

test("SIGTERM ends it, and that is no failure", async () => {
  start.signal("SIGTERM");
  expect(await start.ended).toEqual([0, null]);
});

test("without a Python it says so, and everything else answers", async () => {
  const tools = join(checkout.path, "tools-without-python");
  mkdirSync(tools);
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  for (const name of ["node", "npm", "sh"]) {
    const file = folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
    if (file !== undefined) symlinkSync(file, join(tools, name));
  }
  start = new Start({ ...process.env, PATH: tools });
  await start.printed(/\bis ready\b/);
  await start.printed(/could not be started: there is no python3 in the search path; install Python 3\.9 or newer/);
  const [check = ""] = (await printedCommands()).filter((command) => command.endsWith("--query check_sample"));
  expect(await shell(check)).toMatchObject({ code: 0, stdout: "I was given 0 arguments|'arguments'=0;5\n" });
  start.signal("SIGTERM");
  expect(await start.ended).toEqual([0, null]);
});
