import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { onTestFinished } from "vitest";

export interface CarbonOptions {
  /** Speaks TLS with this pair. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** What it does with a connection; it reads to the end and closes unless given. */
  readonly serve?: (socket: Socket) => void;
}

/** A receiver of Graphite's plaintext protocol. */
export interface Carbon {
  readonly port: number;
  /** What came over each connection, once it has ended. */
  readonly received: string[];
  /** Resolves when so many connections have ended. */
  ended(count: number): Promise<void>;
}

export async function startCarbon({ tls, serve }: CarbonOptions = {}): Promise<Carbon> {
  const received: string[] = [];
  const sockets = new Set<Socket>();
  const onConnection = (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    if (serve !== undefined) return serve(socket);
    let text = "";
    socket.setEncoding("utf8").on("data", (part: string) => {
      text += part;
    });
    socket.once("end", () => {
      received.push(text);
      server.emit("received");
    });
  };
  const server: Server = tls === undefined ? createServer(onConnection) : createTlsServer(tls, onConnection);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    received,
    async ended(count) {
      while (received.length < count) await once(server, "received");
    },
  };
}
