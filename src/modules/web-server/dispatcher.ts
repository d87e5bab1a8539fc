import type { IncomingMessage, ServerResponse } from "node:http";
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { AuditTrail } from "../../front-end/audit-trail.js";
import type { HttpFront, HttpLimits, HttpService } from "../../front-end/http-front.js";
import { errorText, GatewayError } from "../../kernel/errors.js";
import type { Logger } from "../../kernel/log.js";
import type { Principal } from "../../kernel/principal.js";
import { showsCredentials } from "./door.js";
import type { Figures } from "./figures.js";
import { ConditionalChanges, taggedReply } from "./http/entity-tags.js";
import { failureReply } from "./http/failure-reply.js";
import { HttpError } from "./http/http-error.js";
import { IncomingRequest, type RequestContext } from "./http/incoming-request.js";
import type { Peer } from "./http/peer.js";
import { isCrossSite, methodOf, normalTarget, servedMethods, settleHost } from "./http/request-line.js";
import { sendReply } from "./http/send-reply.js";
import { OpenStreams } from "./http/send-stream.js";
import type { GrantedRoute, OpenRoute, Route, WebReply } from "./route.js";
import { allowOf, methodsOf, RouteMatcher } from "./route-matcher.js";

export interface DispatcherParts extends RequestContext {
  readonly log: Logger;
  readonly limits: HttpLimits;
  readonly routes: readonly Route[];
  readonly figures: Figures;
}

/** The path of the route that is asked for what no other route has. */
export const pagesPath = "/*";

/**
 * Between the socket and the handlers: routes a request, finds out who asks, checks the grants, runs the handler, writes down
 * what was done and sends the reply. What can be answered without waiting goes through without a promise.
 */
export class Dispatcher implements HttpService<Peer> {
  readonly limits: HttpLimits;
  readonly streams: OpenStreams;
  private readonly matcher: RouteMatcher;
  private readonly pages: OpenRoute | undefined;
  private readonly trail: AuditTrail;
  private readonly changes = new ConditionalChanges();
  private front: HttpFront<Peer> | undefined;

  constructor(private readonly parts: DispatcherParts) {
    this.limits = parts.limits;
    this.trail = new AuditTrail(parts.security.audit);
    this.pages = parts.routes.find((route): route is OpenRoute => route.path === pagesPath && route.access === "open");
    this.matcher = new RouteMatcher(parts.routes.filter((route) => route.path !== pagesPath));
    this.streams = new OpenStreams(() => parts.rules().settings.maxStreams);
  }

  routes(app: FastifyInstance, front: HttpFront<Peer>): void {
    this.front = front;
    for (const route of this.parts.routes) {
      if (route.path === pagesPath) continue;
      const handler = (request: FastifyRequest, reply: FastifyReply) => {
        reply.hijack();
        const incoming = this.incoming(request.raw, reply.raw, route.version);
        incoming.params = request.params as Record<string, string>;
        if (Buffer.isBuffer(request.body)) incoming.body = request.body;
        this.serve(route, incoming);
      };
      app.route({ method: methodsOf(route), url: route.path, handler });
    }
    app.setNotFoundHandler((request, reply) => {
      reply.hijack();
      this.serveUnrouted(request.raw, reply.raw);
    });
  }

  meet(request: IncomingMessage, response: ServerResponse): boolean {
    try {
      request.method = methodOf(request, this.parts.rules().settings.methodOverride);
      settleHost(request);
      request.url = normalTarget(request.url ?? "/");
      forgetBrokenType(request);
    } catch (thrown) {
      this.answerFailure(this.incoming(request, response), thrown);
      return false;
    }
    if (servedMethods.has(request.method)) return true;
    this.serveUnrouted(request, response);
    return false;
  }

  refuse(request: IncomingMessage, response: ServerResponse, reason: string): void {
    const headers = { "Retry-After": "1", Connection: "close" };
    this.answerFailure(this.incoming(request, response), new HttpError(503, reason, headers));
  }

  fail(error: FastifyError, reply: FastifyReply): void {
    reply.hijack();
    const incoming = this.incoming(reply.request.raw, reply.raw);
    const status = error.statusCode ?? 500;
    if (status === 413) {
      const text = `The body is larger than ${this.limits.bodyLimit} bytes.`;
      // What is not read of it would be taken for the next request.
      this.answerFailure(incoming, new HttpError(413, text, { Connection: "close" }));
    } else this.answerFailure(incoming, status < 500 ? new HttpError(status, brokenRequest) : error);
  }

