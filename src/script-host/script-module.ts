import { resolve } from "node:path";
import type { GatewayControl } from "../kernel/control.js";
import type { Logger } from "../kernel/log.js";
import type { ModuleInstance, ModuleRuntime, ModuleStatus } from "../kernel/modules.js";
import { findScript, type ScriptLanguage, scriptCandidates } from "./find-script.js";
import type { TimeoutAction } from "./hang-watch.js";
import { HostApi } from "./host-api.js";
import type { ScriptHostOptions } from "./host-life.js";
import type { HostCommand } from "./host-process.js";
import { HostedScript, type ScriptConfig, type ScriptSurroundings } from "./hosted-script.js";
import { ScriptHost } from "./script-host.js";

/** A script as it stands in the settings. */
export interface ScriptEntry {
  readonly name: string;
  /** What `init` gets as its script alias; the name unless given. */
  readonly alias?: string;
  /** What `init` gets as its plugin alias; the module's alias unless given. */
  readonly pluginAlias?: string;
  /** Path or name of the file, path tokens expanded. */
  readonly script: string;
  readonly timeoutMs?: number | undefined;
  /** What happens when it hangs; the module's unless given. */
  readonly timeoutAction?: TimeoutAction | undefined;
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
  /** What happens to a script that hangs. */
  readonly timeoutAction: TimeoutAction;
  /** Each script is read when the one before it is through its `init`; otherwise all are read at the same time. */
  readonly inTurn?: boolean;
  /** A restart keeps the processes if they would be started the same way, and with them what scripts have imported. */
  readonly keepProcess?: boolean;
  /** Of each process, in bytes. */
  readonly memoryLimit: number;
  readonly callsInFlight: number;
  readonly startTimeoutMs: number;
  readonly stopTimeoutMs: number;
  /** Gets what scripts print instead of the log, all of it. */
  readonly onOutput?: (stream: "stdout" | "stderr", text: string) => void;
}

/** A process and its scripts, as the settings want them. */
interface HostPlan {
  readonly name: string;
  readonly configs: readonly ScriptConfig[];
  readonly memoryLimit: number;
}

/** What the modules that run scripts have in common: one instance with its hosts and scripts. */
export class ScriptModule implements ModuleRuntime {
  private hosts: ScriptHost[] = [];
  /** Scripts of the settings without a file. */
  private missing: ScriptEntry[] = [];
  private placed = new Map<string, { script: HostedScript; host: ScriptHost }>();

  constructor(private options: ScriptModuleOptions) {}

  /** Starts the hosts and scripts that can be found. A script that can't be is in the log; the others run. */
  start(): Promise<void> {
    return this.startHosts(this.plan(), new Map(), new Map());
  }

  /** Takes changed settings and changed code, while those who call meanwhile wait for them. */
  async restart(options: ScriptModuleOptions): Promise<void> {
    const { hosts, placed } = this;
    this.options = options;
    const plans = this.plan();
    const kept = new Map<string, ScriptHost>();
    await Promise.all(
      hosts.map(async (host) => {
        const plan = plans.find(({ name }) => name === host.name);
        if (options.keepProcess !== true || plan === undefined) return host.stop({ comeBack: true });
        const changed = this.hostOptions(plan);
        if (!host.fits(changed)) return host.stop({ comeBack: true });
        await host.renew(changed);
        kept.set(plan.name, host);
      }),
    );
    this.hosts = [];
    this.placed = new Map();
    await this.startHosts(plans, placed, kept);
  }

  /** Which process is to run which scripts. */
  private plan(): HostPlan[] {
    const { instance, scripts, isolation, memoryLimit } = this.options;
    this.missing = [];
    const configs = scripts.map((entry) => this.locate(entry)).filter((config) => config !== undefined);
    if (isolation === "script") {
      return configs.map((config) => ({
        name: `${instance.alias}/${config.name}`,
        configs: [config],
        memoryLimit: config.memoryLimit ?? memoryLimit,
      }));
    }
    return configs.length === 0 ? [] : [{ name: instance.alias, configs, memoryLimit }];
  }

  /**
   * @param before scripts that ran until now: what they registered stays until they register it anew
   * @param kept processes that run already, by name
   */
  private async startHosts(
    plans: readonly HostPlan[],
    before: ReadonlyMap<string, { script: HostedScript }>,
    kept: ReadonlyMap<string, ScriptHost>,
  ): Promise<void> {
    const around = this.surroundings();
    for (const plan of plans) {
      const host = kept.get(plan.name) ?? new ScriptHost(this.hostOptions(plan));
      this.hosts.push(host);
      for (const config of plan.configs) {
        // One script that leaks shall meet its own limit before it meets everybody's.
        const limited = { ...config, memoryLimit: config.memoryLimit ?? Math.floor(plan.memoryLimit / 2) };
        const script = before.get(config.name)?.script ?? new HostedScript(limited, around, host);
        script.reconfigure(limited, around, host);
        host.add(script);
        this.placed.set(config.name, { script, host });
      }
    }
    for (const [name, { script }] of before) {
      if (!this.placed.has(name)) script.dispose(`${around.alias}: ${name} was taken out of the settings`);
    }
    await Promise.all(this.hosts.map((host) => host.start()));
  }

  async stop(): Promise<void> {
    await Promise.all(this.hosts.map((host) => host.stop()));
  }

  status(): ModuleStatus {
    const detail = this.missing.map(({ name, script }) => `script ${name} is not there: ${script}`);
    return { ...(detail.length === 0 ? {} : { detail }), hosts: this.hosts.map((host) => host.status()) };
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
      this.missing.push(entry);
      return undefined;
    }
    return {
      name: entry.name,
      alias: entry.alias ?? entry.name,
      pluginAlias: entry.pluginAlias ?? this.options.instance.alias,
      file: resolve(file),
      timeoutMs: entry.timeoutMs,
      timeoutAction: entry.timeoutAction ?? this.options.timeoutAction,
      memoryLimit: entry.memoryLimit,
    };
  }

  private surroundings(): ScriptSurroundings {
    const { instance, gateway, log, callsInFlight, onOutput } = this.options;
    const owner = { id: instance.id, name: instance.name, alias: instance.alias };
    return {
      alias: instance.alias,
      pluginId: instance.id,
      clock: gateway.clock,
      log,
      registry: instance.registry,
      api: new HostApi(gateway, owner, log),
      callsInFlight,
      ...(onOutput === undefined ? {} : { onOutput }),
    };
  }

  private hostOptions({ name, configs, memoryLimit }: HostPlan): ScriptHostOptions {
    const { options } = this;
    const { instance, gateway, log } = options;
    return {
      name,
      alias: instance.alias,
      pluginId: instance.id,
      gatewayVersion: gateway.version,
      command: options.command(configs.length),
      clock: gateway.clock,
      log,
      memoryLimit,
      allOutput: options.onOutput !== undefined,
      inTurn: options.inTurn === true,
      startTimeoutMs: options.startTimeoutMs,
      stopTimeoutMs: options.stopTimeoutMs,
    };
  }
}
