import { nscp } from "../wire/messages.js";
import type { CliContext } from "./context.js";
import { withRunning } from "./control-socket.js";
import { statusText } from "./status-text.js";
import { contextCommand, parseArguments, storeOptions } from "./store-options.js";

type StatusResponse = nscp.gateway.v1.StatusResponse;
const StatusResponse = nscp.gateway.v1.StatusResponse;

export const statusContext: Pick<CliContext, "run"> = {
  async run(args, io) {
    const command = contextCommand("nscp status", "Show how the running gateway is", io).option(
      "--json",
      "as an object, for programs",
    );
    if (!parseArguments(command, args)) return 1;
    const status = await withRunning(storeOptions(command, io), (client) => client.status());
    io.stdout(command.opts<{ json?: true }>().json ? jsonText(status) : statusText(status, Date.now()));
    return stateCode(status);
  },
};

/** Like a plugin's: 2 when it takes no calls, 1 when a part of it is not running, 0 when all is well. */
function stateCode({ serving, module: modules }: StatusResponse): number {
  if (!serving) return 2;
  const isWell = modules.every(
    ({ state, host }) => state === "running" && host.every((process) => process.state !== "given up"),
  );
  return isWell ? 0 : 1;
}

function jsonText(status: StatusResponse): string {
  const { module: modules, ...head } = StatusResponse.toObject(status, { longs: Number, defaults: true });
  return `${JSON.stringify({ ...head, module: modules }, null, 2)}\n`;
}
