import { GatewayError } from "../../kernel/errors.js";
import type { RelayProtocol } from "../../relay/relay.js";
import { ClientTls } from "../../security/client-tls.js";
import { IcingaApi } from "./icinga-api.js";
import { IcingaSender } from "./icinga-sender.js";
import { ObjectMaker } from "./object-maker.js";
import { targetKeys } from "./settings.js";
import { UnknownObjects } from "./unknown-objects.js";

/** Passive results over the REST API of Icinga 2. */
export const icingaProtocol: RelayProtocol<typeof targetKeys> = {
  name: "IcingaClient",
  summary: "Relays passive results to Icinga 2 over its REST API",
  defaultAlias: "icinga-client",
  section: "icinga",
  channel: "ICINGA",
  word: "icinga",
  grade: "confirmed",
  defaultPort: 5665,
  targetKeys,
  // One request each; a batch only bounds how much is on its way.
  batch: { count: 500, bytes: 4 << 20 },
  connect({ name, path, host, port, address, settings }, { log, clock, hostname, version }) {
    const { isPlain, prefix } = urlParts(address, path);
    const tls = isPlain ? undefined : new ClientTls(settings, path);
    const { username, password, concurrency, ttl, ensureObjects } = settings;
    if (username === "" && tls?.hasCertificate !== true) {
      throw new GatewayError(
        "CONFIGURATION",
        `The target ${name} has neither a "username" with "password" nor a "certificate": [${path}].`,
      );
    }
    if (username !== "" && password === "") {
      throw new GatewayError("CONFIGURATION", `The target ${name} has a "username" and no "password": [${path}].`);
    }
    const warning = isPlain
      ? `[${path}] is reached without TLS: everybody on the way can read its password`
      : tls?.warning;
    // A caller who describes a target himself knows what he says.
    if (warning !== undefined && path.startsWith("/")) log.warn(warning);
    const origin = `${isPlain ? "http" : "https"}://${host.includes(":") ? `[${host}]` : host}:${port}`;
    const api = new IcingaApi({
      ...{ origin, prefix, tls, connections: concurrency, timeoutMs: settings.timeout },
      credentials: username === "" ? undefined : { username, password },
      userAgent: `nscp-gateway/${version}`,
    });
    return new IcingaSender({
      ...{ api, concurrency },
      unknown: new UnknownObjects(clock, settings.unknownObjectCache),
      maker: ensureObjects ? new ObjectMaker(api, settings) : undefined,
      checkResult: {
        checkSource: settings.checkSource === "" ? hostname : settings.checkSource,
        ttl: ttl === undefined || ttl === 0 ? undefined : ttl / 1000,
      },
      user: username === "" ? "of the certificate" : username,
    });
  },
};

/** The scheme and the path of an address, which a plain host has not. */
function urlParts(address: string, path: string): { readonly isPlain: boolean; readonly prefix: string } {
  const match = /^(?<scheme>[a-z][a-z0-9+.-]*):\/\/[^/]*(?<path>\/.*)?$/i.exec(address);
  if (match === null) return { isPlain: false, prefix: "" };
  const scheme = match.groups?.["scheme"]?.toLowerCase() ?? "";
  if (scheme !== "https" && scheme !== "http") {
    throw new GatewayError("CONFIGURATION", `"address" of [${path}] begins with ${scheme}://; Icinga needs https://.`);
  }
  return { isPlain: scheme === "http", prefix: (match.groups?.["path"] ?? "").replace(/\/+$/, "") };
}
