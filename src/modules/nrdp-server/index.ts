import { defineModule } from "../module.js";
import { NrdpFrontEnd } from "./front-end.js";
import { checkTokens } from "./senders.js";
import { settings } from "./settings.js";

export default defineModule({
  name: "NRDPServer",
  summary: "Takes passive results from senders of NRDP over HTTP",
  defaultAlias: "nrdp-server",
  defaultSection: "server",
  settings,
  start(context) {
    checkTokens(context.settings);
    const frontEnd = new NrdpFrontEnd(context, context.settings);
    return {
      serve: () => frontEnd.serve(),
      stop: () => frontEnd.stop(),
      status: () => frontEnd.status(),
      reload: async () => frontEnd.reload(context.readSettings()),
    };
  },
});
