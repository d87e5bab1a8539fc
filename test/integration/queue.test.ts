import { readFileSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type GatewayProcess, startGateway } from "../support/gateway-process.js";

let gateway: GatewayProcess;
/** Nobody listens there until a test does. */
let port: number;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port: free } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return free;
}

beforeAll(async () => {
  port = await freePort();
  gateway = await startGateway({
    certificates: false,
    settings: `
[/modules]
GRPCServer = enabled
NRDPClient = enabled

[/settings/GRPC/server]
port = 0
bind to = 127.0.0.1
use ssl = false

[/settings/security]
anonymous role = submitter

[/settings/spool]
ballast size = 0

[/settings/NRDP/client/targets/waits]
address = http://127.0.0.1:${port}/nrdp/
token = secret
retry delay = 1h
maximum retry delay = 1h

[/settings/NRDP/client/targets/gives up]
address = http://127.0.0.1:${port}/nrdp/
token = secret
maximum age = 1s
retry delay = 100ms
maximum retry delay = 100ms
`,
  });
});
afterAll(() => gateway.stop());

const waits = "nrdp-client/waits";
const givesUp = "nrdp-client/gives up";

/** `nscp queue …`: what it prints, and its exit code when that is not 0. */
async function queue(...words: string[]): Promise<string> {
  const { code, stdout, stderr } = await gateway.nscp("queue", ...words);
  return `${stdout}${stderr}${code === 0 ? "" : `exit code ${code}\n`}`;
}

