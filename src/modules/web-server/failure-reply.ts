import { GatewayError } from "../../kernel/errors.js";
import { HttpError } from "./http-error.js";
import type { WebReply, WebRequest } from "./route.js";

/** What a reply to a failure looks at; of a request that could not be read there may be little. */
export type FailedRequest = Pick<WebRequest, "method" | "path" | "headers" | "version">;

/**
 * What somebody gets whose request failed: a status and one line of text, as clients of NSClient++ know them.
 *
 * Who is not known, who may not do it and who is blocked get the same answer, so that nobody learns from it which it was.
 */
export function failureReply(error: unknown, _request: FailedRequest): WebReply {
  if (error instanceof HttpError) return { status: error.status, headers: error.headers, body: error.message };
  if (!(error instanceof GatewayError)) return { status: 500, body: internalFailure };
  const { code, kind, message } = error;
  if (code === "UNAUTHENTICATED" || code === "PERMISSION_DENIED") return { status: 403, body: notAllowed };
  if (code === "INTERNAL") return { status: 500, body: internalFailure };
  return { status: kind.http, ...(kind.http === 503 ? { headers: retrySoon } : {}), body: message };
}

export const notAllowed = "403 You're not allowed";
const internalFailure = "The request failed inside the gateway.";
const retrySoon = { "Retry-After": "1" };
