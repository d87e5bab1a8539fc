import type { RelayProtocol } from "../../relay/relay.js";
import { defaultPort } from "./gateway-address.js";
import { GatewaySender } from "./gateway-sender.js";
import { RemoteTarget } from "./remote-target.js";
import { type GatewayKeys, targetKeys } from "./settings.js";

/** Another gateway, for passive results; and for queries and commands that name it. */
export const gatewayProtocol: RelayProtocol<GatewayKeys> = {
  name: "GRPCClient",
  summary: "Passes queries, commands and passive results on to other gateways",
  defaultAlias: "grpc-client",
  section: "GRPC",
  channel: "GRPC",
  word: "grpc",
  grade: "confirmed",
  defaultPort,
  targetKeys,
  batch: { count: 300, bytes: 2 << 20 },
  connect: (target, environment) => new GatewaySender(target, environment),
  extend({ registry, gateway, targets }) {
    const remotes = targets.map((target) => new RemoteTarget(target, gateway.clock));
    const registrations = remotes.map((remote) =>
      registry.target({
        name: remote.name,
        query: (message, call) => remote.query(message, call),
        execute: (message, call) => remote.execute(message, call),
      }),
    );
    return {
      async stop() {
        for (const unregister of registrations) unregister();
        for (const remote of remotes) remote.close();
      },
    };
  },
};
