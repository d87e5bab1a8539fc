import { type IpAddress, parseIp, samePrefix } from "../../security/ip-address.js";

/**
 * Whether a host is to be reached without the proxy. An entry is a name, a domain (`example.org` and `.example.org` mean all names
 * below it too), an address, a network such as `10.0.0.0/8`, or `*` for every host.
 *
 * @param host a name or an address
 */
export function isWithoutProxy(host: string, entries: readonly string[]): boolean {
  return entries.some((entry) => matches(host.toLowerCase(), entry.trim().toLowerCase()));
}

function matches(host: string, entry: string): boolean {
  if (entry === "*") return true;
  const address = parseIp(host);
  if (address === undefined) {
    const domain = entry.replace(/^\*?\./, "");
    return domain !== "" && (host === domain || host.endsWith(`.${domain}`));
  }
  const range = parseNetwork(entry);
  return range !== undefined && samePrefix(range.address, address, range.length);
}

/** What is wrong with an entry; undefined when it is good. */
export function noProxyProblem(entry: string): string | undefined {
  if (entry === "*" || parseNetwork(entry) !== undefined || /^(?:\*?\.)?[\w-]+(?:\.[\w-]+)*\.?$/.test(entry))
    return undefined;
  return `"${entry}" is neither a name, a domain, an address nor a network`;
}

function parseNetwork(entry: string): { readonly address: IpAddress; readonly length: number } | undefined {
  const [, text = "", digits] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(entry) ?? [];
  const address = parseIp(text);
  const length = digits === undefined ? address?.bits : Number(digits);
  return address === undefined || length === undefined || length > address.bits ? undefined : { address, length };
}
