import { readFileSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { afterEach, describe, expect, test } from "vitest";
import { systemClock } from "../../src/gateway/system-clock.js";
import nscaClient from "../../src/modules/nsca-client/index.js";
import { nscaProtocol } from "../../src/modules/nsca-client/protocol.js";
import { makeAuthority, makeServerPair } from "../../src/security/certificates.js";
import { StatusCode } from "../../src/wire/messages.js";
import { nscaEncryption } from "../../src/wire/nsca/encryption.js";
import { encodeNscaInit } from "../../src/wire/nsca/init-packet.js";
import { parseNscaMethod } from "../../src/wire/nsca/methods.js";
import { NscaReader } from "../../src/wire/nsca/reader.js";
import { passiveResult } from "../../src/wire/passive-result.js";
import { temporaryFolder } from "../support/gateway-process.js";
import { incoming, submission } from "../support/kernel.js";
import { runnableBlocks } from "../support/markdown-blocks.js";
import { loadModule } from "../support/module-harness.js";
import { outgoingResult, relaySender } from "../support/relay-target.js";

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

const iv = Buffer.from(Array.from({ length: 128 }, (_, index) => (index * 37 + 200) % 256));
const timestamp = 1_900_000_000;
const init = encodeNscaInit({ iv, timestamp });

/** Listens and does with each connection what it is told. */
async function listen(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as AddressInfo).port;
}

function receiver(handle: (socket: Socket, connection: number) => void): Promise<number> {
  let count = 0;
  return listen(createServer({ allowHalfOpen: true }, (socket) => handle(socket, ++count)));
}

/** What a daemon reads of a connection, line by line, with the timestamps it finds. */
function read(socket: Socket, method: string, password: string, into: string[]): void {
  const parsed = parseNscaMethod(method);
  if (parsed.problem !== undefined) throw new Error(parsed.problem);
  const reader = new NscaReader(nscaEncryption(parsed.method, password, iv, "decrypt"));
  socket.write(init);
  socket.on("data", (chunk: Buffer) => {
    reader.push(chunk);
    for (let packet = reader.next(); packet !== undefined; packet = reader.next()) {
      const { host, service, code, output } = packet;
      into.push(`${packet.timestamp} ${host};${service};${code};${output}`);
    }
  });
  socket.on("end", () => socket.end());
}

function target(port: number, keys: Readonly<Record<string, string | number>> = {}) {
  const basics = { host: "127.0.0.1", port, password: "secret", timeout: "1s" };
  const { sender, log } = relaySender(nscaProtocol, { ...basics, ...keys }, systemClock);
  const send = (...batch: ReturnType<typeof outgoingResult>[]) => sender.send(batch, new AbortController().signal);
  return { sender, log, send };
}

const result = outgoingResult("web", "load", 1, "busy|x=1");
const delivered = { kind: "delivered", text: "Submission successful" };

describe("a receiver that fails keeps its results waiting, and the reason says why", () => {
  const failures: readonly [string, (socket: Socket) => void, string][] = [
    ["that hangs after the connection is there", () => {}, "sent no init packet within 1 s"],
    [
      "that hangs in the middle of the init packet",
      (socket) => socket.write(init.subarray(0, 100)),
      "sent no init packet within 1 s",
    ],
    [
      "that takes the results and does not close",
      (socket) => void socket.resume().write(init),
      "did not close the connection within 1 s",
    ],
    [
      "that is no NSCA daemon",
      (socket) => socket.write("SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n"),
      String.raw`is no NSCA daemon: it says "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n"`,
    ],
    [
      "that says more than a daemon does",
      (socket) => socket.write(Buffer.concat([Buffer.from("220 mail\0"), init])),
      `is no NSCA daemon: it says ${JSON.stringify(Buffer.concat([Buffer.from("220 mail\0"), init]).toString("latin1", 0, 40))}`,
    ],
    [
      "that closes at once",
      (socket) => socket.end(),
      "closed the connection at once: it may not allow this host, or not have the encryption",
    ],
    [
      "that closes within the init packet",
      (socket) => socket.end(init.subarray(0, 100)),
      "closed the connection after 100 of the 132 bytes of an init packet",
    ],
    [
      "that closes after the init packet",
      (socket) => socket.end(init),
      "closed the connection before all was sent: encryption, password or payload length may be others than its own, or it takes one result per connection",
    ],
  ];
  test.each(failures)("%s", async (_name, handle, reason) => {
    const port = await receiver((socket) => handle(socket));
    expect(await target(port).send(result, result)).toEqual(
      [result, result].map(() => ({ kind: "failed", reason: `127.0.0.1:${port} ${reason}` })),
    );
  });

  test("that breaks off in the middle, and those before it are done", async () => {
    const received: string[] = [];
    const port = await receiver((socket, connection) => {
      if (connection < 3) read(socket, "aes256", "secret", received);
      else socket.once("data", () => socket.resetAndDestroy()).write(init);
    });
    const batch = ["a", "b", "c", "d"].map((service) => outgoingResult("web", service, 0, "fine"));
    const verdicts = await target(port, { "results per connection": 1 }).send(...batch);
    expect(verdicts.map(({ kind }) => kind)).toEqual(["delivered", "delivered", "failed", "failed"]);
    expect(received).toEqual(["a", "b"].map((service) => `${timestamp} web;${service};0;fine`));
  });

  test("that reads no more", async () => {
    const port = await receiver((socket) => socket.pause().write(init));
    const long = Array.from({ length: 5000 }, (_, index) => outgoingResult("web", `${index}`, 0, "fine"));
    const [verdict] = await target(port).send(...long);
    expect(verdict).toEqual({
      kind: "failed",
      reason: `127.0.0.1:${port} took no more of what was sent within 1 s`,
    });
  });

  test("that is not there", async () => {
    const server = createServer();
    const port = await listen(server);
    await new Promise((resolve) => server.close(resolve));
    expect(await target(port).send(result)).toEqual([
      {
        kind: "failed",
        reason: `127.0.0.1:${port} can't be reached or broke off: connect ECONNREFUSED 127.0.0.1:${port}`,
      },
    ]);
  });

  test("when the batch is given up", async () => {
    const giveUp = new AbortController();
    const port = await receiver(() => giveUp.abort(new Error("The gateway ends")));
    expect(await target(port).sender.send([result], giveUp.signal)).toEqual([
      { kind: "failed", reason: `127.0.0.1:${port} was given up: The gateway ends` },
    ]);
  });
});

