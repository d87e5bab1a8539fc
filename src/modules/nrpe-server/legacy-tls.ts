import type { TlsOptions } from "node:tls";
import type { TlsMaterial } from "../../security/tls.js";

/**
 * TLS that clients of NRPE 2 can do: 1.0, and anonymous Diffie-Hellman, which is all that they offer. NRPE 3.2 and newer ask
 * with the same list of ciphers.
 *
 * Without a certificate TLS ends at 1.2, because 1.3 has no anonymous handshake and every client would fail.
 */
export function legacyTlsOptions(material: TlsMaterial | undefined): TlsOptions {
  const anonymous = { ciphers: "ALL:!MD5:@STRENGTH:@SECLEVEL=0", dhparam: "auto", minVersion: "TLSv1" } as const;
  if (material === undefined) return { ...anonymous, maxVersion: "TLSv1.2" };
  return { ...anonymous, cert: material.certificate, key: material.privateKey };
}
