import { GatewayError } from "../kernel/errors.js";
import { hideUrlPassword } from "../settings/shown-value.js";

/** The parts of an address; a part that is not in it is empty, a port 0. */
export interface AddressParts {
  readonly host: string;
  readonly port: number;
}

/**
 * Takes an address apart: `host`, `host:port`, `[2001:db8::1]:port`, `2001:db8::1`, or a URL, of which the rest is the
 * protocol's business.
 *
 * @throws GatewayError CONFIGURATION saying what is wrong with it
 */
export function parseTargetAddress(address: string): AddressParts {
  const text = address.trim();
  const authority = /^[a-z][a-z0-9+.-]*:\/\/(?:[^/?#@]*@)?([^/?#]*)/i.exec(text)?.[1] ?? text;
  const match =
    /^\[([^\]]+)\](?::(\d+))?$/.exec(authority) ??
    /^([^:[\]\s]+)(?::(\d+))?$/.exec(authority) ??
    /^([\da-f]*(?::[\da-f.]*){2,})()$/i.exec(authority);
  const [, host = "", portText = ""] = match ?? [];
  const port = portText === "" ? 0 : Number(portText);
  if (host === "" || port > 65535) {
    throw new GatewayError(
      "CONFIGURATION",
      `address: "${hideUrlPassword(address)}" is neither host, host:port nor a URL`,
    );
  }
  return { host, port };
}

/** The address with another port. */
export function withPort(address: string, port: number): string {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(address)) {
    const url = new URL(address);
    url.port = String(port);
    return url.href;
  }
  const { host } = parseTargetAddress(address);
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
