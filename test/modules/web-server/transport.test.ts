import { connect } from "node:net";
import { describe, expect, test } from "vitest";
import { ResultCode } from "../../../src/wire/messages.js";
import { textResponse } from "../../../src/wire/responses.js";
import { deferred } from "../../support/kernel.js";
import {
  always,
  basic,
  bodyHeaders,
  jsonAnswer,
  notServed,
  refused,
  startWebServer,
  textAnswer,
} from "../../support/web-server.js";

/** An answer as it stood on the wire, without the headers that tell of time and connection. */
function onTheWire(text: string): string {
  return text.replace(/^(?:Date|Connection|Keep-Alive): .*\r\n/gm, "");
}

const alive = '{"status" : "ok"}';

describe("clients of HTTP/1.0", () => {
  test("get one write with status line, headers and body, a length and no chunks, and the end of the connection", async () => {
    const web = await startWebServer();
    const chunks: string[] = [];
    await new Promise<void>((resolve, reject) => {
      const socket = connect(web.port, "127.0.0.1", () => socket.write("GET /core/isalive HTTP/1.0\r\n\r\n"));
      socket.setEncoding("utf8").on("data", (data: string) => chunks.push(data));
      socket.once("error", reject).once("close", () => resolve());
    });
    expect(chunks.map(onTheWire)).toEqual([
      `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 17\r\nX-Content-Type-Options: nosniff\r\n\r\n${alive}`,
    ]);
    expect(chunks[0]).toContain("\r\nConnection: close\r\n");
  });

  test("need no Host, and get URLs without one then", async () => {
    const web = await startWebServer();
    const text = await web.raw("GET /api HTTP/1.0\r\nAuthorization: Basic YWRtaW46YWRtaW4tcGFzc3dvcmQ=\r\n\r\n");
    expect(text.split("\r\n\r\n")[1]).toBe('{"current_api":"/api/v2","legacy_api":"/api/v1","beta_api":"/api/v2"}');
  });
});

