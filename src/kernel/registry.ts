import type {
  Event,
  EventMessage,
  ExecuteRequest,
  ExecuteResponse,
  Header,
  MetricsBundle,
  MetricsMessage,
  PB,
  QueryRequest,
  QueryRequestMessage,
  QueryResponse,
  QueryResponseMessage,
  SubmitRequestMessage,
  SubmitResponse,
} from "../wire/messages.js";
import type { Call } from "./call.js";
import type { FiguresByFrontEnd } from "./figures.js";
import type { Logger } from "./log.js";

/** Answers one payload of a query. What it throws becomes UNKNOWN; it never fails the call. */
export type QueryHandler = (
  request: QueryRequest,
  call: Call,
  header: Header | null,
) => QueryResponse | Promise<QueryResponse>;

/** Runs a command-line command. `undefined` means: not one of mine, ask the next owner. */
export type CommandHandler = (
  request: ExecuteRequest,
  call: Call,
  header: Header | null,
) => ExecuteResponse | undefined | Promise<ExecuteResponse | undefined>;

/** Takes the passive results of a submission: answers one response per payload, in order, or one for all of them. */
export type SubmissionHandler = (
  submission: SubmitRequestMessage,
  call: Call,
) => SubmitResponse[] | Promise<SubmitResponse[]>;

/** Hears of an event, once per payload that bears the name. */
export type EventHandler = (event: Event, message: EventMessage, call: Call) => void | Promise<void>;

/** Produces metrics when a cycle collects them. */
export type MetricsSource = () => MetricsBundle[] | Promise<MetricsBundle[]>;

/** Gets the metrics of each cycle. */
export type MetricsSink = (metrics: MetricsMessage) => void | Promise<void>;

/** Another gateway that queries, commands and submissions can be passed on to. */
export interface Target {
  readonly name: string;
  readonly owner: Owner;
  query(message: QueryRequestMessage, call: Call): Promise<QueryResponseMessage>;
  execute(message: PB.Commands.ExecuteRequestMessage, call: Call): Promise<PB.Commands.ExecuteResponseMessage>;
}

/** The module instance that a registration belongs to. */
export interface Owner {
  readonly id: number;
  /** Name of the module, such as `NodeScript`. */
  readonly name: string;
  /** Its alias, such as `node`. */
  readonly alias: string;
  /** The alias again when the settings gave it; without one the module goes by its default alias. */
  readonly givenAlias?: string | undefined;
}

/** What users know the instance by: the alias that they gave it, else the name of the module. */
export function ownerLabel({ name, givenAlias }: Owner): string {
  return givenAlias ?? name;
}

/** What may refuse a call as a whole before any of its payloads runs: a script host with too many calls in flight. */
export interface Admission {
  readonly name: string;
  isFull(): boolean;
}

export interface QueryOptions {
  readonly description?: string;
  /** Other names for the same query. */
  readonly aliases?: readonly string[];
  /** How long the query may take, in milliseconds; a setting for the command beats it. */
  readonly timeoutMs?: number;
  /** The core answers `help` and `help-pb` from the description instead of calling the handler. */
  readonly helpFromDescription?: boolean;
  readonly parameters?: PB.Registry.ParameterDetails;
  readonly admission?: Admission;
  /** That it replaces another of its owner is expected and not worth a line in the log: a script that is run by hand. */
  readonly replacesOwn?: boolean;
  /** The command that an alias runs, with arguments of its own. */
  readonly standsFor?: string | undefined;
  /** The query passes on to targets of its own, so header.recipient_id is meant for it and not for the core. */
  readonly takesRecipient?: boolean;
}

/** A registered query and its figures. */
export interface QueryEntry {
  /** In lower case. */
  readonly name: string;
  /** As it was registered. */
  readonly spelling: string;
  readonly owner: Owner;
  readonly handler: QueryHandler;
  options: QueryOptions;
  /** Figures by front end. */
  readonly figures: FiguresByFrontEnd;
}

