import { defineModule } from "../module.js";
import { NrpeFrontEnd } from "./front-end.js";
import { settings } from "./settings.js";

export default defineModule({
  name: "NRPEServer",
  summary: "Runs checks for check_nrpe and other clients of NRPE",
  defaultAlias: "nrpe-server",
  defaultSection: "server",
  settings,
  start(context) {
    const frontEnd = new NrpeFrontEnd(context, context.settings);
    context.registry.metricsSource(() => [frontEnd.metrics()]);
    return {
      serve: () => frontEnd.serve(),
      stop: () => frontEnd.stop(),
      status: () => frontEnd.status(),
      reload: async () => frontEnd.reload(context.readSettings()),
    };
  },
});
