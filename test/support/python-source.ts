/** Python scripts for tests. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { expect } from "vitest";
import { type Harness, type HarnessOptions, startScripts } from "./script-harness.js";

/** A script with a check, whose body is given without indentation. `core` is there, and every name of `NSCP`. */
export function check(name: string, body: string, more = ""): string {
  return `from NSCP import *
${more.trim()}

def check(args):
${indented(body)}

def init(plugin_id, plugin_alias, script_alias):
    global core
    core = Core.get(plugin_id)
    Registry.get(plugin_id).simple_function("${name}", check, "")
`;
}

/** Knows how often it was started, and since when it has been there. */
export const neighbour = check(
  "check_neighbour",
  "calls.append(1)\nreturn status.OK, 'call %d' % len(calls)",
  "calls = []\nlog('neighbour starts')",
);

function indented(body: string): string {
  return body
    .trim()
    .split("\n")
    .map((line) => (line === "" ? "" : `    ${line}`))
    .join("\n");
}

/** The number of the first line that holds the text, as tracebacks count. */
export function lineOf(source: string, text: string): number {
  const index = source.split("\n").findIndex((line) => line.includes(text));
  if (index < 0) throw new Error(`There is no ${text} in the script.`);
  return index + 1;
}

export function startPython(files: Readonly<Record<string, string>>, options: HarnessOptions = {}): Promise<Harness> {
  // Scripts that hang are not waited for long.
  return startScripts(files, { stopTimeoutMs: 500, ...options, language: "python" });
}

export function hostOf({ script }: Harness) {
  const [host] = script().status().hosts ?? [];
  if (host === undefined) throw new Error("There is no host.");
  return host;
}

/** Asks until the answer is the expected one: a restart happens in its own time. */
export async function until(ask: () => unknown, expected: unknown): Promise<void> {
  await expect.poll(async () => ask(), { timeout: 20_000, interval: 20 }).toEqual(expected);
}

/** Whether the process is there and not only waiting to be reaped. */
export function isRunning(pid: string | number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "latin1"));
  } catch {
    return false;
  }
}

/** The processes of a process group. */
export function groupMembers(group: number): number[] {
  const rows = execFileSync("ps", ["-e", "-o", "pid=,pgid="], { encoding: "utf8" }).split("\n");
  const pairs = rows.map((row) => row.trim().split(/ +/).map(Number));
  return pairs.filter(([, owner]) => owner === group).map(([pid = 0]) => pid);
}
