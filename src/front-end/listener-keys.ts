/** Keys that the front ends of the network have in common: where they listen, who may connect, and their TLS. */
import { allowedHostProblem } from "../security/allowed-hosts.js";
import type { ObjectSpec } from "../settings/schema.js";
import { parseList } from "../settings/values.js";

/** Where a front end finds what its own section does not say. */
export const sharedSection = "/settings/default";

export const listenerKeys = {
  bindTo: {
    type: "string",
    default: "",
    fallback: sharedSection,
    title: "Bind to",
    description: "The address to listen on; empty listens on all of them, IPv4 and IPv6",
  },
  allowedHosts: {
    type: "list",
    default: ["127.0.0.1", "::1"],
    fallback: sharedSection,
    sample: true,
    title: "Allowed hosts",
    description: "Addresses, networks (10.0.0.0/8, fd00::/8) and names that may connect; others are refused before TLS",
    check: hostsProblem,
  },
  cacheAllowedHosts: {
    type: "bool",
    default: true,
    fallback: sharedSection,
    title: "Cache allowed hosts",
    description: "Look host names up once, and not for every connection",
  },
} as const satisfies ObjectSpec["keys"];

export const connectionLimitKeys = {
  maxConnections: {
    type: "int",
    default: 1000,
    min: 1,
    advanced: true,
    title: "Max connections",
    description:
      "How many connections may be open at once; then a new one takes the place of one that waits longest without a request, or is closed",
  },
  maxConnectionsPerPeer: {
    type: "int",
    default: 200,
    min: 1,
    advanced: true,
    title: "Max connections per peer",
    description: "How many of them one address may have",
  },
} as const satisfies ObjectSpec["keys"];

/** Keys of front ends that speak HTTP. */
export const httpKeys = {
  handshakeTimeout: {
    type: "time",
    default: "10s",
    advanced: true,
    title: "Handshake timeout",
    description: "How long a connection may take for TLS and the first bytes, and for the head of each request",
  },
  connectionIdle: {
    type: "time",
    default: "30s",
    advanced: true,
    title: "Connection idle",
    description: "How long a connection without a request stays open",
  },
} as const satisfies ObjectSpec["keys"];

export const listenerTlsKeys = {
  certificate: {
    type: "path",
    default: "${certificate-path}/certificate.pem",
    mustExist: "file",
    title: "Certificate",
    description:
      "The certificate of this server and those that issued it, as PEM; a changed file is taken while it runs",
  },
  certificateKey: {
    type: "path",
    default: "${certificate-path}/certificate_key.pem",
    mustExist: "file",
    secretFile: true,
    title: "Certificate key",
    description: "The key of the certificate, as PEM; nobody but its owner and group may read it",
  },
  ca: {
    type: "path",
    default: "${certificate-path}/ca.pem",
    title: "CA",
    description: "The authorities that client certificates must come from, as PEM",
  },
} as const satisfies ObjectSpec["keys"];

/** Keys that files of NSClient++ have, so that those need no change. */
export const acceptedKeys = {
  certificateFormat: {
    type: "enum",
    choices: ["PEM"],
    default: "PEM",
    advanced: true,
    title: "Certificate format",
    description: "The form of certificate and key: PEM is the only one",
  },
  dh: {
    type: "string",
    advanced: true,
    title: "DH",
    description: "Has no effect: the parameters of a Diffie-Hellman exchange are those of OpenSSL",
  },
  threadPool: { type: "int", advanced: true, title: "Thread pool", description: "Has no effect" },
  socketQueueSize: { type: "int", advanced: true, title: "Socket queue size", description: "Has no effect" },
  debugVerify: {
    type: "bool",
    advanced: true,
    title: "Debug verify",
    description: "Has no effect: the log says why a certificate is refused",
  },
} as const satisfies ObjectSpec["keys"];

/** Keys of front ends that take passive results. */
export const intakeKeys = {
  inbox: {
    type: "string",
    default: "inbox",
    title: "Inbox",
    description: "The channel that results are submitted to",
    check: (value: string) => (/[^\s,]/.test(value) ? undefined : "it names no channel"),
  },
} as const satisfies ObjectSpec["keys"];

/** What is wrong with a list of allowed hosts, if anything is. */
export function hostsProblem(value: string): string | undefined {
  return parseList(value)
    .map(allowedHostProblem)
    .find((problem) => problem !== undefined);
}
