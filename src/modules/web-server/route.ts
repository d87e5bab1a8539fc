/**
 * What the web server serves is a table of routes: dispatch, grants, the audit, the OpenAPI document and the table of who
 * may do what are all made from it.
 *
 * A handler knows nothing of sockets and of the framework: it gets a request and gives a reply.
 */
import type { IncomingHttpHeaders } from "node:http";
import type { TSchema } from "typebox";
import type { AuditRule } from "../../front-end/audit-trail.js";
import type { Call } from "../../kernel/call.js";
import type { QueryParameters } from "./http/query-parameters.js";

/** Which generation of the API a path belongs to; 0 for paths outside of `/api`. */
export type ApiVersion = 0 | 1 | 2 | 3;

export type HttpMethod = "GET" | "POST" | "PUT" | "DELETE";

/** A request without its caller, as open routes get it. */
export interface WebRequest {
  /** After `X-HTTP-Method-Override`. */
  readonly method: string;
  /** Doubled slashes collapsed, without the query string, not decoded. */
  readonly path: string;
  /** The parts of the path that the route names, each decoded once. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: QueryParameters;
  readonly headers: IncomingHttpHeaders;
  /** Empty without a body. */
  readonly body: Buffer;
  /** What URLs in answers begin with: `https://host:8443`, or nothing when the client names no host. */
  readonly baseUrl: string;
  readonly version: ApiVersion;
  /** Address of whoever asks, without its port. */
  readonly peer: string;
}

/** A request whose caller is known and has the grants of the route. */
export interface CallerRequest extends WebRequest {
  /** Who asks, until when, from where; aborted when the client goes away. */
  readonly call: Call;
  /** The token that the request was made with, when it was one of a login. */
  readonly sessionToken: string | undefined;
  /** The token that the request was made with, of whatever kind. */
  readonly shownToken: string | undefined;
}

export interface WebReply {
  readonly status: number;
  /**
   * Beside `content-length`. Without a `content-type` a 200 is `application/json` and what lies above 299 `text/plain`; no
   * charset is ever added.
   */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  /** What is sent; a stream begins to send when the head is out, and returns how to stop. */
  readonly body: string | Buffer | ReplyStream;
  /** Whether it was done whatever the status says; without it a status from 400 on means that it was not. */
  readonly isCarriedOut?: boolean;
}

/** An answer without an end: server-sent events. */
export interface ReplyStream {
  open(out: StreamSink): () => void;
}

export interface StreamSink {
  /** @returns false when the client does not keep up: more than the limit waits and the stream is ended */
  write(text: string): boolean;
  end(): void;
}

/** What a route says of itself in the OpenAPI document. */
export interface RouteDescription {
  /** Groups routes: `queries`, `settings`, … */
  readonly tag: string;
  readonly summary: string;
  readonly parameters?: readonly ParameterDescription[];
  /** Content type → schema of what the route takes. */
  readonly body?: Readonly<Record<string, TSchema>>;
  /** What comes back when all is well: status → content type → schema. */
  readonly answers: Readonly<Record<number, Readonly<Record<string, TSchema>>>>;
  /** Kept for clients that exist; new ones use another route. */
  readonly deprecated?: boolean;
}

export interface ParameterDescription {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly description: string;
  readonly schema: TSchema;
  readonly required?: boolean;
}

interface RouteShape {
  /**
   * Methods that reach it. HEAD is served wherever a GET only reads, OPTIONS everywhere, and any other method answers 405
   * with `Allow`.
   */
  readonly methods: readonly HttpMethod[];
  /** A path such as `/api/v2/queries/:name`; a last part `*` takes all that follows. One trailing slash is tolerated. */
  readonly path: string;
  readonly version: ApiVersion;
  readonly description: RouteDescription;
  /** Whether a GET is more than reading, where no audit rule says so; there is no HEAD then. */
  readonly changes?: boolean;
}

/** A route that anybody may use, from any address, without credentials. */
export interface OpenRoute extends RouteShape {
  readonly access: "open";
  handle(request: WebRequest): WebReply | Promise<WebReply>;
}

/** A route that needs a known caller with all of the grants. */
export interface GrantedRoute extends RouteShape {
  readonly access: "granted";
  /** Dotted names, such as `queries.list`; a function where they depend on the path. */
  readonly grants: readonly string[] | ((request: WebRequest) => readonly string[]);
  /** What the audit log holds of it; routes that only read have none. */
  readonly audit?: AuditRule<CallerRequest, WebReply>;
  /** Whether answers have an ETag, so that clients which know it already get a 304. For routes that only read. */
  readonly isTagged?: boolean;
  /** What a GET of the same path answers; If-Match is held against its ETag before anything is changed. */
  readonly current?: (request: CallerRequest) => WebReply | Promise<WebReply>;
  /** Whether a browser that shows no credentials gets the web page at this path instead. */
  readonly isPageForBrowsers?: boolean;
  handle(request: CallerRequest): WebReply | Promise<WebReply>;
}

export type Route = OpenRoute | GrantedRoute;
