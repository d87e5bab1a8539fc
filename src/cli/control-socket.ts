import { openConfiguration } from "../gateway/configuration.js";
import { GatewayError } from "../kernel/errors.js";
import { connectGateway, type GatewayClient } from "../modules/grpc-client/gateway-client.js";
import grpcServer from "../modules/grpc-server/index.js";
import { readModules } from "../settings/modules.js";
import { readSettings } from "../settings/read.js";
import type { StoreOptions } from "./store-options.js";

/** How long the gateway on this machine may take to answer, in milliseconds. */
const timeoutMs = 30_000;

/**
 * A connection to the gateway that runs on this machine with these settings.
 * @throws GatewayError FAILED_PRECONDITION when the settings have no control socket
 */
export function connectToRunning(options: StoreOptions): GatewayClient {
  const { store } = openConfiguration(options);
  const entry = readModules(store).find(({ module, enabled }) => enabled && module === grpcServer.name);
  const { controlSocket } = readSettings(grpcServer.settings, store, entry?.alias ?? grpcServer.defaultAlias);
  if (controlSocket === "" || controlSocket.toLowerCase() === "none") {
    throw new GatewayError(
      "FAILED_PRECONDITION",
      `${store.context} has no control socket, so the gateway can't be reached`,
    );
  }
  return connectGateway({ socketPath: store.paths.expand(controlSocket), timeoutMs });
}

/** Runs `work` with the running gateway; when there is none, the message says so. */
export async function withRunning<Result>(
  options: StoreOptions,
  work: (client: GatewayClient) => Promise<Result>,
): Promise<Result> {
  const client = connectToRunning(options);
  try {
    return await work(client);
  } catch (thrown) {
    if (thrown instanceof GatewayError && thrown.code === "UNAVAILABLE") {
      throw new GatewayError("UNAVAILABLE", `No gateway runs with these settings: ${thrown.message}`, {
        cause: thrown,
      });
    }
    throw thrown;
  } finally {
    client.close();
  }
}
