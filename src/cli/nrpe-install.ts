/** What sets the NRPE server up: `nscp nrpe install` and `nscp nrpe make-cert`. */
import { existsSync } from "node:fs";
import { extname, resolve } from "node:path";
import { openConfiguration } from "../gateway/configuration.js";
import { errorText, GatewayError } from "../kernel/errors.js";
import { allowedHostProblem } from "../security/allowed-hosts.js";
import { issueServerCertificate } from "../security/certificate-files.js";
import type { SettingsStore } from "../settings/store.js";
import { parseBool, parseInteger, parseList } from "../settings/values.js";
import type { CliAction } from "./actions.js";
import type { CliIo } from "./context.js";
import { contextCommand, parseArguments, storeOptions } from "./store-options.js";

const makeCertificate = { usage: "[--certificate FILE] [--certificate-key FILE] [--force]", run: makeCert };

export const nrpeActions: readonly CliAction[] = [
  {
    name: "install",
    usage: "[--allowed-hosts LIST] [--port PORT] [--arguments false|safe|all] [--verify none|peer|peer-cert --ca FILE]",
    summary: "Switch the NRPE server on",
    run: install,
  },
  { name: "make-cert", summary: "Make a certificate for the NRPE server", ...makeCertificate },
  { name: "make-certs", summary: "The same", ...makeCertificate },
];

const helpCode = 1;
/** What a command answers that could not do its work: the state UNKNOWN. */
const failureCode = 3;

const section = "/settings/NRPE/server";
const sharedSection = "/settings/default";
const certificateDefault = "${certificate-path}/certificate.pem";
const keyDefault = "${certificate-path}/certificate_key.pem";
const caDefault = "${certificate-path}/ca.pem";

/** What may come with a query, as users choose it and as the settings say it. */
const argumentChoices: Readonly<
  Record<string, { readonly args: boolean; readonly nasty: boolean; readonly says: string }>
> = {
  false: { args: false, nasty: false, says: "Arguments are not allowed." },
  safe: { args: true, nasty: false, says: "Arguments are allowed." },
  all: {
    args: true,
    nasty: true,
    says: "Arguments are allowed, with every character: commands that pass them to a shell run what clients send.",
  },
};
const strengthKeys = ["tls version", "allowed ciphers", "ssl options"];
const verifyChoices = ["none", "peer", "peer-cert"];

interface InstallOptions {
  readonly allowedHosts?: string;
  readonly port?: string;
  readonly ca?: string | true;
  readonly certificate?: string | true;
  readonly certificateKey?: string;
  readonly insecure?: string | true;
  readonly payloadLength?: string;
  readonly arguments?: string | true;
  readonly verify?: string | true;
}

