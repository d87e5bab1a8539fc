import { status } from "@grpc/grpc-js";
import { errorText, GatewayError } from "../../kernel/errors.js";

/** Longest text of a status in characters; it travels percent-encoded in a header. */
const maxDetails = 2000;

/** What grpc-js makes a status of. */
export interface CallStatus {
  readonly code: number;
  readonly details: string;
}

/** The status of a call that failed. What is no error of the catalogue is a fault of ours. */
export function callStatus(thrown: unknown): CallStatus {
  const code = thrown instanceof GatewayError ? thrown.kind.grpc : status.INTERNAL;
  return { code, details: statusText(errorText(thrown)) };
}

/** Half of a surrogate pair can't be percent-encoded, and the library would fail where nobody can catch it. */
export function statusText(text: string): string {
  return text.slice(0, maxDetails).replace(/\p{Surrogate}/gu, "\uFFFD");
}

/** An error that ends a stream with a status when it is emitted on it. */
export function streamError(thrown: unknown): Error & CallStatus {
  return Object.assign(new Error(errorText(thrown)), callStatus(thrown));
}
