/**
 * As much of an HTTP/2 client (RFC 9113) as gRPC load needs, with next to no cost per call: the header block of a request
 * is made once and sent as it is, the headers of answers are not looked at, and whatever is ready leaves in one write.
 * grpc-js's own client costs more per call than its server does, so with it most of what is measured is the client.
 */
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { Certificates } from "./servers.js";

const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const frameHead = 9;
const type = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, goAway: 7, windowUpdate: 8 };
const flag = { endStream: 1, ack: 1, endHeaders: 4 };
const setting = { enablePush: 2, initialWindowSize: 4 };
/** Room for answers: on each stream, and on the connection before it is given back. */
const window = 2 ** 30;

/** The longest frame that a server takes unless it says otherwise. */
const maxFrame = 16_384;

/** What happens on one stream. */
export interface StreamListener {
  /** One whole gRPC message. */
  message(bytes: Buffer): void;
  /** The other side is done. */
  end(): void;
}

interface OpenStream {
  readonly listener: StreamListener;
  partial: Buffer | undefined;
}

/** One connection with as many calls as are asked for. */
export class LeanClient {
  private readonly streams = new Map<number, OpenStream>();
  private readonly headers: ReadonlyMap<string, Buffer>;
  private nextId = 1;
  private input: Buffer = Buffer.alloc(0);
  private output: Buffer[] = [];
  /** What the other side is ready to take on the connection; requests wait at zero. */
  private sendWindow = 65_535;
  private waiting: { id: number; frame: Buffer; endStream: boolean }[] = [];
  private received = 0;
  private isFlushing = false;
  private failed: ((error: Error) => void) | undefined;

  private constructor(
    private readonly socket: Socket,
    authority: string,
    scheme: string,
    paths: readonly string[],
  ) {
    this.headers = new Map(paths.map((path) => [path, headerBlock(authority, scheme, path)]));
    socket.setNoDelay(true);
    socket.on("data", (bytes: Buffer) => this.read(bytes));
    socket.on("error", (error) => this.failed?.(error));
    socket.on("close", () => this.failed?.(new Error("The connection was closed")));
    this.output.push(
      preface,
      frame(type.settings, 0, 0, settings([setting.enablePush, 0], [setting.initialWindowSize, window])),
      frame(type.windowUpdate, 0, 0, uint32(window)),
    );
    this.flush();
  }

  /** @param paths of the methods that will be called */
  static open(port: number, certificates: Certificates | undefined, paths: readonly string[]): Promise<LeanClient> {
    return new Promise((resolve, reject) => {
      const host = "localhost";
      const socket =
        certificates === undefined
          ? connectTcp(port, "127.0.0.1")
          : connectTls(port, "127.0.0.1", {
              ...{ ca: certificates.ca, cert: certificates.client.certificate, key: certificates.client.key },
              ...{ servername: host, ALPNProtocols: ["h2"] },
            });
      socket.once("error", reject);
      socket.once(certificates === undefined ? "connect" : "secureConnect", () => {
        socket.off("error", reject);
        resolve(new LeanClient(socket, `${host}:${port}`, certificates === undefined ? "http" : "https", paths));
      });
    });
  }

  /** Calls `failed` when the connection or a call breaks. */
  onFailure(failed: (error: Error) => void): void {
    this.failed = failed;
  }

  /** Begins a call; what is sent follows with {@link send}. */
  begin(path: string, listener: StreamListener): number {
    const block = this.headers.get(path);
    if (block === undefined) throw new Error(`No header block was made for ${path}`);
    const id = this.nextId;
    this.nextId += 2;
    this.streams.set(id, { listener, partial: undefined });
    this.put(frame(type.headers, flag.endHeaders, id, block));
    return id;
  }

  /**
   * @param message a gRPC message with its five bytes in front, see {@link grpcMessage}; not longer than the window that
   * each stream begins with, 65,535 bytes, for that of a stream is not counted
   */
  send(id: number, message: Buffer, endStream: boolean): void {
    if (this.waiting.length > 0 || message.length > this.sendWindow) {
      this.waiting.push({ id, frame: message, endStream });
      return;
    }
    this.sendWindow -= message.length;
    for (let at = 0; at < message.length; at += maxFrame) {
      const isLast = at + maxFrame >= message.length;
      const flags = isLast && endStream ? flag.endStream : 0;
      this.put(frame(type.data, flags, id, message.subarray(at, at + maxFrame)));
    }
  }

  end(id: number): void {
    this.put(frame(type.data, flag.endStream, id, Buffer.alloc(0)));
  }