describe("connections", () => {
  test("many results go over one, with the time of the receiver and the offset", async () => {
    const received: string[] = [];
    let connections = 0;
    const port = await receiver((socket, connection) => {
      connections = connection;
      read(socket, "serpent", "secret", received);
    });
    const batch = Array.from({ length: 40 }, (_, index) => outgoingResult("web", `s${index}`, 3, `text ${index}`));
    const keys = { encryption: "Serpent", "time offset": "-1h" };
    expect(await target(port, keys).send(...batch)).toEqual(batch.map(() => delivered));
    expect(received).toEqual(batch.map((_, index) => `${timestamp - 3600} web;s${index};3;text ${index}`));
    expect(connections).toBe(1);
  });

  test("each takes as many results as the target says, in order", async () => {
    const received: string[][] = [];
    const port = await receiver((socket, connection) => {
      const lines: string[] = [];
      received[connection - 1] = lines;
      read(socket, "xor", "secret", lines);
    });
    const batch = ["a", "b", "c"].map((service) => outgoingResult("web", service, 0, "fine"));
    const keys = { encryption: "xor", "payload length": 512, "results per connection": 2 };
    await target(port, keys).send(...batch);
    await target(port, { encryption: "xor", "buffer length": 512 }).send(...batch.slice(0, 2));
    const line = (service: string) => `${timestamp} web;${service};0;fine`;
    expect(received).toEqual([[line("a"), line("b")], [line("c")], [line("a")], [line("b")]]);
  });

  test("a receiver that closes after each result gets one per connection", async () => {
    let count = 0;
    const port = await receiver((socket) => {
      socket.write(init);
      socket.once("data", () => {
        count++;
        socket.resume().end();
      });
    });
    expect(await target(port, { "results per connection": 1 }).send(result, result)).toEqual([delivered, delivered]);
    expect(count).toBe(2);
  });

  test("with TLS, when the certificate is the receiver's", async () => {
    const terms = { now: Date.now(), days: 1 };
    const authority = await makeAuthority(terms);
    const pair = await makeServerPair(authority, ["nsca.example"], terms);
    const folder = temporaryFolder("nsca-tls");
    closing.push(() => folder.remove());
    const ca = `${folder.path}/ca.pem`;
    writeFileSync(ca, authority.certificate);
    const received: string[] = [];
    const server = createTlsServer({ cert: pair.certificate, key: pair.privateKey });
    server.on("secureConnection", (socket) => {
      socket.on("error", () => {});
      read(socket, "none", "", received);
    });
    const port = await listen(server);
    const keys = { encryption: "none", "use ssl": "true", ca };
    expect(await target(port, { ...keys, "server name": "nsca.example" }).send(result, result)).toEqual([
      delivered,
      delivered,
    ]);
    expect(received).toEqual([result, result].map(() => `${timestamp} web;load;1;busy|'x'=1`));
    expect(await target(port, keys).send(result)).toMatchObject([
      { kind: "failed", reason: expect.stringContaining("IP: 127.0.0.1 is not in the cert's list") },
    ]);
    const plain = await receiver(() => {});
    expect(await target(plain, keys).send(result)).toEqual([
      { kind: "failed", reason: `127.0.0.1:${plain} did not finish the TLS handshake within 1 s` },
    ]);
  });
});

