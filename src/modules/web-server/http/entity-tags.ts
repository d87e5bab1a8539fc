import { createHash } from "node:crypto";
import type { CallerRequest, WebReply, WebRequest } from "../route.js";
import { HttpError } from "./http-error.js";

/**
 * The reply with a strong entity tag (RFC 9110 8.8.3), or a 304 when the client has what it would get. Replies other than a 200
 * stay as they are.
 */
export function taggedReply(request: Pick<WebRequest, "headers">, reply: WebReply): WebReply {
  const tag = tagOf(reply);
  if (tag === undefined) return reply;
  // Every use asks again: what is shown depends on who asks, and changes at any time.
  const headers = { etag: tag, "cache-control": "private, no-cache" };
  if (isNamed(request.headers["if-none-match"], tag, true)) return { status: 304, headers, body: "" };
  return { ...reply, headers: { ...reply.headers, ...headers } };
}

/** Changes of what has a tag, one after another: nothing comes between the look at the tag and the change. */
export class ConditionalChanges {
  private last: Promise<unknown> = Promise.resolve();

  /**
   * @param current what a GET of the same path answers
   * @throws HttpError 412 when If-Match names other tags than what is there has
   */
  make(
    request: CallerRequest,
    current: (request: CallerRequest) => WebReply | Promise<WebReply>,
    change: () => WebReply | Promise<WebReply>,
  ): Promise<WebReply> {
    const made = this.last.then(async () => {
      const wanted = request.headers["if-match"];
      if (wanted !== undefined) requireMatch(wanted, await current(request));
      return change();
    });
    this.last = made.catch(() => {});
    return made;
  }
}

function requireMatch(wanted: string, current: WebReply): void {
  const tag = tagOf(current);
  if (tag !== undefined && isNamed(wanted, tag, false)) return;
  const headers = tag === undefined ? undefined : { etag: tag };
  throw new HttpError(412, "It has changed since: what If-Match names is not what is there.", headers);
}

function tagOf({ status, body, headers }: WebReply): string | undefined {
  if (status !== 200 || (typeof body !== "string" && !Buffer.isBuffer(body))) return undefined;
  // A page is another one when the pages behind it are, though it has the same items.
  const links = String(headers?.["Link"] ?? "");
  return `"${createHash("sha256").update(body).update(links).digest("base64url").slice(0, 27)}"`;
}

/** @param isWeak whether a weak tag is as good, as it is for If-None-Match and is not for If-Match (RFC 9110 13.1) */
function isNamed(names: string | undefined, tag: string, isWeak: boolean): boolean {
  if (names === undefined) return false;
  if (names.trim() === "*") return true;
  return [...names.matchAll(/(W\/)?("[^"]*")/g)].some(
    ([, weak, name]) => name === tag && (isWeak || weak === undefined),
  );
}
