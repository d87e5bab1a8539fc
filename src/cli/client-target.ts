import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { parse } from "ini";
import { errorText, GatewayError } from "../kernel/errors.js";
import type { GatewayAddress } from "../modules/grpc-client/gateway-address.js";
import { parseBool } from "../settings/values.js";
import { type ClientOptions, timeoutOf } from "./client-options.js";

/** A gateway that `nscp client` asks, and how long it waits for the answer. */
export interface RemoteTarget extends GatewayAddress {
  readonly timeoutMs: number;
}

/** What the settings say about a target, in the words of `client.ini`. */
export type TargetLookup = (name: string) => Promise<Readonly<Record<string, string>> | undefined>;

const defaultTimeoutMs = 30_000;

/**
 * Whom the command line means by `--address` or `--target`; options beat what the target says.
 *
 * @param fromSettings asked when no `client.ini` has the target
 * @returns undefined when it means nobody but this machine
 * @throws GatewayError NOT_FOUND for a target that is nowhere, INVALID_ARGUMENT for what it says
 */
export async function remoteTarget(
  options: ClientOptions,
  fromSettings: TargetLookup,
): Promise<RemoteTarget | undefined> {
  if (options.address === undefined && options.target === undefined) return undefined;
  const found = options.target === undefined ? {} : await findTarget(options.target, fromSettings);
  const tls = flag(found, "tls") ?? flag(found, "use ssl");
  return {
    address: options.address ?? found["address"],
    ca: options.ca ?? found["ca"],
    certificate: options.cert ?? found["certificate"],
    certificateKey: options.key ?? found["certificate key"],
    ...(options.tokenFile === undefined && found["token"] !== undefined ? { token: found["token"] } : {}),
    tokenFile: options.tokenFile ?? found["token file"],
    serverName: options.serverName ?? found["server name"],
    insecure: options.insecure ?? flag(found, "insecure"),
    ...(tls === undefined ? {} : { tls }),
    timeoutMs: timeoutOf(options.timeout) ?? timeoutOf(found["timeout"]) ?? defaultTimeoutMs,
  };
}

async function findTarget(name: string, fromSettings: TargetLookup): Promise<Readonly<Record<string, string>>> {
  const files = clientFiles();
  for (const file of files) {
    const target = targetIn(file, name);
    if (target !== undefined) return checked(target, name, file);
  }
  const target = await fromSettings(name);
  if (target !== undefined) return checked(target, name, "the settings");
  const places = [...files, `[/settings/GRPC/client/targets/${name}]`].join(", ");
  throw new GatewayError("NOT_FOUND", `There is no target ${name}; looked into ${places}`);
}

function checked(
  target: Readonly<Record<string, string>>,
  name: string,
  place: string,
): Readonly<Record<string, string>> {
  if (target["address"] === undefined) {
    throw new GatewayError("INVALID_ARGUMENT", `The target ${name} in ${place} has no address`);
  }
  return target;
}

/** The user's file, then the machine's. */
function clientFiles(): string[] {
  const config = process.env["XDG_CONFIG_HOME"] || join(homedir(), ".config");
  return [join(config, "nscp-gateway", "client.ini"), "/etc/nscp-gateway/client.ini"];
}

/** The same key by the names that options and other tools have for it. */
const synonyms: Readonly<Record<string, string>> = {
  cert: "certificate",
  key: "certificate key",
  "token-file": "token file",
  "server-name": "server name",
};

const fileKeys = new Set(["ca", "certificate", "certificate key", "token file"]);

/** The section of the target; relative files are meant to lie beside the file that names them. */
function targetIn(file: string, name: string): Record<string, string> | undefined {
  if (!existsSync(file)) return undefined;
  let content: unknown;
  try {
    content = parse(readFileSync(file, "utf8"));
  } catch (thrown) {
    throw new GatewayError("CONFIGURATION", `Cannot read ${file}: ${errorText(thrown)}`, { cause: thrown });
  }
  // The format nests sections at their dots, and names of hosts have dots.
  const section = child(content, name) ?? name.split(".").reduce(child, content);
  if (typeof section !== "object" || section === null) return undefined;
  const target: Record<string, string> = {};
  for (const [written, value] of Object.entries(section)) {
    if (typeof value === "object") continue;
    const word = written.trim().toLowerCase();
    const key = synonyms[word] ?? word;
    target[key] = fileKeys.has(key) ? resolve(dirname(file), home(String(value))) : String(value);
  }
  return target;
}

function child(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined;
}

function home(path: string): string {
  return path.startsWith("~/") ? join(homedir(), path.slice(2)) : path;
}

function flag(target: Readonly<Record<string, string>>, key: string): boolean | undefined {
  const text = target[key];
  if (text === undefined) return undefined;
  const value = parseBool(text);
  if (value === undefined)
    throw new GatewayError("INVALID_ARGUMENT", `${key} of the target is not true or false: ${text}`);
  return value;
}
