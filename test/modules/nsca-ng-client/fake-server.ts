import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { createServer as createTlsServer, type TlsOptions } from "node:tls";
import { onTestFinished } from "vitest";

export const identity = "gateway.example";
export const password = "s3cret ü";

/** What a server answers to a line or to the data of a PUSH; nothing: it is silent. `hang up`: it ends the connection. */
type Answer = string | undefined;

/** How the server behaves. */
interface Behaviour {
  /** Called for each line, and for the data behind a PUSH that was answered with OKAY. */
  answer(received: string, count: number): Answer;
  /** Instead of the password. */
  tls?: TlsOptions;
}

/** An NSCA-ng server of the test's own making, which reads as strictly as the real one: one request at a time. */
export class FakeServer {
  /** Lines and data as they came. */
  readonly received: string[] = [];
  connections = 0;
  private readonly sockets = new Set<Socket>();
  private listeners: (() => void)[] = [];

  private constructor(readonly port: number) {}

  static async start(behaviour: Behaviour): Promise<FakeServer> {
    const tls = createTlsServer({
      ciphers: "PSK",
      pskCallback: (_socket, name) => (name === identity ? Buffer.from(password) : null),
      ...behaviour.tls,
    });
    tls.on("tlsClientError", () => {});
    const server = await FakeServer.listen(tls);
    tls.on("secureConnection", (socket) => server.serve(socket, behaviour));
    return server;
  }

  /** A server that takes connections and never says a word. */
  static async silent(): Promise<FakeServer> {
    const tcp = createServer();
    const server = await FakeServer.listen(tcp);
    tcp.on("connection", (socket) => socket.on("data", () => server.note("bytes")));
    return server;
  }

  /** Resolves when so much was received. */
  async until(count: number): Promise<void> {
    while (this.received.length < count) await new Promise<void>((resolve) => this.listeners.push(resolve));
  }

  private static async listen(listener: ReturnType<typeof createServer>): Promise<FakeServer> {
    listener.listen(0, "127.0.0.1");
    await once(listener, "listening");
    const server = new FakeServer((listener.address() as AddressInfo).port);
    listener.on("connection", (socket: Socket) => {
      server.connections++;
      server.sockets.add(socket);
      socket.on("error", () => {});
    });
    onTestFinished(() => {
      for (const socket of server.sockets) socket.destroy();
      listener.close();
    });
    return server;
  }

  private serve(socket: Socket, { answer }: Behaviour): void {
    let buffer = Buffer.alloc(0);
    let dataLength = 0;
    let count = 0;
    socket.on("error", () => {});
    socket.on("data", (bytes: Buffer) => {
      buffer = Buffer.concat([buffer, bytes]);
      for (;;) {
        const end = dataLength > 0 ? dataLength : buffer.indexOf("\r\n") + 2;
        if (end < 2 || buffer.length < end) return;
        const request = buffer.toString("utf8", 0, end);
        buffer = buffer.subarray(end);
        const answered = answer(request.trimEnd(), count++);
        const isPush = dataLength === 0 && request.startsWith("PUSH ");
        dataLength = isPush && answered === "OKAY\r\n" ? Number(request.slice(5)) : 0;
        this.note(request);
        if (answered === "hang up") socket.end();
        else if (answered !== undefined) socket.write(answered);
        if (request === "QUIT\r\n" && answered !== undefined) socket.end();
      }
    });
  }

  private note(what: string): void {
    this.received.push(what);
    for (const listener of this.listeners.splice(0)) listener();
  }
}

/** How the real server answers when all is well. */
export function willing(request: string): string {
  return request.startsWith("MOIN") ? "MOIN 1\r\n" : "OKAY\r\n";
}
