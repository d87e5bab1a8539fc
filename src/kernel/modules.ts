import { errorText, GatewayError } from "./errors.js";
import type { Logger } from "./log.js";
import type { EventHandler, Owner, QueryHandler, Registry, SubmissionHandler } from "./registry.js";
import type { RelayTargetStatus } from "./relay-status.js";
import { RegistryScope } from "./scope.js";

/** A module as the lifecycle sees it; `modules/module.ts` makes one of each `defineModule`. */
export interface LoadableModule {
  /** As users write it in `[/modules]`. */
  readonly name: string;
  readonly summary: string;
  readonly defaultAlias: string;
  /** Registers what the module offers. Ports are opened by {@link ModuleRuntime.serve}. */
  start(instance: ModuleInstance): Promise<ModuleRuntime>;
}

/** What a started module can be asked to do; every part is optional. */
export interface ModuleRuntime {
  /** Opens ports and starts schedules; called in a running gateway, not for a command line that only wants a check. */
  serve?(): Promise<void>;
  /** Takes changed settings without interruption. `false`: it can't, so it is stopped and started. */
  reload?(): Promise<boolean>;
  /** Closes what {@link serve} opened. Registrations are taken back without its help. */
  stop?(): Promise<void>;
  status?(): ModuleStatus;
  /** Answer what was registered for this module by a registry message instead of by itself. */
  readonly fallback?: { query?: QueryHandler; submission?: SubmissionHandler; event?: EventHandler };
}

export interface ModuleStatus {
  /** What it listens on, what it relays to. */
  readonly detail?: readonly string[];
  readonly hosts?: readonly ScriptHostStatus[];
  /** How the deliveries of a relay fare, target by target. */
  readonly relay?: readonly RelayTargetStatus[];
}

/** A process that runs scripts. */
export interface ScriptHostStatus {
  readonly name: string;
  readonly state: "starting" | "running" | "backing off" | "given up" | "stopped";
  readonly pid: number;
  readonly restarts: number;
  readonly lastFailure: string;
  readonly scripts: readonly string[];
}

export type ModuleState = "starting" | "running" | "failed" | "stopping";

/** One loaded module: a name of `[/modules]`, its alias and its id. */
export interface ModuleInstance extends Owner {
  /** Aborted when the instance is unloaded or stopped for a reload. */
  readonly signal: AbortSignal;
  readonly registry: RegistryScope;
}

export interface LoadedModule extends Owner {
  readonly summary: string;
  readonly state: ModuleState;
  readonly failure: string;
  readonly status: ModuleStatus;
}

interface Slot {
  readonly id: number;
  readonly name: string;
  readonly alias: string;
  readonly givenAlias: string | undefined;
  readonly module: LoadableModule;
  state: ModuleState;
  failure: string;
  controller: AbortController;
  runtime: ModuleRuntime | undefined;
  /** Whether {@link ModuleRuntime.serve} was called since the last start. */
  served: boolean;
  /** Operations on one instance run one after another; different instances don't wait for each other. */
  queue: Promise<unknown>;
}

export interface ModuleLoadRequest {
  readonly module: string;
  /** Empty: the module's default alias. */
  readonly alias: string;
}

/** Loads, serves, reloads and unloads modules. Ids ascend in load order and are not used again. */
export class Modules {
  private readonly slots: Slot[] = [];
  private readonly clones = new Map<number, Slot>();
  private nextId = 0;
  private serving = false;
  private ending = false;

  /** @param known every module that can be loaded, by lower-case name */
  constructor(
    private readonly registry: Registry,
    private readonly known: ReadonlyMap<string, LoadableModule>,
    private readonly log: Logger,
  ) {}

  /** Loads a module; one that runs under the same alias is stopped first and loaded afresh. Whether it runs then. */
  async load(request: ModuleLoadRequest): Promise<boolean> {
    const { module: name, alias } = request;
    if (this.ending) return false;
    const module = this.known.get(moduleKey(name));
    if (module === undefined) {
      this.log.error(`Failed to load module: ${name}: there is no such module`);
      return false;
    }
    const effective = alias === "" ? module.defaultAlias : alias;
    const existing = this.slots.find((slot) => slot.module === module && sameName(slot.alias, effective));
    if (existing !== undefined) {
      return this.enqueue(existing, () => (this.has(existing) ? this.restart(existing) : this.load(request)));
    }
    const slot: Slot = {
      id: this.nextId++,
      name: module.name,
      alias: effective,
      givenAlias: alias === "" || sameName(alias, module.defaultAlias) ? undefined : alias,
      module,
      state: "starting",
      failure: "",
      controller: new AbortController(),
      runtime: undefined,
      served: false,
      queue: Promise.resolve(),
    };
    this.slots.push(slot);
    return this.enqueue(slot, () => this.start(slot));
  }

  /** Opens the ports of every loaded module, and of those loaded later. Rejects with the first failure. */
  async serve(): Promise<void> {
    this.serving = true;
    for (const slot of [...this.slots]) await this.enqueue(slot, () => this.serveSlot(slot));
  }

  /** Unloads by alias or, when no alias is so called, by module name. Whether there was one. */
  async unload(name: string): Promise<boolean> {
    const slot = this.find(name);
    if (slot === undefined) return false;
    await this.enqueue(slot, () => this.remove(slot));
    return true;
  }

