import { writeFileSync } from "node:fs";
import { createServer as createTcpServer } from "node:net";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { isWithoutProxy, noProxyProblem } from "../../../src/modules/nrdp-client/no-proxy.js";
import { nrdpProtocol } from "../../../src/modules/nrdp-client/protocol.js";
import { BatchRefused, type OutgoingResult } from "../../../src/relay/relay.js";
import { writeAnswer } from "../../../src/wire/nrdp/answer.js";
import { settingsFolder } from "../../settings/temporary-store.js";
import { checkTimeMs, outgoingResult, relaySender } from "../../support/relay-target.js";
import { authority } from "./nrdp-gateway.js";
import { accept, say, startProxy, startReceiver } from "./receiver.js";

/** A sender to a port of this machine; the keys of the target as a user writes them. */
function connectTo(port: number, keys: Readonly<Record<string, string>> = {}) {
  const address = keys["address"] ?? `http://127.0.0.1:${port}`;
  const host = /\/\/(?:[^@/]*@)?([^:/]+)/.exec(address)?.[1] ?? "127.0.0.1";
  const parts = relaySender(nrdpProtocol, { token: "secret", ...keys, address, host, port });
  onTestFinished(() => parts.sender.close());
  const send = (...batch: OutgoingResult[]) => parts.sender.send(batch, new AbortController().signal);
  return { ...parts, send };
}

const seconds = checkTimeMs / 1000;
const disk = outgoingResult("web1", "disk", 2, "96% <full> & more; ü\nlong ¦ output|used=96%;80;90");
const router = outgoingResult("router", "", 2, "down");
const diskRow = `web1;disk;2;96% <full> & more; ü|'used'=96%;80;90\nlong ¦ output @${seconds}`;
const routerRow = `router;;1;down @${seconds}`;
const delivered = { kind: "delivered", text: "OK" };

async function failureOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => "no failure",
    (thrown: unknown) =>
      `${thrown instanceof BatchRefused ? "try halves: " : ""}${thrown instanceof Error ? thrown.message : thrown}`,
  );
}

