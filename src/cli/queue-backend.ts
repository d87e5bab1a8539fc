import { existsSync, statSync } from "node:fs";
import { openConfiguration } from "../gateway/configuration.js";
import { SpoolService } from "../gateway/spool-service.js";
import { systemClock } from "../gateway/system-clock.js";
import { GatewayError } from "../kernel/errors.js";
import type { GatewayClient } from "../modules/grpc-client/gateway-client.js";
import { carryOut } from "../relay/queue-orders.js";
import type { Spool } from "../spool/spool.js";
import { storeFiles } from "../spool/store-files.js";
import { createLogService } from "../telemetry/log.js";
import { type Init, nscp } from "../wire/messages.js";
import type { CliIo } from "./context.js";
import { connectToRunning, isNobodyThere } from "./control-socket.js";
import type { StoreOptions } from "./store-options.js";

const { QueueRequest } = nscp.gateway.v1;

/** Carries out one order about the queues. */
export type AskQueues = (order: Init<nscp.gateway.v1.QueueRequest>) => Promise<nscp.gateway.v1.QueueResponse>;

/** Does `work` with the queues of the gateway that runs with these settings, or with its spool when none runs. */
export async function withQueues<Result>(
  options: StoreOptions,
  io: Pick<CliIo, "stderr">,
  work: (ask: AskQueues, isRunning: boolean) => Promise<Result>,
): Promise<Result> {
  const client = await runningGateway(options);
  if (client === undefined) return withSpool(options, io, work);
  try {
    return await work((order) => client.queue(order), true);
  } finally {
    client.close();
  }
}

/** The folder of the spool, and whether a gateway works with it. */
export async function spoolPlace(options: StoreOptions): Promise<{ folder: string; isInUse: boolean }> {
  const client = await runningGateway(options);
  if (client === undefined) return { folder: spoolFolder(options), isInUse: false };
  try {
    const { spool } = await client.queue({ list: {} });
    return { folder: spool?.folder ?? spoolFolder(options), isInUse: spool !== null };
  } finally {
    client.close();
  }
}

/** A connection to a gateway that has answered; undefined when none runs or the settings have no control socket. */
async function runningGateway(options: StoreOptions): Promise<GatewayClient | undefined> {
  let client: GatewayClient;
  try {
    client = connectToRunning(options);
  } catch (thrown) {
    if (thrown instanceof GatewayError && thrown.code === "FAILED_PRECONDITION") return undefined;
    throw thrown;
  }
  try {
    await client.status();
    return client;
  } catch (thrown) {
    client.close();
    if (isNobodyThere(thrown)) return undefined;
    throw thrown;
  }
}

async function withSpool<Result>(
  options: StoreOptions,
  io: Pick<CliIo, "stderr">,
  work: (ask: AskQueues, isRunning: boolean) => Promise<Result>,
): Promise<Result> {
  const folder = spoolFolder(options);
  const askSpool =
    (spool: Spool | undefined): AskQueues =>
    (order) =>
      carryOut(QueueRequest.decode(QueueRequest.encode(order).finish()), {
        spool,
        deliveryOf: () => undefined,
        allows: () => true,
        caller: "local",
      });
  // Looking makes no spool where there is none.
  if (!existsSync(storeFiles(folder).store)) return work(askSpool(undefined), false);
  checkOwner(folder);
  const configuration = openConfiguration(options);
  const log = createLogService({ form: "console", level: "warning", write: (line) => io.stderr(line) });
  const service = new SpoolService({
    isDurable: true,
    clock: systemClock,
    log: log.child("spool"),
    settings: () => configuration.spoolSettings(),
  });
  try {
    return await work(askSpool(await service.open()), false);
  } finally {
    await service.close();
  }
}

function spoolFolder(options: StoreOptions): string {
  return openConfiguration(options).spoolSettings().path;
}

/** Files that somebody else leaves in the folder would keep the gateway out. */
function checkOwner(folder: string): void {
  const { uid } = statSync(folder);
  if (process.getuid === undefined || uid === process.getuid()) return;
  throw new GatewayError(
    "FAILED_PRECONDITION",
    `No gateway runs, and its spool ${folder} belongs to the user ${uid}: run the command as that user`,
  );
}
