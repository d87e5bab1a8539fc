import { type ServiceError, status } from "@grpc/grpc-js";
import { type ErrorCode, errorText, GatewayError } from "../../kernel/errors.js";

/** The status codes that a gateway answers with; the others are the library's own. */
const codes: Readonly<Record<number, ErrorCode>> = {
  [status.CANCELLED]: "CANCELLED",
  [status.INVALID_ARGUMENT]: "INVALID_ARGUMENT",
  [status.DEADLINE_EXCEEDED]: "DEADLINE_EXCEEDED",
  [status.NOT_FOUND]: "NOT_FOUND",
  [status.PERMISSION_DENIED]: "PERMISSION_DENIED",
  [status.RESOURCE_EXHAUSTED]: "RESOURCE_EXHAUSTED",
  [status.FAILED_PRECONDITION]: "FAILED_PRECONDITION",
  [status.UNAVAILABLE]: "UNAVAILABLE",
  [status.UNAUTHENTICATED]: "UNAUTHENTICATED",
};

/** What a failed connection says, and what it means to the person who reads it. The first that fits counts. */
const connectionFailures: readonly [RegExp, (match: RegExpExecArray) => string][] = [
  [/ECONNREFUSED/, () => "connection refused"],
  [/ENOENT/, () => "there is no such socket, so no gateway may be running"],
  [/EACCES/, () => "permission denied"],
  [/EHOSTUNREACH|ENETUNREACH/, () => "there is no route to it"],
  [/ETIMEDOUT/, () => "the connection timed out"],
  [/Name resolution failed|ENOTFOUND|EAI_AGAIN/, () => "the name does not resolve"],
  [
    /altnames: (.*?)\.?(?: Resolution note|$)/s,
    ([, text]) => `its certificate is for another name (${text?.trim().replace(/\.$/, "")}); see the server name`,
  ],
  [/certificate has expired/, () => "its certificate has expired"],
  [/certificate is not yet valid/, () => "its certificate is not valid yet"],
  [
    /unable to verify|unable to get (?:local )?issuer|self-signed certificate|SELF_SIGNED/,
    ([text]) => `its certificate is not trusted (${text}); name the authority that issued it as ca`,
  ],
  [/alert certificate required|alert handshake failure|bad certificate/, () => "it requires a client certificate"],
  [/alert unknown ca/, () => "it does not trust the client certificate"],
  [/wrong version number|packet length too long/, () => "it does not speak TLS"],
  [
    /disconnected before secure TLS|ECONNRESET|socket hang up|EPIPE/,
    () => "it closed the connection; this address may not be allowed",
  ],
  [/Protocol error/, () => "it does not speak gRPC"],
  [/Failed to connect/, () => "it closed the connection; it may expect TLS, or this address may not be allowed"],
];

/**
 * The error of a call as one line for the person who made it.
 *
 * @param place who was called: `host:port`, or the path of the control socket
 */
export function callError(thrown: unknown, place: string): GatewayError {
  if (thrown instanceof GatewayError) return thrown;
  if (!isServiceError(thrown)) return new GatewayError("INTERNAL", `${place}: ${errorText(thrown)}`, { cause: thrown });
  const text = thrown.details.trim();
  if (thrown.code === status.UNAVAILABLE && isConnectionFailure(text)) {
    return new GatewayError("UNAVAILABLE", `Cannot reach ${place}: ${connectionFailure(text)}.`, { cause: thrown });
  }
  if (thrown.code === status.DEADLINE_EXCEEDED) {
    const waited = /after ([\d.]+)s/.exec(text)?.[1];
    const within = waited === undefined ? "in time" : `within ${Math.round(Number(waited) * 10) / 10} s`;
    // What the library says itself of a call that has a connection names its other end.
    const connected = !text.startsWith("Deadline exceeded after ") || text.includes("remote_addr=");
    const what = connected ? `${place} did not answer ${within}.` : `Cannot reach ${place} ${within}.`;
    return new GatewayError("DEADLINE_EXCEEDED", what, { cause: thrown });
  }
  if (thrown.code === status.UNIMPLEMENTED || /Received HTTP status code/.test(text)) {
    return new GatewayError("UNAVAILABLE", `${place} is not a gateway that offers this call: ${text}`, {
      cause: thrown,
    });
  }
  const code = codes[thrown.code] ?? "INTERNAL";
  return new GatewayError(code, text === "" ? `${place} answered ${status[thrown.code]}.` : text, { cause: thrown });
}

function isConnectionFailure(text: string): boolean {
  return /^(?:No connection established|Name resolution failed|Connection dropped|read |write )/.test(text);
}

function connectionFailure(text: string): string {
  for (const [pattern, explain] of connectionFailures) {
    const match = pattern.exec(text);
    if (match !== null) return explain(match);
  }
  return text.replace(/^No connection established\. Last error: /, "").replace(/\s*Resolution note:\s*$/, "");
}

function isServiceError(thrown: unknown): thrown is ServiceError {
  return thrown instanceof Error && "code" in thrown && "details" in thrown && typeof thrown.details === "string";
}
