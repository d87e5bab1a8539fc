import type { IncomingHttpHeaders } from "node:http";
import { isIP } from "node:net";

/** What a proxy says of the request that it passes on. */
export interface Forwarded {
  readonly client: string | undefined;
  readonly host: string | undefined;
  readonly protocol: "http" | "https" | undefined;
}

/**
 * Reads what the nearest proxy has written: the last element of `Forwarded` (RFC 7239), else of the headers that were in use
 * before it. What stands further left came from elsewhere.
 */
export function readForwarded(headers: IncomingHttpHeaders): Forwarded {
  const { forwarded } = headers;
  if (forwarded !== undefined) {
    const pairs = new Map(lastOf(forwarded).split(";").map(readPair));
    return {
      client: addressIn(pairs.get("for")),
      host: pairs.get("host"),
      protocol: protocolIn(pairs.get("proto")),
    };
  }
  return {
    client: addressIn(lastOf(headers["x-forwarded-for"])),
    host: lastOf(headers["x-forwarded-host"]) || undefined,
    protocol: protocolIn(lastOf(headers["x-forwarded-proto"])),
  };
}

function lastOf(value: string | string[] | undefined): string {
  const text = Array.isArray(value) ? value.join(",") : (value ?? "");
  return text.split(",").at(-1)?.trim() ?? "";
}

function readPair(text: string): [string, string] {
  const equals = text.indexOf("=");
  const value = text.slice(equals + 1).trim();
  return [text.slice(0, equals).trim().toLowerCase(), value.replace(/^"(.*)"$/, "$1")];
}

/** `192.0.2.1`, `192.0.2.1:4711`, `[2001:db8::1]` and `[2001:db8::1]:4711`. */
function addressIn(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const address = /^\[([^\]]+)\](?::\d+)?$/.exec(text)?.[1] ?? text.replace(/^([\d.]+):\d+$/, "$1");
  return isIP(address) === 0 ? undefined : address;
}

function protocolIn(text: string | undefined): Forwarded["protocol"] {
  const word = text?.toLowerCase();
  return word === "http" || word === "https" ? word : undefined;
}
