import type { Server } from "@grpc/grpc-js";

/** Timers count no further, in milliseconds: 24.8 days. */
const longestMs = 2 ** 31 - 1;

/** Milliseconds of each unit of `grpc-timeout` (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md). */
const unitMs: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 0.001, n: 0.000_001 };

/** A header as HTTP/2 hands it over. */
type Headers = Record<string, string | string[] | undefined>;

/**
 * Has a server take deadlines that are further away than timers count for none at all. The library's arithmetic overflows
 * there, and such a call (600 hours and more) fails at once. It offers no place to stand between HTTP/2 and itself, so its
 * own method is wrapped before it is bound; where a later version has none of this name, nothing is changed.
 */
export function acceptLongDeadlines(server: Server): void {
  const handler: unknown = Reflect.get(server, "_streamHandler");
  if (typeof handler !== "function") return;
  Reflect.set(server, "_streamHandler", (interceptors: unknown, stream: unknown, headers: Headers) => {
    if (isTooLong(headers["grpc-timeout"])) delete headers["grpc-timeout"];
    Reflect.apply(handler, server, [interceptors, stream, headers]);
  });
}

function isTooLong(timeout: string | string[] | undefined): boolean {
  if (typeof timeout !== "string") return false;
  return Number.parseInt(timeout, 10) * (unitMs[timeout.slice(-1)] ?? 0) > longestMs;
}
