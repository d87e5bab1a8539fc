import { existsSync } from "node:fs";
import { GatewayError } from "../kernel/errors.js";
import { parseContext } from "./context.js";
import { IniLayer, MemoryLayer } from "./layer.js";
import { loadLayers } from "./load-layers.js";
import { normalisePath, trimBlanks } from "./names.js";
import type { PathTokens } from "./paths.js";
import type { SettingsRegistry } from "./registry.js";
import { SettingsStore } from "./store.js";

/** What a store is opened with. */
export interface OpenOptions {
  /** The context of `--settings`; without it boot.ini, then the system's file, then the fallback decide. */
  readonly context?: string | undefined;
  readonly paths: PathTokens;
  readonly registry: SettingsRegistry;
  /** Values of `--define`, see `parseDefine`. */
  readonly defines?: readonly DefinedValue[];
  /** What is used when nothing is configured: the embedded configuration, and where it keeps its state. */
  readonly fallback?: (() => { readonly context: string; readonly dataPath: string }) | undefined;
  /** Where relative contexts start. */
  readonly workingFolder: string;
}

export interface DefinedValue {
  readonly path: string;
  readonly key: string;
  readonly value: string;
}

const systemFile = "ini://${etc}/nscp-gateway/nscp.ini";

/**
 * Opens the settings.
 * @throws SettingsError when a file can't be read or includes go round in a circle
 */
export function openSettings(options: OpenOptions): SettingsStore {
  const { paths, registry, workingFolder } = options;
  const boot = readBoot(paths);
  paths.useBootPaths(boot.paths);
  const context = parseContext(chooseContext(options, boot.contexts), workingFolder, paths);
  const defines = new MemoryLayer("define", options.defines);
  if (context.type === "dummy") {
    const top = new MemoryLayer("dummy");
    return new SettingsStore(() => ({ layers: [defines, top], top, problems: [] }), paths, registry);
  }
  if (context.type === "file") paths.useSettingsFile(context.file);
  if (context.type === "folder") paths.useSettingsFile(`${context.folder}/nscp.ini`);
  return new SettingsStore(() => loadLayers(context, paths, defines), paths, registry);
}

/** The first context that is there; of those that aren't, the first. The system's file is asked after boot.ini. */
function chooseContext(options: OpenOptions, booted: readonly string[]): string {
  if (options.context !== undefined) return options.context;
  const { paths, workingFolder, fallback } = options;
  const candidates = booted.length > 0 ? booted : [systemFile];
  const there = candidates.find((candidate) => {
    const context = parseContext(candidate, workingFolder, paths);
    return context.type !== "file" || existsSync(context.file);
  });
  if (there !== undefined) return there;
  if (booted.length > 0 || !fallback) return candidates[0] ?? systemFile;
  const { context, dataPath } = fallback();
  paths.useDefault("data-path", dataPath);
  return context;
}

/** `[settings] 0..19 = context` in their order, and `[paths]`. Without the file there is nothing. */
function readBoot(paths: PathTokens): { contexts: string[]; paths: [string, string][] } {
  const entries = new IniLayer(paths.get("boot-conf"), 0).entries();
  const section = (name: string) => entries.filter((entry) => bootSection(entry.path) === name);
  const contexts = section("settings")
    .filter((entry) => /^1?\d$/.test(entry.key) && entry.value !== "")
    .sort((a, b) => Number(a.key) - Number(b.key))
    .map((entry) => entry.value);
  return { contexts, paths: section("paths").map((entry) => [entry.key, entry.value]) };
}

function bootSection(path: string): string {
  return path.replace(/^\//, "").toLowerCase();
}

/**
 * Takes `PATH:KEY=VALUE` of `--define` apart. The key begins behind the first colon.
 * @throws GatewayError INVALID_ARGUMENT
 */
export function parseDefine(text: string): DefinedValue {
  const colon = text.indexOf(":");
  const equals = text.indexOf("=", colon);
  const key = trimBlanks(text.slice(colon + 1, equals));
  if (colon < 1 || equals < 0 || key === "")
    throw new GatewayError("INVALID_ARGUMENT", `Failed to parse: ${text} (write PATH:KEY=VALUE)`);
  return { path: normalisePath(text.slice(0, colon)), key, value: trimBlanks(text.slice(equals + 1)) };
}

/** Makes a context the first of boot.ini, and moves the others behind it. */
export async function switchContext(context: string, paths: PathTokens): Promise<void> {
  const others = readBoot(paths).contexts.filter((other) => other !== context);
  const layer = new IniLayer(paths.get("boot-conf"), 0);
  const path = layer.entries().find((entry) => bootSection(entry.path) === "settings")?.path ?? "settings";
  const edits = [context, ...others].slice(0, 20).map((value, index) => {
    return { kind: "set", path, key: String(index), value } as const;
  });
  await layer.save(edits, (_path, key) => (key === undefined ? "The stores that are tried in order" : undefined));
}