interface Subscriber<Handler> {
  readonly owner: Owner;
  readonly handler: Handler;
}

export interface CommandEntry {
  readonly owner: Owner;
  /** Lower-case names this handler is known to answer; empty: it decides by itself. */
  readonly names: readonly string[];
  readonly handler: CommandHandler;
}

/** A registration that can be taken back. */
export type Unregister = () => void;

/**
 * Who answers what. Names are looked up without regard to case; the last registration of a query wins; everything
 * belongs to an owner and disappears with it.
 */
export class Registry {
  private readonly queries = new Map<string, QueryEntry>();
  private readonly aliases = new Map<string, { entry: QueryEntry; spelling: string }>();
  private readonly commands: CommandEntry[] = [];
  private readonly channels = new Map<string, Subscriber<SubmissionHandler>[]>();
  private readonly events = new Map<string, Subscriber<EventHandler>[]>();
  private readonly sources: Subscriber<MetricsSource>[] = [];
  private readonly sinks: Subscriber<MetricsSink>[] = [];
  private readonly targets = new Map<string, Target>();
  /** Figures of registered commands and of channels that somebody subscribed to, by name in lower case. */
  readonly commandFigures = new Map<string, FiguresByFrontEnd>();
  readonly channelFigures = new Map<string, FiguresByFrontEnd>();

  constructor(private readonly log: Logger) {}

  addQuery(owner: Owner, spelling: string, handler: QueryHandler, options: QueryOptions = {}): Unregister {
    const name = spelling.toLowerCase();
    const previous = this.queries.get(name);
    if (previous !== undefined) {
      const isOwn = previous.owner.id === owner.id;
      const level = isOwn && options.replacesOwn === true ? "debug" : "info";
      this.log[level](`Duplicate command ${name}: ${owner.alias} replaces ${previous.owner.alias}`);
      if (isOwn) this.dropQuery(previous);
    }
    const entry: QueryEntry = { name, spelling, owner, handler, options, figures: previous?.figures ?? new Map() };
    this.queries.set(name, entry);
    for (const alias of options.aliases ?? []) this.aliases.set(alias.toLowerCase(), { entry, spelling: alias });
    return () => this.dropQuery(entry);
  }

  /** Gives a registered query another description, and more names. */
  describeQuery(entry: QueryEntry, description: string, aliases: readonly string[]): void {
    entry.options = {
      ...entry.options,
      description,
      aliases: [...new Set([...(entry.options.aliases ?? []), ...aliases])],
    };
    for (const alias of aliases) this.aliases.set(alias.toLowerCase(), { entry, spelling: alias });
  }

  private dropQuery(entry: QueryEntry): void {
    if (this.queries.get(entry.name) === entry) this.queries.delete(entry.name);
    for (const [alias, { entry: known }] of this.aliases) if (known === entry) this.aliases.delete(alias);
  }

  /** Takes back a query of this owner. Whether there was one. */
  removeQuery(owner: Owner, name: string): boolean {
    const entry = this.queries.get(name.toLowerCase());
    if (entry === undefined || entry.owner.id !== owner.id) return false;
    this.dropQuery(entry);
    return true;
  }

  /** Registers another name for a query that runs `handler`; queries win over aliases at look-up. */
  addAlias(owner: Owner, spelling: string, handler: QueryHandler, options: QueryOptions = {}): Unregister {
    const name = spelling.toLowerCase();
    const entry: QueryEntry = { name, spelling, owner, handler, options, figures: new Map() };
    this.aliases.set(name, { entry, spelling });
    return () => {
      if (this.aliases.get(name)?.entry === entry) this.aliases.delete(name);
    };
  }

  /** Takes back an alias of this owner. Whether there was one. */
  removeAlias(owner: Owner, name: string): boolean {
    const key = name.toLowerCase();
    if (this.aliases.get(key)?.entry.owner.id !== owner.id) return false;
    return this.aliases.delete(key);
  }

