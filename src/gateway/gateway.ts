import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Call, type CallingModule, type CallOrigin } from "../kernel/call.js";
import type { GatewayControl, ReloadOutcome } from "../kernel/control.js";
import { Core } from "../kernel/core.js";
import { errorText } from "../kernel/errors.js";
import type { Logger } from "../kernel/log.js";
import {
  type LoadableModule,
  type LoadedModule,
  type ModuleLoadRequest,
  Modules,
  moduleKey,
} from "../kernel/modules.js";
import { modulePrincipal } from "../kernel/principal.js";
import { Registry } from "../kernel/registry.js";
import { RegistryMessages } from "../kernel/registry-messages.js";
import type { SpoolFigures } from "../kernel/relay-status.js";
import type { ModuleDefinition } from "../modules/module.js";
import { Security } from "../security/security.js";
import { type Problem, problemText } from "../settings/errors.js";
import type { SettingsControl } from "../settings/messages.js";
import { type SettingsSchema, sectionAlias } from "../settings/schema.js";
import type { SettingsStore } from "../settings/store.js";
import { copySettings } from "../settings/transfer.js";
import type { LogService } from "../telemetry/log.js";
import { LogFile } from "../telemetry/log-file.js";
import {
  PB,
  QueryRequest,
  QueryRequestMessage,
  type RegistryRequestMessage,
  type RegistryResponseMessage,
  type SettingsRequestMessage,
  type SettingsResponseMessage,
} from "../wire/messages.js";
import { type Configuration, type ConfigurationOptions, openConfiguration } from "./configuration.js";
import { packageRoot } from "./embedded-default.js";
import { MetricsService } from "./metrics-service.js";
import { changeModules, type ModuleChanges, reasonOf } from "./module-changes.js";
import { moduleDefinitions } from "./module-list.js";
import { parseReload } from "./reload-request.js";
import { SettingsAccess } from "./settings-access.js";
import { SpoolService } from "./spool-service.js";
import { systemClock } from "./system-clock.js";
import { newTraceId } from "./trace-ids.js";

export interface BootOptions extends ConfigurationOptions {
  readonly log: LogService;
  /** The settings, when somebody has opened them before. */
  readonly configuration?: Configuration;
  /** Load just these modules instead of those of `[/modules]`. */
  readonly modules?: readonly string[];
  /** Whether the command line runs on its own, without time limits for queries. */
  readonly unlimited?: boolean;
  /** Whether passive results rest on disk until their receivers have them, as in a service; otherwise they go out at once. */
  readonly durable?: boolean;
  /** False for a command that opens no port: who may come in is not read then, for it is often no business of its user. */
  readonly admits?: boolean;
  /** Modules besides those that come with the gateway, for tests. */
  readonly extraModules?: readonly ModuleDefinition<SettingsSchema>[];
}

/** Version of this package. */
export const version: string = JSON.parse(readFileSync(join(packageRoot, "package.json"), "utf8")).version;

/**
 * A running gateway: all rooms put together. `boot` reads the settings and loads the modules, so that checks run;
 * `serve` opens the ports; `stop` ends everything, the last loaded first. One file, because all of them follow the same order of
 * rooms, and a change of it has to be seen in each.
 */
