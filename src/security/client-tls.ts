import { readFileSync } from "node:fs";
import type { ConnectionOptions, SecureVersion } from "node:tls";
import { createSecureContext } from "node:tls";
import { errorText, GatewayError } from "../kernel/errors.js";
import type { ObjectSpec, ValuesOf } from "../settings/schema.js";
import { pemCertificates } from "./tls.js";

/** TLS versions as settings name them: exactly this one, or with `+` this one and newer. */
const tlsVersions = ["1.3", "1.3+", "1.2", "1.2+", "1.1", "1.1+", "1.0", "1.0+"] as const;

/** Other spellings of them. */
const tlsVersionSynonyms = Object.fromEntries(
  tlsVersions.flatMap((version) =>
    [`tlsv${version}`, `tls${version}`, `tls ${version}`].map((word) => [word, version]),
  ),
);

/** Keys of a target that is reached over TLS. */
export const clientTlsKeys = {
  ca: {
    type: "path",
    default: "${ca-path}",
    title: "CA",
    description: "The authorities that the receiver's certificate must come from, as PEM",
  },
  certificate: {
    type: "path",
    mustExist: "file",
    title: "Certificate",
    description: "The client certificate to show, as PEM",
  },
  certificateKey: {
    type: "path",
    mustExist: "file",
    secretFile: true,
    title: "Certificate key",
    description: "The key of the client certificate, as PEM; in the same file unless given",
  },
  tlsVersion: {
    type: "enum",
    choices: tlsVersions,
    synonyms: tlsVersionSynonyms,
    default: "1.2+",
    advanced: true,
    title: "TLS version",
    description: "The version of TLS to speak; with a + behind it this one and newer",
  },
  verifyMode: {
    type: "enum",
    choices: ["peer", "none"],
    synonyms: { "peer-cert": "peer", verify: "peer" },
    default: "peer",
    advanced: true,
    title: "Verify mode",
    description: "none: take any certificate; somebody in between can then read and change what is sent",
  },
  serverName: {
    type: "string",
    title: "Server name",
    advanced: true,
    description: "The name that the receiver's certificate is for, when it is not the host of the address",
  },
  allowedCiphers: {
    type: "string",
    title: "Allowed ciphers",
    advanced: true,
    description: "Ciphers to offer, as OpenSSL writes them; its default unless given",
  },
} as const satisfies ObjectSpec["keys"];

export type ClientTlsSettings = ValuesOf<typeof clientTlsKeys>;

/** TLS towards a target. Files are read for every connection, so that renewed ones need no reload. */
export class ClientTls {
  /**
   * @param path the target's section, for messages
   * @throws GatewayError CONFIGURATION when files can't be read or don't fit, naming the key
   */
  constructor(
    private readonly settings: ClientTlsSettings,
    private readonly path: string,
  ) {
    const { certificate, certificateKey } = settings;
    if (isSet(certificateKey) && !isSet(certificate)) {
      throw new GatewayError("CONFIGURATION", `[${path}] has a "certificate key" and no "certificate".`);
    }
    const options = this.options();
    try {
      createSecureContext(options);
    } catch (error) {
      throw new GatewayError("CONFIGURATION", `[${path}]: TLS does not take these settings: ${errorText(error)}.`);
    }
  }

  /** Whether the target shows a certificate of its own. */
  get hasCertificate(): boolean {
    return isSet(this.settings.certificate);
  }

  /** What is to be said about it in the log; undefined when the receiver's certificate is verified. */
  get warning(): string | undefined {
    return this.settings.verifyMode === "peer"
      ? undefined
      : `[${this.path}] takes any certificate of its receiver (verify mode = none): somebody in between can read and change what is sent`;
  }

  /** @throws GatewayError CONFIGURATION when a file can't be read, naming its key */
  options(): ConnectionOptions {
    const { ca, certificate, certificateKey, tlsVersion, verifyMode, serverName, allowedCiphers } = this.settings;
    const options: ConnectionOptions = { ...versionRange(tlsVersion), rejectUnauthorized: verifyMode === "peer" };
    if (verifyMode === "peer" && isSet(ca)) options.ca = this.authorities(ca);
    if (isSet(certificate)) {
      options.cert = this.read("certificate", certificate);
      options.key = isSet(certificateKey) ? this.read("certificate key", certificateKey) : options.cert;
    }
    if (isSet(serverName)) options.servername = serverName;
    if (isSet(allowedCiphers)) options.ciphers = allowedCiphers;
    // OpenSSL 3 speaks versions before 1.2 on its lowest level only, and only who asked for them gets here.
    else if (tlsVersion.startsWith("1.0") || tlsVersion.startsWith("1.1")) options.ciphers = "DEFAULT:@SECLEVEL=0";
    return options;
  }

  private authorities(file: string): Buffer {
    const pem = this.read("ca", file);
    // An empty list would make TLS trust the authorities of the system.
    if (pemCertificates(pem).length === 0) {
      throw new GatewayError("CONFIGURATION", `"ca" of [${this.path}]: ${file} holds no certificate.`);
    }
    return pem;
  }

  private read(key: string, file: string): Buffer {
    try {
      return readFileSync(file);
    } catch (error) {
      throw new GatewayError("CONFIGURATION", `"${key}" of [${this.path}] can't be read: ${errorText(error)}.`);
    }
  }
}

/** The versions that a setting means. */
export function versionRange(version: (typeof tlsVersions)[number]): {
  minVersion: SecureVersion;
  maxVersion: SecureVersion;
} {
  const isOpen = version.endsWith("+");
  const exact = secureVersions[isOpen ? version.slice(0, -1) : version] ?? "TLSv1.2";
  return { minVersion: exact, maxVersion: isOpen ? "TLSv1.3" : exact };
}

const secureVersions: Readonly<Record<string, SecureVersion>> = {
  "1.0": "TLSv1",
  "1.1": "TLSv1.1",
  "1.2": "TLSv1.2",
  "1.3": "TLSv1.3",
};

function isSet(text: string | undefined): text is string {
  return text !== undefined && text !== "";
}
