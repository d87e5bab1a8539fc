import { createServer, type RequestListener, type Server } from "node:http";
import type { Socket } from "node:net";
import { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from "fastify";
import type { PeerLog } from "../../front-end/peer-log.js";
import { type Seat, Seats } from "../../front-end/seats.js";
import { addressOf } from "../../front-end/tcp-listener.js";
import { errorText, GatewayError } from "../../kernel/errors.js";
import type { Logger } from "../../kernel/log.js";
import { type Desk, failed, type Reply } from "./desk.js";
import { type NrdpRequest, readRequest } from "./request.js";
import type { ServerSettings } from "./settings.js";

export type HttpLimits = Pick<
  ServerSettings,
  "bodyLimit" | "maxHeaderSize" | "maxRequests" | "handshakeTimeout" | "timeout" | "connectionIdle"
>;

/** What answers requests; read anew for each, so that a reload changes it at once. */
export interface HttpService {
  readonly desk: Desk;
  /** Normalised by {@link normalPath}. */
  readonly paths: ReadonlySet<string>;
}

export interface HttpLogs {
  readonly log: Logger;
  readonly peers: PeerLog;
}

/** Who stands behind a connection. */
interface Guest {
  readonly address: string;
  readonly seat: Seat;
}

/** How often requests that take too long are looked for. */
const checkIntervalMs = 1000;

/**
 * HTTP as NRDP uses it: one kind of request, at a few paths, with GET and POST. It listens nowhere itself: connections are
 * handed to it when the listener has let them in.
 */
export class HttpFront {
  private readonly app: FastifyInstance;
  private readonly server: Server;
  /** A socket that is closed does not know its peer any more, while its request is still at work. */
  private readonly guests = new WeakMap<Socket, Guest>();
  /** Requests that are under way, from their heads on. */
  private readonly seats: Seats;
  private readonly seatOf = new WeakMap<FastifyRequest, Seat>();
  private isClosing = false;
  private idle: (() => void) | undefined;

  private constructor(
    private readonly limits: HttpLimits,
    private readonly service: () => HttpService,
    private readonly logs: HttpLogs,
  ) {
    this.seats = new Seats(() => ({ total: limits.maxRequests, perPeer: limits.maxRequests }), logs.peers, "request");
    let server: Server | undefined;
    this.app = fastify({
      serverFactory: (handler) => {
        server = this.createServer(handler);
        return server;
      },
      bodyLimit: limits.bodyLimit,
      exposeHeadRoutes: false,
      // The parameters are read by NRDP's own rules.
      routerOptions: { querystringParser: () => ({}) },
      frameworkErrors: (error, _request, reply) => this.respond(reply, this.httpFailure(error)),
    });
    if (server === undefined) throw new GatewayError("INTERNAL", "The HTTP server was not made.");
    this.server = server;
    this.routes();
  }

  static async create(limits: HttpLimits, service: () => HttpService, logs: HttpLogs): Promise<HttpFront> {
    const front = new HttpFront(limits, service, logs);
    await front.app.ready();
    // A server that listens begins to watch over slow requests; this one is never asked to listen.
    front.server.emit("listening");
    return front;
  }

  /** Serves a connection that was let in, after TLS. */
  serve(socket: Socket, seat: Seat): void {
    const address = addressOf(socket);
    if (this.isClosing || address === "") {
      socket.destroy();
      return;
    }
    this.guests.set(socket, { address, seat });
    this.server.emit("connection", socket);
  }

  /** Refuses what comes from now on, waits so long for what is under way, then cuts off what is left. */
  async close(graceMs: number): Promise<void> {
    this.isClosing = true;
    this.server.closeIdleConnections();
    if (this.seats.count > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, graceMs);
        this.idle = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.server.closeAllConnections();
    // Ends the watch over slow requests; that it never listened is no news.
    this.server.close(() => {});
    await this.app.close();
  }

  private createServer(handler: RequestListener): Server {
    const { maxHeaderSize, handshakeTimeout, timeout, connectionIdle } = this.limits;
    return createServer(
      {
        maxHeaderSize,
        headersTimeout: Math.min(handshakeTimeout, timeout),
        requestTimeout: timeout,
        keepAliveTimeout: connectionIdle,
        connectionsCheckingInterval: checkIntervalMs,
      },
      handler,
    );
  }

  private routes(): void {
    const { app } = this;
    app.removeAllContentTypeParsers();
    app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
    app.addHook("onRequest", async (request, reply) => this.meet(request, reply));
    app.route({ method: ["GET", "POST"], url: "*", handler: (request, reply) => this.handle(request, reply) });
    app.setNotFoundHandler((_request, reply) =>
      this.respond(reply, plain(405, "Only GET and POST are served here.\n")),
    );
    app.setErrorHandler((error: FastifyError, _request, reply) => this.respond(reply, this.httpFailure(error)));
  }

  /** Gives the request a seat before its body is read: one that arrives slowly makes way when there are too many. */
  private meet(request: FastifyRequest, reply: FastifyReply): FastifyReply | undefined {
    const { socket } = request.raw;
    const seat = this.seats.take(this.addressOf(request), () => socket.destroy());
    if (seat === undefined) return this.refuse(reply, "Too many requests are under way.");
    this.seatOf.set(request, seat);
    reply.raw.once("close", () => {
      seat.leave();
      if (this.seats.count === 0) this.idle?.();
    });
    if (this.isClosing) return this.refuse(reply, "The gateway is shutting down.");
    if (!this.service().paths.has(normalPath(request.raw.url ?? ""))) {
      return this.respond(reply.header("connection", "close"), plain(404, "Nothing is served at this path.\n"));
    }
    return undefined;
  }

  private refuse(reply: FastifyReply, reason: string): FastifyReply {
    return this.respond(reply.header("connection", "close"), failed(withoutWishes, 503, reason));
  }

  private async handle(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    this.seatOf.get(request)?.keep();
    this.guests.get(request.raw.socket)?.seat.keep();
    const contentType = request.headers["content-type"] ?? "";
    if (/^\s*multipart\//i.test(contentType)) {
      return this.respond(reply, failed(withoutWishes, 415, "The form has to be application/x-www-form-urlencoded."));
    }
    const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    const read = readRequest(request.raw.url ?? "", body);
    return this.respond(reply, await this.service().desk.answer(read, this.addressOf(request)));
  }

  private addressOf({ raw }: FastifyRequest): string {
    return this.guests.get(raw.socket)?.address ?? "unknown";
  }

  private respond(reply: FastifyReply, { status, type, body }: Reply): FastifyReply {
    // As bytes: to a text the framework would add a charset, which senders don't expect.
    return reply.code(status).header("content-type", type).send(Buffer.from(body));
  }

  private httpFailure(error: FastifyError): Reply {
    const status = error.statusCode ?? 500;
    if (status >= 500) this.logs.log.error(`A request failed: ${errorText(error)}`, { error });
    const text = status === 413 ? `The request is larger than ${this.limits.bodyLimit} bytes.` : errorText(error);
    return failed(withoutWishes, status, status >= 500 ? "The request failed inside the gateway." : text);
  }
}

/** How somebody is answered whose request was not read. */
const withoutWishes: NrdpRequest = readRequest("", Buffer.alloc(0));

/** A path without query, without doubled slashes and without one at its end: `send_nrdp.sh` adds one to any URL. */
export function normalPath(url: string): string {
  const path = url.replace(/[?#].*$/s, "").replace(/\/{2,}/g, "/");
  return path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path;
}

function plain(status: number, body: string): Reply {
  return { status, type: "text/plain;charset=UTF-8", body };
}
