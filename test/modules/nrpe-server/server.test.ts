import { once } from "node:events";
import { crc32 } from "node:zlib";
import { describe, expect, test } from "vitest";
import { encodeNrpeQuery, type NrpeVersion } from "../../../src/wire/nrpe/packet.js";
import { TestClock } from "../../support/served-module.js";
import { longText, startNrpeServer } from "./nrpe-gateway.js";

const versions: readonly NrpeVersion[] = [2, 3, 4];
const deniedArguments =
  "Exception processing request: Request contained arguments (not currently allowed, check the allow arguments option).";
const deniedCharacters =
  "Exception processing request: Request command contained illegal metachars (not currently allowed, check the allow nasty characters option).";

describe("A query is answered", () => {
  test.each(versions)("in its own version: %i", async (version) => {
    const gateway = await startNrpeServer();
    const answers = [];
    for (const command of [
      "_NRPE_CHECK",
      "check_0",
      "check_1",
      "check_2",
      "CHECK_3",
      "check_ok",
      "check_lines",
      "nope",
    ]) {
      answers.push(await gateway.ask(command, { version }));
    }
    expect(answers).toEqual(
      [
        "0 I (1.2.3) seem to be doing fine...",
        "0 state 0|'time taken'=1.5s;2;3;0;10 'b'=7",
        "1 state 1|'time taken'=1.5s;2;3;0;10 'b'=7",
        "2 state 2|'time taken'=1.5s;2;3;0;10 'b'=7",
        "3 state 3|'time taken'=1.5s;2;3;0;10 'b'=7",
        "0 OK: Größe 漢|'a'=1",
        "1 WARNING: two lines|'a'=1 'b'=2\nsecond\nthird",
        "3 Unknown command(s): nope",
      ].map((text) => `v${version} ${text}`),
    );
    expect(gateway.asked).toEqual(["check_0", "check_1", "check_2", "CHECK_3", "check_ok", "check_lines"]);
  });

  test("without performance data where that is off, with words where there are none, and when the check breaks", async () => {
    const gateway = await startNrpeServer("use ssl = false\nperformance data = false");
    expect([
      await gateway.ask("check_0"),
      await gateway.ask("check_nothing"),
      await gateway.ask("check_throws"),
    ]).toEqual([
      "v4 0 state 0",
      "v4 0 No output from check_nothing",
      "v4 3 Failed to process command check_throws: it broke",
    ]);
  });

  test("whole up to 64 kB, and cut at a whole measurement or character beyond", async () => {
    const gateway = await startNrpeServer();
    const answer = await gateway.ask("check_long");
    expect(Buffer.byteLength(longText)).toBeGreaterThan(65_536);
    expect(longText.startsWith(answer.slice("v4 2 ".length))).toBe(true);
    expect(Buffer.byteLength(answer) - "v4 2 ".length).toBeGreaterThan(65_500);
    expect(await gateway.ask("check_long", { version: 3 })).toBe(answer.replace("v4", "v3"));

    const short = (await gateway.ask("check_long", { version: 2 })).slice("v2 2 ".length);
    expect(Buffer.byteLength(short)).toBeLessThanOrEqual(1023);
    expect(short).toMatch(/^long\|('item \d+'=\d+ms )+'item \d+'=\d+ms$/);
    expect(gateway.logLines.filter((line) => line.includes("Cut an answer"))).toEqual([
      expect.stringMatching(/Cut an answer for 127\.0\.0\.1 from \d+ to \d+ bytes: version 4$/),
    ]);
  });

  test("longer where that is set", async () => {
    const gateway = await startNrpeServer("use ssl = false\nmax answer length = 1M");
    expect(await gateway.ask("check_long")).toBe(`v4 2 ${longText}`);
  });

  test("in several packets to who asks with version 2, only where that is on", async () => {
    const gateway = await startNrpeServer("use ssl = false\nextended response = true");
    const answer = await gateway.ask("check_long", { version: 2 });
    expect(answer.replace(/v2…? 2 /g, "")).toBe(longText);
    expect(
      answer
        .split("v2")
        .slice(1, -1)
        .every((part) => part.startsWith("… 2 ")),
    ).toBe(true);
    expect(await gateway.ask("check_long")).toMatch(/^v4 2 long/);
  });

  test.each([16, 1024, 2048, 4096])(
    "in packets of version 2 as large as those of the query: %i",
    async (payloadLength) => {
      const gateway = await startNrpeServer();
      const client = await gateway.client();
      client.send(encodeNrpeQuery("check_ok", { version: 2, payloadLength }));
      expect(await client.answer()).toBe(payloadLength === 16 ? "v2 0 OK: Größe 漢" : "v2 0 OK: Größe 漢|'a'=1");
      expect(client.received).toHaveLength(payloadLength + 12);
    },
  );

  test("in another encoding", async () => {
    const gateway = await startNrpeServer("use ssl = false\nallow arguments = true\nencoding = windows-1252");
    const client = await gateway.client();
    client.send(encodeNrpeQuery("check_args!Gr__e", { version: 4 }));
    await client.answer();
    expect(client.received.subarray(16).toString("latin1")).toBe("<Gr__e>\0");
    const other = await gateway.client();
    other.send(encodeNrpeQuery("check_ok", { version: 4 }));
    await other.answer();
    expect(other.received.subarray(16).toString("latin1")).toBe("OK: Größe ?|'a'=1\0");
  });
});