  close(): void {
    this.failed = undefined;
    this.socket.destroy();
  }

  private put(bytes: Buffer): void {
    this.output.push(bytes);
    if (this.isFlushing) return;
    this.isFlushing = true;
    queueMicrotask(() => this.flush());
  }

  private flush(): void {
    this.isFlushing = false;
    const output = this.output;
    this.output = [];
    this.socket.write(Buffer.concat(output));
  }

  private read(bytes: Buffer): void {
    const input = this.input.length === 0 ? bytes : Buffer.concat([this.input, bytes]);
    let at = 0;
    while (input.length - at >= frameHead) {
      const end = at + frameHead + input.readUIntBE(at, 3);
      if (input.length < end) break;
      this.take(
        input[at + 3] ?? 0,
        input[at + 4] ?? 0,
        input.readUInt32BE(at + 5),
        input.subarray(at + frameHead, end),
      );
      at = end;
    }
    this.input = input.subarray(at);
  }

  /** One frame (RFC 9113 6). Padding and priority are not sent by Node's server and not understood here. */
  private take(kind: number, flags: number, id: number, payload: Buffer): void {
    if (kind === type.data) {
      this.giveBack(payload.length);
      this.takeData(id, payload);
    }
    if (kind === type.data || kind === type.headers) {
      if ((flags & flag.endStream) === 0) return;
      const stream = this.streams.get(id);
      this.streams.delete(id);
      stream?.listener.end();
    } else if (kind === type.windowUpdate) {
      if (id === 0) this.sendWindow += payload.readUInt32BE(0);
      this.sendWaiting();
    } else if (kind === type.settings && (flags & flag.ack) === 0) {
      this.put(frame(type.settings, flag.ack, 0, Buffer.alloc(0)));
    } else if (kind === type.ping && (flags & flag.ack) === 0) {
      this.put(frame(type.ping, flag.ack, 0, Buffer.from(payload)));
    } else if (kind === type.reset || kind === type.goAway) {
      this.failed?.(new Error(`The server ended ${kind === type.reset ? "a call" : "the connection"}`));
    }
  }

  private takeData(id: number, payload: Buffer): void {
    const stream = this.streams.get(id);
    if (stream === undefined) return;
    let bytes = stream.partial === undefined ? payload : Buffer.concat([stream.partial, payload]);
    while (bytes.length >= 5) {
      const end = 5 + bytes.readUInt32BE(1);
      if (bytes.length < end) break;
      stream.listener.message(bytes.subarray(5, end));
      bytes = bytes.subarray(end);
    }
    stream.partial = bytes.length === 0 ? undefined : bytes;
  }

  private giveBack(size: number): void {
    this.received += size;
    if (this.received < window / 4) return;
    this.put(frame(type.windowUpdate, 0, 0, uint32(this.received)));
    this.received = 0;
  }

  private sendWaiting(): void {
    const waiting = this.waiting;
    this.waiting = [];
    for (const { id, frame: message, endStream } of waiting) this.send(id, message, endStream);
  }
}

/** Not compressed, and its length (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md). */
export function grpcMessage(bytes: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

function frame(kind: number, flags: number, id: number, payload: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(frameHead + payload.length);
  bytes.writeUIntBE(payload.length, 0, 3);
  bytes[3] = kind;
  bytes[4] = flags;
  bytes.writeUInt32BE(id, 5);
  payload.copy(bytes, frameHead);
  return bytes;
}

function settings(...pairs: readonly (readonly [number, number])[]): Buffer {
  const bytes = Buffer.alloc(6 * pairs.length);
  for (const [index, [name, value]] of pairs.entries()) {
    bytes.writeUInt16BE(name, 6 * index);
    bytes.writeUInt32BE(value, 6 * index + 2);
  }
  return bytes;
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** Literal header fields without indexing (RFC 7541 6.2.2), so that a block can be sent any number of times. */
function headerBlock(authority: string, scheme: string, path: string): Buffer {
  const fields = [
    [":method", "POST"],
    [":scheme", scheme],
    [":path", path],
    [":authority", authority],
    ["te", "trailers"],
    ["content-type", "application/grpc"],
    ["user-agent", "nscp-bench"],
  ];
  return Buffer.concat(fields.flatMap((field) => [Buffer.from([0]), ...field.map(literal)]));
}

/** All of our texts are shorter than the 127 bytes from which on lengths need more than one byte. */
function literal(text: string): Buffer {
  if (text.length > 126) throw new Error(`Too long for a header: ${text}`);
  return Buffer.concat([Buffer.from([text.length]), Buffer.from(text)]);
}
