import type { IncomingMessage } from "node:http";
import { readForwarded } from "./forwarded.js";
import { HttpError } from "./http-error.js";

/** Methods that are served; others are not routed at all. */
export const servedMethods: ReadonlySet<string> = new Set(["GET", "HEAD", "POST", "PUT", "DELETE"]);

/**
 * The target of a request as it is routed: without scheme and host, doubled slashes collapsed, the query string as it is.
 *
 * @throws HttpError 400 for names that hold a slash, a backslash or NUL, escaped or not
 */
export function normalTarget(url: string): string {
  const question = url.indexOf("?");
  let path = question < 0 ? url : url.slice(0, question);
  // RFC 9112 3.2.2: a server takes the form of requests to proxies too.
  if (!path.startsWith("/")) path = path.replace(/^https?:\/\/[^/]*/i, "") || "/";
  if (path.includes("//")) path = path.replace(/\/{2,}/g, "/");
  if (path.includes("%") && /%(?:2f|5c|00)/i.test(path)) throw badPath();
  if (path.includes("\\")) throw badPath();
  return question < 0 ? path : path + url.slice(question);
}

/**
 * Makes sure that the request says once at most for whom it is: two answers to that, and a proxy in front may have believed
 * the other one. A target with a host of its own decides (RFC 9112 3.2 and 3.2.2).
 *
 * @throws HttpError 400 for a second Host
 */
export function settleHost(request: IncomingMessage): void {
  const { rawHeaders, url = "/" } = request;
  let count = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index];
    if (name?.length === 4 && name.toLowerCase() === "host") count++;
  }
  if (count > 1) throw new HttpError(400, "There is more than one Host.");
  const own = url.startsWith("/") ? undefined : /^https?:\/\/([^/?#]*)/i.exec(url)?.[1];
  if (own !== undefined) request.headers.host = own;
}

function badPath(): HttpError {
  return new HttpError(400, "A part of the path holds a slash, a backslash or NUL.");
}

const overrideHeader = "x-http-method-override";

/**
 * The method that a request means: that of `X-HTTP-Method-Override` when the header is there once. Requests that a page of
 * another site has made can't use it.
 */
export function methodOf(request: IncomingMessage, isOverridable: boolean): string {
  const method = request.method ?? "GET";
  if (!isOverridable || request.headers[overrideHeader] === undefined || isCrossSite(request)) return method;
  const { rawHeaders } = request;
  const values: string[] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    if (rawHeaders[index]?.toLowerCase() !== overrideHeader) continue;
    const value = rawHeaders[index + 1]?.trim();
    if (value !== undefined && value !== "") values.push(value);
  }
  return values.length === 1 ? (values[0] ?? method) : method;
}

/**
 * Whether a browser says that a page of another site has made the request: in `Sec-Fetch-Site`
 * (https://www.w3.org/TR/fetch-metadata/ 2.3), which browsers leave out without TLS, or else in `Origin` (RFC 6454 7.3).
 */
export function isCrossSite({ headers }: Pick<IncomingMessage, "headers">): boolean {
  const site = headers["sec-fetch-site"];
  if (site !== undefined) return site !== "same-origin" && site !== "none";
  const { origin } = headers;
  return origin !== undefined && !isOwn(origin, headers);
}

/** Whether an origin is the host that is asked; a proxy in between may have put its own name in the place of that one. */
function isOwn(origin: string, headers: IncomingMessage["headers"]): boolean {
  const host = /^https?:\/\/([^/]+)$/i.exec(origin)?.[1]?.toLowerCase();
  if (host === undefined) return false;
  // A page can't set these headers without having been asked whether it may, which is never allowed.
  return host === headers.host?.toLowerCase() || host === readForwarded(headers).host?.toLowerCase();
}
