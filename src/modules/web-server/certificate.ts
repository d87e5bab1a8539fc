import { readFile, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { GatewayError } from "../../kernel/errors.js";
import type { Logger } from "../../kernel/log.js";
import { createServerCertificate } from "../../security/certificate-files.js";
import type { ServerSettings } from "./settings.js";

/** The name of a certificate that is made when it is missing, and that of its key. */
const madeName = "certificate.pem";
const keyName = "certificate_key.pem";

/** Where the certificate and its key are. */
export interface CertificateFiles {
  readonly certificate: string;
  readonly certificateKey: string;
}

/**
 * The files that TLS is to use. A missing certificate is made when it is called `certificate.pem`.
 *
 * @returns undefined when there is none and the settings allow HTTP without TLS
 * @throws GatewayError CONFIGURATION when there is none, or no key for it
 */
export async function certificateFiles(
  settings: Pick<ServerSettings, "certificate" | "certificateKey" | "allowInsecure">,
  log: Logger,
): Promise<CertificateFiles | undefined> {
  const { certificate, certificateKey, allowInsecure } = settings;
  if (await isThere(certificate)) return { certificate, certificateKey: await keyOf(certificate, certificateKey) };
  if (allowInsecure) return undefined;
  if (basename(certificate) !== madeName || certificateKey !== "") {
    throw new GatewayError(
      "CONFIGURATION",
      `The certificate ${certificate} is not there; allow insecure = true would serve HTTP without TLS.`,
    );
  }
  const files = await createServerCertificate(dirname(certificate), Date.now());
  log.info(`Made a certificate that no authority has signed: ${files.join(" and ")}`);
  return { certificate, certificateKey: await keyOf(certificate, "") };
}

/** The key that is named, else the one in the file of the certificate, else the one beside it. */
async function keyOf(certificate: string, named: string): Promise<string> {
  if (named !== "") return named;
  const text = await readFile(certificate, "latin1").catch(() => "");
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)) return certificate;
  const beside = join(dirname(certificate), keyName);
  if (await isThere(beside)) return beside;
  throw new GatewayError(
    "CONFIGURATION",
    `The certificate ${certificate} has no key: neither certificate key names one, nor is one in the file or in ${beside}.`,
  );
}

function isThere(file: string): Promise<boolean> {
  return stat(file).then(
    (facts) => facts.isFile(),
    () => false,
  );
}
