import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { parse } from "ini";
import { errorText, GatewayError } from "../kernel/errors.js";
import type { GatewayAddress } from "../modules/grpc-client/gateway-address.js";
import { closest } from "../settings/did-you-mean.js";
import { parseBool } from "../settings/values.js";
import { type ClientOptions, timeoutOf } from "./client-options.js";

/** A gateway that `nscp client` asks, and how long it waits for the answer. */
export interface RemoteTarget extends GatewayAddress {
  readonly timeoutMs: number;
}

/** What a file says about a target. */
export interface StoredTarget extends GatewayAddress {
  readonly timeoutMs?: number | undefined;
}

const defaultTimeoutMs = 30_000;

/**
 * Whom the command line means by `--address` or `--target`; options beat what the target says.
 *
 * @param fromSettings asked when no `client.ini` has the target
 * @returns undefined when it means nobody but this machine
 * @throws GatewayError NOT_FOUND for a target that is nowhere, CONFIGURATION and INVALID_ARGUMENT for what it says
 */
export async function remoteTarget(
  options: ClientOptions,
  fromSettings: (name: string) => Promise<StoredTarget | undefined>,
): Promise<RemoteTarget | undefined> {
  if (options.address === undefined && options.target === undefined) return undefined;
  const found: StoredTarget = options.target === undefined ? {} : await findTarget(options.target, fromSettings);
  const address = options.address ?? found.address ?? "";
  if (address === "") throw new GatewayError("INVALID_ARGUMENT", `The target ${options.target} has no address`);
  return {
    ...found,
    address,
    ca: options.ca ?? found.ca,
    certificate: options.cert ?? found.certificate,
    certificateKey: options.key ?? found.certificateKey,
    token: options.tokenFile === undefined ? found.token : undefined,
    tokenFile: options.tokenFile ?? (found.token === undefined ? found.tokenFile : undefined),
    serverName: options.serverName ?? found.serverName,
    insecure: options.insecure ?? found.insecure,
    timeoutMs: timeoutOf(options.timeout) ?? found.timeoutMs ?? defaultTimeoutMs,
  };
}

async function findTarget(
  name: string,
  fromSettings: (name: string) => Promise<StoredTarget | undefined>,
): Promise<StoredTarget> {
  const files = clientFiles();
  for (const file of files) {
    const target = targetIn(file, name);
    if (target !== undefined) return target;
  }
  const target = await fromSettings(name);
  if (target !== undefined) return target;
  const places = [...files, "[/settings/GRPC/client/targets]"].join(", ");
  throw new GatewayError("NOT_FOUND", `There is no target ${name}; looked into ${places}`);
}

/** The user's file, then the machine's. */
function clientFiles(): string[] {
  const config = process.env["XDG_CONFIG_HOME"] || join(homedir(), ".config");
  return [join(config, "nscp-gateway", "client.ini"), "/etc/nscp-gateway/client.ini"];
}

/** Keys of a target in `client.ini`, each with the other name that the options have for it. */
const keys = {
  address: ["address"],
  ca: ["ca"],
  certificate: ["certificate", "cert"],
  certificateKey: ["certificate key", "key"],
  token: ["token"],
  tokenFile: ["token file", "token-file"],
  serverName: ["server name", "server-name"],
  insecure: ["insecure"],
  timeout: ["timeout"],
} as const;

/** The section of the target; relative files lie beside the file that names them. */
function targetIn(file: string, name: string): StoredTarget | undefined {
  if (!existsSync(file)) return undefined;
  let content: unknown;
  try {
    content = parse(readFileSync(file, "utf8").replace(/^\ufeff/, ""));
  } catch (thrown) {
    throw new GatewayError("CONFIGURATION", `Cannot read ${file}: ${errorText(thrown)}`, { cause: thrown });
  }
  // The format nests sections at their dots, and names of hosts have dots.
  const section = child(content, name) ?? name.split(".").reduce(child, content);
  if (typeof section !== "object" || section === null) return undefined;
  const values = Object.entries(section).filter(([, value]) => typeof value !== "object");
  const written = new Map(values.map(([key, value]) => [key.trim().toLowerCase(), String(value)]));
  const text = (names: readonly string[]) => names.map((key) => written.get(key)).find((given) => given !== undefined);
  const path = (names: readonly string[]) => {
    const given = text(names);
    return given === undefined ? undefined : resolve(dirname(file), home(given));
  };
  checkKeys([...written.keys()], `${file}, [${name}]`);
  return {
    address: text(keys.address),
    ca: path(keys.ca),
    certificate: path(keys.certificate),
    certificateKey: path(keys.certificateKey),
    token: text(keys.token),
    tokenFile: path(keys.tokenFile),
    serverName: text(keys.serverName),
    insecure: flag(text(keys.insecure), `${file}, [${name}] insecure`),
    timeoutMs: timeoutOf(text(keys.timeout)),
  };
}

/** A misspelt `ca` must not silently become "the authorities of the system". */
function checkKeys(written: readonly string[], place: string): void {
  const known: string[] = Object.values(keys).flat();
  const unknown = written.find((key) => !known.includes(key));
  if (unknown === undefined) return;
  const meant = closest(unknown, known);
  const hint = meant === undefined ? `there are ${known.join(", ")}` : `did you mean "${meant}"?`;
  throw new GatewayError("CONFIGURATION", `${place}: there is no key ${unknown} (${hint})`);
}

function child(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined;
}

function home(path: string): string {
  return path.startsWith("~/") ? join(homedir(), path.slice(2)) : path;
}

function flag(text: string | undefined, place: string): boolean | undefined {
  if (text === undefined) return undefined;
  const value = parseBool(text);
  if (value === undefined) throw new GatewayError("CONFIGURATION", `${place} is not true or false: ${text}`);
  return value;
}