describe("results reach NRDP", () => {
  test("many in one request, as XML", async () => {
    const { asked, port } = await startReceiver();
    const { send, log } = connectTo(port);
    expect(await send(disk, router)).toEqual([delivered, delivered]);
    expect(asked).toMatchObject([
      { path: "/nrdp/server/", fields: { token: "secret", cmd: "submitcheck" }, rows: [diskRow, routerRow] },
    ]);
    expect(asked[0]?.headers).toMatchObject({
      host: `127.0.0.1:${port}`,
      "content-type": "application/x-www-form-urlencoded",
      "user-agent": "nscp-gateway/1.2.3",
    });
    expect(log.of("warn")).toEqual([
      "[/settings/NRDP/client/targets/test] is reached without TLS: everybody on the way can read its token",
    ]);
  });

  test("as JSON", async () => {
    const { asked, port } = await startReceiver();
    expect(await connectTo(port, { format: "json" }).send(disk, router)).toEqual([delivered, delivered]);
    expect(asked).toMatchObject([{ fields: { JSONDATA: expect.stringMatching(/^{/) }, rows: [diskRow, routerRow] }]);
  });

  test.each([
    [{ key: "other", token: "" }, "/nrdp/server/", "other"],
    [{ password: "third", token: "", path: "/nrdp/?x=1" }, "/nrdp/?x=1", "third"],
    [{ key: "secret" }, "/nrdp/server/", "secret"],
  ])("at the path and with the token of the target: %j", async (keys, path, token) => {
    const { asked, port } = await startReceiver();
    await connectTo(port, keys).send(router);
    expect(asked).toMatchObject([{ path, fields: { token } }]);
  });

  test("at the path of a URL", async () => {
    const { asked, port } = await startReceiver();
    await connectTo(port, { address: `http://localhost:${port}/site/nrdp/`, path: "/other/" }).send(router);
    expect(asked).toMatchObject([{ path: "/site/nrdp/" }]);
  });

  test("behind a web server that wants a user and a password", async () => {
    const { asked, port } = await startReceiver();
    await connectTo(port, { address: `http://me:p%40ss@127.0.0.1:${port}/nrdp/` }).send(router);
    const authorization = `Basic ${Buffer.from("me:p@ss").toString("base64")}`;
    expect(asked).toMatchObject([{ path: "/nrdp/", headers: { authorization } }]);
  });

  test("over TLS, when the certificate is the receiver's", async () => {
    const folder = settingsFolder({}).folder;
    const ca = join(folder, "ca.pem");
    writeFileSync(ca, authority.certificate);
    const { asked, port } = await startReceiver(accept, true);
    const address = `https://localhost:${port}/nrdp/`;
    const { send, log } = connectTo(port, { address, ca });
    expect(await send(router)).toEqual([delivered]);
    expect(log.records).toEqual([]);
    expect(await failureOf(connectTo(port, { address, ca, "server name": "elsewhere.example" }).send(router))).toMatch(
      /Hostname\/IP does not match certificate's altnames: Host: elsewhere\.example/,
    );
    expect(await failureOf(connectTo(port, { address }).send(router))).toMatch(/unable to verify|self.signed|issuer/);
    const trusting = connectTo(port, { address, "verify mode": "none" });
    expect(await trusting.send(router)).toEqual([delivered]);
    expect(trusting.log.of("warn")).toEqual([expect.stringContaining("takes any certificate of its receiver")]);
    expect(asked).toHaveLength(2);
  });

  test("through a proxy, and past it where the settings say so", async () => {
    const folder = settingsFolder({}).folder;
    const ca = join(folder, "ca.pem");
    writeFileSync(ca, authority.certificate);
    const plain = await startReceiver();
    const secured = await startReceiver(accept, true);
    const proxy = await startProxy();
    const url = `http://me:pass@127.0.0.1:${proxy.port}`;
    expect(await connectTo(plain.port, { proxy: url }).send(router)).toEqual([delivered]);
    const address = `https://localhost:${secured.port}`;
    expect(await connectTo(secured.port, { address, ca, proxy: url }).send(router)).toEqual([delivered]);
    expect(await connectTo(plain.port, { proxy: url, "no proxy": "10.0.0.0/8, 127.0.0.0/8" }).send(router)).toEqual([
      delivered,
    ]);
    const auth = `Basic ${Buffer.from("me:pass").toString("base64")}`;
    expect(proxy.seen).toEqual([
      `POST http://127.0.0.1:${plain.port}/nrdp/server/ ${auth}`,
      `CONNECT localhost:${secured.port} ${auth}`,
    ]);
    expect(plain.asked).toHaveLength(2);
  });
});

describe("what a receiver answers decides what becomes of a batch", () => {
  const answer = (status: number, message: string, more = {}) => writeAnswer({ status, message, ...more }, "xml");
  const count = (output: string) => answer(0, "OK", { output });
  test.each([
    ["fewer results than were sent", count("1 checks processed"), 200, "try halves: The receiver took 1 results of 2"],
    ["more results than were sent", count("3 checks processed"), 200, "The receiver took 3 results of 2"],
    ["no count", answer(0, "OK"), 200, "The receiver does not say how many results it took: OK"],
    ["BAD TOKEN", answer(-1, "BAD TOKEN"), 200, "BAD TOKEN"],
    [
      "BAD XML",
      answer(-1, "BAD XML", { information: "Result 2 has no state" }),
      200,
      "try halves: BAD XML: Result 2 has no state",
    ],
    ["BAD JSON", answer(-1, "BAD JSON"), 200, "try halves: BAD JSON"],
    ["a spool problem", answer(-1, "NO CHECK RESULTS DIR"), 200, "NO CHECK RESULTS DIR"],
    ["no words", answer(-1, ""), 200, "The receiver answers status -1"],
    ["503 of a gateway", answer(-1, "The spool is full."), 503, "HTTP 503: The spool is full."],
    [
      "413",
      "<html><title>413 Request Entity Too Large</title>",
      413,
      'try halves: HTTP 413: The answer is no NRDP result: a page with the title "413 Request Entity Too Large"',
    ],
    [
      "404",
      "<html><title>404 Not Found</title>",
      404,
      'HTTP 404: The answer is no NRDP result: a page with the title "404 Not Found"',
    ],
    ["500 with good words", count("2 checks processed"), 500, "HTTP 500: OK"],
    ["a web page", "<html><body>It works!</body></html>", 200, 'The answer is no NRDP result: "It works!"'],
    ["nothing", "", 200, "The answer is no NRDP result: it is empty"],
    ["JSON that is none of NRDP's", '{"ok":true}', 200, 'The answer is no NRDP result: "{"ok":true}"'],
  ])("%s", async (_what, text, status, failure) => {
    const { port } = await startReceiver(say(text, status));
    expect(await failureOf(connectTo(port).send(disk, router))).toBe(failure);
  });

  test("a redirect says where the receiver is", async () => {
    const { port } = await startReceiver(say("", 301, { location: "https://nagios.example/nrdp/" }));
    expect(await failureOf(connectTo(port).send(disk))).toBe(
      "HTTP 301: the receiver is somewhere else: https://nagios.example/nrdp/",
    );
  });

  test("receivers that never count are believed when the target says so", async () => {
    const { port } = await startReceiver(say(answer(0, "fine")));
    expect(await connectTo(port, { "require count": "false" }).send(disk)).toEqual([
      { kind: "delivered", text: "fine" },
    ]);
  });

  test("answers in JSON, and with warnings of PHP before them", async () => {
    const { port } = await startReceiver(
      say('<b>Warning</b>: x\n{"result":{"status":"0","message":"OK","meta":{"output":"1 checks processed"}}}'),
    );
    expect(await connectTo(port).send(disk)).toEqual([delivered]);
  });

  test("results that NRDP can't carry are refused, and the others arrive", async () => {
    const { asked, port } = await startReceiver();
    const verdicts = await connectTo(port).send(
      outgoingResult("a\nb", "x", 0, "ok"),
      router,
      outgoingResult("", "", 0, "ok"),
    );
    expect(verdicts).toEqual([
      { kind: "refused", reason: 'The result has a control character in its hostname "a?b", which NRDP can\'t carry' },
      delivered,
      { kind: "refused", reason: "The result has no hostname, which NRDP can't carry" },
    ]);
    expect(asked).toMatchObject([{ rows: [routerRow] }]);
  });
});

describe("a receiver that is not well holds nobody up for longer than the timeout", () => {
  test("when nobody listens", async () => {
    const { port, server } = await startReceiver();
    await new Promise((resolve) => server.close(resolve));
    expect(await failureOf(connectTo(port).send(router))).toBe(
      `Cannot talk to http://127.0.0.1:${port}: connect ECONNREFUSED 127.0.0.1:${port}`,
    );
  });

  test("when it hangs after the connection, in the middle of TLS, before the answer or within it", async () => {
    const silent = createTcpServer(() => {});
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => {
      silent.close();
    });
    const place = silent.address();
    const port = typeof place === "object" && place !== null ? place.port : 0;
    const timeout = "1s";
    expect(await failureOf(connectTo(port, { timeout }).send(router))).toBe(
      `No answer from http://127.0.0.1:${port} within 1 s`,
    );
    expect(
      await failureOf(
        connectTo(port, { timeout, address: `https://127.0.0.1:${port}`, "verify mode": "none" }).send(router),
      ),
    ).toBe(`No connection to https://127.0.0.1:${port} within 1 s`);
    const slow = await startReceiver((_asked, response) => response.writeHead(200).write("<result>"));
    expect(await failureOf(connectTo(slow.port, { timeout }).send(router))).toBe(
      `The answer from http://127.0.0.1:${slow.port} stopped for 1 s`,
    );
  });

  test("when the batch is given up", async () => {
    const { port } = await startReceiver(() => {});
    const { sender } = connectTo(port);
    const signal = AbortSignal.timeout(100);
    expect(await failureOf(sender.send([router], signal))).toMatch(
      /^The request to http:\/\/127\.0\.0\.1:\d+ was given up: /,
    );
  });

  test("when it ended the connection while it was idle", async () => {
    const { port, server, asked } = await startReceiver();
    const { send } = connectTo(port);
    await send(router);
    server.closeIdleConnections();
    expect(await send(disk)).toEqual([delivered]);
    expect(asked).toHaveLength(2);
  });
});

