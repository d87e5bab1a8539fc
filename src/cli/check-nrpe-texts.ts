import type { ExchangeFailure } from "../modules/nrpe-client/exchange-failure.js";

/** What is printed and how the program ends. */
export interface Ending {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number;
}

const states = ["OK", "WARNING", "CRITICAL", "UNKNOWN"] as const;
const unknown = 3;

/** What check_nrpe ends with when a host name has no address, whatever its options say. */
const unresolvedCode = 1;

interface Circumstances {
  readonly host: string;
  readonly port: number;
  readonly timeoutMs: number;
  readonly troubleCode: number;
}

/** What check_nrpe 4.1 says and exits with after its last attempt has failed in this way. */
export function failureEnding(failure: ExchangeFailure, { host, port, timeoutMs, troubleCode }: Circumstances): Ending {
  const { kind, phase, peer } = failure;
  const said = (stdout: string, code: number): Ending => ({ stdout: `${stdout}\n`, stderr: "", code });
  if (kind === "late") {
    const state = states[troubleCode] ?? "UNKNOWN";
    return said(`CHECK_NRPE STATE ${state}: Socket timeout after ${timeoutMs / 1000} seconds.`, troubleCode);
  }
  if (kind === "connect") return connectEnding(failure, host, port, troubleCode);
  if (phase === "handshake") {
    const isReset = causeCode(failure) === "ECONNRESET" && !isEarlyEnd(failure);
    const text = isReset
      ? `CHECK_NRPE: Error - Could not connect to ${peer}: Connection reset by peer`
      : `CHECK_NRPE: (ssl_err != 5) Error - Could not complete SSL handshake with ${peer}: 1`;
    return said(text, troubleCode);
  }
  return said(answerText(failure), unknown);
}

/** What it says about an answer that is none; between two attempts as well. */
export function answerText({ kind, received, problem, cause }: ExchangeFailure): string {
  if (kind === "damaged") return "CHECK_NRPE: Response packet had invalid CRC32.";
  if (problem === "version") return "CHECK_NRPE: Invalid packet version received from server.";
  if (problem === "type") return "CHECK_NRPE: Invalid packet type received from server.";
  const count = cause === undefined ? Math.min(received, 4) : -1;
  return `CHECK_NRPE: Receive header underflow - only ${count} bytes received (4 expected).`;
}

function connectEnding(failure: ExchangeFailure, host: string, port: number, code: number): Ending {
  const { cause } = failure;
  const errors: unknown[] = cause instanceof AggregateError ? cause.errors : [cause];
  const facts = errors.filter((error): error is NodeJS.ErrnoException => error instanceof Error);
  const last = facts.at(-1);
  if (last?.syscall === "getaddrinfo") {
    const stderr = `Could not resolve hostname ${host}: ${resolveTexts[last.code ?? ""] ?? "Name or service not known"}\n`;
    return { stdout: "", stderr, code: unresolvedCode };
  }
  const lines = facts.map((error) => {
    const { address = host, port: at = port } = error as NodeJS.ErrnoException & { address?: string; port?: number };
    const reason = systemText(error);
    return error.syscall === "bind"
      ? `bind: ${address}: ${reason}\n`
      : `connect to address ${address} port ${at}: ${reason}\n`;
  });
  const end = `connect to host ${host} port ${port}: ${last === undefined ? "Connection refused" : systemText(last)}\n`;
  return { stdout: "", stderr: `${lines.join("")}${end}`, code };
}

/** The texts of the C library. */
const systemTexts: Readonly<Record<string, string>> = {
  ECONNREFUSED: "Connection refused",
  ECONNRESET: "Connection reset by peer",
  ETIMEDOUT: "Connection timed out",
  EHOSTUNREACH: "No route to host",
  ENETUNREACH: "Network is unreachable",
  EADDRNOTAVAIL: "Cannot assign requested address",
  EACCES: "Permission denied",
  EPERM: "Operation not permitted",
  EINVAL: "Invalid argument",
};

const resolveTexts: Readonly<Record<string, string>> = {
  ENOTFOUND: "Name or service not known",
  EAI_AGAIN: "Temporary failure in name resolution",
  EAFNOSUPPORT: "Address family for hostname not supported",
};

function systemText(error: NodeJS.ErrnoException): string {
  return systemTexts[error.code ?? ""] ?? error.message;
}

function causeCode({ cause }: ExchangeFailure): string | undefined {
  return cause instanceof Error && "code" in cause ? String(cause.code) : undefined;
}

/** Node.js says ECONNRESET of a connection that ended in order, too; then there was no system call that failed. */
function isEarlyEnd({ cause }: ExchangeFailure): boolean {
  return !(cause instanceof Error && "syscall" in cause);
}
