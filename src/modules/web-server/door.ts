import type { IncomingHttpHeaders } from "node:http";
import { GatewayError } from "../../kernel/errors.js";
import type { Credentials } from "../../security/credentials.js";
import type { LoginMemory } from "../../security/login-memory.js";
import type { Peer } from "./http/peer.js";
import type { QueryParameters } from "./http/query-parameters.js";

/** The name of this door in the audit log, in calls and in metrics. */
export const frontEnd = "http";

/** The user that a password without a name is of. */
export const adminUser = "admin";

/** Longer ones are nobody's, and have cost too much already. */
const maxHeaderLength = 8 * 1024;

/** What a request shows of who makes it. */
export interface ShownCredentials {
  readonly headers: IncomingHttpHeaders;
  readonly query: QueryParameters;
  readonly peer: Peer;
  /** Of whoever asks; that of the peer unless it is a proxy. */
  readonly address: string;
}

/**
 * The credentials of a request; the first kind that is there decides: `Authorization`, `password`, `TOKEN`, `X-Auth-Token`, a
 * token in the URL of old programs, the client certificate.
 *
 * @throws GatewayError UNAUTHENTICATED for another scheme than Basic and Bearer, and for a certificate of a stranger
 */
export function credentialsOf(shown: ShownCredentials, legacyUserAgents: readonly string[]): Credentials {
  const { headers, peer, address } = shown;
  const { authorization } = headers;
  if (authorization !== undefined) return fromAuthorization(authorization, address, peer.memory);
  const password = single(headers["password"]);
  if (password !== "") return basic(adminUser, password, address, peer.memory);
  const token = single(headers["token"]) || single(headers["x-auth-token"]) || tokenInUrl(shown, legacyUserAgents);
  if (token !== "") return { frontEnd, peer: address, token };
  if (peer.untrusted !== undefined) {
    throw new GatewayError("UNAUTHENTICATED", `The client certificate is not trusted: ${peer.untrusted}.`);
  }
  return { frontEnd, peer: address, certificate: peer.certificate };
}

/** Whether a request shows anything of who makes it but a certificate. */
export function showsCredentials(headers: IncomingHttpHeaders): boolean {
  return credentialHeaders.some((name) => headers[name] !== undefined);
}

const credentialHeaders = ["authorization", "password", "token", "x-auth-token"] as const;

/** Whether the program is one of those that may show secrets in URLs, as they did before there was another way. */
export function isLegacyProgram(headers: IncomingHttpHeaders, legacyUserAgents: readonly string[]): boolean {
  const program = headers["user-agent"]?.toLowerCase();
  return program !== undefined && legacyUserAgents.some((part) => program.includes(part.toLowerCase()));
}

/** The token of a request, wherever it stands; empty without one. */
export function tokenOf({ bearer, token }: Credentials): string {
  return bearer ?? token ?? "";
}

function tokenInUrl({ headers, query }: ShownCredentials, legacyUserAgents: readonly string[]): string {
  if (query.raw === "") return "";
  const token = query.get("TOKEN") || query.get("__TOKEN") || "";
  return token !== "" && isLegacyProgram(headers, legacyUserAgents) ? token : "";
}

function fromAuthorization(authorization: string, peer: string, memory: LoginMemory | undefined): Credentials {
  const blank = authorization.indexOf(" ");
  // RFC 9110 11.1: the scheme is compared without case.
  const scheme = authorization.slice(0, Math.max(0, blank)).toLowerCase();
  const rest = authorization.slice(blank + 1).trim();
  // What is too long is not taken apart, and is a failed login all the same.
  if (authorization.length > maxHeaderLength) return basic("", authorization, peer);
  if (scheme === "basic") {
    const text = Buffer.from(rest, "base64").toString("utf8");
    const colon = text.indexOf(":");
    return colon < 0 ? basic(text, "", peer) : basic(text.slice(0, colon), text.slice(colon + 1), peer, memory);
  }
  if (scheme === "bearer") return { frontEnd, peer, bearer: rest, blocksBearer: true };
  throw new GatewayError("UNAUTHENTICATED", "The scheme of Authorization is neither Basic nor Bearer.");
}

function basic(user: string, password: string, peer: string, memory?: LoginMemory): Credentials {
  return { frontEnd, peer, basic: { user, password }, memory };
}

function single(value: string | string[] | undefined): string {
  return (Array.isArray(value) ? value[0] : value) ?? "";
}
