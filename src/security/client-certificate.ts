import { X509Certificate } from "node:crypto";
import type { ClientCertificate } from "./credentials.js";

/**
 * Reads who a client certificate is for. The caller keeps the result for as long as the connection lives.
 * @param der the certificate as `PeerCertificate.raw` has it; it must have been verified
 */
export function clientCertificate(der: Uint8Array): ClientCertificate {
  const certificate = new X509Certificate(der);
  return {
    subjectAltNames: splitAltNames(certificate.subjectAltName ?? ""),
    commonName: commonNameOf(certificate),
    fingerprint256: certificate.fingerprint256,
  };
}

/**
 * Takes Node's text of the alternative names apart. A name that holds a comma, a quote or another surprise is written as
 * a JSON string (`URI:"a, DNS:b"`), so that one name can't pass for two.
 */
function splitAltNames(text: string): string[] {
  const names = text.match(/[^,":]+:(?:"(?:[^"\\]|\\.)*"|[^,]*)/g) ?? [];
  return names.map((name) => {
    const colon = name.indexOf(":");
    const kind = name.slice(0, colon).trim();
    const value = name.slice(colon + 1);
    return `${kind === "IP Address" ? "IP" : kind}:${value.startsWith('"') ? String(JSON.parse(value)) : value}`;
  });
}

/** The last of several is the most specific. Not from the text of the subject, which escapes what could fake a part. */
function commonNameOf(certificate: X509Certificate): string {
  const name: string | string[] | undefined = certificate.toLegacyObject().subject?.CN;
  return (Array.isArray(name) ? name.at(-1) : name) ?? "";
}

/** How the principal of a certificate is called: `CN=poller1`, else its first alternative name, else its fingerprint. */
export function certificateName({ commonName, subjectAltNames, fingerprint256 }: ClientCertificate): string {
  const name = commonName !== "" ? `CN=${commonName}` : (subjectAltNames[0] ?? `SHA256:${fingerprint256}`);
  // Names come from outside and end up in logs.
  return name.replace(/\p{C}/gu, "?").slice(0, 256);
}
