/** Which TLS a port takes, in the words that files of NSClient++ have for it. */
import { createSecureContext, type SecureVersion } from "node:tls";
import { errorText, GatewayError } from "../kernel/errors.js";
import { clientTlsKeys, versionRange } from "../security/client-tls.js";
import type { ObjectSpec, ValuesOf } from "../settings/schema.js";
import { parseList } from "../settings/values.js";

const versions = ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"] as const satisfies readonly SecureVersion[];

/** What `ssl options` can hold, and the version that a word takes away; the others are what OpenSSL does anyway. */
const optionWords: Readonly<Record<string, (typeof versions)[number] | undefined>> = {
  "no-tlsv1": "TLSv1",
  "no-tlsv1_1": "TLSv1.1",
  "no-tlsv1.1": "TLSv1.1",
  "no-tlsv1_2": "TLSv1.2",
  "no-tlsv1.2": "TLSv1.2",
  "no-tlsv1_3": "TLSv1.3",
  "no-tlsv1.3": "TLSv1.3",
  "no-sslv2": undefined,
  "no-sslv3": undefined,
  "no-compression": undefined,
  "single-dh-use": undefined,
  "default-workarounds": undefined,
};

const { default: _default, ...tlsVersion } = clientTlsKeys.tlsVersion;

export const tlsStrengthKeys = {
  tlsVersion: {
    ...tlsVersion,
    description: "The versions of TLS to take; with a + behind it this one and newer. 1.2+ unless given",
  },
  allowedCiphers: {
    ...clientTlsKeys.allowedCiphers,
    description:
      "Ciphers to take, as OpenSSL writes them; its default unless given. None without a certificate or encryption is among them",
    check: (value: string) => cipherProblem(value),
  },
  sslOptions: {
    type: "list",
    default: [],
    title: "SSL options",
    advanced: true,
    description: "Versions of TLS to leave out, such as no-tlsv1_2, and words that change nothing, such as no-sslv3",
    check: (value: string) => wordProblem(parseList(value)),
  },
} as const satisfies ObjectSpec["keys"];

type TlsStrengthSettings = ValuesOf<typeof tlsStrengthKeys>;

/** What is left to a connection of a port. */
export interface TlsStrength {
  readonly minVersion: SecureVersion;
  readonly maxVersion: SecureVersion;
  /** Undefined for those of OpenSSL. */
  readonly ciphers: string | undefined;
}

/** @throws GatewayError CONFIGURATION naming the key, when no version or no cipher is left */
export function tlsStrength({
  tlsVersion = "1.2+",
  allowedCiphers = "",
  sslOptions,
}: TlsStrengthSettings): TlsStrength {
  const range = versionsLeft(tlsVersion, sslOptions);
  const isOld = range.minVersion === "TLSv1" || range.minVersion === "TLSv1.1";
  // OpenSSL 3 speaks versions before 1.2 on its lowest level only, and only who asked for them gets here.
  const level = isOld && !/@SECLEVEL/i.test(allowedCiphers) ? ":@SECLEVEL=0" : "";
  // A certificate is what tells this port from any other. What takes none is the legacy mode of NRPE, which has hosts of its own.
  const wanted = allowedCiphers === "" ? (isOld ? "DEFAULT" : "") : allowedCiphers;
  const ciphers = wanted === "" ? undefined : `${wanted}${isOnlyTls13(wanted) ? "" : ":!aNULL:!eNULL"}${level}`;
  if (cipherProblem(ciphers ?? "") !== undefined) {
    throw new GatewayError(
      "CONFIGURATION",
      `allowed ciphers: "${allowedCiphers}" has none that goes with a certificate and encrypts.`,
    );
  }
  return { ...range, ciphers };
}

function cipherProblem(ciphers: string): string | undefined {
  if (ciphers === "") return undefined;
  try {
    createSecureContext({ ciphers });
    return undefined;
  } catch (thrown) {
    return `OpenSSL knows no cipher of "${ciphers}": ${errorText(thrown)}`;
  }
}

/**
 * The versions of both keys together.
 * @throws GatewayError CONFIGURATION when there are none, or for an option that is not known
 */
export function versionsLeft(
  tlsVersion: Parameters<typeof versionRange>[0],
  sslOptions: readonly string[],
): Pick<TlsStrength, "minVersion" | "maxVersion"> {
  const problem = wordProblem(sslOptions);
  if (problem !== undefined) throw new GatewayError("CONFIGURATION", `ssl options: ${problem}`);
  const { minVersion, maxVersion } = versionRange(tlsVersion);
  const without = new Set(sslOptions.map((word) => optionWords[word.toLowerCase()]));
  const wanted = versions.slice(rank(minVersion), rank(maxVersion) + 1);
  const newest = wanted.findLast((version) => !without.has(version));
  if (newest === undefined) {
    throw new GatewayError(
      "CONFIGURATION",
      `ssl options: nothing is left of tls version = ${tlsVersion} with ${sslOptions.join(", ")}`,
    );
  }
  // Below a version that is left out there is none: OpenSSL knows ranges, and the older ones are the weaker ones.
  let oldest = rank(newest);
  while (oldest > rank(minVersion) && !without.has(versions[oldest - 1])) oldest--;
  return { minVersion: versions[oldest] ?? newest, maxVersion: newest };
}

/** A word that is not known could be one that was to make the port safer. */
function wordProblem(sslOptions: readonly string[]): string | undefined {
  const word = sslOptions.find((each) => !Object.hasOwn(optionWords, each.toLowerCase()));
  return word === undefined ? undefined : `"${word}" is none of ${Object.keys(optionWords).join(", ")}`;
}

function rank(version: SecureVersion): number {
  return versions.indexOf(version);
}

/** Those have a list of their own; without others the port takes TLS 1.3 only. */
function isOnlyTls13(ciphers: string): boolean {
  return ciphers.split(/[:, ]+/).every((word) => word.startsWith("TLS_"));
}
