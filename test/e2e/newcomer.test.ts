import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Finished, packageRoot, run, temporaryFolder } from "../support/gateway-process.js";
import { runnableBlocks } from "../support/markdown-blocks.js";

/** What somebody has who has cloned the repository and installed it. */
const checkout = temporaryFolder("checkout");
const readme = readFileSync(join(packageRoot, "README.md"), "utf8");

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

function shell(command: string): Promise<Finished> {
  return run("sh", ["-e", "-c", command], { cwd: checkout.path });
}

/** `npm start`, with what it has printed so far. */
class Start {
  output = "";
  readonly ended: Promise<unknown[]>;
  private hasEnded = false;
  private readonly child = spawn("npm", ["start"], {
    cwd: checkout.path,
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  private look = () => {};

  constructor() {
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

beforeAll(async () => {
  const listed = execFileSync("git", ["ls-files", "-z"], { cwd: packageRoot, encoding: "utf8" });
  for (const name of listed.split("\0").filter((file) => file !== "")) {
    mkdirSync(dirname(join(checkout.path, name)), { recursive: true });
    cpSync(join(packageRoot, name), join(checkout.path, name));
  }
  symlinkSync(join(packageRoot, "node_modules"), join(checkout.path, "node_modules"));
  cpSync(join(packageRoot, "dist"), join(checkout.path, "dist"), { recursive: true });
  // Another gateway may have the usual port on this machine.
  const configuration = join(checkout.path, "config", "gateway.ini");
  writeFileSync(configuration, readFileSync(configuration, "utf8").replaceAll("8444", String(await freePort())));
  start = new Start();
  await start.printed(/\bis ready\b/);
});

afterAll(() => {
  start?.killGroup();
  checkout.remove();
});

test("npm start prints a command, and as it stands there it answers with a line for Nagios", async () => {
  const [, command = ""] = await start.printed(/^\s*(\S*nscp(?:\.js)? client .*--query .*)$/m);
  const answered = await shell(command);
  expect(answered).toMatchObject({ code: 0, stderr: "" });
  expect(answered.stdout).toMatch(/^[^|\n]+(\|[^|\n]+)?\n$/);
});

test("what the README says to do next works as it is written", async () => {
  const [script, ...commands] = runnableBlocks(readme);
  expect(script?.how).toBe("run as a script");
  writeFileSync(join(checkout.path, "scripts", "node", "check_answer.ts"), script?.text ?? "");
  expect(commands.map(({ how }) => how)).toEqual(["run in a second terminal"]);
  const answered = await shell(commands.map(({ text }) => text).join(""));
  expect(answered).toMatchObject({ code: 0 });
  expect(answered.stdout.trimEnd().split("\n").at(-1)).toBe("The answer is 42|'answer'=42;50;100");
});

test("SIGTERM ends it, and that is no failure", async () => {
  start.signal("SIGTERM");
  expect(await start.ended).toEqual([0, null]);
});
