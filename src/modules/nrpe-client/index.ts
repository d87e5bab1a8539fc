import { GatewayError } from "../../kernel/errors.js";
import type { ModuleStatus } from "../../kernel/modules.js";
import { SettingsError } from "../../settings/errors.js";
import { readSettings } from "../../settings/read.js";
import { sectionAlias, sectionPath } from "../../settings/schema.js";
import { defineModule } from "../module.js";
import { RunningClient } from "./running-client.js";
import { settings } from "./settings.js";

const identity = { defaultAlias: "nrpe-client", defaultSection: "client" };

export default defineModule({
  name: "NRPEClient",
  summary: "Polls agents over NRPE",
  ...identity,
  settings,
  check(store, alias) {
    try {
      RunningClient.check(readSettings(settings, store, alias), store, sectionPath(settings.section, alias));
      return [];
    } catch (thrown) {
      if (thrown instanceof SettingsError) return thrown.problems;
      if (!(thrown instanceof GatewayError)) throw thrown;
      return [{ severity: "error", path: sectionPath(settings.section, alias), message: thrown.message }];
    }
  },
  start(context) {
    const section = sectionPath(settings.section, sectionAlias(identity, context.alias));
    const client = new RunningClient(context, section);
    return {
      reload: async () => {
        client.configure(context.readSettings());
        return true;
      },
      stop: async () => client.stop(),
      status: (): ModuleStatus => ({ detail: client.detail() }),
    };
  },
});
