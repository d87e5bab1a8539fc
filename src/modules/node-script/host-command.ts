import { fileURLToPath } from "node:url";
import type { HostCommand } from "../../script-host/host-process.js";
import { nodeLastWords } from "./last-words.js";

/** Every restart of a script takes a lane; when all are used up the process is replaced. */
const spareLanes = 32;

const hostMain = fileURLToPath(new URL("./host/main.js", import.meta.url));

/** The Node process for so many scripts. Options of the gateway's own Node are not for scripts. */
export function nodeHostCommand(scripts: number): HostCommand {
  const { NODE_OPTIONS: _unused, ...env } = process.env;
  return { file: process.execPath, args: [hostMain], env, lanes: scripts + spareLanes, lastWords: nodeLastWords };
}
