import type { WebReply, WebRequest } from "../route.js";

/** The generations of the API that clients of NSClient++ know. */
export const olderVersions = [1, 2] as const;

/** A 200 with compact JSON. */
export function jsonReply(value: unknown, headers?: WebReply["headers"]): WebReply {
  const body = JSON.stringify(value);
  return headers === undefined ? { status: 200, body } : { status: 200, headers, body };
}

/** A reply for people, such as what went wrong. */
export function textReply(text: string, status = 200): WebReply {
  return { status, headers: { "content-type": "text/plain" }, body: text };
}

/** The body read as JSON; undefined when it is none. */
export function bodyOf({ body }: Pick<WebRequest, "body">): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    return undefined;
  }
}

/** Whether the value is an object with names, and neither a list nor nothing. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
