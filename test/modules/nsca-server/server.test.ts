import { connect } from "node:net";
import { describe, expect, test } from "vitest";
import { PB, StatusCode, SubmitResponse } from "../../../src/wire/messages.js";
import type { NscaResult } from "../../../src/wire/nsca/packet.js";
import { deferred } from "../../support/kernel.js";
import { TestClock } from "../../support/served-module.js";
import { startNscaServer } from "./nsca-gateway.js";

const disk: NscaResult = { host: "web1", service: "disk", code: 2, output: "96% full|used=96%;80;90" };
const router: NscaResult = { host: "router", service: "", code: 1, output: "down" };
const rows = ["web1;disk;2;96% full|'used'=96%;80;90", "router;;1;down"];

/** Answers that nothing was accepted, for a reason. */
const refusal = (message: string) => () => [
  SubmitResponse.create({ result: PB.Common.Result.create({ code: StatusCode.STATUS_ERROR, message }) }),
];

describe("senders deliver their results", () => {
  test("many on a connection, which go to the channel together", async () => {
    const gateway = await startNscaServer();
    const sender = await gateway.sender();
    await sender.finish(sender.packets([disk, router]));
    expect(gateway.submissions).toEqual([rows]);
    expect(await gateway.metrics()).toEqual({
      ...{ connections: 0, accepted: 2, not_accepted: 0, rejected: 0, unreadable: 0, turned_away: 0 },
    });
    expect(gateway.audited).toMatchObject([
      { action: "submit", outcome: "ok", objects: ["inbox"], peer: "127.0.0.1", frontEnd: "nsca" },
    ]);
    expect(gateway.audited[0]?.principal).toMatchObject({ name: "nsca:127.0.0.1", kind: "token" });
  });

  test("in packets of 512, of 4096 and of the payload length, whichever they have", async () => {
    const gateway = await startNscaServer("password = secret\npayload length = 1024");
    for (const payloadLength of [512, 1024, 4096]) {
      const sender = await gateway.sender();
      await sender.finish(sender.packets([disk, router], { payloadLength }));
    }
    expect(gateway.submissions).toEqual([rows, rows, rows]);
  });

  test("in packets of both sizes on one connection", async () => {
    const gateway = await startNscaServer("encryption = none");
    const sender = await gateway.sender();
    const names = Array.from({ length: 30 }, (_, index) => `h${index}`);
    const packets = names.map((host, index) =>
      sender.packets([{ ...router, host }], { encryption: "none", payloadLength: index % 3 === 0 ? 4096 : 512 }),
    );
    await sender.finish(Buffer.concat(packets));
    expect(gateway.submissions.flat()).toEqual(names.map((host) => `${host};;1;down`));
  });

  test("while the connection stays open", async () => {
    const gateway = await startNscaServer();
    const sender = await gateway.sender();
    const bytes = sender.packets([disk, router]);
    sender.socket.write(bytes.subarray(0, 4304));
    expect(await gateway.results(1)).toEqual([rows[0]]);
    sender.socket.write(bytes.subarray(4304));
    expect(await gateway.results(2)).toEqual(rows);
    await sender.finish(Buffer.alloc(0));
  });

  test("over TLS", async () => {
    const gateway = await startNscaServer("password = secret\nuse ssl = true");
    const sender = await gateway.sender({ tls: true });
    await sender.finish(sender.packets([disk]));
    expect(gateway.submissions).toEqual([[rows[0]]]);
    expect(gateway.modules.list()[0]?.status.detail).toEqual([
      expect.stringMatching(/^127\.0\.0\.1 port \d+ \(encryption rijndael128, TLS\), 0 connections$/),
    ]);
  });

  test("with a state that is none as UNKNOWN, and without performance data when that is not wanted", async () => {
    const gateway = await startNscaServer("password = secret\nperformance data = false");
    const sender = await gateway.sender();
    await sender.finish(sender.packets([disk, { ...disk, code: 17 }, { ...disk, code: -1 }]));
    expect(gateway.submissions.flat()).toEqual([2, 3, 3].map((code) => `web1;disk;${code};96% full`));
  });

  test("with the numbers of NSClient++ when these are asked for", async () => {
    const gateway = await startNscaServer("password = secret\nencryption = 14\ndialect = nsclient");
    const sender = await gateway.sender();
    await sender.finish(sender.packets([router], { encryption: "aes128" }));
    expect(gateway.submissions).toEqual([[rows[1]]]);
  });
});