  /** @param version of the route, when there is one; else it goes by the path */
  private incoming(request: IncomingMessage, response: ServerResponse, version?: Route["version"]): IncomingRequest {
    if (this.front === undefined) throw new GatewayError("INTERNAL", "A request came before there were routes.");
    const incoming = new IncomingRequest(this.parts, request, response, this.front.guestOf(request));
    incoming.version = version ?? versionOf(incoming.path);
    return incoming;
  }

  private serve(route: Route, request: IncomingRequest): void {
    try {
      if (route.access === "open") this.run(request, route, () => route.handle(request));
      else if (this.isForBrowser(route, request)) this.servePages(request);
      else this.identify(route, request);
    } catch (thrown) {
      this.answerStranger(request, thrown);
    }
  }

  private identify(route: GrantedRoute, request: IncomingRequest): void {
    const { security } = this.parts;
    const { credentials } = request;
    const known = security.recognise(credentials);
    if (known !== undefined) {
      this.enter(route, request, known);
      return;
    }
    security.authenticate(credentials).then(
      (principal) => this.enter(route, request, principal),
      (thrown: unknown) => this.answerStranger(request, thrown),
    );
  }

  /** Lets in who is known, as far as the grants of the route go. */
  private enter(route: GrantedRoute, request: IncomingRequest, principal: Principal): void {
    request.admit(principal);
    try {
      const missing = missingGrant(route, request, principal);
      if (missing !== undefined) throw new GatewayError("PERMISSION_DENIED", `It needs the grant ${missing}.`);
      if (route.audit !== undefined && isCrossSite(request)) {
        throw new GatewayError("PERMISSION_DENIED", "A page of another site has made the request.");
      }
      const { current } = route;
      if (current === undefined) this.run(request, route, () => route.handle(request));
      else this.run(request, route, () => this.changes.make(request, current, () => route.handle(request)));
    } catch (thrown) {
      this.answerCaller(route, request, thrown);
    }
  }

  private run(request: IncomingRequest, route: Route, handle: () => WebReply | Promise<WebReply>): void {
    let reply: WebReply | Promise<WebReply>;
    try {
      reply = handle();
    } catch (thrown) {
      this.answerRun(route, request, thrown);
      return;
    }
    if (!(reply instanceof Promise)) {
      this.finish(route, request, reply);
      return;
    }
    const { response } = request;
    this.front?.whenOver(response, () => {
      if (!response.writableFinished) request.abort();
    });
    reply.then(
      (answer) => this.finish(route, request, answer),
      (thrown: unknown) => this.answerRun(route, request, thrown),
    );
  }

  private finish(route: Route, request: IncomingRequest, reply: WebReply): void {
    if (route.access === "granted" && route.audit !== undefined) {
      if (reply.isCarriedOut ?? reply.status < 400) this.trail.done(route.audit, request, request.call, reply);
      else this.trail.failed(route.audit, request, request.call, refusalOf(reply));
    }
    const isTagged = route.access === "granted" && route.isTagged === true;
    this.send(request, isTagged ? taggedReply(request, reply) : reply);
  }

  private answerRun(route: Route, request: IncomingRequest, thrown: unknown): void {
    if (route.access === "granted") this.answerCaller(route, request, thrown);
    else this.answerStranger(request, thrown);
  }

  /** The request of a caller who is known has failed or was refused. */
  private answerCaller(route: GrantedRoute, request: IncomingRequest, thrown: unknown): void {
    const isDenied = thrown instanceof GatewayError && thrown.code === "PERMISSION_DENIED";
    if (route.audit !== undefined) this.trail.failed(route.audit, request, request.call, thrown);
    else if (isDenied)
      this.trail.failed(
        { action: grantsOf(route, request).join(" "), objects: () => [] },
        request,
        request.call,
        thrown,
      );
    this.answerFailure(request, thrown);
  }

  /** Somebody who is not known is refused; who has to wait is told for how long. */
  private answerStranger(request: IncomingRequest, thrown: unknown): void {
    const isRefused = thrown instanceof GatewayError && thrown.code === "UNAUTHENTICATED";
    const seconds = isRefused ? this.parts.security.blockedFor(request.peer) : 0;
    const reply = failureReply(thrown, request);
    this.logInternal(thrown, request);
    this.send(
      request,
      seconds === 0 ? reply : { ...reply, headers: { ...reply.headers, "Retry-After": `${seconds}` } },
    );
  }