async function install(args: readonly string[], io: CliIo): Promise<number> {
  const command = contextCommand("nscp nrpe install", "Switch the NRPE server on", io)
    // NSClient++ has -h for the hosts.
    .helpOption("--help", "show this")
    .option("-h, --allowed-hosts <list>", "addresses, networks and names that may connect, here and to other servers")
    .option("--port <port>", "the port; 5666 unless another one is configured")
    .option("--ca [file]", `the authorities of client certificates, as PEM; without a file ${caDefault}`)
    .option("--certificate [file]", `the certificate, as PEM; without a file ${certificateDefault}`)
    .option("--certificate-key <file>", "its key, as PEM")
    .option("--insecure [true|false]", "for clients of NRPE 2: no certificate, anonymous and weak ciphers")
    .option("-l, --payload-length <bytes>", "bytes of text in packets of version 2")
    .option("--arguments [false|safe|all]", "whether clients may send arguments; alone: safe")
    .option("--verify [none|peer|peer-cert]", "which client certificates are asked for; alone: peer-cert");
  if (!parseArguments(command, args)) return helpCode;
  const options = command.opts<InstallOptions>();
  const { store } = openConfiguration(storeOptions(command, io));
  const isInsecure = insecureOf(store, options);
  const verify = verifyOf(store, options);
  if (verify !== "none" && !hasAuthorities(store, options)) {
    io.stdout(`Client certificates can't be verified without a CA: name one with --ca, or use --verify=none\n`);
    return failureCode;
  }
  if (verify !== "none" && isInsecure) {
    throw new GatewayError(
      "INVALID_ARGUMENT",
      "--insecure and --verify exclude each other: anonymous clients show no certificate.",
    );
  }
  const choice = argumentsOf(store, options);
  const port = number(options.port, "--port", 1, 65_535);
  const payload = number(options.payloadLength, "--payload-length", 16, 65_535);
  setHosts(store, options.allowedHosts);
  store.set("/modules", "NRPEServer", "enabled");
  if (port !== undefined) store.set(section, "port", port);
  if (payload !== undefined) store.set(section, "payload length", payload);
  store.set(section, "allow arguments", String(choice.args));
  store.set(section, "allow nasty characters", String(choice.nasty));
  store.set(section, "insecure", String(isInsecure));
  store.set(section, "verify mode", verify);
  if (options.ca !== undefined) store.set(section, "ca", options.ca === true ? caDefault : filePath(options.ca));
  // What is written of versions and ciphers was for the other mode.
  if (options.insecure !== undefined) for (const key of strengthKeys) store.deleteKey(section, key);
  if (isInsecure) for (const key of ["certificate", "certificate key"]) store.deleteKey(section, key);
  else setCertificate(store, options);
  await save(store);
  io.stdout(summary(store, choice.says, { isInsecure, verify }));
  return 0;
}

function insecureOf(store: SettingsStore, { insecure }: InstallOptions): boolean {
  if (insecure === undefined) return store.getBool(section, "insecure");
  const value = insecure === true ? true : parseBool(insecure);
  if (value === undefined)
    throw new GatewayError("INVALID_ARGUMENT", `--insecure can't be "${insecure}": give true or false.`);
  return value;
}

function verifyOf(store: SettingsStore, { verify, ca }: InstallOptions): string {
  const present = store.get(section, "verify mode") ?? (ca === undefined ? "none" : "peer-cert");
  const wanted = verify === undefined ? present : verify === true ? "peer-cert" : verify.toLowerCase();
  if (verifyChoices.includes(wanted)) return wanted;
  throw new GatewayError("INVALID_ARGUMENT", `--verify can't be "${wanted}": give one of ${verifyChoices.join(", ")}.`);
}

function hasAuthorities(store: SettingsStore, { ca }: InstallOptions): boolean {
  if (ca !== undefined && ca !== true) return true;
  if (store.getString(section, "ca") !== "") return true;
  return existsSync(store.paths.expand(caDefault));
}

function argumentsOf(store: SettingsStore, { arguments: given }: InstallOptions) {
  const present = store.getBool(section, "allow arguments")
    ? store.getBool(section, "allow nasty characters")
      ? "all"
      : "safe"
    : "false";
  const name = given === undefined ? present : given === true ? "safe" : given.toLowerCase();
  const choice = Object.hasOwn(argumentChoices, name) ? argumentChoices[name] : undefined;
  if (choice !== undefined) return choice;
  throw new GatewayError(
    "INVALID_ARGUMENT",
    `--arguments can't be "${name}": give one of ${Object.keys(argumentChoices).join(", ")}.`,
  );
}

/** The hosts are those of all servers that have none of their own; a list of the NRPE server's own would hide them. */
function setHosts(store: SettingsStore, text: string | undefined): void {
  if (text === undefined) return;
  const hosts = parseList(text);
  const problem = hosts.map(allowedHostProblem).find((found) => found !== undefined);
  if (hosts.length === 0 || problem !== undefined) {
    throw new GatewayError("INVALID_ARGUMENT", `--allowed-hosts: ${problem ?? "the list is empty"}.`);
  }
  store.set(store.has(section, "allowed hosts") ? section : sharedSection, "allowed hosts", hosts.join(","));
}

function setCertificate(store: SettingsStore, { certificate, certificateKey }: InstallOptions): void {
  if (certificate !== undefined) {
    store.set(section, "certificate", certificate === true ? certificateDefault : filePath(certificate));
  }
  if (certificateKey !== undefined) store.set(section, "certificate key", filePath(certificateKey));
}