describe("who is who", () => {
  test("is told by the address: the narrowest row of the passwords counts", async () => {
    const gateway = await startNscaServer(
      "password = other",
      "[/settings/NSCA/server/passwords]\n127.0.0.0/8 = wide\n127.0.0.1 = narrow\n* = all",
    );
    for (const [index, password] of ["other", "wide", "all", "narrow"].entries()) {
      const sender = await gateway.sender();
      await sender.finish(sender.packets([{ ...router, host: `h${index}` }], { password }));
    }
    expect(gateway.submissions).toEqual([["h3;;1;down"]]);
  });

  test("who has another password is cut off, and it is in the log once and in the audit", async () => {
    const gateway = await startNscaServer();
    for (let attempt = 0; attempt < 3; attempt++) {
      const sender = await gateway.sender();
      sender.socket.write(sender.packets([disk], { password: "guess" }));
      await sender.closed;
    }
    expect(gateway.submissions).toEqual([]);
    expect(gateway.logLines.filter((line) => line.startsWith("W"))).toEqual([
      expect.stringMatching(
        /^W *nsca-server Closed the connection of 127\.0\.0\.1: a packet has version -?\d+ and not 3: the password or the encryption method is not the same on both sides$/,
      ),
    ]);
    expect(gateway.audited.map(({ action, outcome }) => `${action} ${outcome}`)).toEqual(Array(3).fill("login denied"));
    expect(await gateway.metrics()).toMatchObject({ accepted: 0, unreadable: 3 });
  });

  test("who is not among the allowed hosts gets no init packet", async () => {
    const gateway = await startNscaServer("password = secret\nallowed hosts = 192.0.2.1");
    await expect(gateway.sender()).rejects.toThrow("The server closed before it sent an init packet");
  });

  test("whose role does not allow it is cut off", async () => {
    const gateway = await startNscaServer("password = secret\nrole = narrow");
    const sender = await gateway.sender();
    await sender.finish(sender.packets([disk]));
    expect(gateway.submissions).toEqual([]);
    expect(gateway.logLines).toContainEqual(
      expect.stringContaining('The role "narrow" does not allow senders to submit to inbox'),
    );
    expect(gateway.logLines).toContainEqual(
      expect.stringContaining(
        "Did not take 1 result of 127.0.0.1 and closed its connection: Permission denied: nsca:127.0.0.1 is not allowed to submit to inbox",
      ),
    );
    expect(gateway.audited).toMatchObject([{ action: "submit", outcome: "denied" }]);
  });
});

describe("what is not taken", () => {
  test("names that would make up fields or lines of their own; what is right beside them is", async () => {
    const gateway = await startNscaServer();
    const sender = await gateway.sender();
    const named = (host: string, service: string) => ({ ...router, host, service });
    await sender.finish(
      sender.packets([
        named("a;b", ""),
        named("a", "b;c"),
        named("a\nb", ""),
        named("a", "\u0085"),
        named(" ", "s"),
        disk,
      ]),
    );
    expect(gateway.submissions).toEqual([[rows[0]]]);
    expect(await gateway.metrics()).toMatchObject({ accepted: 1, rejected: 5 });
    expect(gateway.logLines.filter((line) => line.includes("Left out"))).toEqual([
      expect.stringContaining('Left out a result of 127.0.0.1: the host "a;b" has a control character or a ;'),
    ]);
  });

  test("packets with a time that is not of their connection, unless that is allowed", async () => {
    const gateway = await startNscaServer();
    const send = async (age: number) => {
      const sender = await gateway.sender();
      await sender.finish(sender.packets([router], { timestamp: sender.init.timestamp - age }));
    };
    for (const age of [31, -31, 1000, 29, -29]) await send(age);
    expect(gateway.submissions).toEqual([[rows[1]], [rows[1]]]);
    expect(gateway.logLines).toContainEqual(
      expect.stringContaining("Left out a result of 127.0.0.1: its packet is 31 s older than its connection"),
    );
    expect(await gateway.reload("password = secret\nmax packet age = off")).toBe(true);
    await send(1000);
    expect(gateway.submissions).toHaveLength(3);
  });

  test("packets that came before as they are, on this connection or another", async () => {
    const gateway = await startNscaServer("encryption = none");
    const first = await gateway.sender();
    const bytes = first.packets([router], { encryption: "none" });
    await first.finish(Buffer.concat([bytes, bytes]));
    const second = await gateway.sender();
    await second.finish(bytes);
    expect(gateway.submissions).toEqual([[rows[1]]]);
    expect(await gateway.metrics()).toMatchObject({ accepted: 1, rejected: 2 });
  });

  test("the rest of a packet that never came", async () => {
    const gateway = await startNscaServer();
    const sender = await gateway.sender();
    await sender.finish(sender.packets([disk, router]).subarray(0, 5000));
    expect(gateway.submissions).toEqual([[rows[0]]]);
    expect(gateway.logLines).toContainEqual(
      expect.stringContaining("Closed the connection of 127.0.0.1: it ended within a packet, after 696 bytes"),
    );
  });
});

