import { lookup } from "node:dns";
import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { type ConnectionOptions, createSecureContext, type SecureVersion } from "node:tls";
import { systemClock } from "../gateway/system-clock.js";
import { errorText } from "../kernel/errors.js";
import { exchange, type NrpeReply } from "../modules/nrpe-client/exchange.js";
import { ExchangeFailure } from "../modules/nrpe-client/exchange-failure.js";
import { placeOf } from "../modules/nrpe-client/place.js";
import { utf8 } from "../wire/charset.js";
import { type CheckNrpeOptions, type CheckNrpeTls, readCheckNrpe } from "./check-nrpe-options.js";
import { answerText, type Ending, failureEnding } from "./check-nrpe-texts.js";
import type { CliIo } from "./context.js";
import { versionText } from "./version.js";

const unknown = 3;
const maxAnswer = 65_536;

/**
 * `check_nrpe` as monitoring servers have it in their configurations: its options, what it prints and its exit codes.
 *
 * @param args the words behind the name of the program
 * @param name what it is called, for messages
 */
export async function checkNrpe(args: readonly string[], io: CliIo, name = "check_nrpe"): Promise<number> {
  const command = readCheckNrpe(args, name, readOptional);
  if (command.kind !== "query") {
    if (command.kind === "wrong") {
      io.stdout(command.stdout);
      io.stderr(command.stderr);
    }
    if (command.kind === "version" || command.kind === "license") io.stdout(versionText());
    if (command.kind === "license") io.stdout("Apache License 2.0\n");
    if (command.kind === "help" || (command.kind === "wrong" && command.showsHelp)) io.stdout(help);
    return unknown;
  }
  const { options } = command;
  io.stdout(options.remarks.map((line) => `${line}\n`).join(""));
  const { stdout, stderr, code } = await run(options, io);
  io.stdout(stdout);
  if (options.stderrToStdout) io.stdout(stderr);
  else io.stderr(stderr);
  return code;
}

async function run(options: CheckNrpeOptions, io: CliIo): Promise<Ending> {
  const { host, family, versions, useSsl } = options;
  if (family !== undefined && isIP(host) !== 0 && isIP(host) !== family) {
    const stderr = `Could not resolve hostname ${host}: Address family for hostname not supported\n`;
    return { stdout: "", stderr, code: 1 };
  }
  if (useSsl && /^SSLv[23]$/.test(options.tls.version)) {
    // Nobody speaks these any more.
    const text = `CHECK_NRPE: (ssl_err != 5) Error - Could not complete SSL handshake with ${host}: 1\n`;
    return { stdout: text, stderr: "", code: options.troubleCode };
  }
  const tls = useSsl ? tlsOptions(options.tls, host) : undefined;
  if (tls !== undefined && "problem" in tls) return { stdout: tls.problem, stderr: "", code: options.troubleCode };
  for (const [index, version] of versions.entries()) {
    const isLast = index === versions.length - 1;
    try {
      const reply = await attempt(options, version, tls);
      if (!isLast && reply.version !== version) {
        io.stdout("CHECK_NRPE: Invalid packet version received from server.\n");
        continue;
      }
      if (!isLast && reply.result === -1) continue;
      const text = reply.text === "" ? "CHECK_NRPE: No output returned from daemon." : reply.text;
      return { stdout: `${text}\n`, stderr: "", code: reply.result & 0xff };
    } catch (thrown) {
      if (!(thrown instanceof ExchangeFailure))
        return { stdout: `CHECK_NRPE: ${errorText(thrown)}\n`, stderr: "", code: unknown };
      const isFinal = isLast || thrown.phase !== "answer" || thrown.kind === "late" || thrown.kind === "damaged";
      if (isFinal) return failureEnding(thrown, options);
      // Of its first attempt check_nrpe speaks with -3 in plain, and when it got another version.
      if ((version === 3 && !useSsl) || thrown.problem === "version") io.stdout(`${answerText(thrown)}\n`);
    }
  }
  throw new Error("There is no version to try.");
}

function attempt(
  { host, port, query, payloadLength, timeoutMs, family, localAddress }: CheckNrpeOptions,
  version: 2 | 3 | 4,
  tls: ConnectionOptions | undefined,
): Promise<NrpeReply> {
  const place = placeOf(host, port);
  return exchange(
    { host, port, place, tls, family, localAddress, lookup },
    { text: query, version, payloadLength, charset: utf8, encoding: "utf-8", maxAnswer },
    { clock: systemClock, timeoutMs, namedTimeoutMs: timeoutMs },
    new AbortController().signal,
  );
}

const ciphersByUse = [
  "ALL:!MD5:!ADH:@STRENGTH:@SECLEVEL=0",
  "ALL:!MD5:@STRENGTH:@SECLEVEL=0",
  "ADH:@SECLEVEL=0",
] as const;

