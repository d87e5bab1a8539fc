import { GatewayError } from "../../../kernel/errors.js";
import type { WebReply, WebRequest } from "../route.js";
import { acceptedType } from "./accept.js";
import { HttpError } from "./http-error.js";
import { type Problem, problemReply, problemType } from "./problem.js";

/** What a reply to a failure looks at; of a request that could not be read there may be little. */
export type FailedRequest = Pick<WebRequest, "method" | "path" | "headers" | "version"> & {
  /** The trace of its call, as far as it came to one. */
  readonly traceId?: string | undefined;
};

/**
 * What somebody gets whose request failed. In version 3 of the API, and for whoever accepts nothing else, that is a problem as
 * RFC 9457 has it; for all others a status and one line of text, as clients of NSClient++ know them.
 *
 * To those, who is not known, who may not do it and who is blocked get the same answer, so that nobody learns from it which it
 * was. Version 3 says what the other front ends say.
 */
export function failureReply(error: unknown, request: FailedRequest): WebReply {
  const isModern = request.version === 3;
  const failure = isModern ? failureOf(error) : veiled(failureOf(error));
  const { status, headers, detail, code } = failure;
  if (isModern || wantsProblem(request))
    return problemReply({ status, code, detail, traceId: request.traceId }, headers);
  const body = code === "PERMISSION_DENIED" ? notAllowed : detail;
  return headers === undefined ? { status, body } : { status, headers, body };
}

interface Failure extends Omit<Problem, "traceId"> {
  readonly headers?: WebReply["headers"];
}

function failureOf(error: unknown): Failure {
  if (error instanceof HttpError) return { status: error.status, detail: error.message, headers: error.headers };
  const { code, kind, message } = error instanceof GatewayError ? error : internal;
  const detail = code === "INTERNAL" ? internalFailure : message;
  return { status: kind.http, code, detail, ...(kind.http === 503 ? { headers: retrySoon } : {}) };
}

function veiled(failure: Failure): Failure {
  if (failure.code !== "UNAUTHENTICATED" && failure.code !== "PERMISSION_DENIED") return failure;
  return { status: 403, code: "PERMISSION_DENIED", detail: "You're not allowed." };
}

function wantsProblem({ headers }: FailedRequest): boolean {
  const { accept } = headers;
  return accept?.includes("problem+json") === true && acceptedType(accept, ["text/plain", problemType]) === problemType;
}

export const notAllowed = "403 You're not allowed";
const internalFailure = "The request failed inside the gateway.";
const internal = new GatewayError("INTERNAL", internalFailure);
const retrySoon = { "Retry-After": "1" };