describe("a result that is not accepted", () => {
  test("ends the connection, because nothing can be answered, and is counted", async () => {
    const gateway = await startNscaServer();
    gateway.answerWith(refusal("The queue is full"));
    const sender = await gateway.sender();
    sender.socket.write(sender.packets([disk, router]));
    await sender.finish(Buffer.alloc(0));
    expect(await gateway.metrics()).toMatchObject({ accepted: 0, not_accepted: 2 });
    expect(gateway.logLines).toContainEqual(
      expect.stringContaining("Did not take 2 results of 127.0.0.1 and closed its connection: The queue is full"),
    );
    expect(gateway.audited).toMatchObject([{ action: "submit", outcome: "failed", reason: "The queue is full" }]);
  });

  test("within the time-out likewise", async () => {
    const gateway = await startNscaServer("password = secret\ntimeout = 7s", "", new TestClock(true));
    gateway.answerWith(() => new Promise(() => {}));
    const sender = await gateway.sender();
    sender.socket.write(sender.packets([disk]));
    await gateway.results(1);
    gateway.clock.fireAll();
    await sender.closed;
    expect(gateway.logLines).toContainEqual(expect.stringContaining("they were not accepted within 7 s"));
  });

  test("leaves what comes behind it unread until the one before is accepted", async () => {
    const gateway = await startNscaServer();
    const gate = deferred<SubmitResponse[]>();
    gateway.answerWith(() => gate.promise);
    const sender = await gateway.sender();
    const many = Array.from({ length: 800 }, (_, index) => ({ ...router, host: `h${index}` }));
    const flushed = new Promise((resolve) => sender.socket.write(sender.packets(many), resolve));
    const firsts = (await gateway.results(1)).length;
    expect(gateway.submissions).toHaveLength(1);
    gateway.answerWith(() => [SubmitResponse.create()]);
    gate.resolve([SubmitResponse.create()]);
    await flushed;
    await sender.finish(Buffer.alloc(0));
    expect(firsts).toBeLessThan(100);
    expect(gateway.submissions.flat()).toEqual(many.map(({ host }) => `${host};;1;down`));
  });
});