describe("Arguments", () => {
  test("are refused, and so are nasty characters", async () => {
    const gateway = await startNrpeServer();
    const answers = [];
    for (const text of ["check_args!a", "check_args!a;b!c", "check_args!", "check_args!!", "check_[x]", "a\nb"]) {
      answers.push(await gateway.ask(text));
    }
    expect(answers).toEqual([
      `v4 3 ${deniedArguments}`,
      `v4 3 ${deniedArguments}`,
      "v4 0 <>",
      "v4 0 <>",
      `v4 3 ${deniedCharacters}`,
      `v4 3 ${deniedCharacters}`,
    ]);
    expect(gateway.audited.filter(({ outcome }) => outcome === "denied")).toMatchObject([
      { action: "queries.execute", objects: ["check_args"], peer: "127.0.0.1", frontEnd: "nrpe" },
      { action: "queries.execute", objects: ["check_args"] },
      { action: "queries.execute", objects: ["check_[x]"] },
      { action: "queries.execute", objects: ["a\nb"] },
    ]);
    expect(await gateway.metrics()).toMatchObject({ answered: 2, refused: 4 });
  });

  test("are taken where the switches are on; empty ones vanish", async () => {
    const gateway = await startNrpeServer("use ssl = false\nallow arguments = yes");
    expect([await gateway.ask("check_args!one!two words!!three;"), await gateway.ask("check_args!a`b`")]).toEqual([
      "v4 0 <one> <two words> <three;>",
      `v4 3 ${deniedCharacters}`,
    ]);
    await gateway.reload("use ssl = false\nallow arguments = yes\nallow nasty characters = yes");
    expect(await gateway.ask("check_args!a`b`")).toBe("v4 0 <a`b`>");
    expect(gateway.logLines.filter((line) => line.includes("Allow nasty"))).toHaveLength(1);
  });

  test("that fit the rule of their command are taken anyway, and those that don't are named", async () => {
    const gateway = await startNrpeServer(
      "use ssl = false",
      "[/settings/NRPE/server/arguments]\nCheck_Args = warning=percent [path(/srv)]\ncheck_ok =",
    );
    const answers = [];
    for (const text of [
      "check_args!warning=80%!/srv/a",
      "check_args!warning=x",
      "check_args",
      "check_ok!x",
      "check_0!x",
    ]) {
      answers.push(await gateway.ask(text));
    }
    expect(answers).toEqual([
      "v4 0 <warning=80%> </srv/a>",
      'v4 3 Exception processing request: The arguments of check_args are not allowed: argument 1, "warning=x", does not fit warning=percent: it has to be a number from 0 to 100 with or without %.',
      "v4 3 Exception processing request: The arguments of check_args are not allowed: the argument warning=percent is missing: a number from 0 to 100 with or without %.",
      'v4 3 Exception processing request: The arguments of check_ok are not allowed: argument 1, "x", is one more than the command takes.',
      `v4 3 ${deniedArguments}`,
    ]);
    await gateway.reload(
      "use ssl = false\nallow arguments = true\nallow nasty characters = true",
      "[/settings/NRPE/server/arguments]\ncheck_args = one-of(a|b)",
    );
    expect([
      await gateway.ask("check_args!a"),
      await gateway.ask("check_args!c"),
      await gateway.ask("check_ok!x"),
    ]).toEqual([
      "v4 0 <a>",
      'v4 3 Exception processing request: The arguments of check_args are not allowed: argument 1, "c", does not fit one-of(a|b): it has to be one of a, b.',
      "v4 0 OK: Größe 漢|'a'=1",
    ]);
  });
});

