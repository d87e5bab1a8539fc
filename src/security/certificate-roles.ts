import { globMatcher } from "../kernel/principal.js";
import type { ClientCertificate } from "./credentials.js";

interface Row {
  readonly pattern: string;
  readonly role: string;
  matches(certificate: ClientCertificate): boolean;
}

const kinds = ["DNS", "URI", "email", "IP", "CN", "SHA256"] as const;

/**
 * Which role a client certificate has: rows `DNS:poller1.example.com = poller`. A row names the kind of what it compares
 * (a SAN's kind, `CN` or `SHA256` for the fingerprint), or without a kind fits the CN and every SAN. The most specific row
 * counts: a fingerprint before a name, a name before a name with wildcards, more letters before fewer.
 */
export class CertificateRoles {
  readonly #rows: readonly Row[];

  constructor(table: ReadonlyMap<string, string>) {
    this.#rows = [...table]
      .map(([pattern, role]) => ({ pattern: pattern.trim(), role, matches: rowMatcher(pattern.trim()) }))
      .sort((a, b) => specificity(b.pattern) - specificity(a.pattern) || (a.pattern < b.pattern ? -1 : 1));
  }

  /** The role of the certificate; undefined when no row fits. */
  roleOf(certificate: ClientCertificate): string | undefined {
    return this.#rows.find((row) => row.matches(certificate))?.role;
  }

  roles(): { readonly name: string; readonly role: string }[] {
    return this.#rows.map(({ pattern, role }) => ({ name: pattern, role }));
  }
}

function rowMatcher(pattern: string): (certificate: ClientCertificate) => boolean {
  const kind = kinds.find((candidate) => pattern.toLowerCase().startsWith(`${candidate.toLowerCase()}:`));
  const text = kind === undefined ? pattern : pattern.slice(kind.length + 1).trim();
  if (text === "") return () => false;
  if (kind === "SHA256") {
    const wanted = bareFingerprint(text);
    return (certificate) => bareFingerprint(certificate.fingerprint256) === wanted;
  }
  const fits = globMatcher(text);
  const commonName = ({ commonName: name }: ClientCertificate) => name !== "" && fits(name);
  if (kind === "CN") return commonName;
  if (kind !== undefined)
    return ({ subjectAltNames }) => subjectAltNames.some((san) => isKind(san, kind) && fits(sanText(san)));
  return (certificate) => commonName(certificate) || certificate.subjectAltNames.some((san) => fits(sanText(san)));
}

function isKind(san: string, kind: string): boolean {
  const colon = san.indexOf(":");
  const given = san.slice(0, colon).toLowerCase();
  // Node writes "IP Address".
  return (given === "ip address" ? "ip" : given) === kind.toLowerCase();
}

function sanText(san: string): string {
  return san.slice(san.indexOf(":") + 1);
}

function bareFingerprint(text: string): string {
  return text.replace(/[^0-9a-f]/gi, "").toLowerCase();
}

function specificity(pattern: string): number {
  if (/^sha256:/i.test(pattern)) return 1_000_000;
  const letters = pattern.replace(/[*?]/g, "").length;
  return /[*?]/.test(pattern) ? letters : 10_000 + letters;
}
