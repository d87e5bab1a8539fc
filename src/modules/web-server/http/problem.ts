import { STATUS_CODES } from "node:http";
import Type from "typebox";
import type { ErrorCode } from "../../../kernel/errors.js";
import type { WebReply } from "../route.js";

/** What a request failed with, as RFC 9457 has it. */
export interface Problem {
  readonly status: number;
  /** Of the catalogue of errors, the same as of the other front ends; none for what only HTTP knows, such as 405. */
  readonly code?: ErrorCode | undefined;
  /** A whole sentence for the person who reads it. */
  readonly detail: string;
  /** Finds the request in the log. */
  readonly traceId?: string | undefined;
}

export const problemType = "application/problem+json";

export const problemSchema = Type.Object(
  {
    type: Type.String({ description: "Always about:blank: the status and the code say which kind of problem it is." }),
    title: Type.String({ description: "The status in words." }),
    status: Type.Integer(),
    detail: Type.String({ description: "What was wrong, for people." }),
    code: Type.Optional(Type.String({ description: "Of the gateway's catalogue of errors, the same over gRPC." })),
    traceId: Type.Optional(Type.String({ description: "Finds the request in the log." })),
  },
  { $id: "Problem", description: "What a request failed with (RFC 9457)." },
);

/** @param headers such as `allow` or `retry-after` */
export function problemReply({ status, code, detail, traceId }: Problem, headers: WebReply["headers"] = {}): WebReply {
  const title = STATUS_CODES[status] ?? "Client Closed Request";
  const body = JSON.stringify({ type: "about:blank", title, status, detail, code, traceId });
  return { status, headers: { ...headers, "content-type": problemType }, body };
}
