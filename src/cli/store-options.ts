import { Command, CommanderError } from "commander";
import { type DefinedValue, parseDefine } from "../settings/open.js";
import { parsePathOverride } from "../settings/paths.js";
import type { SettingsStore } from "../settings/store.js";
import type { CliIo } from "./context.js";

/** What the command line says about the store. */
export interface StoreOptions {
  readonly settings?: string | undefined;
  readonly defines: readonly DefinedValue[];
  readonly pathOverrides: ReadonlyMap<string, string>;
}

/** Opens a store that knows the descriptions of all modules. */
export type OpenStore = (options: StoreOptions) => SettingsStore;

/** A command with the options that every context has; it writes to `io` and throws instead of ending the process. */
export function contextCommand(name: string, summary: string, io: Pick<CliIo, "stdout" | "stderr">): Command {
  return new Command(name)
    .description(summary)
    .exitOverride()
    .configureOutput({ writeOut: (text) => io.stdout(text), writeErr: (text) => io.stderr(text) })
    .option("--settings <store>", "use this store: an ini file, a folder of them, or dummy")
    .option("--define <path:key=value>", "a setting for this run (repeat)", collect, [])
    .option("--path-override <name=value>", "the value of a path token (repeat)", collect, [])
    .option("--debug", "log at level debug")
    .option("--log <level>", "log level (repeat)", collect, [])
    .option("--log-backend <backend>", "file, threaded-file or console")
    .option("--no-stderr", "write nothing to standard error");
}

/** @returns false when the command line is done with: help was shown, or what is wrong with it */
export function parseArguments(command: Command, args: readonly string[]): boolean {
  try {
    command.parse(args, { from: "user" });
    return true;
  } catch (error) {
    if (error instanceof CommanderError) return false;
    throw error;
  }
}

/** The output, without standard error when `--no-stderr` asks for that. */
export function quietened<Output extends Pick<CliIo, "stderr">>(command: Command, io: Output): Output {
  return command.opts<{ stderr: boolean }>().stderr ? io : { ...io, stderr() {} };
}

/**
 * Takes what the command line says about the store. A path override without its parts is a warning.
 * @throws GatewayError INVALID_ARGUMENT for a define without its parts
 */
export function storeOptions(command: Command, io: Pick<CliIo, "stderr">): StoreOptions {
  const { settings, define, pathOverride } = command.opts<{
    settings?: string;
    define: string[];
    pathOverride: string[];
  }>();
  const pathOverrides = new Map<string, string>();
  for (const text of pathOverride) {
    const pair = parsePathOverride(text);
    if (pair) pathOverrides.set(...pair);
    else io.stderr(`Ignoring path override without NAME=VALUE: ${text}\n`);
  }
  return { settings, defines: define.map(parseDefine), pathOverrides };
}

function collect(value: string, before: readonly string[]): string[] {
  return [...before, value];
}
