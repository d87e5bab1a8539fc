import type { AcceptPolicy } from "../../front-end/tcp-listener.js";
import type { Logger } from "../../kernel/log.js";
import { AllowedHosts } from "../../security/allowed-hosts.js";
import { BaseUrls } from "./http/base-url.js";
import type { ServerSettings } from "./settings.js";

/** What a reload changes in place. */
export interface ServerRules {
  readonly settings: ServerSettings;
  readonly policy: AcceptPolicy;
  readonly baseUrls: BaseUrls;
  /** Undefined when there are none. */
  readonly proxies: AllowedHosts | undefined;
}

export async function rulesOf(settings: ServerSettings, log: Logger): Promise<ServerRules> {
  const { allowedHosts, cacheAllowedHosts: cache, handshakeTimeout, trustedProxies } = settings;
  return {
    settings,
    policy: {
      allowedHosts: await AllowedHosts.create(allowedHosts, { cache, log }),
      handshakeTimeoutMs: handshakeTimeout,
    },
    baseUrls: new BaseUrls(settings),
    proxies: trustedProxies.length === 0 ? undefined : await AllowedHosts.create(trustedProxies, { cache, log }),
  };
}
