import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import { type Harness, startScripts } from "../support/script-harness.js";

const minimalHost = fileURLToPath(new URL("../support/minimal-host.js", import.meta.url));
let harness: Harness | undefined;

afterEach(async () => {
  await harness?.stop();
  harness = undefined;
});

function start(files: Readonly<Record<string, object>>, hostArgs: readonly string[] = [minimalHost]): Promise<Harness> {
  const sources = Object.fromEntries(Object.entries(files).map(([name, content]) => [name, JSON.stringify(content)]));
  return startScripts(sources, {
    command: () => ({ file: process.execPath, args: hostArgs, env: process.env, lanes: 0 }),
    startTimeoutMs: 5_000,
  });
}

const one = { register: [["query", "check_one"]], answer: [1, "one", "'a'=1"] };
const two = { register: [["query", "check_two"]], answer: [0, "two", ""] };

describe("a host of another language", () => {
  it("has its scripts on one channel", async () => {
    harness = await start({ "one.json": one, "two.json": two });
    const { queryAll, log } = harness;
    expect(await queryAll(["check_one", "check_two", "check_one"])).toEqual([
      [1, "one", "'a'=1"],
      [0, "two", ""],
      [1, "one", "'a'=1"],
    ]);
    expect(
      log.records.filter(({ level }) => level === "info").map(({ text, fields }) => [text, fields["script"]]),
    ).toEqual([
      ["asked for check_one", "one"],
      ["asked for check_two", "two"],
      ["asked for check_one", "one"],
    ]);
  });

  it("is replaced when it ends, with all scripts", async () => {
    harness = await start({ "one.json": one, "exit.json": { ...two, exit: true } });
    const { query } = harness;
    expect(await query("check_two")).toEqual([3, "node: script host was lost: it exited with code 7, while it ran check_two of exit", ""]);
    await expect.poll(() => query("check_one"), { timeout: 20_000 }).toEqual([1, "one", "'a'=1"]);
  });

  it("that can't be started is tried again, given up, and shown so, and the gateway runs", async () => {
    harness = await start({ "one.json": one }, ["-e", "process.exit(3)"]);
    const host = () => harness?.script().status().hosts?.[0];
    await expect.poll(() => host()?.state, { timeout: 20_000 }).toBe("given up");
    expect(host()).toEqual({
      name: "node",
      state: "given up",
      pid: 0,
      restarts: 2,
      lastFailure: "it exited with code 3",
      scripts: ["one (node: script host was given up: it exited with code 3)"],
    });
    expect(await harness.query("check_one")).toEqual([3, "Unknown command(s): check_one", ""]);
  });

  it("that speaks another version of the protocol is told apart from one that crashed", async () => {
    const speaksTwo = `const head = Buffer.from('[{"t":"ready","protocol":2,"host":"new"}]'), prefix = Buffer.alloc(8);
      prefix.writeUInt32BE(head.length + 4, 0); prefix.writeUInt32BE(head.length, 4);
      new (require("node:net").Socket)({ fd: 3 }).write(Buffer.concat([prefix, head]));`;
    harness = await start({ "one.json": one }, ["-e", speaksTwo]);
    const host = () => harness?.script().status().hosts?.[0];
    await expect
      .poll(() => host()?.lastFailure, { timeout: 20_000 })
      .toBe("it speaks version 2 of the protocol instead of 1");
  });
});
