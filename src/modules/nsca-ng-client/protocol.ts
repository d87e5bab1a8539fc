import type { RelayProtocol } from "../../relay/relay.js";
import { NscaNgSender } from "./sender.js";
import { SessionTls } from "./session-tls.js";
import { type TargetKeys, targetKeys } from "./settings.js";

/** NSCA-ng as a relay: passive results over TLS with a pre-shared key, each confirmed by the server. */
export const nscaNgProtocol: RelayProtocol<TargetKeys> = {
  name: "NSCANgClient",
  summary: "Relays passive results to an NSCA-ng server",
  defaultAlias: "nsca-ng-client",
  section: "NSCA-NG",
  channel: "NSCA-NG",
  word: "nsca-ng",
  grade: "confirmed",
  defaultPort: 5668,
  targetKeys,
  // A result takes two answers of the server, so a batch is what a slow line carries within a few seconds.
  batch: { count: 500, bytes: 4 * 1024 * 1024 },
  connect(target, environment) {
    const identity = target.settings.identity === "" ? environment.hostname : target.settings.identity;
    const tls = new SessionTls(target, identity);
    if (tls.warning !== undefined) environment.log.warn(tls.warning);
    return new NscaNgSender(target, tls, environment);
  },
};
