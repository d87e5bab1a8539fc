import type { Clock } from "../kernel/clock.js";
import { errorText, GatewayError } from "../kernel/errors.js";
import { silentLogger } from "../kernel/log.js";
import { type Problem, SettingsError } from "../settings/errors.js";
import { expandHostname } from "../settings/hostname.js";
import { readSettings } from "../settings/read.js";
import { sectionPath } from "../settings/schema.js";
import type { SettingsStore } from "../settings/store.js";
import { type AnyProtocol, type RelaySettings, relaySettings } from "./relay-settings.js";
import { RelayTargets } from "./targets.js";

/** Nothing is sent, so no time passes. */
const stillClock: Clock = { now: () => 0, monotonic: () => 0, after: () => () => {} };

/**
 * What keeps a relay from starting with these settings: an unknown cipher, a target that is not there, an address that is
 * none. Nothing is connected. One problem for each target, or the one that concerns them all.
 *
 * @param alias what `${alias}` is in its sections
 * @param system the name of this machine
 */
export function relayProblems(protocol: AnyProtocol, store: SettingsStore, alias: string, system: string): Problem[] {
  const schema = relaySettings(protocol);
  const section = sectionPath(schema.section, alias);
  const problems: Problem[] = [];
  const attempt = <Made>(work: () => Made): Made | undefined => {
    try {
      return work();
    } catch (thrown) {
      if (!(thrown instanceof GatewayError)) throw thrown;
      const unplaced: Problem = { severity: "error", path: section, message: errorText(thrown) };
      problems.push(...(thrown instanceof SettingsError ? thrown.problems : [unplaced]));
      return undefined;
    }
  };
  attempt(() => {
    const settings = readSettings(schema, store, alias) as unknown as RelaySettings;
    const hostname = expandHostname(settings.hostname, system);
    const targets = new RelayTargets(protocol, settings, store, section);
    for (const target of targets.all) {
      const environment = { log: silentLogger, clock: stillClock, hostname, version: "" };
      const sender = attempt(() => targets.connect(target, environment));
      // It has no connection yet, so there is nothing that could fail to end.
      void sender?.close();
    }
  });
  return problems;
}