describe("connections", () => {
  test("of one address are counted, and so are all: a new one takes the place of the oldest that has not sent anything", async () => {
    const gateway = await startNscaServer("password = secret\nmax connections per peer = 2");
    const open = [await gateway.sender(), await gateway.sender(), await gateway.sender()];
    await open[0]?.closed;
    expect(gateway.logLines).toContainEqual(
      expect.stringContaining("Closed a connection of 127.0.0.1: 2 of it are open already"),
    );
    expect(await gateway.reload("password = secret\nmax connections = 1")).toBe(true);
    const last = await gateway.sender();
    await open[1]?.closed;
    expect(await gateway.metrics()).toMatchObject({ connections: 2, turned_away: 2 });
    await last.finish(Buffer.alloc(0));
  });

  test("that send results keep their place", async () => {
    const gateway = await startNscaServer("password = secret\nmax connections = 1");
    const gate = deferred<SubmitResponse[]>();
    const asked = deferred<void>();
    gateway.answerWith(() => {
      asked.resolve();
      return gate.promise;
    });
    const sender = await gateway.sender();
    sender.socket.write(sender.packets([disk]));
    await asked.promise;
    await expect(gateway.sender()).rejects.toThrow("The server closed");
    gate.resolve([SubmitResponse.create()]);
    await sender.finish(Buffer.alloc(0));
  });

  test("end when the rest of a packet does not come in time, also when bytes drop in", async () => {
    const gateway = await startNscaServer("password = secret\ntimeout = 3s", "", new TestClock(true));
    const sender = await gateway.sender();
    const bytes = sender.packets([disk]);
    expect(gateway.clock.waiting).toBe(0);
    sender.socket.write(bytes.subarray(0, 100));
    await expect.poll(() => gateway.clock.waiting).toBe(1);
    gateway.clock.fireAll();
    await sender.closed;
    expect(gateway.logLines).toContainEqual(
      expect.stringContaining("Closed the connection of 127.0.0.1: no whole packet came within 3 s"),
    );
  });

  test("that say nothing are dropped after the handshake timeout", async () => {
    const gateway = await startNscaServer("password = secret\nhandshake timeout = 50ms");
    const sender = await gateway.sender();
    await sender.closed;
    expect(gateway.logLines).toContainEqual(
      expect.stringContaining("Dropped the connection of 127.0.0.1: no packet began within 0.05 s"),
    );
  });

  test("that send garbage, or nothing but end, do no harm", async () => {
    const gateway = await startNscaServer();
    for (const size of [0, 1, 719, 720, 4304, 100_000]) {
      const socket = connect(gateway.port, "127.0.0.1");
      const closed = new Promise((resolve) => socket.once("close", resolve));
      socket.on("error", () => {}).resume();
      socket.end(Buffer.alloc(size, 0x41));
      await closed;
    }
    const sender = await gateway.sender();
    await sender.finish(sender.packets([disk]));
    expect(gateway.submissions).toEqual([[rows[0]]]);
  });

  test("may finish what they have begun when the module stops", async () => {
    const gateway = await startNscaServer();
    const gate = deferred<SubmitResponse[]>();
    gateway.answerWith(() => gate.promise);
    const sender = await gateway.sender();
    const bytes = sender.packets([disk, router]);
    sender.socket.write(bytes.subarray(0, 5000));
    await gateway.results(1);
    const stopped = gateway.stop();
    gateway.answerWith(() => [SubmitResponse.create()]);
    gate.resolve([SubmitResponse.create()]);
    sender.socket.write(bytes.subarray(5000));
    await stopped;
    await sender.closed;
    expect(gateway.submissions.flat()).toEqual(rows);
  });
});

describe("settings", () => {
  test("that can't work are named, and nothing listens", async () => {
    await expect(startNscaServer("encryption = 7")).rejects.toThrow("encryption 7 (3-WAY) works in no NSCA daemon");
    await expect(startNscaServer("encryption = 23\ndialect = nsclient")).rejects.toThrow("only NSClient++ has");
    await expect(startNscaServer("", "[/settings/NSCA/server/passwords]\n10.0.0.0/99 = x")).rejects.toThrow(
      "10.0.0.0/99",
    );
  });

  test("that let everybody in are warned about", async () => {
    const open = await startNscaServer("encryption = xor");
    const empty = await startNscaServer("");
    const warnings = [open, empty].flatMap(({ logLines }) => logLines.filter((line) => line.startsWith("W")));
    expect(warnings.map((line) => line.slice(line.indexOf("nsca-server ") + 12))).toEqual([
      "With encryption xor whoever is among the allowed hosts can submit results, and read those of others",
      "A password is empty: whoever is among the allowed hosts and has no password of its own can submit results",
    ]);
  });

  test("change in place, for the connections that come then", async () => {
    const gateway = await startNscaServer();
    const before = gateway.port;
    expect(await gateway.reload("password = new\nencryption = serpent")).toBe(true);
    const sender = await gateway.sender();
    await sender.finish(sender.packets([disk], { password: "new", encryption: "20" }));
    expect(gateway.submissions).toEqual([[rows[0]]]);
    expect(gateway.port).toBe(before);
  });
});