describe("Who may run what", () => {
  test("is what the role says; refusals are answers and in the audit", async () => {
    const gateway = await startNrpeServer("use ssl = false\nrole = narrow");
    expect([await gateway.ask("check_ok"), await gateway.ask("check_0")]).toEqual([
      "v4 0 OK: Größe 漢|'a'=1",
      "v4 3 Permission denied: nrpe:127.0.0.1 is not allowed to run check_0",
    ]);
    expect(gateway.audited).toMatchObject([
      { action: "queries.execute", outcome: "ok", objects: ["check_ok"], frontEnd: "nrpe", peer: "127.0.0.1" },
      { action: "queries.execute", outcome: "denied", objects: ["check_0"] },
    ]);
    await gateway.reload("use ssl = false\nrole = nothing");
    expect(await gateway.ask("check_ok")).toBe("v4 3 Permission denied: nrpe:127.0.0.1 is not allowed to run queries.");
    expect(gateway.logLines.join("\n")).toContain(
      'The role "nothing" does not allow clients without a certificate to run any check',
    );
  });

  test("is nobody who is not among the allowed hosts", async () => {
    const gateway = await startNrpeServer("use ssl = false\nallowed hosts = 192.0.2.1");
    const client = await gateway.client();
    expect(await client.answer()).toBe("nothing");
    expect(gateway.logLines.join("\n")).toContain("Refused the connection of 127.0.0.1");
  });

  test("is not more at once than may be", async () => {
    const gateway = await startNrpeServer("use ssl = false\nmax connections = 3\nmax connections per peer = 2");
    const clients = [await gateway.client(), await gateway.client()];
    for (const client of clients) client.send(encodeNrpeQuery("check_slow", { version: 4 }));
    await gateway.untilAsked(2);
    expect(await (await gateway.client()).answer()).toBe("nothing");
    expect(gateway.logLines.join("\n")).toContain("Closed a connection of 127.0.0.1: 2 of it are open already");
    gateway.answerSlow();
    expect(await Promise.all(clients.map((client) => client.answer()))).toEqual(["v4 0 at last", "v4 0 at last"]);
    await Promise.all(clients.map(({ closed }) => closed));
    while ((await gateway.metrics())["connections"] !== 0) await new Promise(setImmediate);
    expect(await gateway.ask("check_ok")).toBe("v4 0 OK: Größe 漢|'a'=1");
  });
});

