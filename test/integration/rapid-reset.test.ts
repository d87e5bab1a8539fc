import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { connectGateway } from "../../src/modules/grpc-client/gateway-client.js";
import { QueryRequestMessage } from "../../src/wire/messages.js";
import { gatewayMethods } from "../../src/wire/services.js";
import { startGateway } from "../support/gateway-process.js";
import { residentMiBOf } from "../support/process-figures.js";

/** Types of frames (RFC 9113 6). */
const [DATA, HEADERS, RST_STREAM, SETTINGS, GOAWAY] = [0x0, 0x1, 0x3, 0x4, 0x7] as const;
const [END_STREAM, END_HEADERS] = [0x1, 0x4] as const;
const CANCEL = 8;

function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** A field whose name is in the static table, or a new one (RFC 7541 6.2.2). */
function field(name: number | string, value: string): Buffer {
  const text = (given: string) => Buffer.concat([Buffer.from([given.length]), Buffer.from(given)]);
  // An index of four bits, and what is more than fifteen in the next byte.
  const indexed = (index: number) => Buffer.from(index < 15 ? [index] : [15, index - 15]);
  const begin = typeof name === "number" ? indexed(name) : Buffer.concat([Buffer.from([0]), text(name)]);
  return Buffer.concat([begin, text(value)]);
}

/** `:method: POST`, `:scheme: http`, `:path`, `:authority`, `content-type`, `te`; nothing that a decoder would remember. */
const headers = Buffer.concat([
  Buffer.from([0x83, 0x86]),
  field(4, gatewayMethods.query.path),
  field(1, "localhost"),
  field(31, "application/grpc"),
  field("te", "trailers"),
]);

const message = QueryRequestMessage.encode({ payload: [{ command: "check_ok" }] }).finish();
const body = Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]);
const cancelled = Buffer.from([0, 0, 0, CANCEL]);

/** A whole query on a stream of its own, taken back at once. */
function takenBack(stream: number): Buffer {
  return Buffer.concat([
    frame(HEADERS, END_HEADERS, stream, headers),
    frame(DATA, END_STREAM, stream, body),
    frame(RST_STREAM, 0, stream, cancelled),
  ]);
}

async function open(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  await once(socket, "connect");
  socket.write(
    Buffer.concat([Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), frame(SETTINGS, 0, 0, Buffer.alloc(0))]),
  );
  return socket;
}

const perWrite = 100;

/**
 * Sends queries that are taken back, on one connection, until so many are sent or the gateway says that it ends the
 * connection. It reads no further then.
 * @returns how many were sent, and whether the gateway has ended it
 */
async function attack(port: number, most: number): Promise<{ readonly sent: number; readonly isEnded: boolean }> {
  const socket = await open(port);
  let received: Buffer = Buffer.alloc(0);
  let isEnded = false;
  const ended = new Promise<void>((resolve) => {
    const end = () => {
      isEnded = true;
      resolve();
    };
    socket.once("close", end);
    socket.on("data", (data: Buffer) => {
      received = Buffer.concat([received, data]);
      if (frameTypes(received).includes(GOAWAY)) end();
    });
  });
  let sent = 0;
  while (!isEnded && sent < most) {
    const streams = Array.from({ length: Math.min(perWrite, most - sent) }, (_, index) => 2 * (sent + index) + 1);
    const written = new Promise<void>((resolve) =>
      socket.write(Buffer.concat(streams.map(takenBack)), () => resolve()),
    );
    await Promise.race([written, ended]);
    sent += streams.length;
  }
  socket.destroy();
  return { sent, isEnded };
}

function frameTypes(received: Buffer): number[] {
  const types: number[] = [];
  for (let at = 0; at + 9 <= received.length; at += 9 + received.readUIntBE(at, 3))
    types.push(received.readUInt8(at + 3));
  return types;
}

test("a hundred thousand queries that are taken back at once end the connections of whoever sends them, and nobody else notices", async () => {
  const gateway = await startGateway({
    certificates: false,
    settings: `[/modules]
CheckHelpers = enabled
GRPCServer = enabled
[/settings/GRPC/server]
port = 0
bind to = 127.0.0.1
use ssl = false
[/settings/security]
anonymous role = poller
`,
  });
  onTestFinished(async () => {
    await gateway.stop();
  });
  const poller = connectGateway({ address: `127.0.0.1:${gateway.port}`, tls: false, timeoutMs: 30_000 });
  onTestFinished(() => poller.close());
  const poll = async () => (await poller.query({ payload: [{ command: "check_ok" }] })).payload[0]?.result;
  expect(await poll()).toBe(0);
  const before = residentMiBOf(gateway.pid);

  let sent = 0;
  const attacks: boolean[] = [];
  const answers: (number | undefined)[] = [];
  while (sent < 100_000) {
    const [made, answer] = await Promise.all([attack(gateway.port, 100_000 - sent), poll()]);
    sent += made.sent;
    attacks.push(made.isEnded);
    answers.push(answer);
  }
  expect(new Set(answers)).toEqual(new Set([0]));
  // The last one may have sent what was left before it was over the limit.
  expect(new Set(attacks.slice(0, -1))).toEqual(new Set([true]));
  expect(residentMiBOf(gateway.pid) - before).toBeLessThan(100);
  expect(await poll()).toBe(0);
}, 120_000);
