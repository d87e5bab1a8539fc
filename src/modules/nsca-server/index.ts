import { defineModule } from "../module.js";
import { NscaFrontEnd } from "./front-end.js";
import { settings } from "./settings.js";

export default defineModule({
  name: "NSCAServer",
  summary: "Takes passive results from senders of NSCA",
  defaultAlias: "nsca-server",
  defaultSection: "server",
  settings,
  start(context) {
    const frontEnd = new NscaFrontEnd(context, context.settings);
    context.registry.metricsSource(() => [frontEnd.metrics()]);
    return {
      serve: () => frontEnd.serve(),
      stop: () => frontEnd.stop(),
      status: () => frontEnd.status(),
      reload: async () => frontEnd.reload(context.readSettings()),
    };
  },
});
