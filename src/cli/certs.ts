import { X509Certificate } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { openConfiguration } from "../gateway/configuration.js";
import { errorText, GatewayError } from "../kernel/errors.js";
import { createCertificates, createClientCertificate } from "../security/certificate-files.js";
import { pemCertificates } from "../security/tls.js";
import { parseInteger } from "../settings/values.js";
import { type CliAction, runAction } from "./actions.js";
import type { CliContext, CliIo } from "./context.js";
import { contextCommand, parseArguments, storeOptions } from "./store-options.js";

const actions: readonly CliAction[] = [
  {
    name: "init",
    usage: "[--host NAME]… [--client-name NAME]…",
    summary: "Make an authority, a server's and clients' certificates",
    run: init,
  },
  { name: "client", usage: "NAME", summary: "Make a certificate for one more client", run: client },
  { name: "show", usage: "[FILE]…", summary: "Show who certificates are for and how long they are good", run: show },
];

/** `nscp certs`: certificates for TLS, without any other program. */
export const certsContext: Pick<CliContext, "run"> = {
  run: (args, io) => runAction("certs", actions, args, io),
};

const helpCode = 1;
const dayMs = 86_400_000;
const maxDays = 36_500;

async function init(args: readonly string[], io: CliIo): Promise<number> {
  const command = makingCommand("init", "Make an authority, a server's and clients' certificates", io)
    .option(
      "--host <name>",
      "a name or address that the server is reached by, beside this machine's own (repeat)",
      collect,
      [],
    )
    .option("--client-name <name>", "a client (repeat; one called client unless given)", collect, []);
  if (!parseArguments(command, args)) return helpCode;
  const { host, clientName } = command.opts<{ host: string[]; clientName: string[] }>();
  const clients = clientName.length === 0 ? {} : { clients: clientName };
  const files = await createCertificates({ ...making(command, io), hosts: host, ...clients });
  for (const file of files) io.stdout(`${file}\n`);
  io.stderr("Keep ca-key.pem away from everybody: whoever has it can pass for any client.\n");
  return 0;
}

async function client(args: readonly string[], io: CliIo): Promise<number> {
  const command = makingCommand("client", "Make a certificate for one more client of the authority", io).argument(
    "<name>",
    "becomes the CN and the alternative name",
  );
  if (!parseArguments(command, args)) return helpCode;
  const name = command.args[0] ?? "";
  for (const file of await createClientCertificate(name, making(command, io))) io.stdout(`${file}\n`);
  io.stderr(`Give it a role: [/settings/security/certificates] CN:${name} = poller\n`);
  return 0;
}

async function show(args: readonly string[], io: CliIo): Promise<number> {
  const command = folderCommand("show", "Show certificates", io).argument(
    "[file...]",
    "all of the folder unless given",
  );
  if (!parseArguments(command, args)) return helpCode;
  const files = command.args.length > 0 ? command.args : await certificateFiles(folderOf(command, io));
  const texts: string[] = [];
  for (const file of files) {
    const found = pemCertificates(await readPem(file));
    if (found.length === 0) throw new GatewayError("INVALID_ARGUMENT", `${file} holds no certificate in PEM form.`);
    for (const pem of found) texts.push(certificateText(file, parseCertificate(file, pem), Date.now()));
  }
  io.stdout(texts.join("\n"));
  return 0;
}

function folderCommand(name: string, summary: string, io: CliIo): Command {
  return contextCommand(`nscp certs ${name}`, summary, io).option(
    "--dir <folder>",
    "the folder; ${certificate-path} unless given",
  );
}

function makingCommand(name: string, summary: string, io: CliIo): Command {
  return folderCommand(name, summary, io)
    .option("--days <number>", "how long the certificates are good", "825")
    .option("--force", "replace what is there");
}

function making(command: Command, io: CliIo) {
  const { days: text, force = false } = command.opts<{ days: string; force?: true }>();
  const days = parseInteger(text);
  if (days === undefined || days < 1 || days > maxDays) {
    throw new GatewayError("INVALID_ARGUMENT", `"${text}" is not a number of days between 1 and ${maxDays}.`);
  }
  return { folder: folderOf(command, io), days, force, now: Date.now() };
}

function folderOf(command: Command, io: CliIo): string {
  const { dir } = command.opts<{ dir?: string }>();
  if (dir !== undefined) return resolve(dir);
  return openConfiguration(storeOptions(command, io)).store.paths.get("certificate-path");
}

/** The files of the folder that hold certificates, keys left out. */
async function certificateFiles(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((cause: unknown) => {
    throw new GatewayError("NOT_FOUND", `There are no certificates: ${errorText(cause)}.`, { cause });
  });
  const files = names.filter((name) => /\.(pem|crt|cer)$/i.test(name)).map((name) => join(folder, name));
  const holds = await Promise.all(files.map(async (file) => pemCertificates(await readPem(file)).length > 0));
  const found = files.filter((_file, index) => holds[index]).sort();
  if (found.length === 0) throw new GatewayError("NOT_FOUND", `There are no certificates in ${folder}.`);
  return found;
}

async function readPem(file: string): Promise<Buffer> {
  return readFile(file).catch((cause: unknown) => {
    throw new GatewayError("INVALID_ARGUMENT", `The certificate can't be read: ${errorText(cause)}.`, { cause });
  });
}

function parseCertificate(file: string, pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw new GatewayError("INVALID_ARGUMENT", `${file} holds a broken certificate.`, { cause });
  }
}

function certificateText(file: string, certificate: X509Certificate, now: number): string {
  const from = Date.parse(certificate.validFrom);
  const until = Date.parse(certificate.validTo);
  const days = Math.floor((until - now) / dayMs);
  const left = from > now ? "not valid yet" : days < 0 ? "expired" : `${days} days left`;
  const rows = [
    ["subject", oneLine(certificate.subject)],
    ["names", certificate.subjectAltName ?? "none"],
    ["issuer", oneLine(certificate.issuer)],
    ["valid", `${new Date(from).toISOString()} to ${new Date(until).toISOString()} (${left})`],
    ["sha256", certificate.fingerprint256],
    ["authority", certificate.ca ? "yes" : "no"],
  ];
  return `${file}\n${rows.map(([name = "", value]) => `  ${name.padEnd(9)}  ${value}\n`).join("")}`;
}

function oneLine(name: string): string {
  return name.replaceAll("\n", ", ");
}

function collect(value: string, before: readonly string[]): string[] {
  return [...before, value];
}
