import type { SecureVersion, TlsOptions } from "node:tls";
import { versionsLeft } from "../../front-end/tls-strength.js";
import { GatewayError } from "../../kernel/errors.js";
import type { TlsMaterial } from "../../security/tls.js";
import type { ServerSettings } from "./settings.js";

type LegacySettings = Pick<ServerSettings, "insecure" | "tlsVersion" | "sslOptions" | "allowedCiphers">;

/**
 * TLS that clients of NRPE 2 can do: 1.0, and anonymous Diffie-Hellman, which is all that they offer. NRPE 3.2 and newer ask
 * with the same list of ciphers. Where it is for all hosts (`insecure`) what the settings say of versions and ciphers counts;
 * where it is the exception it is what the other hosts don't get.
 *
 * Without a certificate TLS ends at 1.2, because 1.3 has no anonymous handshake and every client would fail.
 *
 * @throws GatewayError CONFIGURATION when that leaves no version
 */
export function legacyTlsOptions(material: TlsMaterial | undefined, settings: LegacySettings): TlsOptions {
  const { insecure, tlsVersion = "1.0+", sslOptions, allowedCiphers = "" } = settings;
  const { minVersion, maxVersion } = insecure ? versionsLeft(tlsVersion, sslOptions) : allVersions;
  const wanted = insecure && allowedCiphers !== "" ? allowedCiphers : "ALL:!MD5:@STRENGTH";
  const ciphers = /@SECLEVEL/i.test(wanted) ? wanted : `${wanted}:@SECLEVEL=0`;
  const anonymous = { ciphers, dhparam: "auto", minVersion } as const;
  if (material !== undefined) return { ...anonymous, maxVersion, cert: material.certificate, key: material.privateKey };
  if (minVersion === "TLSv1.3") {
    throw new GatewayError(
      "CONFIGURATION",
      "tls version: TLS 1.3 needs a certificate, and with insecure there is none",
    );
  }
  return { ...anonymous, maxVersion: "TLSv1.2" };
}

const allVersions: { readonly minVersion: SecureVersion; readonly maxVersion: SecureVersion } = {
  minVersion: "TLSv1",
  maxVersion: "TLSv1.3",
};
