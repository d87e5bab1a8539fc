import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { type FastifyError, type FastifyInstance, type FastifyReply, fastify } from "fastify";
import { GatewayError } from "../kernel/errors.js";
import type { PeerLog } from "./peer-log.js";
import { type Seat, Seats } from "./seats.js";

/** What a server of HTTP bears; times in milliseconds, sizes in bytes. */
export interface HttpLimits {
  readonly bodyLimit: number;
  /** Of the request line and all headers. */
  readonly maxHeaderSize: number;
  /** Requests that are under way at once. */
  readonly maxRequests: number;
  /** Until the headers are there, if that is shorter than `timeout`. */
  readonly handshakeTimeout: number;
  /** Until a request is there, and until its answer was taken. */
  readonly timeout: number;
  /** How long a connection without a request stays open. */
  readonly connectionIdle: number;
}

/** Who stands behind a connection. */
export interface Guest {
  /** Without its port. A socket that is closed does not know it any more, while its request is still at work. */
  readonly address: string;
  /** Of the connection; it is kept as soon as there was a whole request. */
  readonly seat: Seat;
}

/** What a front end does with requests; the server around them is the same for all. */
export interface HttpService<G extends Guest = Guest> {
  readonly limits: HttpLimits;
  /** Longest part of a path that a route names. */
  readonly maxParamLength?: number;
  /** Tells the framework of its routes. */
  routes(app: FastifyInstance, front: HttpFront<G>): void;
  /** Sees every request before it is routed, and may answer it itself. @returns whether it is to be routed */
  meet?(request: IncomingMessage, response: ServerResponse): boolean;
  /** Answers 503: there are too many requests, or the gateway ends. The connection is closed after it. */
  refuse(request: IncomingMessage, response: ServerResponse, reason: string): void;
  /** Answers what the framework could not read: a broken URL, a body that is too large. */
  fail(error: FastifyError, reply: FastifyReply): void;
}

/** A connection that is open. */
interface Visit<G extends Guest> {
  readonly guest: G;
  /** What ends its answers: those that wait behind another one are not told that it was closed. */
  readonly endings: Set<() => void>;
}

/** The shortest request, `GET / HTTP/1.0` with its two line ends, has 18 bytes. */
export const http1 = { alpn: ["http/1.1"], firstBytes: 18, silence: "no request began" };

/** How often requests and answers that take too long are looked for. */
const checkIntervalMs = 1000;

/**
 * HTTP/1 on connections that a listener has let in; it listens nowhere itself. Slow senders, slow readers and too many
 * requests are dealt with here, routes are the service's.
 */
export class HttpFront<G extends Guest = Guest> {
  readonly app: FastifyInstance;
  private readonly server: Server;
  private readonly visits = new WeakMap<Socket, Visit<G>>();
  private readonly underWay = new Set<ServerResponse>();
  /** Requests whose bodies are on their way make way for others when there are too many. */
  private readonly seats: Seats;
  private readonly seatOf = new WeakMap<IncomingMessage, Seat>();
  /** Answers that have been written for a while and are not taken: since which look. */
  private slow = new Set<ServerResponse>();
  private readonly sweeper: NodeJS.Timeout;
  private isClosing = false;
  private idle: (() => void) | undefined;

  private constructor(
    private readonly service: HttpService<G>,
    peers: PeerLog,
  ) {
    const { limits, maxParamLength = 1024 } = service;
    this.seats = new Seats(() => this.seatLimits(), peers, "request");
    let server: Server | undefined;
    this.app = fastify({
      serverFactory: (handler) => {
        server = this.createServer(handler);
        return server;
      },
      bodyLimit: limits.bodyLimit,
      exposeHeadRoutes: false,
      // Parameters are read by the rules of each service.
      routerOptions: { querystringParser: () => ({}), ignoreTrailingSlash: true, maxParamLength },
      frameworkErrors: (error, _request, reply) => service.fail(error, reply),
      clientErrorHandler: (error, socket) => this.answerBroken(error, socket),
    });
    if (server === undefined) throw new GatewayError("INTERNAL", "The HTTP server was not made.");
    this.server = server;
    this.app.removeAllContentTypeParsers();
    this.app.addContentTypeParser("*", { parseAs: "buffer" }, (request, body, done) => {
      this.keepSeats(request.raw);
      done(null, body);
    });
    this.app.setErrorHandler((error: FastifyError, _request, reply) => service.fail(error, reply));
    service.routes(this.app, this);
    this.sweeper = setInterval(() => this.dropSlowReaders(), limits.timeout).unref();
  }

  static async create<G extends Guest>(service: HttpService<G>, peers: PeerLog): Promise<HttpFront<G>> {
    const front = new HttpFront(service, peers);
    await front.app.ready();
    // A server that listens begins to watch over slow requests; this one is never asked to listen.
    front.server.emit("listening");
    return front;
  }

  /** Requests that have no answer yet. */
  get requests(): number {
    return this.underWay.size;
  }

  /** Serves a connection that was let in, after TLS. */
  serve(socket: Socket, guest: G): void {
    if (this.isClosing || socket.destroyed) {
      socket.destroy();
      return;
    }
    const endings = new Set<() => void>();
    this.visits.set(socket, { guest, endings });
    socket.once("close", () => {
      for (const end of endings) end();
    });
    this.server.emit("connection", socket);
  }