  /**
   * Makes one module take changed settings: in place when it can, otherwise it is stopped and started. Whether it runs
   * then. Rejects when it refuses the settings in place, and then it runs on with those it had.
   */
  async reload(name: string): Promise<boolean> {
    const slot = this.find(name);
    if (this.ending) return false;
    if (slot === undefined) {
      this.log.error(`Failed to reload ${name}: no module is loaded under that name`);
      return false;
    }
    return this.enqueue(slot, async () => {
      if (!this.has(slot)) return false;
      if (slot.state === "running" && (await slot.runtime?.reload?.()) === true) return true;
      return this.restart(slot);
    });
  }

  /**
   * Stops every module, the last loaded first; before all others those that serve, which still let the calls finish that
   * they have taken, and those need their owners. Whatever somebody wants to load or reload then, is not.
   */
  async stopAll(): Promise<void> {
    this.ending = true;
    const latestFirst = [...this.slots].reverse();
    const serving = latestFirst.filter(({ runtime }) => runtime?.serve !== undefined);
    for (const slot of new Set([...serving, ...latestFirst])) await this.enqueue(slot, () => this.remove(slot));
  }

  /** Those that are loaded, also when their start failed, in load order. */
  list(): LoadedModule[] {
    return this.slots.map(({ id, name, alias, givenAlias, module, state, failure, runtime }) => ({
      ...{ id, name, alias, givenAlias, state, failure },
      summary: module.summary,
      status: runtime?.status?.() ?? {},
    }));
  }

  /** Every module that can be loaded. */
  listKnown(): LoadableModule[] {
    return [...this.known.values()];
  }

  isKnown(name: string): boolean {
    return this.known.has(moduleKey(name));
  }

  isLoaded(name: string): boolean {
    return this.find(name) !== undefined;
  }

  ownerOf(id: number): Owner | undefined {
    return this.slotOf(id);
  }

  /** Another id for the same instance. */
  clone(id: number): number | undefined {
    const slot = this.slotOf(id);
    if (slot === undefined) return undefined;
    const cloned = this.nextId++;
    this.clones.set(cloned, slot);
    return cloned;
  }

  /** What answers registrations that were made for the instance by a registry message. */
  fallbackOf(id: number): NonNullable<ModuleRuntime["fallback"]> {
    return this.slotOf(id)?.runtime?.fallback ?? {};
  }

  private slotOf(id: number): Slot | undefined {
    return this.slots.find((slot) => slot.id === id) ?? this.clones.get(id);
  }

  private has(slot: Slot): boolean {
    return this.slots.includes(slot);
  }

  private find(name: string): Slot | undefined {
    return (
      this.slots.find((slot) => sameName(slot.alias, name)) ??
      this.slots.find((slot) => moduleKey(slot.name) === moduleKey(name))
    );
  }

  private enqueue<Result>(slot: Slot, operation: () => Promise<Result>): Promise<Result> {
    const result = slot.queue.then(operation);
    slot.queue = result.catch(() => {});
    return result;
  }

  private async start(slot: Slot): Promise<boolean> {
    slot.state = "starting";
    slot.failure = "";
    slot.controller = new AbortController();
    const { id, name, alias, givenAlias } = slot;
    const owner = { id, name, alias, givenAlias };
    try {
      slot.runtime = await slot.module.start({
        ...owner,
        signal: slot.controller.signal,
        registry: new RegistryScope(this.registry, owner, slot.controller.signal),
      });
      slot.state = "running";
      this.log.debug(`${slot.name} loaded as ${slot.alias}`);
    } catch (thrown) {
      this.fail(slot, thrown);
      return false;
    }
    if (!this.serving) return true;
    try {
      await this.serveSlot(slot);
      return true;
    } catch {
      return false;
    }
  }

  private async serveSlot(slot: Slot): Promise<void> {
    if (slot.state !== "running" || slot.served) return;
    slot.served = true;
    try {
      await slot.runtime?.serve?.();
    } catch (thrown) {
      const runtime = slot.runtime;
      this.fail(slot, thrown);
      await runtime?.stop?.().catch(() => {});
      throw thrown;
    }
  }

  private fail(slot: Slot, thrown: unknown): void {
    slot.state = "failed";
    slot.served = false;
    slot.failure = errorText(thrown);
    slot.controller.abort(new GatewayError("UNAVAILABLE", `${slot.name} failed to start.`));
    this.registry.removeOwner(slot);
    slot.runtime = undefined;
    this.log.error(`Failed to load module: ${slot.name} (${slot.alias}): ${slot.failure}`, { error: thrown });
  }

  private async stop(slot: Slot): Promise<void> {
    slot.state = "stopping";
    slot.served = false;
    try {
      await slot.runtime?.stop?.();
    } catch (thrown) {
      this.log.error(`${slot.name} (${slot.alias}) failed to stop: ${errorText(thrown)}`, { error: thrown });
    }
    slot.controller.abort(new GatewayError("UNAVAILABLE", `${slot.name} was unloaded.`));
    this.registry.removeOwner(slot);
    slot.runtime = undefined;
  }

  private async restart(slot: Slot): Promise<boolean> {
    await this.stop(slot);
    return this.start(slot);
  }

  private async remove(slot: Slot): Promise<void> {
    await this.stop(slot);
    const index = this.slots.indexOf(slot);
    if (index >= 0) this.slots.splice(index, 1);
    for (const [id, cloned] of this.clones) if (cloned === slot) this.clones.delete(id);
  }
}

/** Aliases are compared without case. */
export function sameName(left: string, right: string): boolean {
  return left.toLowerCase() === right.toLowerCase();
}

/** Names of modules are compared without case and without the ending that other systems give them. */
export function moduleKey(name: string): string {
  return name
    .trim()
    .toLowerCase()
    .replace(/\.dll$/, "");
}
