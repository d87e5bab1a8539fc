import { getSystemErrorMap } from "node:util";
import { errorText } from "../../kernel/errors.js";
import type { NrpeVersion } from "../../wire/nrpe/packet.js";
import type { NrpeProblem } from "../../wire/nrpe/reader.js";

/** How far an exchange has come. */
export type Phase = "connect" | "handshake" | "answer";

export interface ExchangeFacts {
  /**
   * `connect`: there was no connection; `handshake`: TLS did not come about; `certificate`: the agent's is not to be
   * trusted; `closed`: no answer, which is all that an agent says to a query that it does not take; `garbled`: what came is
   * no packet of an answer; `damaged`: its CRC is wrong; `late`: the time was over.
   */
  readonly kind: Phase | "certificate" | "closed" | "garbled" | "damaged" | "late";
  readonly phase: Phase;
  /** Bytes that came from the agent. */
  readonly received: number;
  readonly version: NrpeVersion;
  readonly place: string;
  /** The address that the connection went to; the host where there was none. */
  readonly peer: string;
  /** What is wrong with an answer. */
  readonly problem: NrpeProblem["kind"] | undefined;
}

/** Why a query has no answer. The message names host, port and reason. */
export class ExchangeFailure extends Error {
  override readonly name = "ExchangeFailure";
  readonly kind: ExchangeFacts["kind"] & string;
  readonly phase: Phase;
  readonly received: number;
  readonly version: NrpeVersion;
  readonly place: string;
  readonly peer: string;
  readonly problem: NrpeProblem["kind"] | undefined;

  constructor(
    message: string,
    { kind, phase, received, version, place, peer, problem }: ExchangeFacts,
    cause?: unknown,
  ) {
    super(message, { cause });
    this.peer = peer;
    this.problem = problem;
    this.kind = kind;
    this.phase = phase;
    this.received = received;
    this.version = version;
    this.place = place;
  }
}

/** `connection refused` for ECONNREFUSED, and so on; of several addresses that of the last one. */
export function systemErrorText(error: Error): string {
  const last = error instanceof AggregateError ? error.errors.at(-1) : undefined;
  const facts: NodeJS.ErrnoException = last instanceof Error ? last : error;
  if (facts.syscall === "getaddrinfo") return `the host name can't be resolved (${facts.code ?? errorText(facts)})`;
  const known = facts.errno === undefined ? undefined : getSystemErrorMap().get(facts.errno);
  return known?.[1] ?? errorText(facts);
}

/** What an error of TLS means; nothing when it is none. */
export function tlsFailure(
  error: NodeJS.ErrnoException,
): { readonly kind: "handshake" | "certificate"; readonly text: string } | undefined {
  const code = error.code ?? "";
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") {
    return {
      kind: "certificate",
      text: `shows a certificate for another host: ${errorText(error)} (server name, or verify mode = ca)`,
    };
  }
  if (certificateCodes.test(code)) {
    return {
      kind: "certificate",
      text: `shows a certificate that can't be verified: ${errorText(error)} (ca, or insecure = true for agents without one that can)`,
    };
  }
  if (!code.startsWith("ERR_SSL_") && !code.startsWith("ERR_TLS_") && code !== "EPROTO") return undefined;
  const reason = /alert|error:[^:]*:[^:]*:[^:]*:([^:]*)/.exec(errorText(error))?.[1] ?? errorText(error);
  return {
    kind: "handshake",
    text: `refused TLS: ${reason.trim()}${hints.find(([match]) => match.test(code))?.[1] ?? ""}`,
  };
}

/** Results of a verification as OpenSSL names them. */
const certificateCodes =
  /^(?:UNABLE_TO_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_|HOSTNAME_MISMATCH|CRL_|ERROR_IN_CERT_)/;

const hints: readonly (readonly [RegExp, string])[] = [
  [/WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG/, " (it speaks no TLS there: use ssl = false)"],
  [
    /HANDSHAKE_FAILURE|NO_CIPHERS|NO_SHARED|UNSUPPORTED_PROTOCOL|PROTOCOL_VERSION|DH_KEY_TOO_SMALL/,
    " (insecure = true for agents without a certificate, and for old ones)",
  ],
  [/CERTIFICATE_REQUIRED|BAD_CERTIFICATE|UNKNOWN_CA|CERTIFICATE_UNKNOWN/, " (certificate, certificate key)"],
];
