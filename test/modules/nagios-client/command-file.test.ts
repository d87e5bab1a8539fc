import { execFileSync } from "node:child_process";
import { constants, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { nagiosProtocol } from "../../../src/modules/nagios-client/protocol.js";
import { checkTimeMs, outgoingResult, relaySender } from "../../support/relay-target.js";

const never = new AbortController().signal;
const delivered = { kind: "delivered", text: "Written to the command file" };
const time = checkTimeMs / 1000;

function temporaryFile(): string {
  const folder = mkdtempSync(join(tmpdir(), "command-file-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return join(folder, "nagios.cmd");
}

function pipe(): string {
  const file = temporaryFile();
  execFileSync("mkfifo", [file]);
  return file;
}

async function reader(file: string): Promise<FileHandle> {
  const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
  onTestFinished(() => handle.close());
  return handle;
}

/** What is in the pipe at this moment. */
async function readAll(handle: FileHandle): Promise<string> {
  const buffer = Buffer.alloc(1 << 20);
  const { bytesRead } = await handle.read(buffer).catch(() => ({ bytesRead: 0 }));
  return buffer.toString("utf8", 0, bytesRead);
}

function senderTo(file: string) {
  return relaySender(nagiosProtocol, { "command file": file });
}

describe("the command file of Nagios", () => {
  it("gets a line for each result", async () => {
    const file = pipe();
    const handle = await reader(file);
    const batch = [
      outgoingResult("web1", "Größe C:\\", 2, "voll; 99 %|a=1\nmehr"),
      outgoingResult("web1", "a;b", 0, "x"),
      outgoingResult("web2", "", 2, "weg"),
    ];
    expect(await senderTo(file).sender.send(batch, never)).toEqual([
      delivered,
      { kind: "refused", reason: 'The name of the service "a;b" has a ; in it, which Nagios can\'t take.' },
      delivered,
    ]);
    expect(await readAll(handle)).toBe(
      `[${time}] PROCESS_SERVICE_CHECK_RESULT;web1;Größe C:\\;2;voll; 99 %|'a'=1\\nmehr\n` +
        `[${time}] PROCESS_HOST_CHECK_RESULT;web2;1;weg\n`,
    );
  });

  it("gets lines of at most 4096 bytes, cut at a character and with a word in the log", async () => {
    const file = pipe();
    const handle = await reader(file);
    const { sender, log } = senderTo(file);
    const head = `[${time}] PROCESS_SERVICE_CHECK_RESULT;web1;s;0;`;
    const text = `ok\n${"ü".repeat(3000)}`;
    expect(await sender.send([outgoingResult("web1", "s", 0, text)], never)).toEqual([delivered]);
    const room = Math.floor((4096 - head.length - "ok\\n".length - 1) / 2);
    expect(await readAll(handle)).toBe(`${head}ok\\n${"ü".repeat(room)}\n`);
    expect(log.records).toEqual([
      `warn: The output of web1;s was cut from 6003 to ${3 + 2 * room} bytes: a command file takes no more; ` +
        "a check result path would.",
    ]);
  });

  it("refuses names that leave no room for a line", async () => {
    const { sender } = senderTo(pipe());
    expect(await sender.send([outgoingResult("w".repeat(5000), "s", 0, "x")], never)).toEqual([
      { kind: "refused", reason: "The names of host and service are too long for a command of 4096 bytes." },
    ]);
  });

  it("keeps the order and the lines of two targets that share it", async () => {
    const file = pipe();
    const handle = await reader(file);
    const batches = ["a", "b"].map((host) =>
      Array.from({ length: 200 }, (_, index) => outgoingResult(host, `s${index}`, 0, "x".repeat(index))),
    );
    const sent = batches.map((batch) => senderTo(file).sender.send(batch, never));
    await Promise.all(sent);
    const lines = (await readAll(handle)).trimEnd().split("\n");
    const expected = batches.flat().map(({ host, service }) => `PROCESS_SERVICE_CHECK_RESULT;${host};${service};0;`);
    expect(lines.map((line) => line.replace(/^\[\d+\] /, "").replace(/x*$/, ""))).toEqual(expected);
  });

  it("that is full is tried again until it has room", async () => {
    const file = pipe();
    const handle = await reader(file);
    const { sender, clock } = senderTo(file);
    const batch = Array.from({ length: 40 }, (_, index) => outgoingResult("web1", `s${index}`, 0, "x".repeat(3000)));
    const sent = sender.send(batch, never);
    await vi.waitUntil(() => clock.waiting === 1);
    let text = await readAll(handle);
    while (text.split("\n").length <= batch.length) {
      await vi.waitUntil(async () => {
        clock.advance(20);
        const more = await readAll(handle);
        text += more;
        return more !== "";
      });
    }
    expect(await sent).toEqual(batch.map(() => delivered));
    expect(text.split("\n").map((line) => /;(s\d+);/.exec(line)?.[1])).toEqual([
      ...batch.map(({ service }) => service),
      undefined,
    ]);
  });

  it("that stays full holds back what did not fit, and nothing else waits for it", async () => {
    const file = pipe();
    const handle = await reader(file);
    const { sender, clock } = senderTo(file);
    const batch = Array.from({ length: 40 }, (_, index) => outgoingResult("web1", `s${index}`, 0, "x".repeat(3000)));
    const sent = sender.send(batch, never);
    await vi.waitUntil(() => clock.waiting === 1);
    clock.advance(30_000);
    const verdicts = await sent;
    const lines = (await readAll(handle)).trimEnd().split("\n").length;
    expect(verdicts).toEqual([
      ...Array.from({ length: lines }, () => delivered),
      { kind: "failed", reason: `${file} is full; Nagios does not read it.` },
    ]);
  });

  it.each([
    ["without a reader", pipe, "nobody reads from it; is Nagios running?"],
    ["that is not there", temporaryFile, "it is not there; is Nagios running?"],
  ])("%s fails at once", async (_name, make, reason) => {
    const file = make();
    expect(await senderTo(file).sender.send([outgoingResult("web1", "s", 0, "x")], never)).toEqual([
      { kind: "failed", reason: `Can't write to ${file}: ${reason}` },
    ]);
  });

  it("that is an ordinary file is not written to", async () => {
    const file = temporaryFile();
    writeFileSync(file, "");
    expect(await senderTo(file).sender.send([outgoingResult("web1", "s", 0, "x")], never)).toEqual([
      { kind: "failed", reason: `${file} is not a named pipe.` },
    ]);
  });
});
