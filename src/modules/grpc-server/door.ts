import type { ServerUnaryCall } from "@grpc/grpc-js";
import type { Call } from "../../kernel/call.js";
import type { GatewayControl } from "../../kernel/control.js";
import { GatewayError } from "../../kernel/errors.js";
import { localPrincipal, type Principal } from "../../kernel/principal.js";
import type { Security } from "../../security/security.js";
import { hopsKey } from "../../wire/services.js";
import { ownDeadline } from "./call-deadline.js";
import type { Connection, Connections } from "./connections.js";

/** What a call of any kind shows of itself. */
export type Surface = Pick<ServerUnaryCall<Buffer, Buffer>, "metadata" | "getPeer" | "getDeadline">;

/** Where calls come in: finds out who makes them and gives them their context. */
export interface Door {
  /**
   * The context of a call. At once when the caller is known already.
   * @throws GatewayError UNAUTHENTICATED; UNAVAILABLE while the gateway shuts down
   */
  admit(surface: Surface): Call | Promise<Call>;
  /** From now on calls are refused with UNAVAILABLE. */
  close(): void;
}

/** How long an identity is believed before the same token or certificate is looked up again. */
const identityLifetimeMs = 5000;

abstract class CountedDoor implements Door {
  private closed = false;

  protected constructor(
    protected readonly gateway: GatewayControl,
    private readonly frontEnd: string,
    private readonly remote: boolean,
  ) {}

  admit(surface: Surface): Call | Promise<Call> {
    if (this.closed) throw new GatewayError("UNAVAILABLE", "The gateway is shutting down.");
    const caller = this.identify(surface);
    return caller instanceof Promise ? caller.then((known) => this.open(surface, known)) : this.open(surface, caller);
  }

  close(): void {
    this.closed = true;
  }

  protected abstract identify(surface: Surface): Caller | Promise<Caller>;

  private open(surface: Surface, { principal, peer }: Caller): Call {
    return this.gateway.call({
      principal,
      peer,
      frontEnd: this.frontEnd,
      remote: this.remote,
      traceId: traceIdOf(surface),
      hops: hopsOf(surface),
      deadline: ownDeadline(surface.getDeadline(), this.gateway.clock),
    });
  }
}

interface Caller {
  readonly principal: Principal;
  readonly peer: string;
}

/** The door of the network: identity comes from a bearer token, else from the client certificate. */
export class NetworkDoor extends CountedDoor {
  constructor(
    gateway: GatewayControl,
    private readonly security: Security,
    private readonly connections: Connections,
  ) {
    super(gateway, "grpc", true);
  }

  protected identify(surface: Surface): Caller | Promise<Caller> {
    const connection = this.connections.find(surface.getPeer());
    if (connection === undefined) throw new GatewayError("UNAVAILABLE", "The connection is closed.");
    const authorization = surface.metadata.get("authorization")[0];
    const known = connection.identity;
    if (
      known !== undefined &&
      known.authorization === authorization &&
      this.gateway.clock.monotonic() < known.believedUntil
    ) {
      return known;
    }
    return this.authenticate(connection, authorization);
  }

  private async authenticate(connection: Connection, authorization: string | Buffer | undefined): Promise<Caller> {
    if (connection.untrusted !== undefined) {
      throw new GatewayError("UNAUTHENTICATED", `The client certificate is not trusted: ${connection.untrusted}.`);
    }
    const principal = await this.security.authenticate({
      frontEnd: "grpc",
      peer: connection.address,
      certificate: connection.certificate,
      bearer: authorization === undefined ? undefined : bearerToken(String(authorization)),
    });
    const believedUntil = this.gateway.clock.monotonic() + identityLifetimeMs;
    connection.seat.keep();
    connection.identity = { principal, peer: connection.address, authorization, believedUntil };
    return connection.identity;
  }
}

/** The door of the control socket: whoever may open the file is this machine's administrator. */
export class ControlDoor extends CountedDoor {
  constructor(gateway: GatewayControl) {
    super(gateway, "control", false);
  }

  protected identify(): Caller {
    return { principal: localPrincipal, peer: "" };
  }
}

/** RFC 6750 2.1; the scheme is compared without case (RFC 9110 11.1). */
function bearerToken(authorization: string): string {
  const token = /^bearer +([A-Za-z0-9\-._~+/]+=*) *$/i.exec(authorization)?.[1];
  if (token === undefined) {
    throw new GatewayError("UNAUTHENTICATED", "The authorization metadata is not of the form: Bearer <token>.");
  }
  return token;
}

/** What the caller says. Who says too much harms itself, and who says too little could have made the calls one by one. */
function hopsOf(surface: Surface): number {
  const text = surface.metadata.get(hopsKey)[0];
  return text === undefined || !/^\d{1,4}$/.test(String(text)) ? 0 : Number(text);
}

/** The trace of the caller (https://www.w3.org/TR/trace-context/ 3.2), when it has one. */
function traceIdOf(surface: Surface): string | undefined {
  const header = surface.metadata.get("traceparent")[0];
  if (header === undefined) return undefined;
  return /^[\da-f]{2}-(?!0{32})([\da-f]{32})-[\da-f]{16}-[\da-f]{2}/.exec(String(header))?.[1];
}
