import { resolve } from "node:path";
import type { GatewayControl } from "../kernel/control.js";
import type { Logger } from "../kernel/log.js";
import type { ModuleInstance, ModuleRuntime, ModuleStatus } from "../kernel/modules.js";
import { findScript, type ScriptLanguage, scriptCandidates } from "./find-script.js";
import { HostApi } from "./host-api.js";
import type { HostCommand } from "./host-process.js";
import { HostedScript, type ScriptConfig, type ScriptSurroundings } from "./hosted-script.js";
import { ScriptHost } from "./script-host.js";

/** A script as it stands in the settings. */
export interface ScriptEntry {
  readonly name: string;
  /** What `init` gets as its script alias; the name unless given. */
  readonly alias?: string;
  /** Path or name of the file, path tokens expanded. */
  readonly script: string;
  readonly timeoutMs?: number | undefined;
  readonly memoryLimit?: number | undefined;
}

export interface ScriptModuleOptions {
  readonly instance: ModuleInstance;
  readonly gateway: GatewayControl;
  readonly log: Logger;
  readonly language: ScriptLanguage;
  readonly scripts: readonly ScriptEntry[];
  /** How a host for so many scripts is started. */
  readonly command: (scripts: number) => HostCommand;
  /** `script` gives every script a process of its own. */
  readonly isolation: "module" | "script";
  /** Of each process, in bytes. */
  readonly memoryLimit: number;
  readonly callsInFlight: number;
  readonly startTimeoutMs: number;
  readonly stopTimeoutMs: number;
  /** Gets what scripts print instead of the log, all of it. */
  readonly onOutput?: (stream: "stdout" | "stderr", text: string) => void;
}

/** What the modules that run scripts have in common: one instance with its hosts and scripts. */
export class ScriptModule implements ModuleRuntime {
  private hosts: ScriptHost[] = [];
  private placed = new Map<string, { script: HostedScript; host: ScriptHost }>();

  constructor(private options: ScriptModuleOptions) {}

  /** Starts the hosts and scripts that can be found. A script that can't be is in the log; the others run. */
  start(): Promise<void> {
    return this.startHosts(new Map());
  }

  /** Takes changed settings and changed code: new processes, while those who call meanwhile wait for them. */
  async restart(options: ScriptModuleOptions): Promise<void> {
    await Promise.all(this.hosts.map((host) => host.stop({ comeBack: true })));
    const before = this.placed;
    this.options = options;
    this.hosts = [];
    this.placed = new Map();
    await this.startHosts(before);
  }

  private async startHosts(before: ReadonlyMap<string, { script: HostedScript }>): Promise<void> {
    const { options } = this;
    const configs = options.scripts.map((entry) => this.locate(entry)).filter((config) => config !== undefined);
    if (options.isolation === "script") {
      for (const config of configs) {
        const limit = config.memoryLimit ?? options.memoryLimit;
        this.addHost(`${options.instance.alias}/${config.name}`, [config], limit, before);
      }
    } else if (configs.length > 0) {
      this.addHost(options.instance.alias, configs, options.memoryLimit, before);
    }
    for (const [name, { script }] of before) {
      if (!this.placed.has(name)) script.dispose(`${options.instance.alias}: ${name} was taken out of the settings`);
    }
    await Promise.all(this.hosts.map((host) => host.start()));
  }

  async stop(): Promise<void> {
    await Promise.all(this.hosts.map((host) => host.stop()));
  }

  status(): ModuleStatus {
    return { hosts: this.hosts.map((host) => host.status()) };
  }

  /** Why the script can't answer now; empty when it can, undefined when there is no such script. */
  trouble(name: string): string | undefined {
    return this.placed.get(name)?.script.trouble;
  }

  /** Runs `main` of a script. Rejects with what it threw. */
  async main(name: string, args: readonly string[]): Promise<void> {
    const place = this.placed.get(name);
    if (place === undefined) throw new Error(`Script not found: ${name}`);
    await place.host.main(place.script, args);
  }

  private locate(entry: ScriptEntry): ScriptConfig | undefined {
    const { gateway, log, language } = this.options;
    const scripts = gateway.expandPath("${scripts}");
    const file = findScript(entry.script, scripts, language);
    if (file === undefined) {
      const looked = scriptCandidates(entry.script, scripts, language).join(", ");
      log.error(`Script not found: ${entry.script} looking in ${looked}`);
      return undefined;
    }
    return {
      name: entry.name,
      alias: entry.alias ?? entry.name,
      file: resolve(file),
      timeoutMs: entry.timeoutMs,
      memoryLimit: entry.memoryLimit,
    };
  }

  /** @param before scripts that ran until now: what they registered stays until they register it anew */
  private addHost(
    name: string,
    configs: readonly ScriptConfig[],
    memoryLimit: number,
    before: ReadonlyMap<string, { script: HostedScript }>,
  ): void {
    const { options } = this;
    const { instance, gateway, log } = options;
    const { clock } = gateway;
    const owner = { id: instance.id, name: instance.name, alias: instance.alias };
    const around: ScriptSurroundings = {
      alias: instance.alias,
      pluginId: instance.id,
      clock,
      log,
      registry: instance.registry,
      api: new HostApi(gateway, owner, log),
      callsInFlight: options.callsInFlight,
      ...(options.onOutput === undefined ? {} : { onOutput: options.onOutput }),
    };
    const host = new ScriptHost({
      name,
      alias: instance.alias,
      pluginId: instance.id,
      gatewayVersion: gateway.version,
      command: options.command(configs.length),
      clock,
      log,
      memoryLimit,
      allOutput: options.onOutput !== undefined,
      startTimeoutMs: options.startTimeoutMs,
      stopTimeoutMs: options.stopTimeoutMs,
    });
    this.hosts.push(host);
    for (const config of configs) {
      // One script that leaks shall meet its own limit before it meets everybody's.
      const limited = { ...config, memoryLimit: config.memoryLimit ?? Math.floor(memoryLimit / 2) };
      const onHang = () => host.endHanging(script);
      const script: HostedScript = before.get(config.name)?.script ?? new HostedScript(limited, around, onHang);
      script.reconfigure(limited, around, onHang);
      host.add(script);
      this.placed.set(config.name, { script, host });
    }
  }
}