  /** Who has made a request. */
  guestOf({ socket }: IncomingMessage): G {
    return this.visitOf(socket).guest;
  }

  /** This answer has no end and does not count any more; whoever sends it sees to it that there are not too many. */
  leaveOut(response: ServerResponse): void {
    this.leave(response);
  }

  /**
   * Runs once: when the answer was taken, or its connection is closed. An answer that waits behind others of its connection
   * would not say so itself.
   */
  whenOver(response: ServerResponse, over: () => void): void {
    const { socket } = response.req;
    if (socket.destroyed) {
      over();
      return;
    }
    const { endings } = this.visitOf(socket);
    const end = () => {
      if (endings.delete(end)) over();
    };
    endings.add(end);
    response.on("close", end);
  }

  /** Refuses what comes from now on, waits so long for what is under way, then cuts off what is left. */
  async close(graceMs: number): Promise<void> {
    this.isClosing = true;
    this.server.closeIdleConnections();
    if (this.underWay.size > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, graceMs);
        this.idle = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    clearInterval(this.sweeper);
    this.server.closeAllConnections();
    // Ends the watch over slow requests; that it never listened is no news.
    this.server.close(() => {});
    await this.app.close();
  }

  private createServer(handler: RequestListener): Server {
    const { maxHeaderSize, handshakeTimeout, timeout, connectionIdle } = this.service.limits;
    return createServer(
      {
        maxHeaderSize,
        headersTimeout: Math.min(handshakeTimeout, timeout),
        requestTimeout: timeout,
        keepAliveTimeout: connectionIdle,
        connectionsCheckingInterval: checkIntervalMs,
      },
      (request, response) => this.receive(request, response, handler),
    );
  }

  private visitOf(socket: Socket): Visit<G> {
    const visit = this.visits.get(socket);
    if (visit === undefined)
      throw new GatewayError("INTERNAL", "A request came over a connection that was not let in.");
    return visit;
  }

  /** Counts the request, and refuses it before its body is read when there are too many. */
  private receive(request: IncomingMessage, response: ServerResponse, handler: RequestListener): void {
    const isSeated = this.isSeated(request, response);
    this.underWay.add(response);
    this.whenOver(response, () => this.leave(response));
    if (this.isClosing) this.service.refuse(request, response, "The gateway is shutting down.");
    else if (!isSeated) this.service.refuse(request, response, "Too many requests are under way.");
    else if (this.service.meet?.(request, response) !== false) handler(request, response);
  }

  private isSeated(request: IncomingMessage, response: ServerResponse): boolean {
    const { "content-length": length, "transfer-encoding": coding } = request.headers;
    const isWhole = coding === undefined && (length === undefined || length === "0");
    if (isWhole) this.keepSeats(request);
    if (isWhole && this.underWay.size < this.service.limits.maxRequests) return true;
    const { socket } = request;
    const seat = this.seats.take(this.guestOf(request).address, () => socket.destroy());
    if (seat === undefined) return false;
    if (isWhole) seat.keep();
    else this.seatOf.set(request, seat);
    this.whenOver(response, () => seat.leave());
    return true;
  }

  /** Those without a seat are whole, and leave so many for the others. */
  private seatLimits() {
    const seatless = this.underWay.size - this.seats.count;
    const total = Math.max(0, this.service.limits.maxRequests - seatless);
    return { total, perPeer: total };
  }

  /** A whole request has come. */
  private keepSeats(request: IncomingMessage): void {
    this.guestOf(request).seat.keep();
    this.seatOf.get(request)?.keep();
  }

  private leave(response: ServerResponse): void {
    this.underWay.delete(response);
    this.slow.delete(response);
    if (this.underWay.size === 0) this.idle?.();
  }

  /** An answer that waits for its reader since the last look holds memory and a place among the requests. */
  private dropSlowReaders(): void {
    const ended = [...this.underWay].filter((response) => response.writableEnded);
    for (const response of ended) if (this.slow.has(response)) response.destroy();
    this.slow = new Set(ended.filter((response) => !response.destroyed));
  }

  /** What is no HTTP, and requests that did not come in time. */
  private answerBroken(error: NodeJS.ErrnoException, socket: Socket): void {
    const isAnswering = [...this.underWay].some((response) => response.socket === socket && response.headersSent);
    if (socket.destroyed || !socket.writable || isAnswering || error.code === "ECONNRESET") {
      socket.destroy();
      return;
    }
    const [status, text] = brokenRequests[error.code ?? ""] ?? ["400 Bad Request", "This is no HTTP request."];
    const head = `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: ${text.length}`;
    socket.end(`${head}\r\n\r\n${text}`, () => socket.destroy());
  }
}

const brokenRequests: Readonly<Record<string, readonly [string, string]>> = {
  HPE_HEADER_OVERFLOW: ["431 Request Header Fields Too Large", "The headers are too large."],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: ["413 Payload Too Large", "The chunk extensions are too large."],
  ERR_HTTP_REQUEST_TIMEOUT: ["408 Request Timeout", "The request did not come in time."],
};