  findQuery(command: string): QueryEntry | undefined {
    const known = this.queries.get(command) ?? this.aliases.get(command)?.entry;
    if (known !== undefined) return known;
    const name = command.toLowerCase();
    return this.queries.get(name) ?? this.aliases.get(name)?.entry;
  }

  /** The name of what runs under a name, in lower case: a second name and an alias stand for another command. */
  nameBehind(command: string): string {
    const seen = new Set<string>();
    let name = command.toLowerCase();
    while (!seen.has(name)) {
      seen.add(name);
      const entry = this.findQuery(name);
      name = (entry?.options.standsFor ?? entry?.name ?? name).toLowerCase();
    }
    return name;
  }

  /** @param names the commands that the handler answers; without them it is asked for every command. */
  addCommand(owner: Owner, names: readonly string[], handler: CommandHandler): Unregister {
    const entry = { owner, names: names.map((name) => name.toLowerCase()), handler };
    const replaced = this.commands.findIndex(
      (known) => known.owner.id === owner.id && known.names.length > 0 && known.names.join() === entry.names.join(),
    );
    if (replaced >= 0) this.commands.splice(replaced, 1);
    this.commands.push(entry);
    return () => removeFrom(this.commands, entry);
  }

  /** Who might answer the command, in the order in which the modules were loaded. */
  findCommands(command: string): CommandEntry[] {
    const name = command.toLowerCase();
    return this.commands
      .filter((entry) => entry.names.length === 0 || entry.names.includes(name))
      .sort((left, right) => left.owner.id - right.owner.id);
  }

  /** @param names a channel, a comma separated list of them, or `*` for all. */
  addChannel(owner: Owner, names: string, handler: SubmissionHandler): Unregister {
    return subscribe(this.channels, owner, names, handler);
  }

  /** Takes back what this owner subscribed to on these channels. */
  removeChannel(owner: Owner, names: string): void {
    unsubscribe(this.channels, owner, names);
  }

  /** Whether somebody subscribed to the channel by its name. */
  isChannel(name: string): boolean {
    return this.channels.has(name.toLowerCase());
  }

  findChannel(name: string): Subscriber<SubmissionHandler>[] {
    return subscribersOf(this.channels, name);
  }

  /** @param names an event, a comma separated list of them, or `*` for all. */
  addEvent(owner: Owner, names: string, handler: EventHandler): Unregister {
    return subscribe(this.events, owner, names, handler);
  }

  /** Takes back what this owner subscribed to of these events. */
  removeEvent(owner: Owner, names: string): void {
    unsubscribe(this.events, owner, names);
  }

  findEvent(name: string): Subscriber<EventHandler>[] {
    return subscribersOf(this.events, name);
  }

  addMetricsSource(owner: Owner, handler: MetricsSource): Unregister {
    const entry = { owner, handler };
    this.sources.push(entry);
    return () => removeFrom(this.sources, entry);
  }

  addMetricsSink(owner: Owner, handler: MetricsSink): Unregister {
    const entry = { owner, handler };
    this.sinks.push(entry);
    return () => removeFrom(this.sinks, entry);
  }

  metricsSources(): readonly Subscriber<MetricsSource>[] {
    return this.sources;
  }

  metricsSinks(): readonly Subscriber<MetricsSink>[] {
    return this.sinks;
  }

  addTarget(target: Target): Unregister {
    const name = target.name.toLowerCase();
    this.targets.set(name, target);
    return () => {
      if (this.targets.get(name) === target) this.targets.delete(name);
    };
  }

  findTarget(name: string): Target | undefined {
    return this.targets.get(name.toLowerCase());
  }

  /** Every query, sorted by name. */
  listQueries(): QueryEntry[] {
    return [...this.queries.values()].sort(byName);
  }

