import type { WebReply } from "./route.js";

/** The generations of the API that clients of NSClient++ know. */
export const olderVersions = [1, 2] as const;

/** A 200 with compact JSON. */
export function jsonReply(value: unknown, headers?: WebReply["headers"]): WebReply {
  const body = JSON.stringify(value);
  return headers === undefined ? { status: 200, body } : { status: 200, headers, body };
}
