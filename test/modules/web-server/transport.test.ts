import { connect } from "node:net";
import { describe, expect, test } from "vitest";
import { always, bodyHeaders, jsonAnswer, refused, startWebServer, textAnswer } from "../../support/web-server.js";

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
    ["/core/isalive", "GET, HEAD, OPTIONS"],
    ["/core/reload", "POST, OPTIONS"],
    ["/api/v2/login", "GET, HEAD, POST, DELETE, OPTIONS"],
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
    ["POST", "/api/v2/info"],
    ["GET", "/core/reload"],
    ["PUT", "/core/isalive"],
    ["OPTIONS", "/nope"],
    ["PATCH", "/core/isalive"],
    ["PROPFIND", "/"],
    ["GET", "/console/exec"],
  ])("that nothing is served at, or not with this method, is not found: %s %s", async (method, path) => {
    const web = await startWebServer();
    expect(await web.request({ method, path, as: "admin" })).toEqual(
      textAnswer(404, `Document not found: ${method} ${path}`),
    );
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
