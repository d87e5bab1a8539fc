import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from "node:http2";
import { connect as connectTcp } from "node:net";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { status } from "@grpc/grpc-js";
import { describe, expect, it, onTestFinished } from "vitest";
import { QueryRequestMessage } from "../../../src/wire/messages.js";
import { gatewayMethods, type MethodShape } from "../../../src/wire/services.js";
import { deferred } from "../../support/kernel.js";
import { failure, type GrpcGateway, ok, startGateway } from "./grpc-gateway.js";

/** HTTP/2 without a gRPC library, so that nobody between the test and the gateway makes new connections. */
function open(gateway: GrpcGateway): ClientHttp2Session {
  const ca = readFileSync(join(gateway.folder, "ca.pem"));
  const session = connect(`https://localhost:${gateway.port}`, {
    ca,
    lookup: (_name, _options, found) => found(null, [{ address: "127.0.0.1", family: 4 }]),
  });
  session.on("error", () => {});
  onTestFinished(() => session.destroy());
  return session;
}

function call(session: ClientHttp2Session, command: string, headers = {}): ClientHttp2Stream {
  const message = QueryRequestMessage.encode({ payload: [{ command }] }).finish();
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  const stream = session.request({ ...headersOf(gatewayMethods.query), ...headers });
  stream.on("error", () => {});
  stream.end(Buffer.concat([prefix, message]));
  return stream;
}

function headersOf({ path }: MethodShape) {
  return { ":method": "POST", ":path": path, "content-type": "application/grpc", te: "trailers" };
}

/** `grpc-status` of the call, or why there is none. */
async function outcome(stream: ClientHttp2Stream): Promise<string> {
  let status = "";
  const read = (headers: Record<string, unknown>) => {
    if (headers["grpc-status"] !== undefined) status = String(headers["grpc-status"]);
  };
  stream.on("response", read).on("trailers", read).resume();
  await once(stream, "close");
  return status === "" ? `closed with ${stream.rstCode}` : `status ${status}`;
}

describe("a connection", () => {
  it("without a call is closed after its idle time", async () => {
    const gateway = await startGateway("connection idle = 200ms");
    const session = open(gateway);
    expect(await outcome(call(session, "check_none"))).toBe("status 0");
    await once(session, "close");
  });

  it("that got old takes no more calls, and its last ones have the grace to finish", async () => {
    const gateway = await startGateway("connection age = 300ms\nconnection age grace = 1h");
    const [began, answer] = [deferred<void>(), deferred<void>()];
    gateway.check("check_slow", async () => {
      began.resolve();
      await answer.promise;
      return ok("late");
    });
    const session = open(gateway);
    const last = outcome(call(session, "check_slow"));
    await began.promise;
    await once(session, "goaway");
    answer.resolve();
    expect(await last).toBe("status 0");
    await once(session, "close");
  });

  it("that got old is cut off when its calls take longer than the grace", async () => {
    const gateway = await startGateway("connection age = 200ms\nconnection age grace = 200ms");
    gateway.check("check_hang", () => new Promise(() => {}));
    const session = open(gateway);
    expect(await outcome(call(session, "check_hang"))).toMatch(/^closed with/);
  });

  it("has so many calls open at most, a thousand unless told otherwise", async () => {
    for (const [setting, limit] of [
      ["", 1000],
      ["max concurrent streams = 7", 7],
    ] as const) {
      const session = open(await startGateway(setting));
      const [told] = await once(session, "remoteSettings");
      expect(told.maxConcurrentStreams).toBe(limit);
    }
  });

  it("that brings garbage is closed, and the gateway serves others", async () => {
    const gateway = await startGateway("use ssl = false");
    gateway.check("check_ok", "fine");
    const socket = connectTcp(gateway.port, "127.0.0.1");
    socket.on("error", () => {}).resume();
    socket.write(Buffer.alloc(10_000, "garbage \0\xff"));
    await once(socket, "close");
    const answer = await gateway.connect({ tls: false }).query({ payload: [{ command: "check_ok" }] });
    expect(answer.payload[0]?.lines[0]?.message).toBe("fine");
  });
});

describe("a message", () => {
  it("may have four million bytes in and out unless told otherwise, and no more than four mebibytes", async () => {
    const gateway = await startGateway("use ssl = false");
    gateway.check("check_echo", (request) => ok(request.arguments[0] ?? ""));
    gateway.check("check_long", () => ok("x".repeat(4 * 1024 * 1024)));
    const client = gateway.connect({ tls: false, maxMessageBytes: 2 ** 24 });
    const echo = (length: number) =>
      client.query({ payload: [{ command: "check_echo", arguments: ["x".repeat(length)] }] });
    expect((await echo(4_000_000)).payload[0]?.lines[0]?.message?.length).toBe(4_000_000);
    expect(await failure(echo(4 * 1024 * 1024))).toMatch(/^RESOURCE_EXHAUSTED: Received message larger/);
    expect(await failure(client.query({ payload: [{ command: "check_long" }] }))).toMatch(
      /^RESOURCE_EXHAUSTED: Sent message larger/,
    );
  });
});

describe("a compressed message", () => {
  it("counts with the size that it has when it is not compressed", async () => {
    const gateway = await startGateway();
    const message = gzipSync(Buffer.alloc(100_000_000));
    const prefix = Buffer.from([1, 0, 0, 0, 0]);
    prefix.writeUInt32BE(message.length, 1);
    const stream = open(gateway).request({ ...headersOf(gatewayMethods.query), "grpc-encoding": "gzip" });
    stream.end(Buffer.concat([prefix, message]));
    expect(await outcome(stream)).toBe(`status ${status.RESOURCE_EXHAUSTED}`);
  });
});

describe("a deadline", () => {
  it.each(["600H", "36000M", "2160000S", "99999999H"])("of %s is none", async (timeout) => {
    const gateway = await startGateway();
    gateway.check("check_deadline", async (_request, { deadline }) => {
      await new Promise((resolve) => setImmediate(resolve));
      return ok(String(deadline));
    });
    expect(await outcome(call(open(gateway), "check_deadline", { "grpc-timeout": timeout }))).toBe("status 0");
  });

  it("that is none at all is an error of the call", async () => {
    const gateway = await startGateway();
    expect(await outcome(call(open(gateway), "check_ok", { "grpc-timeout": "soon" }))).toBe("status 13");
  });
});
