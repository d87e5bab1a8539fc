/**
 * The client of the front doors, in a process of its own: so many connections at a time, a new one for each check of NRPE, and one
 * for all requests of HTTP. Requests are ready bytes, and answers are compared with the expected bytes and not decoded.
 */
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls, createSecureContext } from "node:tls";
import { percentile } from "../statistics.js";

/** What a round is to be; bytes in base64. */
export interface DoorLoad {
  readonly port: number;
  readonly isSecured: boolean;
  /** Names of OpenSSL, such as `ADH@SECLEVEL=0`; those of Node with TLS 1.3 unless given. */
  readonly ciphers?: string;
  /** Whether the connection is kept for the next request, as HTTP does. */
  readonly keepsOpen: boolean;
  readonly request: string;
  /** What comes back, of HTTP without its head, which has the time; nothing yet for a round that is to find out. */
  readonly expected?: string;
  readonly width: number;
  readonly milliseconds: number;
}

/** What came of it. */
export interface DoorRound {
  readonly answers: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** The first answer, in base64. */
  readonly answer: string;
}

process.on("message", async (load: DoorLoad) => {
  try {
    process.send?.(await round(load));
  } catch (thrown) {
    process.send?.({ problem: String(thrown) });
  }
});

async function round(load: DoorLoad): Promise<DoorRound> {
  const request = Buffer.from(load.request, "base64");
  const expected = load.expected === undefined ? undefined : Buffer.from(load.expected, "base64");
  const latencies: number[] = [];
  let first: Buffer | undefined = expected;
  const note = (message: Buffer, milliseconds: number) => {
    const answer = load.keepsOpen ? message.subarray(message.indexOf("\r\n\r\n") + 4) : message;
    if (answer.length === 0) throw new Error("A connection was closed without an answer");
    first ??= Buffer.from(answer);
    if (!answer.equals(first)) {
      throw new Error(`An unexpected answer: ${answer.toString("latin1")}\nexpected was: ${first.toString("latin1")}`);
    }
    latencies.push(milliseconds);
  };
  const open = opener(load);
  const began = performance.now();
  const until = began + load.milliseconds;
  const caller = load.keepsOpen ? keptOpen : oneEach;
  await Promise.all(Array.from({ length: load.width }, () => caller(open, request, until, note)));
  return {
    answers: latencies.length,
    seconds: (performance.now() - began) / 1000,
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
    answer: (first ?? Buffer.alloc(0)).toString("base64"),
  };
}

type Note = (answer: Buffer, milliseconds: number) => void;

/** One connection after the other, each for one answer, which ends with it. */
async function oneEach(open: () => Socket, request: Buffer, until: number, note: Note) {
  for (let now = performance.now(); now < until; now = performance.now()) {
    note(await askOnce(open(), request), performance.now() - now);
  }
}

function askOnce(socket: Socket, request: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let answer: Buffer | undefined;
    socket.on("data", (data: Buffer) => {
      answer = answer === undefined ? data : Buffer.concat([answer, data]);
    });
    socket.once("error", reject);
    socket.once("close", () => resolve(answer ?? Buffer.alloc(0)));
    socket.write(request);
  });
}

/** All requests over one connection. The head of the first answer says how long all of them are. */
function keptOpen(open: () => Socket, request: Buffer, until: number, note: Note) {
  return new Promise<void>((resolve, reject) => {
    const socket = open();
    let partial: Buffer = Buffer.alloc(0);
    let sent = 0;
    let isDone = false;
    let size: number | undefined;
    const next = () => {
      sent = performance.now();
      if (sent < until) socket.write(request);
      else {
        isDone = true;
        socket.end();
      }
    };
    socket.once("error", reject);
    socket.once("close", () => (isDone ? resolve() : reject(new Error("The connection was closed"))));
    socket.on("data", (data: Buffer) => {
      partial = partial.length === 0 ? data : Buffer.concat([partial, data]);
      size ??= answerSize(partial);
      if (size === undefined || partial.length < size) return;
      try {
        note(partial, performance.now() - sent);
      } catch (thrown) {
        reject(thrown);
        return;
      }
      partial = Buffer.alloc(0);
      next();
    });
    next();
  });
}

function answerSize(bytes: Buffer): number | undefined {
  const text = bytes.toString("latin1");
  const end = text.indexOf("\r\n\r\n");
  const length = /^content-length: *(\d+)/im.exec(text)?.[1];
  return end < 0 || length === undefined ? undefined : end + 4 + Number(length);
}

function opener({ port, isSecured, ciphers }: DoorLoad): () => Socket {
  const host = "127.0.0.1";
  if (!isSecured) return () => connectTcp({ port, host, noDelay: true });
  const secureContext = createSecureContext(
    ciphers === undefined ? { minVersion: "TLSv1.3" } : { ciphers, maxVersion: "TLSv1.2" },
  );
  // As check_nrpe does unless told otherwise: it verifies nothing, and each check is a handshake of its own.
  return () =>
    connectTls({ port, host, secureContext, rejectUnauthorized: false, checkServerIdentity: () => undefined });
}
