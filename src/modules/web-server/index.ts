import { defineModule } from "../module.js";
import { WebFrontEnd } from "./front-end.js";
import { settings } from "./settings.js";

export default defineModule({
  name: "WEBServer",
  summary: "Answers REST requests and serves the web pages over HTTPS",
  defaultAlias: "web",
  defaultSection: "server",
  settings,
  start(context) {
    const frontEnd = new WebFrontEnd(context, context.settings);
    context.registry.metricsSource(() => [frontEnd.metrics()]);
    return {
      serve: () => frontEnd.serve(),
      stop: () => frontEnd.stop(),
      status: () => frontEnd.status(),
      reload: async () => frontEnd.reload(context.readSettings()),
    };
  },
});
