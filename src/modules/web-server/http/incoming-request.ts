import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import { answerBy } from "../../../front-end/call-deadline.js";
import type { Call } from "../../../kernel/call.js";
import type { GatewayControl } from "../../../kernel/control.js";
import { GatewayError } from "../../../kernel/errors.js";
import type { Principal } from "../../../kernel/principal.js";
import type { Credentials } from "../../../security/credentials.js";
import type { Security } from "../../../security/security.js";
import { hopsKey } from "../../../wire/services.js";
import { credentialsOf, frontEnd, tokenOf } from "../door.js";
import type { ApiVersion, CallerRequest } from "../route.js";
import type { ServerRules } from "../server-rules.js";
import { type Forwarded, readForwarded } from "./forwarded.js";
import type { Peer } from "./peer.js";
import { QueryParameters } from "./query-parameters.js";

/** What is the same for all requests of a server. */
export interface RequestContext {
  readonly gateway: GatewayControl;
  readonly security: Security;
  readonly isSecure: boolean;
  rules(): ServerRules;
}

const noBody: Buffer = Buffer.alloc(0);
const noParams: Readonly<Record<string, string>> = {};

/** A request as handlers see it. What not every handler needs is made when it is asked for. */
export class IncomingRequest implements CallerRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  params = noParams;
  body: Buffer = noBody;
  version: ApiVersion = 0;
  private readonly rawQuery: string;
  private parsedQuery: QueryParameters | undefined;
  private readonly rules: ServerRules;
  private principal: Principal | undefined;
  private shown: Credentials | undefined;
  private ownCall: Call | undefined;
  private forwarded: Forwarded | undefined;
  /** Counted from here on: what it takes to find out who asks is the client's time too. */
  private readonly deadline: number | undefined;

  /** @param raw its method and URL are those that are routed */
  constructor(
    private readonly context: RequestContext,
    raw: IncomingMessage,
    readonly response: ServerResponse,
    private readonly connection: Peer,
  ) {
    const url = raw.url ?? "/";
    const question = url.indexOf("?");
    this.method = raw.method ?? "GET";
    this.path = question < 0 ? url : url.slice(0, question);
    this.rawQuery = question < 0 ? "" : url.slice(question + 1);
    this.headers = raw.headers;
    this.rules = context.rules();
    const timeout = this.headers["x-request-timeout"] ?? this.headers["x-nsc-web-timeout"];
    if (timeout !== undefined) this.deadline = deadlineOf(String(timeout), context.gateway);
  }

  get query(): QueryParameters {
    this.parsedQuery ??= new QueryParameters(this.rawQuery);
    return this.parsedQuery;
  }

  get peer(): string {
    return this.proxied?.client ?? this.connection.address;
  }

  get baseUrl(): string {
    const { proxied } = this;
    const isSecure = proxied?.protocol === undefined ? this.context.isSecure : proxied.protocol === "https";
    return this.rules.baseUrls.of({ host: proxied?.host ?? this.headers.host, isSecure });
  }

  get credentials(): Credentials {
    this.shown ??= credentialsOf(
      { headers: this.headers, query: this.query, peer: this.connection, address: this.peer },
      this.rules.settings.legacyUserAgents,
    );
    return this.shown;
  }

  get shownToken(): string | undefined {
    return tokenOf(this.credentials) || undefined;
  }

  get sessionToken(): string | undefined {
    const { shownToken } = this;
    return shownToken !== undefined && this.context.security.isSession(shownToken) ? shownToken : undefined;
  }

  get call(): Call {
    this.ownCall ??= this.openCall();
    return this.ownCall;
  }

  /** The trace of the call, once there is one. */
  get traceId(): string | undefined {
    return this.ownCall?.traceId;
  }

  /** From now on the request is that of this caller. */
  admit(principal: Principal): void {
    this.principal = principal;
  }

  /** The caller is gone. */
  abort(): void {
    this.ownCall?.abort(new GatewayError("CANCELLED", "The caller went away."));
  }

  /** The request has its answer. */
  finish(): void {
    this.ownCall?.finish();
  }

  private get proxied(): Forwarded | undefined {
    if (!this.connection.isProxy) return undefined;
    this.forwarded ??= readForwarded(this.headers);
    return this.forwarded;
  }

  private openCall(): Call {
    const { principal, headers, deadline } = this;
    if (principal === undefined) throw new GatewayError("INTERNAL", "The caller is not known yet.");
    const { gateway } = this.context;
    const traceId = traceIdOf(headers["traceparent"]);
    const hops = hopsOf(headers[hopsKey]);
    const origin = { principal, peer: this.peer, frontEnd, module: "WEBServer", remote: true, deadline, hops };
    return gateway.call(traceId === undefined ? origin : { ...origin, traceId });
  }
}

/** Seconds, perhaps with a fraction, that the client has for all; what is none is no limit. */
function deadlineOf(text: string, { clock }: GatewayControl): number | undefined {
  return /^\d{1,7}(?:\.\d*)?$/.test(text) && Number(text) > 0 ? answerBy(Number(text) * 1000, clock) : undefined;
}

/** What the caller says. Who says too much harms itself, and who says too little could have made the calls one by one. */
function hopsOf(header: string | string[] | undefined): number {
  return header === undefined || !/^\d{1,4}$/.test(String(header)) ? 0 : Number(header);
}

/** The trace of the caller (https://www.w3.org/TR/trace-context/ 3.2), when it has one. */
function traceIdOf(header: string | string[] | undefined): string | undefined {
  if (header === undefined) return undefined;
  return /^[\da-f]{2}-(?!0{32})([\da-f]{32})-[\da-f]{16}-[\da-f]{2}/.exec(String(header))?.[1];
}
