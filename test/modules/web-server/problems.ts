import { STATUS_CODES } from "node:http";
import { bodyHeaders, type WebAnswer } from "../../support/web-server.js";

export const traceId = "0af7651916cd43dd8448eb211c80319c";

/** Headers of a request whose trace is known. */
export const traced = { traceparent: `00-${traceId}-b7ad6b7169203331-01` };

/** The whole answer with a problem in it. */
export function problemAnswer(
  status: number,
  detail: string,
  headers: Readonly<Record<string, string>> = {},
  more: { readonly code?: string; readonly traceId?: string } = {},
): WebAnswer {
  const body = JSON.stringify({ type: "about:blank", title: STATUS_CODES[status], status, detail, ...more });
  return { status, headers: { ...bodyHeaders("application/problem+json", body), ...headers }, body };
}
