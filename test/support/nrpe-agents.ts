import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { encodeNrpeResponse, type NrpePacket, type NrpeVersion } from "../../src/wire/nrpe/packet.js";
import { NrpeReader } from "../../src/wire/nrpe/reader.js";

/** A query as it came to an agent. */
export interface AskedQuery {
  /** The address of the agent: every address of the loopback network is one of its own. */
  readonly agent: string;
  readonly version: NrpeVersion;
  readonly text: string;
}

/** What an agent does with a query. */
export type Behaviour =
  | { readonly result: number; readonly text: string }
  /** Closes the connection. */
  | "close"
  /** Says nothing, and keeps the connection open. */
  | "hang"
  /** Sends these bytes. */
  | { readonly bytes: Buffer };

/** Agents without TLS at all addresses 127.x.y.z of one port; what they answer is up to the test. */
export class NrpeAgents {
  readonly asked: AskedQuery[] = [];
  /** Connections that are open at this moment. */
  open = 0;
  /** How many queries were at work at the same time at most. */
  most = 0;
  private busy = 0;
  private readonly sockets = new Set<Socket>();
  private readonly listeners = new Set<() => void>();

  private constructor(
    private readonly server: Server,
    private readonly answer: (query: AskedQuery) => Behaviour | Promise<Behaviour>,
  ) {}

  static async start(answer: (query: AskedQuery) => Behaviour | Promise<Behaviour>): Promise<NrpeAgents> {
    const server = createServer({ noDelay: true });
    const agents = new NrpeAgents(server, answer);
    server.on("connection", (socket) => agents.serve(socket));
    server.listen(0, "0.0.0.0", 4096);
    await once(server, "listening");
    return agents;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** Resolves when so many queries have come. */
  async until(count: number): Promise<void> {
    while (this.asked.length < count) await new Promise<void>((resolve) => this.listeners.add(resolve));
  }

  /** Resolves when no more than so many connections are open. */
  async idle(rest = 0): Promise<void> {
    while (this.open > rest) await new Promise<void>((resolve) => this.listeners.add(resolve));
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
    await once(this.server, "close");
  }

  private serve(socket: Socket): void {
    this.sockets.add(socket);
    this.open++;
    const agent = socket.localAddress ?? "";
    const reader = new NrpeReader("query");
    socket.on("error", () => {});
    socket.on("close", () => {
      this.sockets.delete(socket);
      this.open--;
      this.wake();
    });
    socket.on("data", (chunk: Buffer) => {
      reader.push(chunk);
      const packet = reader.next();
      if (packet !== undefined) void this.react(socket, agent, packet);
    });
  }

  private async react(socket: Socket, agent: string, { version, text }: NrpePacket): Promise<void> {
    const query = { agent, version, text: text.toString() };
    this.asked.push(query);
    this.wake();
    this.most = Math.max(this.most, ++this.busy);
    const behaviour = await this.answer(query);
    this.busy--;
    if (behaviour === "hang") return;
    if (behaviour === "close") socket.end();
    else if ("bytes" in behaviour) socket.end(behaviour.bytes);
    else socket.end(encodeNrpeResponse(behaviour, { version }));
  }

  private wake(): void {
    const waiting = [...this.listeners];
    this.listeners.clear();
    for (const resolve of waiting) resolve();
  }
}