describe("A connection", () => {
  test.each(versions)("may bring its query byte by byte, and anything behind it: version %i", async (version) => {
    const gateway = await startNrpeServer();
    const client = await gateway.client();
    client.socket.setNoDelay(true);
    for (const byte of encodeNrpeQuery("check_ok", { version })) client.send(Buffer.from([byte]));
    client.send(Buffer.alloc(300_000, "garbage"));
    expect(await client.answer()).toBe(`v${version} 0 OK: Größe 漢|'a'=1`);
    // Without an error: nothing was reset, though more came than was read.
    expect(await client.closed).toBe(false);
  });

  test("of version 3 is answered before its last bytes have come, or without them", async () => {
    const gateway = await startNrpeServer();
    const bytes = encodeNrpeQuery("check_ok", { version: 3 });
    const client = await gateway.client();
    client.send(bytes.subarray(0, bytes.length - 3));
    await once(client.socket, "data");
    client.send(bytes.subarray(bytes.length - 3));
    expect(await client.answer()).toBe("v3 0 OK: Größe 漢|'a'=1");
    expect(await client.closed).toBe(false);
  });

  test("of check_nrpe 4.0.0, whose length is three too small, is answered", async () => {
    const gateway = await startNrpeServer();
    const bytes = encodeNrpeQuery("check_ok", { version: 4 });
    bytes.writeInt32BE(1017, 12);
    bytes.writeUInt32BE(0, 4);
    bytes.writeUInt32BE(crc32(bytes), 4);
    for (const at of [1036, 1034, 20]) {
      const client = await gateway.client();
      client.socket.setNoDelay(true);
      client.send(bytes.subarray(0, at));
      await new Promise(setImmediate);
      client.send(bytes.subarray(at));
      expect(await client.answer()).toBe("v4 0 OK: Größe 漢|'a'=1");
    }
  });

  test("of NSClient++ is answered, though its packets are short", async () => {
    const gateway = await startNrpeServer("use ssl = false\nallow arguments = true");
    const client = await gateway.client();
    client.send(Buffer.from("0004000111451413ffff00000000000e636865636b5f6172677321612162", "hex"));
    expect(await client.answer()).toBe("v4 0 <a> <b>");
  });

  test("whose client has closed its side gets its answer", async () => {
    const gateway = await startNrpeServer();
    const client = await gateway.client();
    client.socket.end(encodeNrpeQuery("check_slow", { version: 4 }));
    await gateway.untilAsked(1);
    await new Promise(setImmediate);
    gateway.answerSlow();
    expect(await client.answer()).toBe("v4 0 at last");
  });

  test("that breaks off ends the check", async () => {
    const gateway = await startNrpeServer();
    const client = await gateway.client();
    client.send(encodeNrpeQuery("check_slow", { version: 4 }));
    await gateway.untilAsked(1);
    client.socket.resetAndDestroy();
    while (gateway.ended.length === 0) await new Promise(setImmediate);
    expect(gateway.ended).toEqual(["The caller went away."]);
    while ((await gateway.metrics())["abandoned"] !== 1) await new Promise(setImmediate);
    expect((await gateway.metrics())["connections"]).toBe(0);
  });

  test("whose TLS is closed ends the check too", async () => {
    const gateway = await startNrpeServer("");
    const client = await gateway.client({});
    client.send(encodeNrpeQuery("check_slow", { version: 4 }));
    await gateway.untilAsked(1);
    client.socket.end();
    while (gateway.ended.length === 0) await new Promise(setImmediate);
    expect(gateway.ended).toEqual(["The caller went away."]);
  });

  test.each([
    ["TLS", Buffer.from([0x16, 3, 1, 2, 0, 1]), "it begins like TLS, which this side does not speak"],
    ["HTTP", Buffer.from("GET / HTTP/1.1\r\n\r\n"), "a packet has version 18245 and none of 2, 3 and 4"],
    ["another version", Buffer.from([0, 9, 0, 1]), "a packet has version 9 and none of 2, 3 and 4"],
    [
      "an endless text",
      Buffer.from("0004000100000000000000007fffffff", "hex"),
      "a packet says that its text has 2147483647 bytes, and 65536 are taken",
    ],
  ])("that brings %s is closed without a byte, and the log says so once", async (_name, bytes, reason) => {
    const gateway = await startNrpeServer();
    for (let round = 0; round < 3; round++) {
      const client = await gateway.client();
      client.send(bytes);
      expect(await client.answer()).toBe("nothing");
    }
    expect(gateway.logLines.filter((line) => line.includes("Closed the connection"))).toEqual([
      expect.stringMatching(new RegExp(`Closed the connection of 127\\.0\\.0\\.1: ${reason}$`)),
    ]);
    expect(await gateway.metrics()).toMatchObject({ unreadable: 3, answered: 0 });
  });

  test("that stops within its query is closed when its time is over", async () => {
    const clock = new TestClock();
    const gateway = await startNrpeServer("use ssl = false\nhandshake timeout = 50ms", "", clock);
    const half = await gateway.client();
    half.send(encodeNrpeQuery("check_ok", { version: 4 }).subarray(0, 500));
    const damaged = encodeNrpeQuery("check_ok", { version: 2 });
    damaged[30] = 1;
    const other = await gateway.client();
    other.send(damaged);
    expect([await half.answer(), await other.answer()]).toEqual(["nothing", "nothing"]);
    expect(await (await gateway.client()).answer()).toBe("nothing");
    const said = gateway.logLines.join("\n");
    expect(said).toContain("Closed the connection of 127.0.0.1: no whole packet came within 0.05 s");
    expect(said).toContain("Dropped the connection of 127.0.0.1: no query began within 0.05 s");
    expect((await gateway.metrics())["unreadable"]).toBe(2);
  });

  test("has a command that takes too long end with an answer", async () => {
    const gateway = await startNrpeServer("use ssl = false\ntimeout = 50ms");
    expect(await gateway.ask("check_slow")).toBe("v4 3 check_slow timed out after 0.05 s");
    expect(gateway.ended).toEqual(["check_slow timed out after 0.05 s"]);
  });
});

describe("A server that stops", () => {
  test("lets commands that run answer, and takes no more connections", async () => {
    const gateway = await startNrpeServer();
    const client = await gateway.client();
    client.send(encodeNrpeQuery("check_slow", { version: 4 }));
    await gateway.untilAsked(1);
    const silent = await gateway.client();
    const { port } = gateway;
    const stopped = gateway.stop();
    await expect(gateway.client()).rejects.toThrow(/ECONNREFUSED/);
    expect(await silent.answer()).toBe("nothing");
    gateway.answerSlow();
    expect(await client.answer()).toBe("v4 0 at last");
    await stopped;
    expect(port).toBeGreaterThan(0);
  });

  test("ends those that take too long with an answer", async () => {
    const gateway = await startNrpeServer("use ssl = false\ndrain timeout = 10ms");
    const client = await gateway.client();
    client.send(encodeNrpeQuery("check_slow", { version: 4 }));
    await gateway.untilAsked(1);
    await gateway.stop();
    expect(await client.answer()).toBe("v4 3 check_slow was ended: The gateway is shutting down.");
  });
});

test("The status says where it listens and how safe that is", async () => {
  const detail = async (lines: string) => (await startNrpeServer(lines)).modules.list()[0]?.status.detail?.[0];
  expect([await detail("use ssl = false"), await detail(""), await detail("verify mode = peer-cert")]).toEqual([
    expect.stringMatching(/^127\.0\.0\.1 port \d+ \(without TLS\), 0 connections$/),
    expect.stringMatching(/^127\.0\.0\.1 port \d+ \(TLS\), 0 connections$/),
    expect.stringMatching(/^127\.0\.0\.1 port \d+ \(TLS, certificates required\), 0 connections$/),
  ]);
});
