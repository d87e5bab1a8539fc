import type { IncomingMessage, ServerResponse } from "node:http";
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { HttpFront, HttpLimits, HttpService } from "../../front-end/http-front.js";
import { errorText } from "../../kernel/errors.js";
import type { Logger } from "../../kernel/log.js";
import { type Desk, failed, type Reply } from "./desk.js";
import { type NrdpRequest, readRequest } from "./request.js";

/** What answers requests; read anew for each, so that a reload changes it at once. */
export interface NrdpRules {
  readonly desk: Desk;
  /** Normalised by {@link normalPath}. */
  readonly paths: ReadonlySet<string>;
}

/** HTTP as NRDP uses it: one kind of request, at a few paths, with GET and POST. */
export class NrdpService implements HttpService {
  private front: HttpFront | undefined;

  constructor(
    readonly limits: HttpLimits,
    private readonly rules: () => NrdpRules,
    private readonly log: Logger,
  ) {}

  routes(app: FastifyInstance, front: HttpFront): void {
    this.front = front;
    app.addHook("onRequest", async (request, reply) => this.look(request, reply));
    app.route({ method: ["GET", "POST"], url: "*", handler: (request, reply) => this.handle(request, reply) });
    app.setNotFoundHandler((_request, reply) => respond(reply, plain(405, "Only GET and POST are served here.\n")));
  }

  refuse(_request: IncomingMessage, response: ServerResponse, reason: string): void {
    const { status, type, body } = failed(withoutWishes, 503, reason);
    const headers = { "content-type": type, "content-length": Buffer.byteLength(body), connection: "close" };
    response.writeHead(status, headers).end(body);
  }

  fail(error: FastifyError, reply: FastifyReply): void {
    respond(reply, this.httpFailure(error));
  }

  /** Refuses a request for another path before its body is read. */
  private look(request: FastifyRequest, reply: FastifyReply): FastifyReply | undefined {
    if (this.rules().paths.has(normalPath(request.raw.url ?? ""))) return undefined;
    return respond(reply.header("connection", "close"), plain(404, "Nothing is served at this path.\n"));
  }

  private async handle(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const contentType = request.headers["content-type"] ?? "";
    if (/^\s*multipart\//i.test(contentType)) {
      return respond(reply, failed(withoutWishes, 415, "The form has to be application/x-www-form-urlencoded."));
    }
    const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    const peer = this.front?.guestOf(request.raw).address ?? "unknown";
    const read = readRequest(request.raw.url ?? "", body);
    return respond(reply, await this.rules().desk.answer(read, peer));
  }

  private httpFailure(error: FastifyError): Reply {
    const status = error.statusCode ?? 500;
    if (status >= 500) this.log.error(`A request failed: ${errorText(error)}`, { error });
    const text = status === 413 ? `The request is larger than ${this.limits.bodyLimit} bytes.` : errorText(error);
    return failed(withoutWishes, status, status >= 500 ? "The request failed inside the gateway." : text);
  }
}

function respond(reply: FastifyReply, { status, type, body }: Reply): FastifyReply {
  // As bytes: to a text the framework would add a charset, which senders don't expect.
  return reply.code(status).header("content-type", type).send(Buffer.from(body));
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
