import type { handleUnaryCall, MethodDefinition, ServerUnaryCall, sendUnaryData } from "@grpc/grpc-js";
import type { AuditTrail } from "../../front-end/audit-trail.js";
import { callerGone, decodeMessage, encodeMessage, type Operation } from "../../front-end/operation.js";
import type { Call } from "../../kernel/call.js";
import type { MethodShape } from "../../wire/services.js";
import { callStatus } from "./call-status.js";
import type { Door } from "./door.js";

/** What every rpc of a server shares. */
export interface RpcParts {
  readonly door: Door;
  readonly audit: AuditTrail;
}

/**
 * An rpc with one request and one answer. The library passes bytes through and they are decoded here, so that a malformed
 * message is the caller's error and not ours; an answer that is ready at once is sent without a single promise.
 */
export function unaryRpc<Request, Response>(
  { door, audit }: RpcParts,
  operation: Operation<Request, Response>,
): handleUnaryCall<Buffer, Buffer> {
  return (surface, respond) => {
    const exchange = new Exchange(audit, operation, surface, respond);
    try {
      const admitted = door.admit(surface);
      if (!(admitted instanceof Promise)) exchange.run(admitted);
      else admitted.then((call) => exchange.run(call)).catch((thrown: unknown) => exchange.fail(thrown));
    } catch (thrown) {
      exchange.fail(thrown);
    }
  };
}

/** One call of a unary rpc. */
class Exchange<Request, Response> {
  private call: Call | undefined;
  private request: Request | undefined;

  constructor(
    private readonly audit: AuditTrail,
    private readonly operation: Operation<Request, Response>,
    private readonly surface: ServerUnaryCall<Buffer, Buffer>,
    private readonly respond: sendUnaryData<Buffer>,
  ) {}

  run(call: Call): void {
    this.call = call;
    const { operation } = this;
    const request = decodeMessage(operation.method.request, this.surface.request);
    this.request = request;
    const answer = operation.handle(request, call);
    if (answer instanceof Promise) this.await(answer, request, call);
    else this.succeed(request, answer, call);
  }

  fail(thrown: unknown): void {
    if (this.call !== undefined) this.audit.failed(this.operation.audit, this.request, this.call, thrown);
    this.respond(callStatus(thrown));
  }

  private await(answer: Promise<Response>, request: Request, call: Call): void {
    if (this.surface.cancelled) call.abort(callerGone());
    let done = false;
    // The library says "cancelled" for calls that have their answer, too.
    this.surface.on("cancelled", () => {
      if (!done) call.abort(callerGone());
    });
    answer
      .finally(() => {
        done = true;
      })
      .then((late) => this.succeed(request, late, call))
      .catch((thrown: unknown) => this.fail(thrown));
  }

  private succeed(request: Request, answer: Response, call: Call): void {
    const bytes = encodeMessage(this.operation.method.response, answer);
    this.audit.done(this.operation.audit, request, call, answer);
    this.respond(null, bytes);
  }
}

/** The method as the library wants it: bytes in, bytes out. */
export function rawMethod({ path, requestStream, responseStream }: MethodShape): MethodDefinition<Buffer, Buffer> {
  const pass = (bytes: Buffer) => bytes;
  return {
    ...{ path, requestStream, responseStream },
    ...{ requestSerialize: pass, requestDeserialize: pass, responseSerialize: pass, responseDeserialize: pass },
  };
}
