import { nscp } from "../wire/messages.js";
import type { CliContext } from "./context.js";
import { withRunning } from "./control-socket.js";
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

/** The status as people read it. */
export function statusText(status: StatusResponse, now: number): string {
  const { version, settings, startedAtMs, serving, pid, module: modules } = status;
  const head: [string, string][] = [
    ["version", version],
    ["settings", settings],
    ["process", String(pid)],
    ["up for", duration(now - Number(startedAtMs))],
    ["serving", serving ? "yes" : "no"],
  ];
  const lines = head.map(([name, value]) => `${name.padEnd(9)} ${value}`);
  for (const { name, alias, state, detail, host } of modules) {
    lines.push("", `${name}${alias === "" ? "" : ` (${alias})`}: ${state}`, ...detail.map((text) => `  ${text}`));
    for (const { name: hostName, state: hostState, pid: hostPid, restarts, lastFailure, script } of host) {
      const process = hostPid > 0 ? `, process ${hostPid}` : "";
      lines.push(`  host ${hostName}: ${hostState}${process}, ${restarts} restart${restarts === 1 ? "" : "s"}`);
      if (lastFailure !== "") lines.push(`    last failure: ${lastFailure}`);
      if (script.length > 0) lines.push(`    scripts: ${script.join(", ")}`);
    }
  }
  return `${lines.join("\n")}\n`;
}

const units: readonly [string, number][] = [
  ["d", 86_400],
  ["h", 3600],
  ["m", 60],
  ["s", 1],
];

/** The two largest units that are not zero: `3d 4h`, `12s`. */
function duration(ms: number): string {
  let left = Math.max(0, Math.floor(ms / 1000));
  const parts: string[] = [];
  for (const [unit, seconds] of units) {
    const count = Math.floor(left / seconds);
    left -= count * seconds;
    if (count > 0) parts.push(`${count}${unit}`);
  }
  return parts.slice(0, 2).join(" ") || "0s";
}
