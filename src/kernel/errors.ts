/**
 * The catalogue of errors: a stable code, and what each transport makes of it.
 *
 * An error is for the call as a whole (not authenticated, malformed, overloaded). A check that fails is no error: it is
 * an answer with state UNKNOWN.
 */
export interface ErrorKind {
  /** Numeric status of gRPC (https://grpc.io/docs/guides/status-codes/). */
  readonly grpc: number;
  /** Status of HTTP. */
  readonly http: number;
  /** Exit code of a plugin or of the command line. */
  readonly exit: number;
}

const catalogue = {
  UNAUTHENTICATED: { grpc: 16, http: 401, exit: 3 },
  PERMISSION_DENIED: { grpc: 7, http: 403, exit: 3 },
  INVALID_ARGUMENT: { grpc: 3, http: 400, exit: 3 },
  NOT_FOUND: { grpc: 5, http: 404, exit: 3 },
  FAILED_PRECONDITION: { grpc: 9, http: 409, exit: 3 },
  /** A limit is reached: calls in flight, nesting, message size, quota. */
  RESOURCE_EXHAUSTED: { grpc: 8, http: 503, exit: 3 },
  DEADLINE_EXCEEDED: { grpc: 4, http: 504, exit: 3 },
  /** The caller went away or the call was ended on purpose. */
  CANCELLED: { grpc: 1, http: 499, exit: 3 },
  /** Draining, or a script host or target that is not there right now. */
  UNAVAILABLE: { grpc: 14, http: 503, exit: 3 },
  /** The configuration is wrong: the message names file and line. */
  CONFIGURATION: { grpc: 9, http: 409, exit: 4 },
  INTERNAL: { grpc: 13, http: 500, exit: 3 },
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof catalogue;

/** An error of the catalogue. Its message is a whole sentence for the person who reads it at night. */
export class GatewayError extends Error {
  override readonly name = "GatewayError";

  constructor(
    readonly code: ErrorCode,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }

  get kind(): ErrorKind {
    return catalogue[this.code];
  }
}

/** The text of whatever was thrown. */
export function errorText(thrown: unknown): string {
  if (thrown instanceof Error) return thrown.message || thrown.name;
  return String(thrown);
}
