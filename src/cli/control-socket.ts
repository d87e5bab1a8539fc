import { openConfiguration } from "../gateway/configuration.js";
import { GatewayError } from "../kernel/errors.js";
import { moduleKey } from "../kernel/modules.js";
import { connectGateway, type GatewayClient } from "../modules/grpc-client/gateway-client.js";
import grpcServer from "../modules/grpc-server/index.js";
import { readModules } from "../settings/modules.js";
import { defaultText, keyName, sectionAlias, sectionPath } from "../settings/schema.js";
import type { StoreOptions } from "./store-options.js";

/** How long the gateway on this machine may take to answer, in milliseconds. */
const timeoutMs = 30_000;

/**
 * A connection to the gateway that runs on this machine with these settings.
 * @throws GatewayError FAILED_PRECONDITION when the settings have no control socket
 */
export function connectToRunning(options: StoreOptions): GatewayClient {
  const { store } = openConfiguration(options);
  const entry = readModules(store).find(
    ({ module, enabled }) => enabled && moduleKey(module) === moduleKey(grpcServer.name),
  );
  const alias = sectionAlias(grpcServer, entry?.alias ?? grpcServer.defaultAlias);
  // This one key and no more: what else is wrong with new settings is for the running gateway to say.
  const spec = grpcServer.settings.keys.controlSocket;
  const path = sectionPath(grpcServer.settings.section, alias);
  const controlSocket = store.getString(path, keyName("controlSocket", spec), defaultText(spec));
  if (controlSocket === "" || controlSocket.toLowerCase() === "none") {
    throw new GatewayError(
      "FAILED_PRECONDITION",
      `${store.context} has no control socket, so the gateway can't be reached`,
    );
  }
  return connectGateway({ socketPath: store.paths.expand(controlSocket), timeoutMs });
}

/** Whether a call failed because no gateway runs: there is no socket, or one that a gateway left behind. */
export function isNobodyThere(thrown: unknown): boolean {
  return thrown instanceof GatewayError && nobodyListens.test(thrown.message);
}

const nobodyListens = /^Cannot reach .*: (?:there is no such socket|connection refused)/;

/** Runs `work` with the running gateway; when there is none, the message says so. */
export async function withRunning<Result>(
  options: StoreOptions,
  work: (client: GatewayClient) => Promise<Result>,
): Promise<Result> {
  const client = connectToRunning(options);
  try {
    return await work(client);
  } catch (thrown) {
    if (isNobodyThere(thrown)) {
      throw new GatewayError("UNAVAILABLE", `No gateway runs with these settings: nothing answers on ${client.place}`, {
        cause: thrown,
      });
    }
    throw thrown;
  } finally {
    client.close();
  }
}