  /** Every alias, sorted by name. */
  listAliases(): { name: string; spelling: string; entry: QueryEntry }[] {
    return [...this.aliases].map(([name, { entry, spelling }]) => ({ name, spelling, entry })).sort(byName);
  }

  /** Every named command, sorted by name. */
  listCommands(): { name: string; owner: Owner }[] {
    return this.commands.flatMap(({ names, owner }) => names.map((name) => ({ name, owner }))).sort(byName);
  }

  listChannels(): { name: string; owners: Owner[] }[] {
    return subscriptions(this.channels);
  }

  listEvents(): { name: string; owners: Owner[] }[] {
    return subscriptions(this.events);
  }

  listTargets(): Target[] {
    return [...this.targets.values()].sort(byName);
  }

  /** Takes back everything that belongs to the owner. */
  removeOwner(owner: Owner): void {
    for (const entry of [...this.queries.values()]) if (entry.owner.id === owner.id) this.dropQuery(entry);
    for (const [name, { entry }] of this.aliases) if (entry.owner.id === owner.id) this.aliases.delete(name);
    for (const [name, target] of this.targets) if (target.owner.id === owner.id) this.targets.delete(name);
    for (const list of [this.commands, this.sources, this.sinks, ...this.channels.values(), ...this.events.values()]) {
      const entries: { owner: Owner }[] = list;
      for (const entry of entries.filter(({ owner: { id } }) => id === owner.id)) removeFrom(entries, entry);
    }
    for (const table of [this.channels, this.events]) {
      for (const [name, list] of table) if (list.length === 0) table.delete(name);
    }
  }
}

function subscribe<Handler>(
  table: Map<string, Subscriber<Handler>[]>,
  owner: Owner,
  names: string,
  handler: Handler,
): Unregister {
  const added = distinctNames(names).map((name) => {
    const entry = { owner, handler };
    const list = table.get(name) ?? [];
    const others = list.filter((known) => known.owner.id !== owner.id || known.handler !== handler);
    table.set(name, [...others, entry]);
    return { name, entry };
  });
  return () => {
    for (const { name, entry } of added) {
      const list = table.get(name);
      if (list === undefined) continue;
      removeFrom(list, entry);
      if (list.length === 0) table.delete(name);
    }
  };
}

function unsubscribe<Handler>(table: Map<string, Subscriber<Handler>[]>, owner: Owner, names: string): void {
  for (const name of distinctNames(names)) {
    const others = (table.get(name) ?? []).filter((known) => known.owner.id !== owner.id);
    if (others.length === 0) table.delete(name);
    else table.set(name, others);
  }
}

function subscribersOf<Handler>(table: Map<string, Subscriber<Handler>[]>, name: string): Subscriber<Handler>[] {
  const key = name.toLowerCase();
  const named = key === "*" ? [] : (table.get(key) ?? []);
  return [...named, ...(table.get("*") ?? [])];
}

/** The elements of the list in lower case, each once; `*` beside others stands for all of them. */
function distinctNames(names: string): string[] {
  const distinct = new Set(splitNames(names).map((name) => name.toLowerCase()));
  return distinct.has("*") ? ["*"] : [...distinct];
}

function subscriptions(table: Map<string, Subscriber<unknown>[]>): { name: string; owners: Owner[] }[] {
  return [...table]
    .map(([name, list]) => ({ name, owners: [...new Map(list.map(({ owner }) => [owner.id, owner])).values()] }))
    .sort(byName);
}

/** The elements of a comma separated list, blanks trimmed, empty ones left out. */
export function splitNames(names: string): string[] {
  return names
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
}

function removeFrom<Item>(list: Item[], item: Item): void {
  const index = list.indexOf(item);
  if (index >= 0) list.splice(index, 1);
}

function byName(left: { name: string }, right: { name: string }): number {
  return left.name < right.name ? -1 : left.name > right.name ? 1 : 0;
}
