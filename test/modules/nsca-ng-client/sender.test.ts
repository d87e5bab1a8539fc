import { describe, expect, it } from "vitest";
import { nscaNgProtocol } from "../../../src/modules/nsca-ng-client/protocol.js";
import { checkTimeMs, outgoingResult, relaySender } from "../../support/relay-target.js";
import { FakeServer, identity, password, willing } from "./fake-server.js";

const never = new AbortController().signal;
const delivered = { kind: "delivered", text: "Submission successful" };
const time = checkTimeMs / 1000;

function senderTo(server: FakeServer, keys: Record<string, string> = {}) {
  return relaySender(nscaNgProtocol, { host: "127.0.0.1", port: server.port, password, ...keys });
}

/** Results of the services s1, s2 … */
function results(count: number) {
  return Array.from({ length: count }, (_, index) => outgoingResult("web1", `s${index + 1}`, 0, "fine"));
}

describe("results for an NSCA-ng server", () => {
  it.each(["1.2", "1.3", "1.2+"])("go out in one session, with TLS %s", async (version) => {
    const server = await FakeServer.start({ answer: willing });
    const { sender } = senderTo(server, { "tls version": version });
    const batch = [
      outgoingResult("web1", "Größe; C:\\", 0, "never"),
      outgoingResult("web1", "Größe C:\\", 2, "voll; 99 %|'C:\\'=99%;80;90\nmehr ü|'b'=1"),
      outgoingResult("web2", "", 3, "weg"),
    ];
    expect(await sender.send(batch, never)).toEqual([
      {
        kind: "refused",
        reason: 'The name of the service "Größe; C:\\\\" has a ; in it, which Nagios can\'t take.',
      },
      delivered,
      delivered,
    ]);
    const service = `[${time}] PROCESS_SERVICE_CHECK_RESULT;web1;Größe C:\\;2;voll; 99 %|'C:\\\\'=99%;80;90 'b'=1\\nmehr ü\n`;
    const host = `[${time}] PROCESS_HOST_CHECK_RESULT;web2;1;weg\n`;
    expect(server.received).toEqual([
      expect.stringMatching(/^MOIN 1 [A-Za-z0-9+/]{8}\r\n$/),
      `PUSH ${Buffer.byteLength(service)}\r\n`,
      service,
      `PUSH ${host.length}\r\n`,
      host,
      "QUIT\r\n",
    ]);
    expect(server.connections).toBe(1);
  });

  it("are states of their host when the target says so", async () => {
    const server = await FakeServer.start({ answer: willing });
    const { sender } = senderTo(server, { "host check": "true" });
    expect(await sender.send([outgoingResult("web1", "alive", 2, "no")], never)).toEqual([delivered]);
    expect(server.received[2]).toBe(`[${time}] PROCESS_HOST_CHECK_RESULT;web1;1;no\n`);
  });

  it("are refused one by one, and the others arrive", async () => {
    const answer = (request: string) => (/;s[24];/.test(request) ? "FAIL You're not authorized\r\n" : willing(request));
    const server = await FakeServer.start({ answer });
    const { sender } = senderTo(server);
    const refused = { kind: "refused", reason: "You're not authorized" };
    expect(await sender.send(results(5), never)).toEqual([delivered, refused, delivered, refused, delivered]);
    expect(server.received.at(-1)).toBe("QUIT\r\n");
  });

  it("are cut at a whole measurement and say so in the log", async () => {
    const server = await FakeServer.start({ answer: willing });
    const { sender, log } = senderTo(server, { "max output length": "20" });
    expect(await sender.send([outgoingResult("web1", "s", 0, "größe|'a'=1 'b'=2 'c'=3")], never)).toEqual([delivered]);
    expect(server.received[2]).toBe(`[${time}] PROCESS_SERVICE_CHECK_RESULT;web1;s;0;größe|'a'=1 'b'=2\n`);
    expect(log.records).toEqual([
      "warn: The output of web1;s was cut from 25 to 19 bytes: the target's max output length.",
    ]);
  });

  it("are cut to what the server takes when it refuses their length", async () => {
    const answer = (request: string) =>
      /^PUSH (\d+)/.test(request) && Number(request.slice(5)) > 16384
        ? "FAIL PUSH data size too large\r\n"
        : willing(request);
    const server = await FakeServer.start({ answer });
    const { sender, log } = senderTo(server);
    const text = `long\n${"ü\\\n".repeat(6000)}end`;
    expect(await sender.send([outgoingResult("web1", "s", 0, text)], never)).toEqual([delivered]);
    const head = `[${time}] PROCESS_SERVICE_CHECK_RESULT;web1;s;0;`;
    const sent = server.received[3] ?? "";
    expect(server.received.slice(1, 3)).toEqual([
      `PUSH ${head.length + 4 + 2 + 6000 * 6 + 3 + 1}\r\n`,
      `PUSH ${Buffer.byteLength(sent)}\r\n`,
    ]);
    expect(sent.startsWith(`${head}long\\nü\\\\\\nü`)).toBe(true);
    expect(Buffer.byteLength(sent)).toBeGreaterThan(16384 - 6);
    expect(log.records).toEqual([
      expect.stringMatching(
        /^warn: The output of web1;s was cut from 24008 to \d+ bytes: the server takes no longer commands, see its max_command_size\.$/,
      ),
    ]);
  });

  it("need no connection when none of them can be sent", async () => {
    const server = await FakeServer.start({ answer: willing });
    const { sender } = senderTo(server);
    expect(await sender.send([outgoingResult("a;b", "", 0, "x")], never)).toEqual([
      { kind: "refused", reason: 'The name of the host "a;b" has a ; in it, which Nagios can\'t take.' },
    ]);
    expect(server.connections).toBe(0);
  });
});

