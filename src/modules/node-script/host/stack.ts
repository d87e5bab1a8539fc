import { fileURLToPath } from "node:url";
import { mapFrame } from "./source-maps.js";

const gatewayFolder = fileURLToPath(new URL("../../../", import.meta.url));

/** What the gateway is told of something thrown: its text, and its stack without the frames of the host and of Node. */
export function failure(thrown: unknown): { error: string; stack?: string } {
  if (!(thrown instanceof Error)) return { error: String(thrown) };
  const error = thrown.message || thrown.name;
  if (typeof thrown.stack !== "string") return { error };
  const lines = thrown.stack.split("\n").filter((line) => !isForeign(line));
  return { error, stack: lines.map((line) => (isFrame(line) ? mapFrame(line) : line)).join("\n") };
}

function isForeign(line: string): boolean {
  return isFrame(line) && (line.includes("node:") || line.includes(gatewayFolder) || line.includes("/jiti/dist/"));
}

function isFrame(line: string): boolean {
  return /^\s+at /.test(line);
}
