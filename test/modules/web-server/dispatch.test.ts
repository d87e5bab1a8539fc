import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { HttpFront, type HttpLimits } from "../../../src/front-end/http-front.js";
import { PeerLog } from "../../../src/front-end/peer-log.js";
import { Call } from "../../../src/kernel/call.js";
import type { GatewayControl } from "../../../src/kernel/control.js";
import { GatewayError } from "../../../src/kernel/errors.js";
import { Dispatcher } from "../../../src/modules/web-server/dispatcher.js";
import { Figures } from "../../../src/modules/web-server/figures.js";
import { peerOfSocket } from "../../../src/modules/web-server/http/peer.js";
import type {
  CallerRequest,
  GrantedRoute,
  Route,
  StreamSink,
  WebReply,
} from "../../../src/modules/web-server/route.js";
import { rulesOf } from "../../../src/modules/web-server/server-rules.js";
import { settings } from "../../../src/modules/web-server/settings.js";
import type { AuditEvent } from "../../../src/security/audit.js";
import type { Credentials } from "../../../src/security/credentials.js";
import { Security } from "../../../src/security/security.js";
import { readSettings } from "../../../src/settings/read.js";
import { storeOf } from "../../security/support.js";
import { FakeClock } from "../../support/fake-clock.js";
import { deferred } from "../../support/kernel.js";
import { RecordingLog } from "../../support/recording-log.js";

interface Options {
  readonly limits?: Partial<HttpLimits>;
  readonly server?: string;
  readonly role?: string;
}

/** A dispatcher with routes of the test behind a port; whoever asks has the grants `read` and `write`. */
async function serveRoutes(routes: readonly Route[], { limits = {}, server = "", role = "read,write" }: Options = {}) {
  const log = new RecordingLog();
  const clock = new FakeClock();
  const store = storeOf(`
[/settings/security]
anonymous role = caller
[/settings/security/roles]
caller = ${role}
[/settings/security/audit]
file = none
[/settings/WEB/server]
${server}`);
  const security = new Security({
    ...{ clock, log },
    openAuditFile: () => ({ write() {}, flush: async () => {}, close: async () => {} }),
  });
  await security.reload(store);
  const audited: AuditEvent[] = [];
  Object.defineProperty(security, "audit", {
    value: { keeps: () => true, record: (event: AuditEvent) => audited.push(event) },
  });
  const rules = await rulesOf(readSettings(settings, store, "server"), log);
  const gateway: Partial<GatewayControl> = {
    clock,
    call: (origin) => new Call({ ...origin, traceId: origin.traceId ?? "own-trace" }),
  };
  const dispatcher = new Dispatcher({
    ...{ gateway: gateway as GatewayControl, security, log, routes, isSecure: false, figures: new Figures() },
    limits: { ...rules.settings, ...limits },
    rules: () => rules,
  });
  const front = await HttpFront.create(dispatcher, new PeerLog(log, clock));
  const seat = { keep: () => {}, leave: () => {} };
  const listener: Server = createServer((socket) => front.serve(socket, peerOfSocket(socket, seat, false)));
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const address = listener.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const sockets: Socket[] = [];
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    dispatcher.streams.end();
    await front.close(0);
    listener.close();
    await security.close();
  });
  return {
    ...{ log, clock, audited, security, dispatcher, front },
    /** Bytes on a connection of their own, which stays open; what has come back so far is its text. */
    open(bytes: string) {
      const socket = connect(port, "127.0.0.1", () => socket.write(bytes));
      sockets.push(socket);
      const connection = {
        socket,
        text: "",
        closed: once(socket, "close"),
        /** Waits until that has come. */
        until: (pattern: RegExp) => expect.poll(() => connection.text).toMatch(pattern),
      };
      socket.setEncoding("utf8").on("data", (data: string) => {
        connection.text += data;
      });
      return connection;
    },
    /** The first line and the body of the answer. */
    async get(path: string, headers = ""): Promise<string> {
      const connection = this.open(`GET ${path} HTTP/1.0\r\n${headers}\r\n`);
      await connection.closed;
      const [head = "", body = ""] = connection.text.split("\r\n\r\n");
      return `${head.split("\r\n")[0]}: ${body}`;
    },
  };
}