describe("a connection", () => {
  test("answers requests in their order, also when the first takes longest", async () => {
    const web = await startWebServer();
    const late = deferred<void>();
    web.check("late", async (request) => {
      await late.promise;
      return textResponse(request, ResultCode.OK, "late");
    });
    web.check("early", (request) => {
      late.resolve();
      return textResponse(request, ResultCode.OK, "early");
    });
    const ask = (name: string, more = "") =>
      `GET /query/${name} HTTP/1.1\r\nHost: x\r\npassword: admin-password\r\n${more}\r\n`;
    const answer = await web.raw(`${ask("late")}${ask("early", "CONNECTION: Close\r\n")}`);
    expect([...answer.matchAll(/"message":"(\w+)"/g)].map(([, message]) => message)).toEqual(["late", "early"]);
    expect([...answer.matchAll(/\r\nConnection: (.*)\r\n/g)].map(([, value]) => value)).toEqual([
      "keep-alive",
      "close",
    ]);
  });

  test("of HTTP/1.0 is kept for who asks for it", async () => {
    const web = await startWebServer();
    const one = "GET /core/isalive HTTP/1.0\r\n";
    const answer = await web.raw(`${one}Connection: keep-alive\r\n\r\n${one}\r\n`);
    expect([...answer.matchAll(/\r\nConnection: (.*)\r\n/g)].map(([, value]) => value)).toEqual([
      "keep-alive",
      "close",
    ]);
  });

  test("is told to go on by who expects that", async () => {
    const web = await startWebServer();
    const head = "POST /api/v2/login HTTP/1.1\r\nHost: x\r\npassword: admin-password\r\nExpect: 100-continue\r\n";
    const answer = await web.raw(`${head}Content-Length: 2\r\nConnection: close\r\n\r\n{}`);
    expect(answer).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
  });

  test("is kept for further requests", async () => {
    const web = await startWebServer();
    const one = "GET /core/isalive HTTP/1.1\r\nHost: x\r\n";
    const text = await web.raw(`${one}\r\n${one}Connection: close\r\n\r\n`);
    expect(text.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(2);
  });

  test.each([
    ["garbage\r\n\r\n", "400 Bad Request", "This is no HTTP request."],
    ["GET / HTTP/1.1\r\n\r\n", "400 Bad Request", undefined],
    [
      `GET / HTTP/1.1\r\nHost: x\r\nX: ${"x".repeat(70_000)}\r\n\r\n`,
      "431 Request Header Fields Too Large",
      "The headers are too large.",
    ],
  ])("that brings no HTTP ends with a status: %#", async (bytes, status, body) => {
    const web = await startWebServer();
    const [head = "", text] = (await web.raw(bytes)).split("\r\n\r\n");
    expect(head.split("\r\n")[0]).toBe(`HTTP/1.1 ${status}`);
    expect(head).toMatch(/^Connection: close$/im);
    if (body !== undefined) expect(text).toBe(body);
  });

  test("is cut off before TLS when its address is not allowed, also for what anybody may ask", async () => {
    const web = await startWebServer({ server: "allowed hosts = 192.0.2.1" });
    expect(await web.raw("GET /core/isalive HTTP/1.0\r\n\r\n")).toBe("");
    expect(web.logLines.filter((line) => line.includes("allowed hosts"))).toEqual([
      expect.stringContaining("Refused the connection of 127.0.0.1: it is not one of the allowed hosts"),
    ]);
  });
});

describe("a body", () => {
  test("may be as large as the limit and not larger", async () => {
    const web = await startWebServer({ server: "body limit = 1K" });
    const post = (size: number) =>
      web.request({ method: "POST", path: "/api/v2/login", body: "x".repeat(size), as: "nobody" });
    expect(await post(1024)).toEqual(refused);
    expect(await post(1025)).toEqual(textAnswer(413, "The body is larger than 1024 bytes."));
  });
});

describe("a request that can be read in two ways", () => {
  const chunks = "0\r\n\r\nGET /core/isalive HTTP/1.1\r\nHost: x\r\n\r\n";

  test.each([
    ["Content-Length and Transfer-Encoding", "Content-Length: 4\r\nTransfer-Encoding: chunked", chunks],
    ["two Content-Lengths", "Content-Length: 2\r\nContent-Length: 40", chunks],
    ["a coding behind chunked", "Transfer-Encoding: chunked, identity", chunks],
    ["an unknown coding", "Transfer-Encoding: xchunked", chunks],
    ["a blank before the colon", "Transfer-Encoding : chunked", chunks],
    ["a folded header", "X-A: b\r\n Content-Length: 40", chunks],
    ["a length that is none", "Content-Length: -1", chunks],
  ])("is refused, and nothing behind it is served: %s", async (_what, headers, body) => {
    const web = await startWebServer();
    const text = "This is no HTTP request.";
    expect(await web.raw(`POST /core/reload HTTP/1.1\r\nHost: x\r\n${headers}\r\n\r\n${body}`)).toBe(
      `HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: 24\r\n\r\n${text}`,
    );
  });

  test("is refused: two Hosts", async () => {
    const web = await startWebServer();
    const answer = await web.raw("GET /core/isalive HTTP/1.1\r\nHost: x\r\nHOST: y\r\nConnection: close\r\n\r\n");
    expect(answer.replace(/Date: .*\r\n/, "")).toBe(
      "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 28\r\n" +
        "X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\nThere is more than one Host.",
    );
  });
});

test.each(["application/json", "text/xml; charset=latin1", "json", ";;;", "a b/c", ""])(
  "a body is what the route takes, under whatever type: %s",
  async (type) => {
    const web = await startWebServer();
    const headers = { "content-type": type };
    const set = { method: "PUT", path: "/api/v2/settings/settings/x", as: "admin", headers } as const;
    expect(await web.request({ ...set, body: '{"key":"größe","value":"€ 😀"}' })).toEqual(
      jsonAnswer({ status: "success", keys: 1 }),
    );
    expect(await web.request({ path: "/api/v2/settings/settings/x", as: "admin" })).toEqual(
      jsonAnswer([{ path: "/settings/x", key: "größe", value: "€ 😀" }]),
    );
    expect(await web.request({ ...set, body: "" })).toEqual(textAnswer(400, "Problems parsing JSON"));
  },
);

describe("HEAD and OPTIONS", () => {
  test("HEAD answers as GET does, without the body", async () => {
    const web = await startWebServer();
    expect(await web.request({ method: "HEAD", path: "/core/isalive" })).toEqual({
      status: 200,
      headers: bodyHeaders("application/json", alive),
      body: "",
    });
    expect(await web.request({ method: "HEAD", path: "/api/v2" })).toEqual({ ...refused, body: "" });
  });

  test.each([
    ["/api/v2/queries/check_ok/commands/execute", "GET, POST, OPTIONS"],
    ["/api/v2/modules/CheckHelpers/commands/unload", "GET, POST, OPTIONS"],
    ["/query/check_ok", "GET, POST, OPTIONS"],
    ["/api/v1/login", "GET, POST, DELETE, OPTIONS"],
    ["/auth/token?password=admin-password", "GET, POST, OPTIONS"],
  ])("HEAD is not served where a GET changes something or runs a check: %s", async (path, allow) => {
    const web = await startWebServer({ modules: ["CheckHelpers"] });
    const headers = { "user-agent": "Icinga/check_nscp_api" };
    const answer = await web.request({ method: "HEAD", path, as: "admin", headers });
    expect(answer).toEqual({ ...notServed("HEAD", allow), body: "" });
    expect(web.audited).toEqual([]);
    expect(web.gateway.modules().map(({ name }) => name)).toContain("CheckHelpers");
  });

  test.each([
    ["/core/isalive", "GET, HEAD, OPTIONS"],
    ["/core/reload", "POST, OPTIONS"],
    ["/api/v2/login", "GET, POST, DELETE, OPTIONS"],
  ])("OPTIONS names the methods of %s", async (path, allow) => {
    const web = await startWebServer();
    expect(await web.request({ method: "OPTIONS", path })).toEqual({
      status: 204,
      headers: { allow, ...always },
      body: "",
    });
  });
});

describe("a path", () => {
  test.each([
    ["GET", "/nope"],
    ["POST", "/nope"],
    ["GET", "/api/v2/infoX"],
    ["GET", "/api/v2/nope/"],
    ["OPTIONS", "/nope"],
    ["PROPFIND", "/nope"],
  ])("that nothing is served at is not found: %s %s", async (method, path) => {
    const web = await startWebServer();
    expect(await web.request({ method, path, as: "admin" })).toEqual(
      textAnswer(404, `Document not found: ${method} ${path}`),
    );
  });

  test.each([
    ["POST", "/api/v2/info", "GET, HEAD, OPTIONS"],
    ["GET", "/core/reload", "POST, OPTIONS"],
    ["PUT", "/core/isalive/", "GET, HEAD, OPTIONS"],
    ["PATCH", "/core/isalive", "GET, HEAD, OPTIONS"],
    ["TRACE", "/core/isalive", "GET, HEAD, OPTIONS"],
    ["PROPFIND", "/", "GET, HEAD, OPTIONS"],
  ])("that takes other methods says which: %s %s", async (method, path, allow) => {
    const web = await startWebServer();
    expect(await web.request({ method, path, as: "admin" })).toEqual(notServed(method, allow));
  });

  test.each(["/query/a%2fb", "/query/a%5Cb", "/query/a%00", "/query/a\\b"])(
    "with a slash, a backslash or NUL in a name is refused: %s",
    async (path) => {
      const web = await startWebServer();
      expect(await web.request({ path, as: "admin" })).toEqual(
        textAnswer(400, "A part of the path holds a slash, a backslash or NUL."),
      );
    },
  );

  test.each(["/api/v2/%zz", "/api/v2/%ff"])("that can't be decoded is refused: %s", async (path) => {
    const web = await startWebServer();
    expect(await web.request({ path, as: "admin" })).toEqual(textAnswer(400, "The request can't be read."));
  });

  test.each([
    "/core/isalive",
    "/core/isalive/",
    "//core///isalive",
    "/core/isalive?x=1",
    "http://elsewhere/core/isalive",
  ])("may have a slash at its end and doubled ones: %s", async (path) => {
    const web = await startWebServer();
    const text = await web.raw(`GET ${path} HTTP/1.0\r\n\r\n`);
    expect(text.split("\r\n\r\n")[1]).toBe(alive);
  });
});

describe("URLs in answers", () => {
  const apiOf = async (web: Awaited<ReturnType<typeof startWebServer>>, headers: Record<string, string>) =>
    JSON.parse((await web.request({ path: "/api", as: "client", headers })).body).current_api;

  test("begin with the host that was asked for, when it is one", async () => {
    const web = await startWebServer();
    expect(await apiOf(web, { host: "evil.example:99" })).toBe("http://evil.example:99/api/v2");
    expect(await apiOf(web, { host: "[::1]:8443" })).toBe("http://[::1]:8443/api/v2");
    expect(await apiOf(web, { host: 'x"><script>' })).toBe("/api/v2");
    expect(await apiOf(web, { "x-forwarded-host": "other", "x-forwarded-proto": "https" })).toBe(`${web.url}/api/v2`);
  });

  test("begin with the host of the target when the target has one", async () => {
    const web = await startWebServer();
    const headers = `Host: other\r\nAuthorization: ${basic("client", "client-password")}\r\nConnection: close`;
    const answer = await web.raw(`GET http://g.example:99/api HTTP/1.1\r\n${headers}\r\n\r\n`);
    expect(JSON.parse(answer.split("\r\n\r\n")[1] ?? "").current_api).toBe("http://g.example:99/api/v2");
  });

  test("begin with a trusted host or with none, when there is a list of them", async () => {
    const web = await startWebServer({ server: "trusted hosts = Gateway.example:8443, localhost" });
    expect(await apiOf(web, { host: "gateway.example:8443" })).toBe("http://gateway.example:8443/api/v2");
    expect(await apiOf(web, { host: "evil.example" })).toBe("/api/v2");
  });

  test("begin with the public URL when there is one", async () => {
    const web = await startWebServer({ server: "public url = https://gateway.example/nscp/" });
    expect(await apiOf(web, { host: "evil.example" })).toBe("https://gateway.example/nscp/api/v2");
  });

  test("begin with what a trusted proxy says", async () => {
    const web = await startWebServer({ server: "trusted proxies = 127.0.0.0/8" });
    const forwarded = {
      forwarded: 'for=192.0.2.9;host="old";proto=http, for="[2001:db8::1]:47";host="g.example";proto=https',
    };
    expect(await apiOf(web, forwarded)).toBe("https://g.example/api/v2");
    expect(await apiOf(web, { "x-forwarded-host": "evil, g.example:1", "x-forwarded-proto": "https" })).toBe(
      "https://g.example:1/api/v2",
    );
  });

  test("over TLS begin with https", async () => {
    const web = await startWebServer({ tls: true });
    expect(await web.request({ path: "/api", as: "client" })).toEqual(
      jsonAnswer({
        current_api: `https://127.0.0.1:${web.port}/api/v2`,
        legacy_api: `https://127.0.0.1:${web.port}/api/v1`,
        beta_api: `https://127.0.0.1:${web.port}/api/v2`,
      }),
    );
  });
});
