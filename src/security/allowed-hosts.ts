import { lookup } from "node:dns/promises";
import { errorText } from "../kernel/errors.js";
import type { Logger } from "../kernel/log.js";
import { type IpAddress, parseIp, samePrefix } from "./ip-address.js";

/** The addresses of a host name; throws when there are none. */
export type Resolver = (name: string) => Promise<readonly string[]>;

export interface AllowedHostsOptions {
  /** Whether names are resolved once, at the start, or for every peer anew (`cache allowed hosts`). */
  readonly cache: boolean;
  readonly log: Logger;
  /** The system's resolver unless given. */
  readonly resolve?: Resolver;
}

/** Addresses that begin with the same bits. */
interface AddressRange {
  readonly address: IpAddress;
  readonly length: number;
}

/** A host name, and how many bits of its addresses count; all of them unless given. */
interface NamedRange {
  readonly name: string;
  readonly length: number | undefined;
}

/**
 * Which peers may connect: `allowed hosts`, a list of addresses, ranges (`10.0.0.0/8`, `fd00::/8`), wildcards (`10.1.*`,
 * `2001:db8:*`, `*`) and host names. An empty list lets nobody in. A peer without an address came through a Unix socket,
 * whose file permissions say who may.
 */
export class AllowedHosts {
  readonly #ranges: AddressRange[] = [];
  readonly #names: NamedRange[] = [];
  readonly #found = new Map<NamedRange, readonly AddressRange[]>();
  readonly #asking = new Map<NamedRange, Promise<readonly AddressRange[]>>();
  readonly #options: AllowedHostsOptions;

  private constructor(entries: readonly string[], options: AllowedHostsOptions) {
    this.#options = options;
    for (const entry of entries.map((text) => text.trim()).filter((text) => text !== "")) {
      const parsed = parseEntry(entry);
      if ("name" in parsed) this.#names.push(parsed);
      else this.#ranges.push(...parsed.ranges);
    }
  }

  /**
   * Reads the list and resolves its names. A name that can't be resolved is logged, and tried again when a peer comes
   * that nothing else lets in.
   * @throws RangeError for an entry that is no address, range or name; the message says which
   */
  static async create(entries: readonly string[], options: AllowedHostsOptions): Promise<AllowedHosts> {
    const hosts = new AllowedHosts(entries, options);
    await Promise.all(hosts.#names.map((entry) => hosts.#resolve(entry)));
    return hosts;
  }

  /** @param peer the address as the socket gives it */
  async allows(peer: string): Promise<boolean> {
    if (peer === "") return true;
    const address = parseIp(peer);
    if (address === undefined) return false;
    if (contain(this.#ranges, address)) return true;
    const asked: NamedRange[] = [];
    for (const entry of this.#names) {
      const found = this.#options.cache ? this.#found.get(entry) : undefined;
      if (found === undefined) asked.push(entry);
      else if (contain(found, address)) return true;
    }
    const answers = await Promise.all(asked.map((entry) => this.#resolve(entry)));
    return contain(answers.flat(), address);
  }

  /** Peers that come at the same time share one question. */
  #resolve(entry: NamedRange): Promise<readonly AddressRange[]> {
    const running = this.#asking.get(entry);
    if (running !== undefined) return running;
    const asking = this.#ask(entry).finally(() => this.#asking.delete(entry));
    this.#asking.set(entry, asking);
    return asking;
  }

  async #ask(entry: NamedRange): Promise<readonly AddressRange[]> {
    const { resolve = systemResolver, log } = this.#options;
    try {
      const addresses = (await resolve(entry.name)).map(parseIp).filter((address) => address !== undefined);
      const ranges = addresses.map((address) => ({ address, length: Math.min(entry.length ?? 128, address.bits) }));
      this.#found.set(entry, ranges);
      return ranges;
    } catch (error) {
      log.warn(`The allowed host ${entry.name} can't be resolved, nobody gets in by this name: ${errorText(error)}`);
      return [];
    }
  }
}

/** What is wrong with an entry of `allowed hosts`; undefined when it is good. */
export function allowedHostProblem(entry: string): string | undefined {
  try {
    parseEntry(entry.trim());
    return undefined;
  } catch (error) {
    return errorText(error);
  }
}

async function systemResolver(name: string): Promise<readonly string[]> {
  return (await lookup(name, { all: true })).map((found) => found.address);
}

function contain(ranges: readonly AddressRange[], address: IpAddress): boolean {
  return ranges.some((range) => samePrefix(range.address, address, range.length));
}

function parseEntry(entry: string): { ranges: AddressRange[] } | NamedRange {
  if (entry === "*") return { ranges: [wholeRange("0.0.0.0"), wholeRange("::")] };
  if (entry.includes("*")) return { ranges: [wildcardRange(entry)] };
  const slash = entry.indexOf("/");
  const host = slash < 0 ? entry : entry.slice(0, slash);
  const length = slash < 0 ? undefined : prefixLength(entry, entry.slice(slash + 1));
  const address = parseIp(host);
  if (address !== undefined) return { ranges: [addressRange(entry, address, length, host)] };
  if (!/^[a-z0-9_]([a-z0-9_.-]*[a-z0-9_.])?$/i.test(host) || /^[\d.]+$/.test(host)) {
    throw new RangeError(`"${entry}" is neither an address nor a range nor a host name`);
  }
  return { name: host, length };
}

function addressRange(entry: string, address: IpAddress, length: number | undefined, host: string): AddressRange {
  if (length === undefined) return { address, length: address.bits };
  // A range of mapped addresses is written with the bits of IPv6: ::ffff:10.0.0.0/104.
  const counted = address.bits === 32 && host.includes(":") ? length - 96 : length;
  if (counted < 0 || counted > address.bits) throw new RangeError(`"${entry}" has ${length} bits, which is impossible`);
  return { address, length: counted };
}

function prefixLength(entry: string, text: string): number {
  if (!/^\d{1,3}$/.test(text) || Number(text) > 128) {
    throw new RangeError(`"${entry}" needs a number of bits between 0 and 128 behind its slash`);
  }
  return Number(text);
}

/** `10.1.*`, `10.1.*.*` or `2001:db8:*`: whole groups at the end. */
function wildcardRange(entry: string): AddressRange {
  const isV6 = entry.includes(":");
  const separator = isV6 ? ":" : ".";
  const parts = entry.split(separator);
  const fixed = parts.slice(0, parts.indexOf("*"));
  const count = isV6 ? 8 : 4;
  const rest = parts.slice(fixed.length);
  const complete = [...fixed, ...Array<string>(Math.max(0, count - fixed.length)).fill("0")];
  const address = parseIp(complete.join(separator));
  const isGood = fixed.length > 0 && parts.includes("*") && rest.every((part) => part === "*") && parts.length <= count;
  if (!isGood || address === undefined || fixed.includes("")) {
    throw new RangeError(`"${entry}" is not a range such as 10.1.* or 2001:db8:*; names can't have a * either`);
  }
  return { address, length: fixed.length * (isV6 ? 16 : 8) };
}

function wholeRange(zero: string): AddressRange {
  const address = parseIp(zero);
  if (address === undefined) throw new TypeError(`${zero} is no address`);
  return { address, length: 0 };
}