describe("a target that can't work is refused, by the name of the key", () => {
  const path = "/settings/NRDP/client/targets/test";
  test.each([
    [{ token: "" }, "token: the target test has none"],
    [{ key: "other" }, "token: token and key are the same key, and their values differ"],
    [{ address: "ftp://127.0.0.1" }, "address: it begins with ftp://; NRDP is at http:// or https://"],
    [{ path: "nrdp" }, 'path: the path "nrdp" has to begin with / and to be encoded'],
    [{ address: "http://me:100%@127.0.0.1" }, "address: its user or password is not encoded"],
    [{ proxy: "proxy:3128" }, "proxy: it is no URL with http:// or https://"],
    [{ format: "yaml" }, 'format: "yaml" is none of xml, json'],
    [{ address: "https://127.0.0.1", ca: "/nowhere/ca.pem" }, `"ca" of [${path}] can't be read: ENOENT`],
    [
      { address: "https://127.0.0.1", "verify mode": "none", "allowed ciphers": "none such" },
      `[${path}]: TLS does not take these settings: `,
    ],
  ])("%j", (keys, problem) => {
    expect(() => connectTo(1, keys as Record<string, string>)).toThrow(problem);
  });
});

describe("hosts that are reached without the proxy", () => {
  test.each([
    ["nagios.example.org", "example.org", true],
    ["nagios.example.org", ".EXAMPLE.org", true],
    ["example.org", "*.example.org", true],
    ["badexample.org", "example.org", false],
    ["anything", "*", true],
    ["10.1.2.3", "10.0.0.0/8", true],
    ["11.1.2.3", "10.0.0.0/8", false],
    ["10.1.2.3", "10.1.2.3", true],
    ["::1", "::1/128", true],
    ["10.1.2.3", "2.3", false],
  ])("%s by %s: %s", (host, entry, expected) => {
    expect(isWithoutProxy(host, ["never.example", entry])).toBe(expected);
    expect(noProxyProblem(entry)).toBeUndefined();
  });

  test.each(["a b", "10.0.0.0/33", "http://x", ""])("can't be written as %j", (entry) => {
    expect(noProxyProblem(entry)).toBe(`"${entry}" is neither a name, a domain, an address nor a network`);
  });
});