function route(
  path: string,
  handle: (request: CallerRequest) => WebReply | Promise<WebReply>,
  more: Partial<GrantedRoute> = {},
): Route {
  return {
    ...{ methods: ["GET"], path, version: 0, access: "granted", grants: ["read"], handle },
    description: { tag: "test", summary: "A test", answers: {} },
    ...more,
  };
}

const text = (body: string): WebReply => ({ status: 200, headers: { "content-type": "text/plain" }, body });

describe("a handler", () => {
  test("gets the parts of the path, each decoded once, and all that follows a star", async () => {
    const server = await serveRoutes([
      route("/one/:name/x", ({ params, path }) => text(`${params["name"]} ${path}`)),
      route("/rest/*", ({ params }) => text(`${params["*"]}`)),
    ]);
    expect(await server.get("/one/a%20b%2525/x")).toBe("HTTP/1.1 200 OK: a b%25 /one/a%20b%2525/x");
    expect(await server.get("/one/%C3%BC/x/")).toBe("HTTP/1.1 200 OK: ü /one/%C3%BC/x/");
    expect(await server.get("/rest/settings/a%20b/c")).toBe("HTTP/1.1 200 OK: settings/a b/c");
  });

  test("knows who asks, from where, until when, and by which trace", async () => {
    const calls: Call[] = [];
    const server = await serveRoutes([
      route("/call", ({ call }) => {
        calls.push(call);
        return text("");
      }),
    ]);
    server.clock.advance(1000);
    const trace = "0af7651916cd43dd8448eb211c80319c";
    await server.get("/call", `X-Nsc-Web-Timeout: 10.00\r\ntraceparent: 00-${trace}-b7ad6b7169203331-01\r\n`);
    await server.get("/call", "X-Nsc-Web-Timeout: soon\r\n");
    await server.get("/call", "X-Nsc-Web-Timeout: 1\r\n");
    const facts = calls.map(({ principal, peer, frontEnd, remote, deadline, traceId }) => [
      ...[principal.name, peer, frontEnd, remote, deadline, traceId],
    ]);
    expect(facts).toEqual([
      ["anonymous", "127.0.0.1", "http", true, 1000 + 10_000 - 250, trace],
      ["anonymous", "127.0.0.1", "http", true, undefined, "own-trace"],
      ["anonymous", "127.0.0.1", "http", true, 1000 + 1000 - 100, "own-trace"],
    ]);
  });

  test("has so much less time as it took to find out who asks", async () => {
    const deadline = deferred<number | undefined>();
    const server = await serveRoutes([
      route("/call", ({ call }) => {
        deadline.resolve(call.deadline);
        return text("");
      }),
    ]);
    const { security, clock } = server;
    const known = security.recognise.bind(security);
    const authenticate = async (credentials: Credentials) => {
      clock.advance(700);
      return known(credentials);
    };
    Object.defineProperties(security, { recognise: { value: () => undefined }, authenticate: { value: authenticate } });
    await server.get("/call", "X-Nsc-Web-Timeout: 1\r\n");
    expect(await deadline.promise).toBe(clock.monotonic() - 700 + 1000 - 100);
  });

  test("whose client goes away has its call ended", async () => {
    const aborted = deferred<string>();
    const answer = deferred<WebReply>();
    const server = await serveRoutes([
      route("/slow", ({ call }) => {
        call.onAbort(({ message }) => aborted.resolve(message));
        return answer.promise;
      }),
    ]);
    const client = server.open("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
    await expect.poll(() => server.front.requests).toBe(1);
    client.socket.destroy();
    expect(await aborted.promise).toBe("The caller went away.");
    answer.resolve(text("late"));
    await expect.poll(() => server.front.requests).toBe(0);
  });

  test("behind another one of its connection has its call ended too when the client goes away", async () => {
    const aborted = [deferred<string>(), deferred<string>()];
    const server = await serveRoutes([
      route("/slow/:number", ({ call, params }) => {
        call.onAbort(({ message }) => aborted[Number(params["number"])]?.resolve(message));
        return new Promise<WebReply>(() => {});
      }),
    ]);
    const ask = (number: number) => `GET /slow/${number} HTTP/1.1\r\nHost: x\r\n\r\n`;
    const client = server.open(`${ask(0)}${ask(1)}`);
    await expect.poll(() => server.front.requests).toBe(2);
    client.socket.destroy();
    expect(await Promise.all(aborted.map(({ promise }) => promise))).toEqual([
      "The caller went away.",
      "The caller went away.",
    ]);
    await expect.poll(() => server.front.requests).toBe(0);
  });

  test("whose client went away while it was found out who asks has its call ended", async () => {
    const message = deferred<string>();
    const server = await serveRoutes([
      route("/slow", ({ call }) => {
        call.onAbort((reason) => message.resolve(reason.message));
        return new Promise<WebReply>(() => {});
      }),
    ]);
    const { security } = server;
    const known = security.recognise.bind(security);
    const authenticate = async (credentials: Credentials) => {
      client.socket.destroy();
      await expect.poll(() => server.front.requests).toBe(0);
      return known(credentials);
    };
    Object.defineProperties(security, { recognise: { value: () => undefined }, authenticate: { value: authenticate } });
    const client = server.open("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
    expect(await message.promise).toBe("The caller went away.");
  });

  test.each([
    ["INVALID_ARGUMENT", "400 Bad Request: It is wrong."],
    ["NOT_FOUND", "404 Not Found: It is wrong."],
    ["PERMISSION_DENIED", "403 Forbidden: 403 You're not allowed"],
    ["FAILED_PRECONDITION", "409 Conflict: It is wrong."],
    ["UNAVAILABLE", "503 Service Unavailable: It is wrong."],
    ["RESOURCE_EXHAUSTED", "503 Service Unavailable: It is wrong."],
    ["DEADLINE_EXCEEDED", "504 Gateway Timeout: It is wrong."],
    ["INTERNAL", "500 Internal Server Error: The request failed inside the gateway."],
  ] as const)("that fails with %s is answered as %s, at once and later alike", async (code, expected) => {
    const fail = () => {
      throw new GatewayError(code, "It is wrong.");
    };
    const server = await serveRoutes([route("/now", fail), route("/later", async () => fail())]);
    expect(await server.get("/now")).toBe(`HTTP/1.1 ${expected}`);
    expect(await server.get("/later")).toBe(`HTTP/1.1 ${expected}`);
  });

  test("that breaks says nothing of why to the client, and all of it to the log", async () => {
    const server = await serveRoutes([
      route("/broken", () => {
        throw new TypeError("secret is not a function");
      }),
    ]);
    expect(await server.get("/broken")).toBe(
      "HTTP/1.1 500 Internal Server Error: The request failed inside the gateway.",
    );
    expect(server.log.of("error")).toEqual(["A request failed: secret is not a function"]);
  });

  test("can't split the answer with what the client sent", async () => {
    const server = await serveRoutes([
      route("/echo", ({ query }) => ({ status: 200, headers: { "X-Echo": query.get("x") ?? "" }, body: "{}" })),
    ]);
    expect(await server.get("/echo?x=a%0D%0ASet-Cookie:%20a=b")).toBe(
      "HTTP/1.1 400 Bad Request: The answer would hold a header that HTTP can't carry.",
    );
    expect(await server.get("/echo?x=fine")).toBe("HTTP/1.1 200 OK: {}");
  });

  test.each(["/api/v3/x", "/x"])("at %s answers other methods with 405 and those that there are", async (path) => {
    const server = await serveRoutes([route(path, () => text(""), { methods: ["POST"] })]);
    const client = server.open(`GET ${path} HTTP/1.0\r\n\r\n`);
    await client.closed;
    expect(client.text).toMatch(/^HTTP\/1\.1 405 Method Not Allowed\r\nAllow: POST, OPTIONS\r\n/);
  });
});

describe("the type of an answer", () => {
  test.each([
    [200, "application/json"],
    [202, undefined],
    [204, undefined],
    [304, undefined],
    [404, "text/plain"],
    [500, "text/plain"],
  ])("with status %s and without a type of its own is %s", async (status, type) => {
    const server = await serveRoutes([
      route("/x", () => ({ status, body: status === 204 || status === 304 ? "" : "x" })),
    ]);
    const client = server.open("GET /x HTTP/1.0\r\n\r\n");
    await client.closed;
    expect(/^content-type: (.*)$/im.exec(client.text)?.[1]).toBe(type);
    expect(/^content-length: (.*)$/im.exec(client.text)?.[1]).toBe(status === 204 || status === 304 ? undefined : "1");
  });
});

describe("the audit log", () => {
  const audit = { action: "things.put", objects: ({ query }: CallerRequest) => [query.get("name") ?? ""] };

  test("holds what was done, what failed by its status or its error, and what was refused", async () => {
    const server = await serveRoutes([
      route("/done", () => text(""), { audit }),
      route("/refused", () => ({ status: 403, body: "no" }), { audit }),
      route("/failed", () => ({ status: 500, body: "Failed to load x" }), { audit }),
      route("/thrown", async () => Promise.reject(new GatewayError("UNAVAILABLE", "It is gone.")), { audit }),
      route("/missing", () => text(""), { audit, grants: ["read", "other"] }),
      route("/unread", () => text(""), { grants: ["other"] }),
      route("/read", () => text("")),
    ]);
    for (const path of ["done", "refused", "failed", "thrown", "missing", "unread", "read"]) {
      await server.get(`/${path}?name=n`);
    }
    const facts = server.audited.map(({ action, outcome, objects, reason }) => [action, outcome, objects, reason]);
    expect(facts).toEqual([
      ["things.put", "ok", ["n"], undefined],
      ["things.put", "denied", ["n"], "no"],
      ["things.put", "failed", ["n"], "Failed to load x"],
      ["things.put", "failed", ["n"], "It is gone."],
      ["things.put", "denied", ["n"], "It needs the grant other."],
      ["other", "denied", [], "It needs the grant other."],
    ]);
  });
});

describe("limits", () => {
  test("of requests under way are answered with 503 and when to come again", async () => {
    const answer = deferred<WebReply>();
    const server = await serveRoutes([route("/slow", () => answer.promise), route("/fast", () => text("fast"))], {
      limits: { maxRequests: 1 },
    });
    const first = server.open("GET /slow HTTP/1.0\r\n\r\n");
    await expect.poll(() => server.front.requests).toBe(1);
    const second = server.open("GET /fast HTTP/1.0\r\n\r\n");
    await second.closed;
    expect(second.text).toMatch(/^HTTP\/1\.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\n/);
    expect(second.text).toMatch(/\r\n\r\nToo many requests are under way\.$/);
    answer.resolve(text("slow"));
    await first.closed;
    expect(first.text).toMatch(/\r\n\r\nslow$/);
    expect(await server.get("/fast")).toBe("HTTP/1.1 200 OK: fast");
  });

  test("of requests are not used up by bodies that do not come", async () => {
    const server = await serveRoutes([route("/fast", () => text("fast"), { methods: ["GET", "POST"] })], {
      limits: { maxRequests: 2 },
    });
    const slow = [0, 1].map(() => server.open("POST /fast HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n"));
    await expect.poll(() => server.front.requests).toBe(2);
    expect(await server.get("/fast")).toBe("HTTP/1.1 200 OK: fast");
    await slow[0]?.closed;
    slow[1]?.socket.write("12345");
    await slow[1]?.until(/\r\n\r\nfast$/);
  });

  test("end whoever does not take an answer", async () => {
    const large = "x".repeat(32 * 1024 * 1024);
    const server = await serveRoutes([route("/large", () => text(large))], { limits: { timeout: 200 } });
    const client = server.open("");
    client.socket.pause();
    client.socket.write("GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
    await expect.poll(() => server.front.requests).toBe(1);
    await expect.poll(() => server.front.requests, { timeout: 10_000 }).toBe(0);
  });
});

describe("an answer without an end", () => {
  function streaming() {
    const sinks: StreamSink[] = [];
    let stopped = 0;
    const stream = route("/stream", () => ({
      status: 200,
      headers: { "content-type": "text/event-stream" },
      body: {
        open(out) {
          sinks.push(out);
          return () => stopped++;
        },
      },
    }));
    return { stream, sinks, stopped: () => stopped };
  }

  test("goes on until the client goes away, and is no request under way", async () => {
    const { stream, sinks, stopped } = streaming();
    const server = await serveRoutes([stream]);
    const client = server.open("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
    await expect.poll(() => sinks.length).toBe(1);
    expect(sinks[0]?.write("data: 1\n\n")).toBe(true);
    await client.until(/data: 1/);
    expect(client.text).toMatch(/^HTTP\/1\.1 200 OK\r\ncontent-type: text\/event-stream\r\n/);
    expect([server.front.requests, server.dispatcher.streams.count]).toEqual([0, 1]);
    client.socket.destroy();
    await expect.poll(stopped).toBe(1);
    expect(sinks[0]?.write("more")).toBe(false);
    expect(server.dispatcher.streams.count).toBe(0);
  });

  test("is one of so many", async () => {
    const { stream, sinks } = streaming();
    const server = await serveRoutes([stream], { server: "max streams = 1" });
    server.open("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
    await expect.poll(() => sinks.length).toBe(1);
    expect(await server.get("/stream")).toBe("HTTP/1.1 503 Service Unavailable: 1 streams are open already.");
  });

  test("ends with its connection, also when it waits behind another one", async () => {
    const { stream, sinks, stopped } = streaming();
    const server = await serveRoutes([stream]);
    const ask = "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n";
    const client = server.open(`${ask}${ask}`);
    await expect.poll(() => sinks.length).toBe(2);
    client.socket.destroy();
    await expect.poll(stopped).toBe(2);
    expect(server.dispatcher.streams.count).toBe(0);
  });

  test("has no body for HEAD", async () => {
    const { stream, sinks } = streaming();
    const server = await serveRoutes([stream]);
    const client = server.open("HEAD /stream HTTP/1.0\r\n\r\n");
    await client.closed;
    expect(client.text).toMatch(/^HTTP\/1\.1 200 OK\r\ncontent-type: text\/event-stream\r\n(?:.+\r\n)+\r\n$/);
    expect(sinks).toEqual([]);
  });

  test("ends when its client takes nothing of it", async () => {
    const { stream, sinks, stopped } = streaming();
    const server = await serveRoutes([stream]);
    const client = server.open("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
    await expect.poll(() => sinks.length).toBe(1);
    client.socket.pause();
    const piece = "x".repeat(64 * 1024);
    let pieces = 0;
    while (sinks[0]?.write(piece) === true && pieces < 10_000) {
      pieces++;
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(pieces).toBeLessThan(10_000);
    await expect.poll(stopped).toBe(1);
  });
});

describe("a stop", () => {
  test("lets what is under way finish, and refuses what comes after it", async () => {
    const answer = deferred<WebReply>();
    const server = await serveRoutes([route("/slow", () => answer.promise)]);
    const [first, second] = [0, 1].map(() => server.open("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n"));
    await expect.poll(() => server.front.requests).toBe(2);
    const closing = server.front.close(10_000);
    answer.resolve(text("done"));
    await Promise.all([closing, first?.closed, second?.closed]);
    expect([first?.text, second?.text].map((one) => one?.split("\r\n\r\n")[1])).toEqual(["done", "done"]);
  });

  test("does not wait for longer than it is told to", async () => {
    const server = await serveRoutes([route("/never", () => new Promise(() => {}))]);
    const client = server.open("GET /never HTTP/1.1\r\nHost: x\r\n\r\n");
    await expect.poll(() => server.front.requests).toBe(1);
    await server.front.close(50);
    await client.closed;
    expect(client.text).toBe("");
  });
});
