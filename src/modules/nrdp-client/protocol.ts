import { isIP } from "node:net";
import { GatewayError } from "../../kernel/errors.js";
import type { RelayProtocol, RelayTarget } from "../../relay/relay.js";
import { ClientTls } from "../../security/client-tls.js";
import { HttpReceiver } from "../http-receiver.js";
import { isWithoutProxy } from "./no-proxy.js";
import { NrdpSender } from "./nrdp-sender.js";
import { targetKeys } from "./settings.js";

type Target = RelayTarget<typeof targetKeys>;

/** Passive results over HTTP to NRDP, Nagios's way for agents. */
export const nrdpProtocol: RelayProtocol<typeof targetKeys> = {
  name: "NRDPClient",
  summary: "Relays passive results to NRDP over HTTP",
  defaultAlias: "nrdp-client",
  section: "NRDP",
  channel: "NRDP",
  word: "nrdp",
  grade: "confirmed",
  defaultPort: (address) => (/^https:/i.test(address) ? 443 : 80),
  targetKeys,
  // PHP takes 8 MiB in a request, and a form of markup is eight times as large as what it holds.
  batch: { count: 500, bytes: 1 << 20 },
  connect(target, { log, version }) {
    const { path, host, port, settings } = target;
    const { isPlain, urlPath, credentials } = urlParts(target);
    const tls = isPlain ? undefined : new ClientTls({ ...settings, serverName: serverName(target) }, path);
    const token = tokenOf(target);
    const proxy = proxyOf(target);
    const warning = isPlain
      ? `[${path}] is reached without TLS: everybody on the way can read its token`
      : tls?.warning;
    // A caller who describes a target himself knows what he says.
    if (warning !== undefined && path.startsWith("/")) log.warn(warning);
    return new NrdpSender({
      http: new HttpReceiver({
        origin: `${isPlain ? "http" : "https"}://${host.includes(":") ? `[${host}]` : host}:${port}`,
        ...{ tls, credentials, proxy },
        headers: { accept: "text/xml, application/json, */*", "user-agent": `nscp-gateway/${version}` },
        connections: 1,
        timeoutMs: settings.timeout,
      }),
      path: urlPath,
      ...{ token, format: settings.format, requireCount: settings.requireCount },
    });
  },
};

interface UrlParts {
  readonly isPlain: boolean;
  readonly urlPath: string;
  /** What stands before an `@`, for a web server that asks for it. */
  readonly credentials: { readonly username: string; readonly password: string } | undefined;
}

/** What an address says beside host and port; a host alone says nothing else. */
function urlParts({ address, settings }: Target): UrlParts {
  const [, scheme = "http", login, written] =
    /^(?:([a-z][a-z0-9+.-]*):\/\/)?(?:([^/@]*)@)?[^/]*(\/[^#]*)?/i.exec(address) ?? [];
  if (!/^https?$/i.test(scheme)) {
    throw new GatewayError("CONFIGURATION", `address: it begins with ${scheme}://; NRDP is at http:// or https://`);
  }
  const urlPath = written ?? settings.path;
  if (!/^\/[\x21-\x7e]*$/.test(urlPath)) {
    const key = written === undefined ? "path" : "address";
    throw new GatewayError("CONFIGURATION", `${key}: the path "${urlPath}" has to begin with / and to be encoded`);
  }
  return { isPlain: scheme.toLowerCase() === "http", urlPath, credentials: credentialsOf(login) };
}

function credentialsOf(login: string | undefined): UrlParts["credentials"] {
  if (login === undefined) return undefined;
  const [user = "", ...rest] = login.split(":");
  try {
    return { username: decodeURIComponent(user), password: decodeURIComponent(rest.join(":")) };
  } catch {
    throw new GatewayError("CONFIGURATION", "address: its user or password is not encoded");
  }
}

/** Through a proxy the library does not name the host to the receiver by itself. */
function serverName({ host, settings }: Target): string | undefined {
  return settings.serverName || (isIP(host) === 0 ? host : undefined);
}

function tokenOf({ name, settings: { token, key, password } }: Target): string {
  const given = Object.entries({ token, key, password }).filter(([, text]) => text !== "");
  const [first] = given;
  if (first === undefined) throw new GatewayError("CONFIGURATION", `token: the target ${name} has none`);
  if (new Set(given.map(([, text]) => text)).size > 1) {
    const names = given.map(([key]) => key).join(" and ");
    throw new GatewayError("CONFIGURATION", `token: ${names} are the same key, and their values differ`);
  }
  return first[1];
}

function proxyOf({ host, settings: { proxy, noProxy } }: Target): string | undefined {
  if (proxy === "") return undefined;
  const url = URL.canParse(proxy) ? new URL(proxy) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.hostname === "") {
    throw new GatewayError("CONFIGURATION", "proxy: it is no URL with http:// or https://");
  }
  return isWithoutProxy(host, noProxy) ? undefined : url.href;
}