describe("an NSCA-ng server that fails", () => {
  it("hangs after the connection", async () => {
    const server = await FakeServer.silent();
    const { sender, clock } = senderTo(server);
    const sent = sender.send(results(2), never);
    await server.until(1);
    clock.advance(30_000);
    const place = `127.0.0.1:${server.port}`;
    expect(await sent).toEqual([{ kind: "failed", reason: `No TLS with ${place}: nothing within 30 s.` }]);
    expect(clock.waiting).toBe(0);
  });

  it.each([
    ["MOIN", 1, "the answer to MOIN", 0],
    ["PUSH", 2, "the answer to PUSH", 0],
    ["the data", 3, "the answer to a command", 0],
    ["the next PUSH", 4, "the answer to PUSH", 1],
  ])("hangs after %s", async (_name, count, what, arrived) => {
    const server = await FakeServer.start({
      answer: (request, index) => (index === count - 1 ? undefined : willing(request)),
    });
    const { sender, clock } = senderTo(server, { timeout: "5s" });
    const sent = sender.send(results(3), never);
    await server.until(count);
    clock.advance(5_000);
    expect(await sent).toEqual([
      ...Array.from({ length: arrived }, () => delivered),
      { kind: "failed", reason: `The server did not send ${what} within 5 s.` },
    ]);
    expect(clock.waiting).toBe(0);
  });

  it("hangs after QUIT, which loses nothing", async () => {
    const server = await FakeServer.start({
      answer: (request) => (request === "QUIT" ? undefined : willing(request)),
    });
    const { sender, clock } = senderTo(server);
    const sent = sender.send(results(1), never);
    await server.until(4);
    clock.advance(30_000);
    expect(await sent).toEqual([delivered]);
  });

  it("hangs up between two results: the first is delivered, the rest stays", async () => {
    const server = await FakeServer.start({ answer: (request, index) => (index === 3 ? "hang up" : willing(request)) });
    const { sender } = senderTo(server);
    expect(await sender.send(results(3), never)).toEqual([
      delivered,
      { kind: "failed", reason: "The server closed the connection." },
    ]);
  });

  it("gives up between two results with BAIL", async () => {
    const server = await FakeServer.start({
      answer: (request, index) => (index === 4 ? "BAIL Shutting down\r\n" : willing(request)),
    });
    const { sender } = senderTo(server);
    expect(await sender.send(results(3), never)).toEqual([
      delivered,
      { kind: "failed", reason: "The server ended the session: BAIL Shutting down." },
    ]);
  });

  it.each([
    ["another protocol", "220 mail.example ESMTP\r\n", "The server did not greet back: 220 mail.example ESMTP."],
    ["no line at all", "\0\xff".repeat(2000), "The server sent a line of more than 2048 bytes."],
    ["more than was asked", "MOIN 1\r\nOKAY\r\nOKAY\r\n", "The server answered what it was not asked: OKAY."],
  ])("talks %s", async (_name, garbage, reason) => {
    const server = await FakeServer.start({ answer: () => garbage });
    const { sender } = senderTo(server);
    expect(await sender.send(results(2), never)).toEqual([{ kind: "failed", reason }]);
  });

  it("is not there", async () => {
    const server = await FakeServer.start({ answer: willing });
    const { sender } = relaySender(nscaNgProtocol, { host: "127.0.0.1", port: 1, password });
    expect(await sender.send(results(1), never)).toEqual([
      { kind: "failed", reason: "Cannot reach 127.0.0.1:1: connection refused." },
    ]);
    expect(server.connections).toBe(0);
  });

  it("keeps what was delivered when the gateway ends within a batch", async () => {
    const server = await FakeServer.start({
      answer: (request, index) => (index === 3 ? undefined : willing(request)),
    });
    const { sender } = senderTo(server);
    const controller = new AbortController();
    const sent = sender.send(results(3), controller.signal);
    await server.until(4);
    controller.abort(new Error("The gateway ends"));
    expect(await sent).toEqual([delivered, { kind: "failed", reason: "The gateway ends." }]);
  });

  it("is not connected to when the gateway has ended", async () => {
    const server = await FakeServer.start({ answer: willing });
    const { sender } = senderTo(server);
    expect(await sender.send(results(1), AbortSignal.abort(new Error("The gateway ends")))).toEqual([
      { kind: "failed", reason: `Cannot reach 127.0.0.1:${server.port}: The gateway ends.` },
    ]);
  });
});

describe("the identity", () => {
  it("is the gateway's host name unless the target has one", async () => {
    const server = await FakeServer.start({ answer: willing });
    expect(identity).toBe("gateway.example");
    const { sender } = senderTo(server, { identity: "somebody", "tls version": "1.2" });
    expect(await sender.send(results(1), never)).toEqual([
      { kind: "failed", reason: `No TLS with 127.0.0.1:${server.port}: it does not know the identity.` },
    ]);
  });

  it.each(["1.2", "1.3"])("with a wrong password is told so, with TLS %s", async (version) => {
    const server = await FakeServer.start({ answer: willing });
    const { sender } = senderTo(server, { password: "wrong", "tls version": version });
    expect(await sender.send(results(1), never)).toEqual([
      { kind: "failed", reason: `No TLS with 127.0.0.1:${server.port}: the password is not the server's.` },
    ]);
  });
});
