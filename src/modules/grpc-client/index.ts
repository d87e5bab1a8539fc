import { GatewayError } from "../../kernel/errors.js";
import { defineModule } from "../module.js";
import { RemoteTarget } from "./remote-target.js";
import { settings } from "./settings.js";

export default defineModule({
  name: "GRPCClient",
  summary: "Passes queries and commands on to other gateways",
  defaultAlias: "grpc-client",
  defaultSection: "client",
  settings,
  start({ settings: { targets }, registry, gateway }) {
    const objects = [...targets.active.values()];
    if (targets.default.values.address !== "") objects.push(targets.default);
    const remotes = objects.map(({ name, path, values }) => {
      if (values.address === "")
        throw new GatewayError("CONFIGURATION", `The target ${name} has no address: [${path}].`);
      return new RemoteTarget(name, values, gateway.clock);
    });
    for (const remote of remotes) {
      registry.target({
        name: remote.name,
        query: (message, call) => remote.query(message, call),
        execute: (message, call) => remote.execute(message, call),
      });
    }
    return {
      stop: async () => {
        for (const remote of remotes) remote.close();
      },
      status: () => ({ detail: objects.map(({ name, values }) => `${name} = ${values.address}`) }),
    };
  },
});
