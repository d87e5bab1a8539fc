import type { handleUnaryCall, MethodDefinition } from "@grpc/grpc-js";
import type { Call } from "../../kernel/call.js";
import { errorText, GatewayError } from "../../kernel/errors.js";
import type { Init, MessageType } from "../../wire/messages.js";
import type { Method, MethodShape } from "../../wire/services.js";
import type { AuditRule, AuditTrail } from "./audit-trail.js";
import { callStatus } from "./call-status.js";
import type { Door } from "./door.js";

/** What every rpc of a server shares. */
export interface RpcParts {
  readonly door: Door;
  readonly audit: AuditTrail;
}

/** What the gateway does for one request. What the handler throws or rejects with becomes the status of the call. */
export interface Operation<Request, Response> {
  readonly method: Method<Request, Response>;
  readonly audit: AuditRule<Request>;
  handle(request: Request, call: Call): Response | Promise<Response>;
  /** Told of every answer before it is sent. */
  answered?(request: Request, answer: Response, call: Call): void;
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
    let call: Call | undefined;
    let request: Request | undefined;
    const fail = (thrown: unknown) => {
      if (call !== undefined) audit.failed(operation.audit, request, call, thrown);
      respond(callStatus(thrown));
    };
    const succeed = (asked: Request, answer: Response, admitted: Call) => {
      const bytes = encodeMessage(operation.method.response, answer);
      audit.done(operation.audit, asked, admitted);
      operation.answered?.(asked, answer, admitted);
      respond(null, bytes);
    };
    const run = (admitted: Call): void | Promise<void> => {
      call = admitted;
      const asked = decodeMessage(operation.method.request, surface.request);
      request = asked;
      const answer = operation.handle(asked, admitted);
      if (!(answer instanceof Promise)) return succeed(asked, answer, admitted);
      let done = false;
      // The library says "cancelled" for calls that have their answer, too.
      surface.on("cancelled", () => {
        if (!done) admitted.abort(callerGone());
      });
      return answer
        .finally(() => {
          done = true;
        })
        .then((late) => succeed(asked, late, admitted));
    };
    try {
      const admitted = door.admit(surface);
      const running = admitted instanceof Promise ? admitted.then(run) : run(admitted);
      if (running instanceof Promise) running.catch(fail);
    } catch (thrown) {
      fail(thrown);
    }
  };
}

export function callerGone(): GatewayError {
  return new GatewayError("CANCELLED", "The caller went away.");
}

/** @throws GatewayError INVALID_ARGUMENT */
export function decodeMessage<Message>(type: MessageType<Message>, bytes: Buffer): Message {
  try {
    return type.decode(bytes);
  } catch (thrown) {
    throw new GatewayError("INVALID_ARGUMENT", `The message can't be decoded: ${errorText(thrown)}`, { cause: thrown });
  }
}

/** @throws GatewayError INTERNAL when a handler made an answer that is none */
export function encodeMessage<Message>(type: MessageType<Message>, message: Message): Buffer {
  try {
    // A whole message is one with all of its fields set.
    const bytes = type.encode(message as Init<Message>).finish();
    return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  } catch (thrown) {
    throw new GatewayError("INTERNAL", `The answer can't be encoded: ${errorText(thrown)}`, { cause: thrown });
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
