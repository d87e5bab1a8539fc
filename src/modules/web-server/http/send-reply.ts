import type { ServerResponse } from "node:http";
import type { WebReply } from "../route.js";

/** Statuses whose answers have no body, and so neither its length nor its type. */
const bodiless: ReadonlySet<number> = new Set([204, 304]);

/**
 * Writes a reply whose body is whole. A 200 without a type is JSON and what lies above 299 is text; a charset is never added.
 * Status line, headers and body go out in one write, which old clients count on.
 *
 * @throws TypeError for headers that HTTP can't carry; then nothing was written
 */
export function sendReply(response: ServerResponse, reply: WebReply): void {
  const { status, headers } = reply;
  const body = reply.body as string | Buffer;
  const head: (string | readonly string[])[] = [];
  let hasType = bodiless.has(status);
  if (headers !== undefined) {
    for (const name in headers) {
      const value = headers[name];
      if (value === undefined) continue;
      if (name.length === 12 && name.toLowerCase() === "content-type") hasType = true;
      head.push(name, value);
    }
  }
  if (!hasType) {
    if (status === 200) head.push("Content-Type", "application/json");
    else if (status > 299) head.push("Content-Type", "text/plain");
  }
  if (!bodiless.has(status)) {
    const length = typeof body === "string" ? Buffer.byteLength(body) : body.length;
    head.push("Content-Length", String(length));
  }
  head.push("X-Content-Type-Options", "nosniff");
  response.writeHead(status, head as string[]);
  response.end(bodiless.has(status) ? undefined : body);
}
