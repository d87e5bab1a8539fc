import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { Command } from "commander";
import type { Gateway } from "../gateway/gateway.js";
import { errorText, GatewayError } from "../kernel/errors.js";
import type { LoadedModule } from "../kernel/modules.js";
import { createLogService, type LogService } from "../telemetry/log.js";
import type { CliContext, CliIo } from "./context.js";
import { prepareDevelopment } from "./development.js";
import { bootGateway, serveGateway } from "./gateway-run.js";
import { logOptions } from "./logging.js";
import { endSignal, signalCode } from "./signals.js";
import { contextCommand, parseArguments, type StoreOptions, storeOptions } from "./store-options.js";

/** Longest time from the signal to the end, in milliseconds; front ends and script hosts have their own, shorter limits. */
const stopLimit = 25_000;

interface ServiceOptions {
  readonly run?: true;
  readonly name?: string;
  readonly pid?: string | true;
  readonly development?: true;
}

/** What other systems have installers do; here the system's own service manager does it. */
const leftToTheSystem = ["install", "uninstall", "start", "stop", "restart", "info"] as const;

export const serviceContext: Pick<CliContext, "run"> = {
  async run(args, io) {
    const command = serviceCommand(io);
    if (!parseArguments(command, args)) return 1;
    const options = command.opts<ServiceOptions & Record<string, unknown>>();
    if (options.run) return runService(command, options, io);
    const asked = leftToTheSystem.find((action) => options[action] !== undefined);
    if (asked !== undefined) {
      io.stdout(`--${asked} is unsupported on this system: let its service manager run "nscp service --run"\n`);
      return 0;
    }
    io.stdout(`${command.helpInformation()}Invalid syntax: missing argument\n`);
    return 1;
  },
};

function serviceCommand(io: CliIo): Command {
  const command = contextCommand("nscp service", "Run the gateway until it is told to end", io)
    .option("--run", "run in the foreground; SIGTERM and SIGINT end it, SIGHUP reads the settings again")
    .option("--name <name>", "the name of the service")
    .option("--description <text>", "the description of the service")
    .option("--development", "run the embedded default: certificates are made, and commands to try are printed")
    .option("--pid [file]", "write the process id to the file; ${data-path}/nscp.pid unless given");
  for (const action of leftToTheSystem) command.option(`--${action}`, "unsupported: left to the service manager");
  return command;
}

/** Boots, serves and waits for the end. The log is objects of JSON, one per line, unless it was asked for otherwise. */
async function runService(command: Command, options: ServiceOptions, io: CliIo): Promise<number> {
  const { level, oneLine, console } = logOptions(command);
  const log = createLogService({
    form: console || options.development ? "console" : "json",
    level: level ?? "info",
    oneLine,
    ...(level === undefined ? {} : { fixed: ["level"] }),
  });
  let pidFile: string | undefined;
  const signals = endSignal((signal) => {
    if (pidFile !== undefined) removePidFile(pidFile);
    process.exit(signalCode(signal));
  });
  const stopWatching = watchFailures(log);
  try {
    const given = storeOptions(command, io);
    const development = options.development ? await prepareDevelopment(given, io) : undefined;
    const gateway = await startService(development?.store ?? given, log, io);
    if (gateway === undefined) return 4;
    if (options.pid !== undefined) pidFile = writePidFile(options.pid, gateway);
    const reload = () => reloadService(gateway, log);
    process.on("SIGHUP", reload);
    log.info(`${options.name ?? "nscp-gateway"} ${gateway.version} is ready`, {
      pid: process.pid,
      settings: gateway.settingsContext,
      modules: gateway.modules().map(moduleText),
    });
    if (development !== undefined) io.stdout(development.hints);
    const signal = await signals.received;
    log.info(`Ending after ${signal}`);
    await stopService(gateway, log);
    process.off("SIGHUP", reload);
    log.info("Ended");
    return 0;
  } finally {
    if (pidFile !== undefined) removePidFile(pidFile);
    stopWatching();
    signals.stop();
    await log.close();
  }
}

/** `undefined` when it can't be started; the reason stands in the log and on standard error. */
async function startService(store: StoreOptions, log: LogService, io: CliIo): Promise<Gateway | undefined> {
  try {
    const gateway = await bootGateway({ ...store, log, durable: true });
    await serveGateway(gateway);
    return gateway;
  } catch (thrown) {
    if (!(thrown instanceof GatewayError)) throw thrown;
    log.critical(`The gateway can't be started: ${thrown.message}`, { error: thrown.cause });
    io.stderr(`${thrown.message}\n`);
    return undefined;
  }
}

/** `GRPCServer: port 8444, 2 connections`, or why it does not run. */
function moduleText({ name, state, failure, status }: LoadedModule): string {
  const detail = state === "running" ? (status.detail ?? []).join(", ") : `${state}: ${failure}`;
  return detail === "" ? name : `${name}: ${detail}`;
}

function reloadService(gateway: Gateway, log: LogService): void {
  gateway.reload("service").then(
    ({ reloaded }) => {
      // What is wrong was logged where it was found.
      if (reloaded) log.info("Reloaded");
    },
    (thrown: unknown) => log.error(`Failed to reload: ${errorText(thrown)}`, { error: thrown }),
  );
}

async function stopService(gateway: Gateway, log: LogService): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<"late">((resolve) => {
    timer = setTimeout(resolve, stopLimit, "late");
  });
  try {
    const outcome = await Promise.race([gateway.stop(), limit]);
    if (outcome === "late") log.error(`Not everything ended within ${stopLimit / 1000} s`);
  } catch (thrown) {
    log.error(`Failed to end everything: ${errorText(thrown)}`, { error: thrown });
  } finally {
    clearTimeout(timer);
  }
}

/**
 * A promise that nobody waited for is logged, and the gateway goes on. After an exception that nobody caught its state
 * is not known: it says so and ends, and whoever runs services starts it again.
 */
function watchFailures(log: LogService): () => void {
  const rejection = (thrown: unknown) => log.error(`Unhandled: ${errorText(thrown)}`, { error: thrown });
  const exception = (thrown: unknown) => {
    log.critical(`Unhandled, ending: ${errorText(thrown)}`, { error: thrown });
    void log.close().finally(() => process.exit(1));
  };
  process.on("unhandledRejection", rejection);
  process.on("uncaughtException", exception);
  return () => {
    process.off("unhandledRejection", rejection);
    process.off("uncaughtException", exception);
  };
}

function writePidFile(given: string | true, gateway: Gateway): string {
  const file = given === true ? gateway.expandPath("${data-path}/nscp.pid") : given;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${process.pid}\n`);
  return file;
}

/** Leaves a file alone that another gateway has written meanwhile. */
function removePidFile(file: string): void {
  try {
    if (readFileSync(file, "utf8").trim() === String(process.pid)) rmSync(file);
  } catch {
    // Gone already, or not ours to remove.
  }
}
