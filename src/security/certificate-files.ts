import { access, chmod, readFile } from "node:fs/promises";
import { isIP } from "node:net";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import { errorText, GatewayError } from "../kernel/errors.js";
import { writeAtomically } from "../settings/atomic-write.js";
import { makeFolder } from "../settings/make-folder.js";
import {
  type CertificatePair,
  type CertificateTerms,
  makeAuthority,
  makeClientPair,
  makeSelfSignedPair,
  makeServerPair,
} from "./certificates.js";
import { giveToFolderOwner } from "./file-owner.js";

/** The names of the files. Those of the server are the ones that configurations have always had. */
const authorityFiles = { certificate: "ca.pem", privateKey: "ca-key.pem" } as const;
const serverFiles = { certificate: "certificate.pem", privateKey: "certificate_key.pem" } as const;

/** How long an authority lives at least. */
const authorityDays = 3650;
const defaultDays = 825;

export interface CertificateSetOptions {
  readonly folder: string;
  /** Names and addresses of the server beside this machine's own. */
  readonly hosts?: readonly string[];
  /** How long the certificates of server and clients are good; the authority is good for ten years or as long. */
  readonly days?: number;
  readonly clients?: readonly string[];
  /** Replaces what is there. */
  readonly force?: boolean;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/**
 * Makes an authority, a server's pair and a pair for every client. Keys can be read by their owner only.
 *
 * @returns the files, in the order in which they were written
 * @throws GatewayError FAILED_PRECONDITION when one of the files is there and `force` is not given; nothing is written then
 * @throws GatewayError INVALID_ARGUMENT for names that no certificate can have
 */
export async function createCertificates(options: CertificateSetOptions): Promise<string[]> {
  const { folder, clients = ["client"], days = defaultDays, now } = options;
  const hosts = serverNames(options.hosts ?? []);
  for (const name of clients) checkClientName(name);
  const wanted = [authorityFiles, serverFiles, ...clients.map(clientFiles)];
  if (!options.force) await refuseToOverwrite(folder, wanted);
  const terms: CertificateTerms = { now, days };
  const authority = await makeAuthority({ now, days: Math.max(authorityDays, days) });
  const pairs = [authority, await makeServerPair(authority, hosts, terms)];
  for (const name of clients) pairs.push(await makeClientPair(authority, name, terms));
  const written: string[] = [];
  for (const [index, pair] of pairs.entries()) {
    const names = wanted[index];
    if (names !== undefined) written.push(...(await writePair(folder, names, pair)));
  }
  return written;
}

/**
 * Makes a pair for one more client of the authority that is in the folder.
 *
 * @returns the two files
 * @throws GatewayError as `createCertificates`, and FAILED_PRECONDITION when there is no authority in the folder
 */
export async function createClientCertificate(
  name: string,
  options: Omit<CertificateSetOptions, "clients" | "hosts">,
): Promise<string[]> {
  const { folder, days = defaultDays, now, force } = options;
  checkClientName(name);
  const names = clientFiles(name);
  if (!force) await refuseToOverwrite(folder, [names]);
  const authority = await readAuthority(folder);
  return writePair(folder, names, await makeClientPair(authority, name, { now, days }));
}

/**
 * Makes a server's pair in files of any names. The authority is that of the certificate's folder; one is made when there is none.
 *
 * @returns the files that were written
 * @throws GatewayError INVALID_ARGUMENT for names that no certificate can have, FAILED_PRECONDITION when they can't be written
 */
export async function issueServerCertificate({
  certificate,
  privateKey,
  hosts,
  now,
}: {
  readonly certificate: string;
  readonly privateKey: string;
  /** Names and addresses of the server beside this machine's own. */
  readonly hosts: readonly string[];
  /** Milliseconds since the epoch. */
  readonly now: number;
}): Promise<string[]> {
  const names = serverNames(hosts);
  const folder = dirname(certificate);
  const found = await readAuthority(folder).catch(() => undefined);
  const authority = found ?? (await makeAuthority({ now, days: authorityDays }));
  if (found === undefined) await refuseToOverwrite(folder, [authorityFiles]);
  const written = found === undefined ? await writePair(folder, authorityFiles, authority) : [];
  const pair = await makeServerPair(authority, names, { now, days: defaultDays });
  return [...(await writePairTo(certificate, privateKey, pair)), ...written];
}

/** What a first start needs, unless it is there: an authority, this machine's pair and a client called `client`. */
export async function createDevelopmentCertificates(folder: string): Promise<boolean> {
  try {
    await createCertificates({ folder, now: Date.now() });
    return true;
  } catch (error) {
    if (error instanceof GatewayError && error.code === "FAILED_PRECONDITION") return false;
    throw error;
  }
}

/**
 * Makes a server's certificate that no authority has signed, for this machine's names.
 *
 * @returns the two files
 * @throws GatewayError FAILED_PRECONDITION when one of them is there or can't be written
 */
export async function createServerCertificate(folder: string, now: number): Promise<string[]> {
  await refuseToOverwrite(folder, [serverFiles]);
  return writePair(folder, serverFiles, await makeSelfSignedPair(serverNames([]), { now, days: defaultDays }));
}

interface PairFiles {
  readonly certificate: string;
  readonly privateKey: string;
}

function clientFiles(name: string): PairFiles {
  const base = name.replaceAll("@", "_at_");
  return { certificate: `${base}.pem`, privateKey: `${base}-key.pem` };
}

/** Every name under which a poller may reach this machine, each once. */
function serverNames(given: readonly string[]): string[] {
  for (const host of given) {
    if (!isHostName(host))
      throw new GatewayError("INVALID_ARGUMENT", `"${host}" is neither a host name nor an address.`);
  }
  const own = hostname().toLowerCase();
  const names = [...given.map(lower), ...(isHostName(own) ? [own] : []), "localhost", "127.0.0.1", "::1"];
  return [...new Set(names)];
}

function lower(text: string): string {
  return text.toLowerCase();
}

/** A wildcard may stand for the first label. IPv6 has colons, and no zone. */
function isHostName(text: string): boolean {
  if (text.length > 253) return false;
  return isIP(text) !== 0 || /^(\*\.)?[a-z0-9_]([a-z0-9_-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/i.test(text);
}

/** The name becomes a file, a CN and an alternative name. */
function checkClientName(name: string): void {
  const reserved = ["ca", "certificate", "certificate_key"].includes(name.toLowerCase()) || name.endsWith("-key");
  if (/^[a-z0-9]([a-z0-9._@-]{0,62}[a-z0-9])?$/i.test(name) && !name.includes("..") && !reserved) return;
  const rule = reserved ? "is the name of another file here" : "needs letters, digits and . _ - @, at most 64 of them";
  throw new GatewayError("INVALID_ARGUMENT", `The client name "${name}" ${rule}.`);
}

async function refuseToOverwrite(folder: string, wanted: readonly PairFiles[]): Promise<void> {
  for (const file of wanted.flatMap((names) => [names.certificate, names.privateKey])) {
    const path = join(folder, file);
    const isThere = await access(path).then(
      () => true,
      () => false,
    );
    if (isThere) throw new GatewayError("FAILED_PRECONDITION", `${path} is there already; --force replaces it.`);
  }
}

async function readAuthority(folder: string): Promise<CertificatePair> {
  return {
    certificate: await readAuthorityFile(join(folder, authorityFiles.certificate)),
    privateKey: await readAuthorityFile(join(folder, authorityFiles.privateKey)),
  };
}

function readAuthorityFile(file: string): Promise<string> {
  return readFile(file, "utf8").catch((cause: NodeJS.ErrnoException) => {
    const hint = cause.code === "ENOENT" ? "; nscp certs init makes one" : "";
    throw new GatewayError("FAILED_PRECONDITION", `There is no authority to issue it: ${cause.message}${hint}`, {
      cause,
    });
  });
}

/** The key first: a server that watches sees the new certificate when its key is there. */
async function writePair(folder: string, names: PairFiles, pair: CertificatePair): Promise<string[]> {
  return writePairTo(join(folder, names.certificate), join(folder, names.privateKey), pair);
}

async function writePairTo(certificate: string, key: string, pair: CertificatePair): Promise<string[]> {
  await writeFile(key, pair.privateKey, 0o600);
  await writeFile(certificate, pair.certificate, 0o644);
  return [certificate, key];
}

async function writeFile(file: string, text: string, mode: number): Promise<void> {
  try {
    await makeFolder(dirname(file), 0o700);
    await writeAtomically(file, Buffer.from(text));
    await chmod(file, mode);
    await giveToFolderOwner(file);
  } catch (cause) {
    throw new GatewayError("FAILED_PRECONDITION", `${file} can't be written: ${errorText(cause)}.`, { cause });
  }
}
