import { defineModule } from "../module.js";
import { GrpcFrontEnd } from "./front-end.js";
import { settings } from "./settings.js";

export default defineModule({
  name: "GRPCServer",
  summary: "Lets pollers, remote command lines and relays in over gRPC",
  defaultAlias: "grpc",
  defaultSection: "server",
  settings,
  start(context) {
    const frontEnd = new GrpcFrontEnd(context, context.settings);
    return {
      serve: () => frontEnd.serve(),
      stop: () => frontEnd.stop(),
      status: () => frontEnd.status(),
      reload: async () => {
        await frontEnd.reload(context.readSettings());
        return true;
      },
    };
  },
});
