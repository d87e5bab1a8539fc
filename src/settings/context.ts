import { statSync } from "node:fs";
import { resolve } from "node:path";
import { GatewayError } from "../kernel/errors.js";
import type { PathTokens } from "./paths.js";

/** What a context names. */
export type SettingsContext =
  | { readonly type: "dummy" }
  | { readonly type: "file"; readonly file: string }
  | { readonly type: "folder"; readonly folder: string };

/**
 * Reads a context: `ini://path` or a plain path of a file or folder, or `dummy`. Path tokens are replaced; what is
 * relative starts at `base`.
 * @throws GatewayError CONFIGURATION for stores that the gateway does not have
 */
export function parseContext(context: string, base: string, paths: PathTokens): SettingsContext {
  const text = paths.expand(context.trim());
  if (text === "dummy" || text === "dummy://") return { type: "dummy" };
  const scheme = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/i.exec(text);
  if (scheme && scheme[1]?.toLowerCase() !== "ini")
    throw new GatewayError("CONFIGURATION", `Settings can't be read from ${text}: only ini files, folders and dummy`);
  const name = scheme ? (scheme[2] ?? "") : text;
  if (name === "") throw new GatewayError("CONFIGURATION", `The settings context "${context}" names no file`);
  const file = resolve(base, name);
  return isFolder(file) ? { type: "folder", folder: file } : { type: "file", file };
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