/** Connections to old agents have Diffie-Hellman groups of 512 bits. */
const smallestGroup = 512;

function tlsOptions(
  { anonymous, version, ciphers: given, certificate, key, authorities }: CheckNrpeTls,
  host: string,
): ConnectionOptions | { readonly problem: string } {
  const list = given ?? ciphersByUse[anonymous];
  // An agent without a certificate is none that the authorities vouch for.
  const ciphers = authorities === undefined ? list : `${list}:!aNULL`;
  const { minVersion, maxVersion } = versionsOf(version);
  try {
    const cert = certificate === undefined ? undefined : material(certificate, "certificate file");
    const privateKey = key === undefined ? undefined : material(key, "private key file");
    const ca = authorities === undefined ? undefined : material(authorities, "CA certificate");
    return {
      secureContext: createSecureContext({
        ...{ minVersion, maxVersion, ciphers },
        ...(cert === undefined ? {} : { cert, key: privateKey }),
        ...(ca === undefined ? {} : { ca }),
      }),
      rejectUnauthorized: ca !== undefined,
      // As check_nrpe has it: a certificate of the authorities will do, whichever host it is for.
      checkServerIdentity: () => undefined,
      minDHSize: smallestGroup,
      ...(isIP(host) === 0 ? { servername: host } : {}),
    };
  } catch (thrown) {
    const reason = errorText(thrown).split(":").at(-1) ?? "";
    if (!/cipher/.test(reason)) return { problem: `Error: ${errorText(thrown)}\n` };
    return {
      problem: `Error: Could not set SSL/TLS cipher list: ${list}\nCould not set SSL/TLS cipher list '${list}': ${reason}\n`,
    };
  }
}

function material(file: string, what: string): Buffer {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (thrown) {
    throw new Error(`could not use ${what} '${file}'. ${errorText(thrown)}`);
  }
  if (bytes.includes("-----BEGIN ")) return bytes;
  throw new Error(`could not use ${what} '${file}'. It is not in PEM form.`);
}

function versionsOf(name: string): { minVersion: SecureVersion; maxVersion: SecureVersion } {
  const isOpen = name.endsWith("+");
  const exact = isOpen ? name.slice(0, -1) : name;
  const known = secureVersions[exact] ?? "TLSv1";
  return { minVersion: known, maxVersion: isOpen ? "TLSv1.3" : known };
}

const secureVersions: Readonly<Record<string, SecureVersion>> = {
  TLSv1: "TLSv1",
  "TLSv1.1": "TLSv1.1",
  "TLSv1.2": "TLSv1.2",
  "TLSv1.3": "TLSv1.3",
};

function readOptional(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

const help = `Usage: check_nrpe -H <host> [options] [-c <command>] [-a <arguments...>]

Asks an NRPE agent to run a command, prints what it says and exits with its state.
The options are those of check_nrpe 4.1:

 -H, --host=HOST              The agent's host name or address
 -p, --port=PORT              Its port (5666)
 -c, --command=COMMAND        The command to run; without one the agent says its version
 -a, --args=LIST              Arguments of the command: everything behind it, whatever it looks like
 -t, --timeout=SECONDS:STATE  Seconds to wait for each attempt (10), and the state to exit with
                              when they are over (CRITICAL); both parts may be left out
 -u, --unknown-timeout        Exit with UNKNOWN when there is no connection or no answer in time
 -2, --v2-packets-only        Packets of version 2; otherwise 4, and 2 when there is no answer to it
 -3, --v3-packets-only        Packets of version 3, and 2 when there is no answer to it
 -P, --payload-size=SIZE      Bytes of text in packets of version 2 (1024)
 -n, --no-ssl                 No TLS
 -d, --use-adh=DHOPT          Anonymous Diffie-Hellman: 0 no, 1 also (default), 2 nothing else
 -S, --ssl-version=VERSION    TLSv1, TLSv1.1, TLSv1.2, TLSv1.3; with + this one and newer (TLSv1+)
 -L, --cipher-list=LIST       Ciphers (ALL:!MD5:@STRENGTH:@SECLEVEL=0)
 -A, --ca-cert-file=FILE      The agent's certificate must come from one of these authorities
 -C, --client-cert=FILE       The certificate to show, and
 -K, --key-file=FILE          its private key
 -4, --ipv4 / -6, --ipv6      Only addresses of this kind
 -b, --bind=ADDRESS           The local address to connect from
 -f, --config-file=FILE       A file of further options, one in a line
 -E, --stderr-to-stdout       Errors of the connection on standard output
 -s, -g, -D                   Logging options are taken and do nothing: nothing is logged
 -V, --version / -l, --license / -h, --help

`;
