import { once } from "node:events";
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Server, Socket } from "node:net";
import { createServer as createTlsServer, type TLSSocket } from "node:tls";
import { parseNagiosCommand } from "../../src/wire/nagios-command.js";
import { processedText, writeAnswer } from "../../src/wire/nrdp/answer.js";
import { NrdpForm } from "../../src/wire/nrdp/form.js";
import { parseXmlDocument } from "../../src/wire/nrdp/xml-document.js";
import { freePort } from "../support/free-port.js";

/** A receiver of passive results that writes down what it takes before it says so, and can go away at any moment. */
export abstract class Receiver {
  /** The services of the results, in the order in which they were taken; those that came twice are there twice. */
  readonly taken: string[] = [];
  /** How often it went away while somebody was connected. */
  interruptions = 0;
  port = 0;
  private readonly connections = new Set<Socket>();
  private readonly waiting = new Set<() => void>();
  private server: Server | undefined;

  protected abstract listen(): Server;

  /** Writes down what came. */
  protected take(...services: readonly string[]): void {
    this.taken.push(...services);
    for (const look of [...this.waiting]) look();
  }

  /** Resolves when so many results were taken. */
  has(count: number): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (this.taken.length < count) return;
        this.waiting.delete(look);
        resolve();
      };
      this.waiting.add(look);
      look();
    });
  }

  /** Listens, on the same port each time. */
  async come(): Promise<void> {
    if (this.server !== undefined) return;
    const server = this.listen();
    this.server = server;
    server.on("connection", (socket) => {
      this.connections.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => this.connections.delete(socket));
    });
    if (this.port === 0) this.port = await freePort();
    server.listen(this.port, "127.0.0.1");
    await once(server, "listening");
  }

  /** Ends every connection in the middle of whatever it does, and listens no more. */
  async go(): Promise<void> {
    const { server } = this;
    if (server === undefined) return;
    this.server = undefined;
    if (this.connections.size > 0) this.interruptions++;
    const closed = once(server, "close");
    server.close();
    for (const socket of this.connections) socket.destroy();
    await closed;
  }
}

/** NRDP over HTTP. */
export class NrdpReceiver extends Receiver {
  protected listen(): Server {
    return createHttpServer((request, response) => {
      this.answer(request, response).catch(() => response.destroy());
    });
  }

  /** Takes what it is sent, writes it down and says so. */
  protected async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body: Buffer[] = [];
    for await (const part of request) body.push(part as Buffer);
    const form = new NrdpForm(new Set(["XMLDATA", "token", "cmd"]));
    form.read(Buffer.concat(body));
    const read = parseXmlDocument(form.bytes("XMLDATA") ?? Buffer.alloc(0));
    if (!("results" in read)) throw new Error(read.problem);
    this.take(...read.results.map(({ servicename }) => servicename));
    response.end(writeAnswer({ status: 0, message: "OK", output: processedText(read.results.length) }, "xml"));
  }
}

/** NSCA-ng over TLS with a pre-shared key. */
export class NscaNgReceiver extends Receiver {
  constructor(private readonly password: string) {
    super();
  }

  protected listen(): Server {
    const server = createTlsServer({ pskCallback: () => Buffer.from(this.password), ciphers: "PSK" }, (socket) =>
      this.converse(socket),
    );
    server.on("tlsClientError", () => {});
    return server;
  }

  private converse(socket: TLSSocket): void {
    let input = Buffer.alloc(0);
    let awaited = 0;
    socket.on("error", () => {});
    socket.on("data", (bytes: Buffer) => {
      input = Buffer.concat([input, bytes]);
      for (;;) {
        if (awaited > 0) {
          if (input.length < awaited) return;
          const command = parseNagiosCommand(input.subarray(0, awaited).toString());
          input = input.subarray(awaited);
          awaited = 0;
          if (command === undefined) return void socket.destroy(new Error("That is no result"));
          this.take(command.service);
          socket.write("OKAY\r\n");
          continue;
        }
        const end = input.indexOf("\n");
        if (end < 0) return;
        const [word = "", argument = ""] = input.subarray(0, end).toString().trim().split(" ");
        input = input.subarray(end + 1);
        if (word === "MOIN") socket.write("MOIN 1\r\n");
        else if (word === "PUSH") {
          awaited = Number(argument);
          socket.write("OKAY\r\n");
        } else if (word === "QUIT") socket.end("OKAY\r\n");
        else return void socket.destroy(new Error(`An unexpected ${word}`));
      }
    });
  }
}
