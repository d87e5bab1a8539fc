import { readFileSync, statSync } from "node:fs";
import { isIP } from "node:net";
import { type ConnectionOptions, createSecureContext, type SecureContext, type SecureContextOptions } from "node:tls";
import type { Clock } from "../../kernel/clock.js";
import { errorText, GatewayError } from "../../kernel/errors.js";
import { versionRange } from "../../security/client-tls.js";
import { pemCertificates } from "../../security/tls.js";
import type { Agent } from "./agent.js";

/** What check_nrpe offers: everything, anonymous Diffie-Hellman too, which agents without a certificate need. */
const legacyCiphers = "ALL:!MD5:@STRENGTH:@SECLEVEL=0";
/** The group that agents before 3.0 were built with has 512 bits. */
const legacyDhBits = 512;

/** How often files are looked at for changes, in milliseconds. */
const lookMs = 10_000;
/** Contexts that are kept. Thousands of agents mostly have one or two among them. */
const maxContexts = 64;

interface Kept {
  readonly context: SecureContext;
  readonly stamp: string;
  lookedAt: number;
}

/** TLS towards agents. Agents with the same settings share a context: reading authorities takes longer than a query. */
export class AgentTls {
  private readonly contexts = new Map<string, Kept>();

  constructor(private readonly clock: Clock) {}

  /**
   * What a connection to the agent is made with; undefined without TLS. Files that have changed are read again.
   * @throws GatewayError CONFIGURATION when files can't be read or don't fit, naming the key
   */
  options(agent: Agent): ConnectionOptions | undefined {
    const { values, host } = agent;
    if (!values.useSsl) return undefined;
    const verify = verifyModeOf(agent);
    const name = values.serverName ?? "";
    const servername = name !== "" ? name : isIP(host) === 0 ? host : undefined;
    return {
      secureContext: this.context(agent),
      rejectUnauthorized: verify !== "none",
      ...(servername === undefined ? {} : { servername }),
      ...(verify === "peer" ? {} : { checkServerIdentity: () => undefined }),
      ...(values.insecure ? { minDHSize: legacyDhBits } : {}),
    };
  }

  private context(agent: Agent): SecureContext {
    const { ca, certificate, certificateKey, tlsVersion, allowedCiphers, insecure } = agent.values;
    const verify = verifyModeOf(agent) !== "none";
    const files = [verify ? ca : "", certificate ?? "", certificateKey ?? ""];
    const key = JSON.stringify([...files, tlsVersion, allowedCiphers, insecure]);
    const now = this.clock.monotonic();
    const kept = this.contexts.get(key);
    if (kept !== undefined && now - kept.lookedAt < lookMs) return kept.context;
    const stamp = stampOf(files);
    if (kept !== undefined && kept.stamp === stamp) {
      kept.lookedAt = now;
      return kept.context;
    }
    const context = makeContext(agent, verify);
    this.contexts.delete(key);
    this.contexts.set(key, { context, stamp, lookedAt: now });
    if (this.contexts.size > maxContexts) {
      const [oldest] = this.contexts.keys();
      if (oldest !== undefined) this.contexts.delete(oldest);
    }
    return context;
  }
}

/** How much of the agent's certificate counts. */
export function verifyModeOf({ values }: Agent): "peer" | "ca" | "none" {
  return values.verifyMode ?? (values.insecure ? "none" : "peer");
}

/** What somebody in between could do, in words for the log; undefined when nothing. */
export function exposureOf(agent: Agent): string | undefined {
  if (!agent.values.useSsl) return "without TLS (use ssl = false)";
  if (agent.values.insecure) return "without security (insecure = true)";
  if (verifyModeOf(agent) === "none") return "with any certificate (verify mode = none)";
  return undefined;
}

function makeContext(agent: Agent, verify: boolean): SecureContext {
  const { ca, certificate = "", certificateKey = "", tlsVersion, allowedCiphers, insecure } = agent.values;
  if (certificateKey !== "" && certificate === "") {
    throw new GatewayError(
      "CONFIGURATION",
      `certificate key: the target ${agent.name} has no certificate to go with it`,
    );
  }
  const version = tlsVersion ?? (insecure ? "1.0+" : "1.2+");
  const isOld = version.startsWith("1.0") || version.startsWith("1.1");
  const usual = insecure ? legacyCiphers : isOld ? "DEFAULT:@SECLEVEL=0" : undefined;
  const ciphers = allowedCiphers !== undefined && allowedCiphers !== "" ? allowedCiphers : usual;
  const options: SecureContextOptions = { ...versionRange(version) };
  if (ciphers !== undefined) options.ciphers = ciphers;
  if (verify && ca !== "") options.ca = authorities(ca);
  if (certificate !== "") {
    options.cert = readFile("certificate", certificate);
    options.key = certificateKey === "" ? options.cert : readFile("certificate key", certificateKey);
  }
  try {
    return createSecureContext(options);
  } catch (error) {
    const key = /cipher/i.test(errorText(error)) ? "allowed ciphers: " : "";
    throw new GatewayError("CONFIGURATION", `${key}TLS does not take what the target says: ${errorText(error)}`);
  }
}

function authorities(file: string): Buffer {
  const pem = readFile("ca", file);
  // An empty list would make TLS trust the authorities of the system.
  if (pemCertificates(pem).length === 0) throw new GatewayError("CONFIGURATION", `ca: ${file} holds no certificate`);
  return pem;
}

function readFile(key: string, file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new GatewayError("CONFIGURATION", `${key}: it can't be read: ${errorText(error)}`);
  }
}

function stampOf(files: readonly (string | undefined)[]): string {
  return files.map((file) => (file === undefined || file === "" ? "" : fileStamp(file))).join("|");
}

function fileStamp(file: string): string {
  const facts = statSync(file, { throwIfNoEntry: false });
  return facts === undefined ? "none" : `${facts.mtimeMs}/${facts.size}/${facts.ino}`;
}