export class Gateway implements GatewayControl {
  readonly version = version;
  readonly startedAtMs = systemClock.now();
  readonly clock = systemClock;
  readonly registry: Registry;
  readonly core: Core;
  readonly security: Security;
  private readonly spool: SpoolService;
  private readonly metrics: MetricsService;
  private readonly log: Logger;
  private readonly modulesOf: Modules;
  private readonly registryMessages: RegistryMessages;
  private readonly settingsAccess: SettingsAccess;
  private isServing = false;
  private isEnding = false;
  private readonly background = new Set<Promise<unknown>>();
  /** Problems of the settings that run: they were told at the start, and keep nobody from what else is new. */
  private standing: ReadonlySet<string> = new Set();
  /** One reload after another. */
  private reloading: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly options: BootOptions,
    readonly configuration: Configuration,
  ) {
    this.log = options.log.child("core");
    this.registry = new Registry(this.log);
    this.core = new Core({
      registry: this.registry,
      clock: this.clock,
      log: this.log,
      ...configuration.dispatch(options.unlimited ?? false, this.log),
    });
    this.security = new Security({
      clock: this.clock,
      log: options.log.child("security"),
      openAuditFile: (file, onProblem, lostText) => new LogFile(file, onProblem, lostText),
    });
    this.spool = new SpoolService({
      ...{ isDurable: options.durable ?? false, clock: this.clock, log: options.log.child("spool") },
      settings: () => configuration.spoolSettings(),
    });
    this.metrics = new MetricsService(this, options.log);
    const definitions = [...moduleDefinitions, ...(options.extraModules ?? [])];
    const known = new Map(definitions.map((definition) => [moduleKey(definition.name), this.loadable(definition)]));
    this.modulesOf = new Modules(this.registry, known, this.log);
    this.settingsAccess = new SettingsAccess(configuration.store, this.settingsControl(), this.security);
    this.registryMessages = new RegistryMessages({
      registry: this.registry,
      modules: this.modulesOf,
      isEnabled: (module) => configuration.isEnabled(module),
      setEnabled: (module, enabled) => configuration.store.set("/modules", module, enabled ? "enabled" : "disabled"),
      parametersOf: async (entry, call) => {
        const request = QueryRequest.create({ command: entry.name, arguments: ["help-pb"] });
        const answer = await this.core.query(QueryRequestMessage.create({ payload: [request] }), call);
        const data = answer.payload[0]?.data;
        return data === undefined || data.length === 0 ? undefined : PB.Registry.ParameterDetails.decode(data);
      },
    });
  }

  /**
   * @throws SettingsError when the settings can't be read at all; what is wrong with single keys is logged, and a module
   * whose settings are wrong does not load while the others do
   */
  static async boot(options: BootOptions): Promise<Gateway> {
    const gateway = new Gateway(options, options.configuration ?? openConfiguration(options));
    const { configuration } = gateway;
    options.log.configure(configuration.logSettings());
    const problems = configuration.validate();
    gateway.standing = new Set(problems.map(nameOfProblem));
    for (const problem of problems) {
      const text = problemText(problem);
      if (problem.severity === "error") gateway.log.error(text);
      else gateway.log.warn(text);
    }
    await gateway.readIdentities();
    for (const request of gateway.wantedModules()) {
      // What the settings ask for and is not there, was among their problems.
      if (options.modules !== undefined || gateway.modulesOf.isKnown(request.module)) {
        await gateway.modulesOf.load(request);
      }
    }
    return gateway;
  }

  get store(): SettingsStore {
    return this.configuration.store;
  }

  get serving(): boolean {
    return this.isServing;
  }

  get settingsContext(): string {
    return this.store.context;
  }

  /** Opens the front ends. Rejects with the first that fails; those before it stay open until `stop`. */
  async serve(): Promise<void> {
    await this.modulesOf.serve();
    await this.metrics.start(this.configuration.metricsSettings());
    this.isServing = true;
  }

  async stop(): Promise<void> {
    this.isServing = false;
    this.isEnding = true;
    await Promise.allSettled(this.background);
    await this.modulesOf.stopAll();
    await this.spool.close();
    await this.metrics.stop();
    await this.security.close();
  }

  call(origin: Omit<CallOrigin, "traceId"> & { traceId?: string }): Call {
    const { principal, frontEnd, module, peer = "", deadline, remote = false, hops = 0 } = origin;
    const { traceId = newTraceId() } = origin;
    // All members by name: a spread of origins of many shapes is slow, and every request comes through here.
    return new Call({ principal, frontEnd, module, peer, traceId, deadline, remote, hops });
  }

  moduleCall(module: CallingModule): Call {
    const origin = {
      principal: modulePrincipal(module.alias),
      frontEnd: module.alias,
      traceId: newTraceId(),
    };
    return new Call(origin, undefined, module);
  }

  registryQuery(message: RegistryRequestMessage, call: Call): Promise<RegistryResponseMessage> {
    return this.registryMessages.run(message, call);
  }

  settingsQuery(message: SettingsRequestMessage, call: Call): Promise<SettingsResponseMessage> {
    return this.settingsAccess.run(message, call);
  }

  loadModule(module: string, alias: string): Promise<boolean> {
    return this.modulesOf.load({ module, alias });
  }

  unloadModule(name: string): Promise<boolean> {
    return this.modulesOf.unload(name);
  }

  async reload(what: string): Promise<ReloadOutcome> {
    const { delayed, name } = parseReload(what);
    const work = () => this.reloadNow(name);
    if (!delayed) return work();
    const task = new Promise<void>((resolve) => setImmediate(resolve)).then(work).catch((thrown: unknown) => {
      this.log.error(`Failed to reload ${name}: ${errorText(thrown)}`, { error: thrown });
    });
    this.background.add(task);
    task.finally(() => this.background.delete(task));
    return { reloaded: true, problems: [] };
  }

  expandPath(text: string): string {
    return this.store.paths.expand(text);
  }

  metricsText(): Promise<string> {
    return this.metrics.text();
  }

  modules(): LoadedModule[] {
    return this.modulesOf.list();
  }

  private async reloadNow(name: string): Promise<ReloadOutcome> {
    if (this.isEnding) return isEnding;
    if (name !== "service" && name !== "settings") {
      const reloaded = await this.modulesOf.reload(name);
      return { reloaded, problems: reloaded ? [] : [reasonOf(this.modulesOf, name)] };
    }
    const result = this.reloading.then(() => this.reloadSettings(name === "service"));
    this.reloading = result.catch(() => {});
    return result;
  }

  /**
   * Looks at the new configuration beside the running one and takes it only when nothing in it is an error and nobody
   * refuses it: a module whose certificate is missing, a port that is taken. Otherwise everybody gets back what they had.
   */
  private async reloadSettings(withModules: boolean): Promise<ReloadOutcome> {
    const { wrong, all } = this.problemsOfFiles();
    if (wrong.length > 0) return this.refuse(wrong);
    const restore = this.store.snapshot();
    let changes: ModuleChanges | undefined;
    let refusal: string | undefined;
    try {
      this.store.reload();
      await this.applySettings();
      if (withModules) changes = await changeModules(this.modulesOf, this.wantedModules());
      refusal = changes?.refusal;
    } catch (thrown) {
      refusal = errorText(thrown);
    }
    // What is ending has no use for either configuration.
    if (this.isEnding) return isEnding;
    if (refusal === undefined) {
      this.standing = all;
      return { reloaded: true, problems: changes?.standing ?? [] };
    }
    restore();
    return this.refuse(refusal.split("\n"), await this.goBack(changes));
  }

  /** What is wrong in the files and was not when the gateway took them last: a module that it lacks is no news. */
  private problemsOfFiles(): { wrong: string[]; all: ReadonlySet<string> } {
    try {
      const problems = this.configuration.inspect();
      const wrong = problems.filter((problem) => !this.standing.has(nameOfProblem(problem))).map(problemText);
      return { wrong, all: new Set(problems.map(nameOfProblem)) };
    } catch (thrown) {
      return { wrong: errorText(thrown).split("\n"), all: this.standing };
    }
  }

  /** @param lost what could not be given back */
  private refuse(problems: readonly string[], lost: readonly string[] = []): ReloadOutcome {
    for (const problem of problems) this.log.error(problem);
    this.log.error("The new configuration is wrong; the running one stays.");
    for (const problem of lost) this.log.critical(`Not as it was before: ${problem}`);
    return { reloaded: false, problems: [...problems, ...lost.map((problem) => `Not as it was before: ${problem}`)] };
  }

  /** Gives everybody what the settings say, which are the former ones again. What that did not do. */
  private async goBack(changes: ModuleChanges | undefined): Promise<string[]> {
    const lost: string[] = [];
    try {
      await this.applySettings();
    } catch (thrown) {
      lost.push(errorText(thrown));
    }
    if (changes !== undefined) lost.push(...(await changes.undo()));
    return lost;
  }

  /** Who may come in, and what they may do. */
  private async readIdentities(): Promise<void> {
    if (this.options.admits !== false) await this.security.reload(this.store);
  }

  /** Gives the settings to the rooms that are no modules; those that can refuse them come first. */
  private async applySettings(): Promise<void> {
    if (this.isServing) await this.metrics.start(this.configuration.metricsSettings());
    await this.readIdentities();
    this.core.configure(this.configuration.dispatch(this.options.unlimited ?? false, this.log));
    this.options.log.configure(this.configuration.logSettings());
    this.spool.reload();
  }

  spoolFigures(): SpoolFigures | undefined {
    return this.spool.current?.status();
  }

  private wantedModules(): ModuleLoadRequest[] {
    const { modules } = this.options;
    return modules?.map((module) => this.configuration.requestFor(module)) ?? this.configuration.activeModules();
  }

  private settingsControl(): SettingsControl {
    const { store } = this.configuration;
    return {
      save: async (context) => {
        if (context === undefined) return store.save();
        const other = this.configuration.openOther(context);
        copySettings(store, other);
        await other.save();
      },
      load: async (context) => {
        if (context === undefined) store.reload();
        else copySettings(this.configuration.openOther(context), store);
      },
      reload: async () => {
        await this.reload("delayed,service");
      },
      ownerOf: (pluginId) => this.modulesOf.ownerOf(pluginId)?.alias ?? "script",
    };
  }

  private loadable(definition: ModuleDefinition<SettingsSchema>): LoadableModule {
    const { name, summary, defaultAlias } = definition;
    return {
      ...{ name, summary, defaultAlias },
      start: async (instance) => {
        const readSettings = () =>
          this.configuration.read(definition.settings, sectionAlias(definition, instance.alias), name);
        const runtime = await definition.start({
          ...instance,
          settings: readSettings(),
          readSettings,
          store: this.store,
          gateway: this,
          security: this.security,
          spool: () => this.spool.open(),
          log: this.options.log.child(instance.alias),
          logService: this.options.log,
        });
        return runtime ?? {};
      },
    };
  }
}

const isEnding: ReloadOutcome = { reloaded: false, problems: ["The gateway is ending"] };

/** The same problem keeps its name when lines move. */
function nameOfProblem({ path, key, message }: Problem): string {
  return `[${path}] ${key}: ${message}`;
}