/** The gateway may run in any folder. */
function filePath(file: string): string {
  return /^[$%]/.test(file) ? file : resolve(file);
}

function number(text: string | undefined, option: string, min: number, max: number): string | undefined {
  if (text === undefined) return undefined;
  const value = parseInteger(text);
  if (value !== undefined && value >= min && value <= max) return String(value);
  throw new GatewayError("INVALID_ARGUMENT", `${option} can't be "${text}": give a number from ${min} to ${max}.`);
}

function summary(
  store: SettingsStore,
  argumentsText: string,
  { isInsecure, verify }: { readonly isInsecure: boolean; readonly verify: string },
): string {
  const certificate = store.paths.expand(store.getString(section, "certificate", certificateDefault));
  const hosts = store.getString(section, "allowed hosts") || store.getString(sharedSection, "allowed hosts");
  const rules = store.keys(`${section}/arguments`);
  const lines = [
    `The NRPE server is switched on, on port ${store.getString(section, "port", "5666")}.`,
    hosts === "" ? "Only this machine may connect; --allowed-hosts names others." : `Allowed hosts: ${hosts}`,
    argumentsText,
    ...(rules.length === 0 ? [] : [`Commands with argument rules of their own: ${rules.join(", ")}`]),
    ...(isInsecure
      ? ["WARNING: insecure is on: anybody between a client and this machine can read and change what is sent."]
      : [`Certificate: ${certificate}`]),
    ...(verify === "none"
      ? ["WARNING: no client certificate is asked for: every allowed host may run checks."]
      : [`Client certificates: ${verify}, from ${store.getString(section, "ca", caDefault)}`]),
    ...(isInsecure || existsSync(certificate)
      ? []
      : [`WARNING: ${certificate} is not there; nscp nrpe make-cert makes it.`]),
    ...(store.getBool(section, "legacy anonymous TLS")
      ? [`WARNING: legacy anonymous TLS is on for: ${store.getString(section, "legacy allowed hosts") || "nobody"}`]
      : []),
  ];
  return `${lines.join("\n")}\n`;
}

async function save(store: SettingsStore): Promise<void> {
  try {
    await store.save();
  } catch (cause) {
    throw new GatewayError("FAILED_PRECONDITION", `Failed to save settings: ${errorText(cause)}.`, { cause });
  }
}

async function makeCert(args: readonly string[], io: CliIo): Promise<number> {
  const command = contextCommand("nscp nrpe make-cert", "Make a certificate for the NRPE server", io)
    .option("--certificate <file>", "the certificate; that of the settings unless given")
    .option("--certificate-key <file>", "its key; that of the settings, or a file beside the certificate")
    .option("--host <name>", "a name or address of this machine beside those that it knows (repeat)", collect, [])
    .option("--force", "replace what is there");
  if (!parseArguments(command, args)) return helpCode;
  const options = command.opts<{ certificate?: string; certificateKey?: string; host: string[]; force?: true }>();
  const { store } = openConfiguration(storeOptions(command, io));
  const setting = (key: string, otherwise: string) => store.paths.expand(store.getString(section, key) || otherwise);
  const certificate = resolve(options.certificate ?? setting("certificate", certificateDefault));
  const besides = options.certificate === undefined ? setting("certificate key", keyDefault) : keyBeside(certificate);
  const privateKey = resolve(options.certificateKey ?? besides);
  if (!options.force && (existsSync(certificate) || existsSync(privateKey))) {
    io.stdout("Certificate already exists, wont overwrite\n");
    return failureCode;
  }
  const files = await issueServerCertificate({ certificate, privateKey, hosts: options.host, now: Date.now() });
  io.stdout(files.map((file) => `${file} generated.\n`).join(""));
  return 0;
}

function keyBeside(certificate: string): string {
  const ending = extname(certificate);
  return `${certificate.slice(0, certificate.length - ending.length)}_key${ending}`;
}

function collect(value: string, before: readonly string[]): string[] {
  return [...before, value];
}
