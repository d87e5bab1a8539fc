import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { systemClock } from "../../src/gateway/system-clock.js";
import { nscaProtocol } from "../../src/modules/nsca-client/protocol.js";
import type { OutgoingResult, Verdict } from "../../src/relay/relay.js";
import { packageRoot, run } from "../support/gateway-process.js";
import { outgoingResult, relaySender } from "../support/relay-target.js";
import { NscaDaemon } from "./nsca-daemon.js";
import { needPeer, nscaDaemon } from "./peers.js";

/** The methods that Debian's daemon can open. */
const methods = [0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 14, 15, 16, 20, 23, 26];

const password = "geheim & lang genug für 32 Bytes";
const delivered: Verdict = { kind: "delivered", text: "Submission successful" };

/** Nearly all that a packet has room for. */
const longRows = Array.from({ length: 38 }, (_, row) => `row ${row}: ${"äöü;".repeat(12)} C:\\temp`).join("\n");
const sent: readonly { host: string; service: string; code: number; output: string }[] = [
  {
    host: "web",
    service: "Größe, 100 %",
    code: 1,
    output: "Überlauf; 95 % voll|'a b'=1.5s;2;3;0;10 'ü'=2;@1:2;~:5",
  },
  { host: "web.example", service: "load", code: 2, output: `first|'x'=1 'y'=2\n${longRows}` },
  { host: "web", service: "", code: 0, output: "up" },
  { host: "web", service: "unknown", code: 3, output: "C:\\new" },
];

function send(port: number, keys: Readonly<Record<string, string | number>>, results: readonly OutgoingResult[]) {
  const { sender, log } = relaySender(
    nscaProtocol,
    { host: "127.0.0.1", port, password, timeout: "20s", ...keys },
    systemClock,
  );
  return { log, verdicts: sender.send(results, new AbortController().signal) };
}

const batch = sent.map(({ host, service, code, output }) => outgoingResult(host, service, code, output));

describe("what is sent arrives at NSCA's daemon, field by field", () => {
  test.concurrent.for(methods)("with method %i", { timeout: 120_000 }, async (method, context) => {
    const { expect } = context;
    const program = needPeer(nscaDaemon, context);
    const daemon = await NscaDaemon.start(program, method, password);
    try {
      const large = send(daemon.port, { encryption: method }, batch);
      expect(await large.verdicts).toEqual(sent.map(() => delivered));
      expect(daemon.arrived).toEqual(sent);
      expect(large.log.records).toEqual([]);

      const small = send(daemon.port, { encryption: method, "payload length": 512 }, batch);
      expect(await small.verdicts).toEqual(sent.map(() => delivered));
      const [first, second, ...rest] = sent;
      const cut = Buffer.from(second?.output ?? "")
        .subarray(0, 511)
        .toString()
        .replace(/\ufffd$/, "")
        .trimEnd();
      expect(daemon.arrived.slice(sent.length)).toEqual([first, { ...second, output: cut }, ...rest]);
      expect(small.log.records).toEqual([
        `warn: Results too long for the receiver were cut: 1 (web.example/load: output cut from ${Buffer.byteLength(second?.output ?? "")} to ${Buffer.byteLength(cut)} bytes)`,
      ]);
    } finally {
      await daemon.stop();
    }
  });
});

/** Runs with a daemon, which ends with it. */
async function withDaemon(
  context: Parameters<typeof needPeer>[1],
  method: number,
  work: (daemon: NscaDaemon) => Promise<void>,
): Promise<void> {
  const daemon = await NscaDaemon.start(needPeer(nscaDaemon, context), method, password);
  try {
    await work(daemon);
  } finally {
    await daemon.stop();
  }
}

const many = Array.from({ length: 500 }, (_, index) => ({
  ...{ host: `web${index % 7}`, service: `service ${index}`, code: index % 4 },
  output: `number ${index}|'x'=${index}`,
}));
const manyResults = many.map(({ host, service, code, output }) => outgoingResult(host, service, code, output));

test("a whole batch goes over one connection, and all of it arrives in order", (context) =>
  withDaemon(context, 14, async (daemon) => {
    expect(await send(daemon.port, {}, manyResults).verdicts).toEqual(many.map(() => delivered));
    expect(daemon.arrived).toEqual(many);
  }));

test("what is wrong with the password, the method or the size shows, and nothing counts as sent", (context) =>
  withDaemon(context, 14, async (daemon) => {
    const mistakes: readonly Readonly<Record<string, string | number>>[] = [
      { password: "another" },
      { encryption: "twofish" },
      { encryption: "none" },
      { encryption: "aes128" },
      { "payload length": 5000 },
    ];
    for (const mistake of mistakes) {
      for (const results of [batch, batch.slice(0, 1), manyResults]) {
        const verdicts = await send(daemon.port, mistake, results).verdicts;
        expect(new Set(verdicts.map(({ kind }) => kind)), JSON.stringify(mistake)).toEqual(new Set(["failed"]));
      }
    }
    expect(daemon.arrived).toEqual([]);
  }));

test("a wrong password shows when the first result comes after the daemon has looked for it in vain", (context) =>
  withDaemon(context, 14, async (daemon) => {
    const words = ["nsca", "--settings", "dummy", "--address", `127.0.0.1:${daemon.port}`, "--retries", "0"];
    const result = ["--hostname", "web1", "--command", "disk", "--result", "2", "--message", "full"];
    const nscp = (secret: string) =>
      run(join(packageRoot, "bin", "nscp.js"), [...words, ...result, "--password", secret]);
    const reason =
      "encryption, password or payload length may be others than its own, or it takes one result per connection";
    expect(await nscp("another")).toMatchObject({
      ...{ code: 3, stderr: "" },
      stdout: `default: 127.0.0.1:${daemon.port} closed the connection before all was sent: ${reason}\n`,
    });
    expect(await nscp(password)).toMatchObject({ code: 0, stdout: "Submission successful\n", stderr: "" });
    expect(daemon.arrived).toEqual([{ host: "web1", service: "disk", code: 2, output: "full" }]);
  }));

test("text arrives in the encoding of the target", (context) =>
  withDaemon(context, 1, async (daemon) => {
    await send(daemon.port, { encryption: "xor", encoding: "iso-8859-1" }, [outgoingResult("web", "Größe", 0, "für 5")])
      .verdicts;
    expect(daemon.written.toString("latin1")).toMatch(/^\[\d+\] PROCESS_SERVICE_CHECK_RESULT;web;Größe;0;für 5\n$/);
  }));

test("numbers of NSClient++ are its methods", (context) =>
  withDaemon(context, 14, async (daemon) => {
    const keys = { encryption: 16, dialect: "nsclient" };
    expect(await send(daemon.port, keys, batch).verdicts).toEqual(sent.map(() => delivered));
    expect(daemon.arrived).toEqual(sent);
  }));