/** @throws Error with what was printed instead */
function objectOf(text: string) {
  if (!/^[[{]/.test(text)) throw new Error(text);
  return JSON.parse(text);
}

interface ListedQueue {
  readonly name: string;
  readonly waiting: number;
  readonly dead: number;
  readonly delivery: { readonly grade: string; readonly lastError: string } | null;
}

async function queues(): Promise<ListedQueue[]> {
  return objectOf(await queue("list", "--json")).queue;
}

async function untilDead(count: number): Promise<void> {
  for (;;) {
    const found = (await queues()).find(({ name }) => name === givesUp);
    if (found?.dead === count && found.waiting === 0) return;
  }
}

async function submit(...words: string[]): Promise<string> {
  const { stdout, stderr } = await gateway.nscp("client", "--address", `grpc://127.0.0.1:${gateway.port}`, ...words);
  return stdout + stderr;
}

/** Numbers and texts, without the ages. */
async function shown(...words: string[]): Promise<string[]> {
  const records: { sequence: number; host: string; service: string; state: string; text: string; reason: string }[] =
    objectOf(await queue("show", ...words, "--json"));
  return records.map(({ sequence, host, service, state, text, reason }) =>
    [sequence, host, service, state, text, reason].join(";"),
  );
}

describe("while the receiver is down", () => {
  it("results wait, and those that got too old are dead letters", async () => {
    const batch = join(gateway.folder, "batch.txt");
    writeFileSync(batch, "web1\tdisk\t2\t91 % füll|'/'=91%;90\\nsecond;line\nweb2\t0\tup\ndb1\tload\t1\thigh\n");
    expect(await submit("--submit", "--channel", "NRDP", "--batch", batch)).toBe("Submission successful\n".repeat(3));
    await untilDead(3);
    expect((await queues()).map(({ name, waiting, dead }) => [name, waiting, dead])).toEqual([
      [givesUp, 0, 3],
      [waits, 3, 0],
    ]);
    const failing = (await queues()).find(({ name }) => name === waits)?.delivery;
    expect(failing?.grade).toBe("confirmed");
    expect(await queue("list", "*waits")).toMatch(/^QUEUE .*\nnrdp-client\/waits +confirmed +3 +\d+ B .*\n$/);
  });

  it("show has them with their texts, pages and filters", async () => {
    expect(await shown(waits)).toEqual([
      "1;web1;disk;CRITICAL;91 % füll|'/'=91%;90\nsecond;line;",
      "2;web2;;OK;up;",
      "3;db1;load;WARNING;high;",
    ]);
    expect(await shown(givesUp, "--dead", "--service", "host_check")).toEqual(["2;web2;;OK;up;older than 1 s"]);
    expect(await queue("show", waits, "--limit", "1")).toMatch(/\n +1 +\d+s +web1 .*\nThere may be more: --after 1\n$/);
    expect(await shown(waits, "--after", "1", "--limit", "1")).toEqual(["2;web2;;OK;up;"]);
    expect(await queue("show", waits, "--host", "nobody")).toMatch(
      /^nrdp-client\/waits \(confirmed\): \d+ waiting, .*\nNothing waits\.\n$/,
    );
  });

  it("verify says that the store is sound while the gateway works with it", async () => {
    const folder = join(gateway.folder, "var", "spool");
    expect(await queue("verify")).toBe(
      `The store in ${folder} is sound: 3 waiting results and 3 dead letters in 2 queues\n`,
    );
  });

  it("dead letters go back into their queue, and become dead letters again only when they are refused", async () => {
    expect(await queue("retry", givesUp, "--sequence", "2")).toBe(`Put 1 dead letter back into ${givesUp}\n`);
    expect(await shown(givesUp)).toEqual(["4;web2;;OK;up;"]);
    expect(await queue("retry", givesUp, "--sequence", "2")).toBe("There was nothing to retry\n");
  });

  it("drop wants to be told what, and says how many", async () => {
    expect(await queue("drop", givesUp, "--dead")).toBe(
      "Say what to drop: --sequence, --host, --service, or --all\nexit code 3\n",
    );
    expect(await queue("drop", givesUp, "--dead", "--host", "db*")).toBe(`Dropped 1 dead letter of ${givesUp}\n`);
    expect(await queue("drop", givesUp, "--dead", "--all")).toBe(`Dropped 1 dead letter of ${givesUp}\n`);
    expect(await queue("drop", givesUp, "--dead", "--all")).toBe("There was nothing to drop\n");
  });

  it.each([
    [["show", "nrdp-client/wait"], 'There is no queue nrdp-client/wait (did you mean "nrdp-client/waits"?).\n', 3],
    [["show"], "error: missing required argument 'queue'\n", 1],
    [
      ["show", waits, "--limit", "few"],
      "error: option '--limit <n>' argument 'few' is invalid. It is no whole number.\n",
      1,
    ],
    [["shew"], /^Unknown action: shew\nUsage: nscp queue <action>\n/, 1],
  ])("says what is wrong with %j", async (words, problem, code) => {
    const result = await gateway.nscp("queue", ...words);
    expect(result.stderr).toEqual(typeof problem === "string" ? problem : expect.stringMatching(problem));
    expect(result.code).toBe(code);
  });
});

describe("what was exported", () => {
  it.each(["json", "text"])("as %s can be submitted again", async (format) => {
    const before = await shown(waits);
    const file = join(gateway.folder, `export.${format}`);
    expect(await queue("export", waits, "--format", format, "--output", file)).toBe(`Wrote 3 results to ${file}\n`);
    expect(await queue("export", waits, "--output", file)).toBe(
      `Cannot write ${file}: it exists already\nexit code 3\n`,
    );
    expect(await queue("export", waits, "--format", format)).toBe(readFileSync(file, "utf8"));
    const channel = format === "text" ? ["--channel", "NRDP"] : [];
    expect(await submit("--submit", ...channel, "--batch", file)).toBe("Submission successful\n".repeat(3));
    const withoutNumbers = (rows: string[]) => rows.map((row) => row.replace(/^\d+/, ""));
    const after = await shown(waits);
    expect(after.slice(0, 3)).toEqual(before);
    expect(withoutNumbers(after.slice(3))).toEqual(withoutNumbers(before));
    const again = after.slice(3).flatMap((row) => ["--sequence", String(Number.parseInt(row, 10))]);
    expect(await queue("drop", waits, ...again)).toBe(`Dropped 3 results of ${waits}\n`);
  });
});

describe("while no gateway runs", () => {
  let before: string[];

  beforeAll(async () => {
    before = await shown(waits);
    process.kill(gateway.pid, "SIGTERM");
    await gateway.exited;
  });

  it("the commands work on the spool itself", async () => {
    expect(await shown(waits)).toEqual(before);
    expect(await queue("list", waits)).toMatch(/\nnrdp-client\/waits +3 +\d+ B .* 0 +stopped\n$/);
    expect(await queue("drop", waits, "--host", "web2")).toBe(`Dropped 1 result of ${waits}\n`);
    expect(await queue("export", waits, "--format", "text")).toBe(
      "web1\tdisk\t2\t91 % füll|'/'=91%;90\\nsecond;line\ndb1\tload\t1\thigh\n",
    );
    expect(await queue("verify")).toMatch(/ is sound: \d+ waiting results and \d+ dead letters? in 2 queues\n$/);
  });

  it("verify names what is damaged", async () => {
    const store = join(gateway.folder, "var", "spool", "store.mdb");
    const bytes = readFileSync(store);
    // Copies lie on pages that are free as well.
    for (let at = bytes.indexOf("high"); at >= 0; at = bytes.indexOf("high", at + 1)) bytes.write("hugh", at);
    writeFileSync(store, bytes);
    const lines = (await queue("verify")).split("\n");
    // The other queue has them too, waiting or given up by then.
    expect(lines[0]).toMatch(
      /^The store in .* is damaged: \d+ waiting results and \d+ dead letters? in 2 queues, 3 problems$/,
    );
    expect(lines.filter((line) => line.includes(waits))).toEqual(["  nrdp-client/waits: record 3 is damaged"]);
    expect(lines.slice(4)).toEqual([
      "What is readable is saved into a new store when the gateway is started again; this one is kept.",
      "exit code 2",
      "",
    ]);
  });
});

describe("where there is no spool yet", () => {
  it("there are no queues and nothing to verify, and nothing is made", async () => {
    const other = ["--define", `/settings/spool:path=${join(gateway.folder, "none")}`];
    expect(await queue("list", ...other)).toBe("There are no queues.\n");
    expect(await queue("verify", ...other)).toBe(`There is no store in ${join(gateway.folder, "none")}\nexit code 3\n`);
    expect(await queue("show", "q", ...other)).toBe("There is no queue q.\nexit code 3\n");
  });
});
