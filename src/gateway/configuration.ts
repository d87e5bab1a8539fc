import type { Logger } from "../kernel/log.js";
import { type ModuleLoadRequest, moduleKey } from "../kernel/modules.js";
import { type CommandPolicy, commandPolicy } from "../kernel/policy.js";
import type { QueryLimits } from "../kernel/query.js";
import { securitySettings } from "../security/security-settings.js";
import { coreSettings } from "../settings/core-settings.js";
import type { Problem } from "../settings/errors.js";
import { readModules } from "../settings/modules.js";
import { type DefinedValue, openSettings } from "../settings/open.js";
import { PathTokens } from "../settings/paths.js";
import { readSettings } from "../settings/read.js";
import { registryOf } from "../settings/registry.js";
import type { SettingsOf, SettingsSchema } from "../settings/schema.js";
import type { SettingsStore } from "../settings/store.js";
import { validateSettings } from "../settings/validate.js";
import { spoolSettings } from "../spool/spool-settings.js";
import type { LogSettings } from "../telemetry/log.js";
import { logLevelOf } from "../telemetry/log-record.js";
import { embeddedDefault, packageRoot } from "./embedded-default.js";
import type { MetricsServiceSettings } from "./metrics-service.js";
import { moduleSchemas } from "./module-list.js";

export interface ConfigurationOptions {
  /** Context of `--settings`; without it boot.ini, the system's file, then the embedded default decide. */
  readonly settings?: string | undefined;
  readonly defines?: readonly DefinedValue[];
  readonly pathOverrides?: ReadonlyMap<string, string>;
}

/** Settings that belong to no module. */
export const roomSettings: readonly SettingsSchema[] = [coreSettings, securitySettings, spoolSettings];

/** State of a gateway that is configured by a file of the system. */
const systemDataPath = "/var/lib/nscp-gateway";

/** The settings of a gateway, and what the rooms that are not modules make of them. */
export class Configuration {
  constructor(
    private readonly options: ConfigurationOptions,
    readonly store: SettingsStore,
  ) {}

  /** What is wrong with the settings as they are. */
  validate(): Problem[] {
    return validateSettings(this.store, {
      core: roomSettings,
      modules: moduleSchemas,
      registry: this.store.registry,
    });
  }

  /** Reads the files beside the running settings and says which errors keep them from being taken over. */
  inspect(): Problem[] {
    return openConfiguration(this.options)
      .validate()
      .filter((problem) => problem.severity === "error");
  }

  read<const Schema extends SettingsSchema>(schema: Schema, alias: string, owner: string): SettingsOf<Schema> {
    this.store.registry.registerSchema(schema, alias, owner);
    return readSettings(schema, this.store, alias);
  }

  core(): SettingsOf<typeof coreSettings> {
    return readSettings(coreSettings, this.store, "");
  }

  /** What dispatch needs to know: time limits and the policy. */
  dispatch(unlimited: boolean, log: Logger): { limits: QueryLimits; policy: CommandPolicy } {
    const { queryTimeout, timeouts, permissions, policies } = this.core();
    const perCommand = new Map([...timeouts].map(([command, timeout]) => [command.toLowerCase(), timeout]));
    const limits: QueryLimits = unlimited
      ? { queryTimeoutMs: undefined, timeoutOf: () => undefined }
      : { queryTimeoutMs: queryTimeout, timeoutOf: (command) => perCommand.get(command) };
    const policy = commandPolicy({
      enabled: permissions.enabled,
      allowExecute: permissions.allowExec,
      policies,
      onDecision: (allowed, subject, object) => {
        if (allowed && permissions.logAllows) log.info(`Policy: ${subject} may run ${object}`);
        if (!allowed && permissions.logDenials) log.warn(`Policy: ${subject} may not run ${object}`);
      },
    });
    return { limits, policy };
  }

  metricsSettings(): MetricsServiceSettings {
    const { metricsInterval, metrics } = this.core();
    return { intervalMs: metricsInterval, port: metrics.port, bindTo: metrics.bindTo };
  }

  spoolSettings(): SettingsOf<typeof spoolSettings> {
    return readSettings(spoolSettings, this.store, "");
  }

  logSettings(): LogSettings {
    const { log, logFile } = this.core();
    const level = logLevelOf(log.level) ?? "info";
    if (log.fileName === "" || log.fileName.toLowerCase() === "none") return { level };
    return {
      level,
      file: { path: log.fileName, maxSize: logFile.maxSize, files: logFile.files, dateFormat: log.dateFormat },
    };
  }

  /** The modules that `[/modules]` switches on, in key order. */
  activeModules(): ModuleLoadRequest[] {
    return readModules(this.store)
      .filter((entry) => entry.enabled)
      .map(({ module, alias }) => ({ module, alias: alias ?? "" }));
  }

  /** How a module is loaded when it is asked for by name or by its alias in `[/modules]`. */
  requestFor(name: string): ModuleLoadRequest {
    const entries = readModules(this.store);
    const byAlias = entries.find(({ alias }) => alias?.toLowerCase() === name.toLowerCase());
    if (byAlias !== undefined) return { module: byAlias.module, alias: byAlias.alias ?? "" };
    return { module: name, alias: "" };
  }

  /** Another store, for settings that are copied to it or taken over from it. */
  openOther(context: string): SettingsStore {
    return openStore({ ...this.options, settings: context, defines: [] });
  }

  isEnabled(module: string): boolean {
    return this.activeModules().some((entry) => moduleKey(entry.module) === moduleKey(module));
  }
}

export function openConfiguration(options: ConfigurationOptions): Configuration {
  return new Configuration(options, openStore(options));
}

function openStore(options: ConfigurationOptions): SettingsStore {
  const paths = new PathTokens({
    packageRoot,
    dataPath: systemDataPath,
    ...(options.pathOverrides === undefined ? {} : { overrides: options.pathOverrides }),
  });
  return openSettings({
    context: options.settings,
    paths,
    registry: registryOf(roomSettings, moduleSchemas),
    defines: options.defines ?? [],
    fallback: embeddedDefault,
    workingFolder: process.cwd(),
  });
}
