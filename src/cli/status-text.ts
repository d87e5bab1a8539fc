import type { nscp } from "../wire/messages.js";

/**
 * The status of a gateway as people read it.
 * @param now milliseconds since the epoch
 */
export function statusText(status: nscp.gateway.v1.StatusResponse, now: number): string {
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
export function duration(ms: number): string {
  let left = Math.max(0, Math.floor(ms / 1000));
  const parts: string[] = [];
  for (const [unit, seconds] of units) {
    const count = Math.floor(left / seconds);
    left -= count * seconds;
    if (count > 0) parts.push(`${count}${unit}`);
  }
  return parts.slice(0, 2).join(" ") || "0s";
}
