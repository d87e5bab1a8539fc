import { randomBytes, webcrypto } from "node:crypto";
import { isIP } from "node:net";
import * as x509 from "@peculiar/x509";

/** A certificate and its private key, as PEM. */
export interface CertificatePair {
  readonly certificate: string;
  readonly privateKey: string;
}

/** What a certificate is made with. */
export interface CertificateTerms {
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly days: number;
}

const dayMs = 86_400_000;
/** Clocks of two machines differ: a certificate is good a little before it was made. */
const clockSkewMs = 3_600_000;
/** RFC 5280, appendix A: ub-common-name. */
const maxCommonName = 64;
const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

x509.cryptoProvider.set(webcrypto);

/** Makes a certificate authority that issues certificates for servers and clients, and for no further authority. */
export async function makeAuthority({ now, days }: CertificateTerms): Promise<CertificatePair> {
  const keys = await makeKeys();
  // The name is unique, so that nobody mistakes the authority of one gateway for that of another.
  const name = `CN=nscp-gateway CA ${randomBytes(4).toString("hex")}`;
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    keys,
    name,
    serialNumber: serialNumber(),
    ...validity(now, days),
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return pairOf(certificate, keys.privateKey);
}

/** Makes a server's certificate for the given host names and addresses; the first that fits is its CN. */
export function makeServerPair(
  authority: CertificatePair,
  hosts: readonly string[],
  terms: CertificateTerms,
): Promise<CertificatePair> {
  return makeLeaf(authority, commonNameOf(hosts), hostNames(hosts), x509.ExtendedKeyUsage.serverAuth, terms);
}

/** Makes a server's certificate that speaks for itself: whoever trusts it has to know it. */
export async function makeSelfSignedPair(hosts: readonly string[], terms: CertificateTerms): Promise<CertificatePair> {
  const keys = await makeKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    keys,
    name: new x509.Name([{ CN: [{ utf8String: commonNameOf(hosts) }] }]),
    serialNumber: serialNumber(),
    ...validity(terms.now, terms.days),
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(hostNames(hosts)),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return pairOf(certificate, keys.privateKey);
}

function commonNameOf(hosts: readonly string[]): string {
  return hosts.find((host) => host.length <= maxCommonName) ?? "localhost";
}

function hostNames(hosts: readonly string[]): x509.JsonGeneralNames {
  return hosts.map((host) => ({ type: isIP(host) === 0 ? ("dns" as const) : ("ip" as const), value: host }));
}

/** Makes a client's certificate: its CN is the name, and so is its alternative name, of the kind that the name is of. */
export function makeClientPair(
  authority: CertificatePair,
  name: string,
  terms: CertificateTerms,
): Promise<CertificatePair> {
  const type = name.includes("@") ? ("email" as const) : ("dns" as const);
  return makeLeaf(authority, name, [{ type, value: name }], x509.ExtendedKeyUsage.clientAuth, terms);
}

async function makeLeaf(
  authority: CertificatePair,
  commonName: string,
  names: x509.JsonGeneralNames,
  usage: x509.ExtendedKeyUsage,
  { now, days }: CertificateTerms,
): Promise<CertificatePair> {
  const issuer = new x509.X509Certificate(authority.certificate);
  const keys = await makeKeys();
  const { notBefore, notAfter } = validity(now, days);
  const certificate = await x509.X509CertificateGenerator.create({
    // As a structure and not as text, in which a comma or an equals sign would have a meaning.
    subject: new x509.Name([{ CN: [{ utf8String: commonName }] }]),
    issuer: issuer.subjectName,
    publicKey: keys.publicKey,
    signingKey: await importKey(authority.privateKey),
    serialNumber: serialNumber(),
    notBefore,
    notAfter: new Date(Math.min(notAfter.getTime(), issuer.notAfter.getTime())),
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([usage]),
      new x509.SubjectAlternativeNameExtension(names),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
    ],
  });
  return pairOf(certificate, keys.privateKey);
}

async function makeKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
}

async function importKey(pem: string): Promise<webcrypto.CryptoKey> {
  const der = x509.PemConverter.decodeFirst(pem);
  return webcrypto.subtle.importKey("pkcs8", der, algorithm, false, ["sign"]);
}

async function pairOf(certificate: x509.X509Certificate, key: webcrypto.CryptoKey): Promise<CertificatePair> {
  const pkcs8 = await webcrypto.subtle.exportKey("pkcs8", key);
  return {
    certificate: `${certificate.toString("pem")}\n`,
    privateKey: `${x509.PemConverter.encode(pkcs8, "PRIVATE KEY")}\n`,
  };
}

/** X.509 counts whole seconds. */
function validity(now: number, days: number): { notBefore: Date; notAfter: Date } {
  const second = Math.floor(now / 1000) * 1000;
  return { notBefore: new Date(second - clockSkewMs), notAfter: new Date(second + days * dayMs) };
}

/** 127 random bits, and positive as RFC 5280 4.1.2.2 wants it. */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString("hex");
}
