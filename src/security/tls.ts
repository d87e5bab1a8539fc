import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { createSecureContext } from "node:tls";
import { errorText } from "../kernel/errors.js";

/** A certificate with its key and the authorities for the other side, as PEM. */
export interface TlsMaterial {
  /** The certificate, and behind it those between it and its authority. */
  readonly certificate: Buffer;
  readonly privateKey: Buffer;
  readonly ca: Buffer | undefined;
}

/** Where they are. */
export interface TlsFiles {
  readonly certificate: string;
  /** May be the same file as the certificate. */
  readonly privateKey: string;
  readonly ca?: string | undefined;
}

export interface LoadedTls {
  /** Undefined when there are problems. */
  readonly material: TlsMaterial | undefined;
  /** Why the files can't be used, each a sentence that names its file. */
  readonly problems: readonly string[];
  /** What works and should be looked after. */
  readonly warnings: readonly string[];
}

const dayMs = 86_400_000;
/** How long before its end a certificate is spoken of. */
const expiryWarningDays = 30;

/**
 * Reads and checks a certificate, its key and the authorities: that they can be read, that the key is the certificate's,
 * and that TLS takes them. A pair that is pushed without these checks refuses every connection.
 *
 * @param now milliseconds since the epoch
 */
export async function loadTls(files: TlsFiles, now: number): Promise<LoadedTls> {
  const problems: string[] = [];
  const read = (what: string, file: string) =>
    readFile(file).catch((error: unknown) => {
      problems.push(`The ${what} can't be read: ${errorText(error)}`);
      return undefined;
    });
  const certificate = await read("certificate", files.certificate);
  const privateKey = await read("private key", files.privateKey);
  const ca = files.ca === undefined ? undefined : await read("file of certificate authorities", files.ca);
  if (certificate === undefined || privateKey === undefined || problems.length > 0) {
    return { material: undefined, problems, warnings: [] };
  }
  const material = { certificate, privateKey, ca };
  const problem = pairProblem(material, files) ?? authorityProblem(ca, files.ca);
  if (problem !== undefined) return { material: undefined, problems: [problem], warnings: [] };
  const warnings = [...validityWarnings(material, files, now), ...(await openKeyWarning(files.privateKey))];
  return { material, problems: [], warnings };
}

/** Until when the certificate is good, in milliseconds since the epoch. */
export function notAfter(certificate: Buffer): number {
  return Date.parse(new X509Certificate(certificate).validTo);
}

function pairProblem({ certificate, privateKey }: TlsMaterial, files: TlsFiles): string | undefined {
  let first: X509Certificate;
  try {
    first = new X509Certificate(certificate);
  } catch {
    return `${files.certificate} holds no certificate in PEM form`;
  }
  try {
    const key = createPrivateKey(privateKey);
    if (!first.checkPrivateKey(key)) {
      return `The key ${files.privateKey} does not belong to the certificate ${files.certificate}`;
    }
  } catch (error) {
    const isEncrypted = /ENCRYPTED/.test(privateKey.toString("latin1"));
    return isEncrypted
      ? `The key ${files.privateKey} is encrypted; the gateway needs one without a passphrase`
      : `${files.privateKey} holds no private key in PEM form (${errorText(error)})`;
  }
  try {
    createSecureContext({ cert: certificate, key: privateKey });
    return undefined;
  } catch (error) {
    return `TLS does not take ${files.certificate} with ${files.privateKey}: ${errorText(error)}`;
  }
}

/** An empty list of authorities would make TLS trust those of the system, which is anybody with a web server. */
function authorityProblem(ca: Buffer | undefined, file: string | undefined): string | undefined {
  if (ca === undefined || file === undefined) return undefined;
  const blocks = pemCertificates(ca);
  if (blocks.length === 0) return `${file} holds no certificate of an authority`;
  try {
    for (const block of blocks) new X509Certificate(block);
    return undefined;
  } catch (error) {
    return `${file} holds a broken certificate: ${errorText(error)}`;
  }
}

/** The certificates of a PEM file, one text each. */
export function pemCertificates(pem: Buffer): string[] {
  return pem.toString("latin1").match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
}

function validityWarnings({ certificate, ca }: TlsMaterial, files: TlsFiles, now: number): string[] {
  const named = [
    ...pemCertificates(certificate).map((pem) => ({ pem, file: files.certificate })),
    ...(ca === undefined ? [] : pemCertificates(ca)).map((pem) => ({ pem, file: files.ca ?? "" })),
  ];
  return named.flatMap(({ pem, file }) => validityWarning(new X509Certificate(pem), file, now) ?? []);
}

function validityWarning(certificate: X509Certificate, file: string, now: number): string | undefined {
  const days = Math.floor((Date.parse(certificate.validTo) - now) / dayMs);
  const name = certificate.subject.replaceAll("\n", ", ");
  if (Date.parse(certificate.validFrom) > now) return `${file}: ${name} is not valid before ${certificate.validFrom}`;
  if (days < 0) return `${file}: ${name} has expired on ${certificate.validTo}`;
  if (days < expiryWarningDays) return `${file}: ${name} expires in ${days} days, on ${certificate.validTo}`;
  return undefined;
}

/** Nothing about a key that is gone since it was read: whoever is replacing it is not done. */
async function openKeyWarning(file: string): Promise<string[]> {
  const facts = await stat(file).catch(() => undefined);
  return facts === undefined || (facts.mode & 0o004) === 0
    ? []
    : [`Everybody on this machine may read the key ${file}; set its permissions to 600`];
}
