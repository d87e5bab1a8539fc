import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { checkServerIdentity } from "node:tls";
import { type ChannelCredentials, type ChannelOptions, credentials } from "@grpc/grpc-js";
import { errorText, GatewayError } from "../../kernel/errors.js";

/** Where a gateway is and how to be let in. Files are PEM; what is given as a path is read when the client is made. */
export interface GatewayAddress {
  /** `host`, `host:port`, `[::1]:port`; with `grpc://` in front without TLS, with `grpcs://` with it. */
  readonly address?: string | undefined;
  /** The control socket of a gateway on this machine, in the place of an address. */
  readonly socketPath?: string | undefined;
  /** File with the authorities that the gateway's certificate may come from; those of the system unless given. */
  readonly ca?: string | undefined;
  /** File with the client certificate. */
  readonly certificate?: string | undefined;
  readonly certificateKey?: string | undefined;
  /** Sent as `authorization: Bearer`. */
  readonly token?: string | undefined;
  /** File that holds the token; blanks around it don't count. */
  readonly tokenFile?: string | undefined;
  /** `false`: no TLS at all. */
  readonly tls?: boolean | undefined;
  /** Takes any certificate of the gateway without a look at it. */
  readonly insecure?: boolean | undefined;
  /** The name that the gateway's certificate must be for, when it is not the host of the address. */
  readonly serverName?: string | undefined;
}

/** What a channel is made of. */
export interface Endpoint {
  /** As messages name it. */
  readonly place: string;
  readonly target: string;
  readonly credentials: ChannelCredentials;
  readonly options: ChannelOptions;
  readonly token: string | undefined;
}

/** The port of a gateway unless the address says another. */
export const defaultPort = 8444;

/** @throws GatewayError CONFIGURATION when the address can't be read or a file is missing; the message names it */
export function resolveEndpoint(given: GatewayAddress): Endpoint {
  const token =
    given.token ?? (given.tokenFile === undefined ? undefined : read(given.tokenFile, "token").toString().trim());
  if (given.socketPath !== undefined) {
    return {
      place: given.socketPath,
      target: `unix:${given.socketPath}`,
      credentials: credentials.createInsecure(),
      options: { "grpc.default_authority": "localhost" },
      token,
    };
  }
  const { host, port, tls } = parseAddress(given.address ?? "");
  const place = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  const endpoint = { place, target: `${isIP(host) === 0 ? "dns:" : ""}${place}`, token };
  if (!(tls ?? given.tls ?? true)) return { ...endpoint, credentials: credentials.createInsecure(), options: {} };
  const expected = given.serverName ?? host;
  // TLS has no server name for an address (RFC 6066 3), so it is left to the check.
  const sentName = isIP(expected) === 0 ? expected : "localhost";
  return {
    ...endpoint,
    credentials: secureCredentials(given, expected),
    options: { "grpc.ssl_target_name_override": sentName, "grpc.default_authority": given.serverName ?? place },
  };
}

function secureCredentials(given: GatewayAddress, expected: string): ChannelCredentials {
  if ((given.certificate === undefined) !== (given.certificateKey === undefined)) {
    throw new GatewayError("CONFIGURATION", "A client certificate needs both its file and the file of its key.");
  }
  const ca = given.ca === undefined ? null : read(given.ca, "authorities (ca)");
  const certificate = given.certificate === undefined ? null : read(given.certificate, "client certificate");
  const key = given.certificateKey === undefined ? null : read(given.certificateKey, "key of the client certificate");
  try {
    return credentials.createSsl(
      ca,
      key,
      certificate,
      given.insecure === true
        ? { rejectUnauthorized: false, checkServerIdentity: () => undefined }
        : { checkServerIdentity: (_sentName, peer) => checkServerIdentity(expected, peer) },
    );
  } catch (thrown) {
    const files = [given.ca, given.certificate, given.certificateKey].filter((file) => file !== undefined).join(", ");
    throw new GatewayError("CONFIGURATION", `Cannot use the certificates ${files}: ${errorText(thrown)}`, {
      cause: thrown,
    });
  }
}

/**
 * @returns `tls` only when the address says it
 * @throws GatewayError CONFIGURATION
 */
export function parseAddress(text: string): { host: string; port: number; tls: boolean | undefined } {
  // No address is that long, and the expression takes its time with what is none.
  const bare = text.length > 300 ? "" : text.trim();
  const match =
    /^(?:(grpcs?):\/\/)?(?:\[([\da-f:.]*:[\da-f:.]*(?:%\w+)?)\]|([^\s:[\]/]+)|([\da-f]*:[\da-f:.]*:[\da-f:.]*))(?::(\d{1,5}))?\/?$/i.exec(
      bare,
    );
  const host = match?.[2] ?? match?.[3] ?? match?.[4];
  const port = match?.[5] === undefined ? defaultPort : Number(match[5]);
  if (match === null || host === undefined || port < 1 || port > 65_535) {
    throw new GatewayError(
      "CONFIGURATION",
      `Not an address of a gateway: "${text}". Expected host:port, [address]:port, grpc://host:port or grpcs://host:port.`,
    );
  }
  return { host, port, tls: match[1] === undefined ? undefined : match[1].toLowerCase() === "grpcs" };
}

function read(file: string, what: string): Buffer {
  try {
    return readFileSync(file);
  } catch (thrown) {
    throw new GatewayError("CONFIGURATION", `Cannot read the ${what}: ${errorText(thrown)}`, { cause: thrown });
  }
}
