import type { Call } from "../kernel/call.js";
import { errorText, GatewayError } from "../kernel/errors.js";
import type { Init, MessageType } from "../wire/messages.js";
import type { Method } from "../wire/services.js";
import type { AuditRule } from "./audit-trail.js";

/** What the gateway does for one request. What the handler throws or rejects with becomes the status of the call. */
export interface Operation<Request, Response> {
  readonly method: Method<Request, Response>;
  readonly audit: AuditRule<Request, Response>;
  handle(request: Request, call: Call): Response | Promise<Response>;
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

export function callerGone(): GatewayError {
  return new GatewayError("CANCELLED", "The caller went away.");
}

/**
 * So many payloads a message may hold. Empty ones cost two bytes on the wire and a thousand times as much to answer: without a
 * limit a small message holds up everybody else.
 */
export const maxPayloads = 10_000;

/** @throws GatewayError INVALID_ARGUMENT when the message holds more than it may */
export function checkPayloads({ payload }: { readonly payload: readonly unknown[] }): void {
  if (payload.length <= maxPayloads) return;
  throw new GatewayError(
    "INVALID_ARGUMENT",
    `A message may hold ${maxPayloads} payloads; this one has ${payload.length}.`,
  );
}