describe("results", () => {
  test("of hosts are up or down", async () => {
    const received: string[] = [];
    const port = await receiver((socket) => read(socket, "none", "", received));
    const states = [0, 1, 2, 3].map((code) => outgoingResult("web", "", code, "text"));
    await target(port, { encryption: "none", password: "" }).send(...states);
    expect(received).toEqual([0, 1, 1, 1].map((code) => `${timestamp} web;;${code};text`));
  });

  test("whose names would become another command are refused, and the others go out", async () => {
    const received: string[] = [];
    const port = await receiver((socket) => read(socket, "none", "", received));
    const batch = [outgoingResult("web", "a;0;b", 0, "x"), result, outgoingResult("web\n[0] X", "", 0, "x")];
    expect(await target(port, { encryption: "none" }).send(...batch)).toEqual([
      { kind: "refused", reason: 'The name of the service "a;0;b" has a ; in it, which Nagios can\'t take.' },
      delivered,
      {
        kind: "refused",
        reason: String.raw`The name of the host "web\n[0] X" has the control character U+000A in it, which Nagios can't take.`,
      },
    ]);
    expect(received).toEqual([`${timestamp} web;load;1;busy|'x'=1`]);
  });

  test("that are too long are cut at whole measurements, and the log says of how many", async () => {
    const received: string[] = [];
    const port = await receiver((socket) => read(socket, "none", "", received));
    const perf = (count: number) => Array.from({ length: count }, (_, index) => `'m${index}'=${index}`).join(" ");
    const batch = [1, 2, 3, 4].map((number) => outgoingResult("web", `s${number}`, 0, `ü|${perf(60)}`));
    const { send, log } = target(port, { encryption: "none", "payload length": 512 });
    await send(...batch);
    expect(received).toEqual(batch.map(({ service }) => `${timestamp} web;${service};0;ü|${perf(58)}`));
    const size = Buffer.byteLength(`ü|${perf(60)}`);
    const kept = Buffer.byteLength(`ü|${perf(58)}`);
    const cut = [1, 2, 3].map((number) => `web/s${number}: output cut from ${size} to ${kept} bytes`).join("; ");
    expect(log.records).toEqual([`warn: Results too long for the receiver were cut: 4 (${cut}; and 1 more)`]);
  });
});

describe("a target that can't work is not loaded, and its mistake is named", () => {
  const section = "[/settings/NSCA/client/targets/test]";
  const mistakes: readonly [Readonly<Record<string, string>>, string][] = [
    [{ encryption: "rot13" }, `${section}: encryption "rot13" is not known; there is none (0), xor (1), `],
    [{ encryption: "12" }, `${section}: encryption 12 (ARCFOUR) works in no NSCA daemon; `],
    [
      { encryption: "23", dialect: "nsclient" },
      `${section}: encryption "23" is a variant of GOST that only NSClient++ has; `,
    ],
    [{ password: "" }, `${section} has no "password"; the encryption rijndael128 needs one.`],
    [
      { encoding: "utf-16le" },
      `${section}: encoding "utf-16le" is neither utf-8 nor one with one byte for each character.`,
    ],
    [{ "time offset": "soon" }, `${section}: time offset "soon" is not a time such as 30s or -1h.`],
    [{ timezone: "local" }, 'timezone: "local" is none of utc'],
    [{ "use ssl": "true", ca: "/nowhere/ca.pem" }, `"ca" of ${section} can't be read: `],
  ];
  test.each(mistakes)("%j", (keys, message) => {
    expect(() => target(5667, keys)).toThrow(message);
  });
});

test("the sample of the README brings a result to its daemon", async () => {
  const readme = readFileSync(new URL("../../src/modules/nsca-client/README.md", import.meta.url), "utf8");
  const sample = runnableBlocks(readme).find((block) => block.how === "relay with these settings")?.text ?? "";
  const received: string[] = [];
  const port = await receiver((socket) => read(socket, "14", "a-long-secret", received));
  const settings = sample.replace("monitoring.example:5667", `127.0.0.1:${port}`);
  const { core, isLoaded } = await loadModule(nscaClient, `${settings}\nresults per connection = 1`);
  expect(isLoaded).toBe(true);
  const payload = passiveResult({ host: "web1", service: "Disk", code: 1, text: "90 %|a=1" });
  const { message } = await core.submit("NSCA", submission([payload]), incoming());
  expect(message.payload.map((answer) => [StatusCode[answer.result?.code ?? -1], answer.result?.message])).toEqual([
    ["STATUS_OK", "Submission successful"],
  ]);
  expect(received).toEqual([`${timestamp} web1;Disk;1;90 %|'a'=1`]);
});