  private answerFailure(request: IncomingRequest, thrown: unknown): void {
    this.logInternal(thrown, request);
    this.send(request, failureReply(thrown, request));
  }

  private logInternal(thrown: unknown, { traceId }: IncomingRequest): void {
    const isExpected = thrown instanceof HttpError || (thrown instanceof GatewayError && thrown.code !== "INTERNAL");
    if (!isExpected) this.parts.log.error(`A request failed: ${errorText(thrown)}`, { error: thrown, traceId });
  }

  private send(request: IncomingRequest, reply: WebReply): void {
    const { response } = request;
    request.finish();
    if (response.destroyed || response.headersSent) return;
    try {
      if (typeof reply.body === "string" || Buffer.isBuffer(reply.body)) sendReply(response, reply);
      else this.sendStream(response, reply);
      this.parts.figures.count(reply.status);
    } catch (thrown) {
      // Nothing of the answer is out, but the words of its status are set.
      response.statusMessage = "";
      const failure = thrown instanceof GatewayError ? thrown : new HttpError(400, unsendable);
      this.parts.log.debug(`An answer could not be sent: ${errorText(thrown)}`);
      sendReply(response, failureReply(failure, request));
    }
  }

  private sendStream(response: ServerResponse, reply: WebReply): void {
    const { front } = this;
    if (front === undefined) throw new GatewayError("UNAVAILABLE", "The gateway is shutting down.");
    this.streams.send(response, reply, (over) => front.whenOver(response, over));
    front.leaveOut(response);
  }

  private isForBrowser(route: GrantedRoute, { headers }: IncomingRequest): boolean {
    if (!route.isPageForBrowsers || showsCredentials(headers)) return false;
    return /^text\/html\b/i.test(headers.accept ?? "");
  }

  /** What no route takes: OPTIONS, the web pages, wrong methods and wrong paths. */
  private serveUnrouted(raw: IncomingMessage, response: ServerResponse): void {
    const request = this.incoming(raw, response);
    const there = this.matcher.at(request.path);
    if (raw.method === "OPTIONS" && (there.length > 0 || request.path === "*")) {
      this.send(request, { status: 204, headers: { Allow: allowOf(there) }, body: "" });
    } else if (there.length > 0) {
      const headers = { Allow: allowOf(there) };
      this.answerFailure(request, new HttpError(405, `${request.method} is not served here.`, headers));
    } else if (raw.method === "GET" || raw.method === "HEAD") this.servePages(request);
    else this.answerFailure(request, new HttpError(404, `Document not found: ${request.method} ${request.path}`));
  }

  private servePages(request: IncomingRequest): void {
    const { pages } = this;
    if (pages === undefined) this.answerFailure(request, new HttpError(404, `Document not found: ${request.path}`));
    else this.run(request, pages, () => pages.handle(request));
  }
}

/** A header of it came from the request. */
const unsendable = "The answer would hold a header that HTTP can't carry.";
const brokenRequest = "The request can't be read.";

/**
 * Bodies are what the route takes, whatever older clients call them; the framework would refuse what is no media type. From
 * version 3 on the type counts.
 */
function forgetBrokenType({ headers, url = "/" }: IncomingMessage): void {
  const type = headers["content-type"];
  if (type === undefined || /^[^\s/;]+\/[^\s/;]+\s*(?:;|$)/.test(type) || versionOf(url) === 3) return;
  delete headers["content-type"];
}

function grantsOf({ grants }: GrantedRoute, request: IncomingRequest): readonly string[] {
  return typeof grants === "function" ? grants(request) : grants;
}

/** The first grant of the route that the caller lacks. */
function missingGrant(route: GrantedRoute, request: IncomingRequest, { grants }: Principal): string | undefined {
  for (const grant of grantsOf(route, request)) if (!grants.allows(grant)) return grant;
  return undefined;
}

/** What the audit log holds of an answer that says by its status that it was not done. */
function refusalOf({ status, body }: WebReply): GatewayError {
  const text = typeof body === "string" ? body : `Status ${status}`;
  return new GatewayError(status === 403 ? "PERMISSION_DENIED" : "FAILED_PRECONDITION", text);
}

function versionOf(path: string): Route["version"] {
  const digit = /^\/api\/v([123])(?:\/|$)/.exec(path)?.[1];
  return digit === "1" ? 1 : digit === "2" ? 2 : digit === "3" ? 3 : 0;
}
