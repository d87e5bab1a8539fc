import {
  Line,
  PB,
  QueryResponse,
  type RegistryRequestMessage,
  RegistryResponseMessage,
  ResultCode,
  StatusCode,
} from "../wire/messages.js";
import type { Call } from "./call.js";
import { errorText, GatewayError } from "./errors.js";
import { responseHeader } from "./header.js";
import { type Modules, moduleKey } from "./modules.js";
import {
  type EventHandler,
  type Owner,
  type QueryEntry,
  type QueryHandler,
  type Registry,
  type SubmissionHandler,
  splitNames,
} from "./registry.js";

type Request = PB.Registry.RegistryRequestMessage.Request;
type Response = PB.Registry.RegistryResponseMessage.Response;
type Item = PB.Registry.RegistryResponseMessage.Response.Inventory;
const Item = PB.Registry.RegistryResponseMessage.Response.Inventory;
const { ItemType, Command } = PB.Registry;

/** What registry messages need beyond the registry itself. */
export interface RegistryMessageParts {
  readonly registry: Registry;
  readonly modules: Modules;
  /** Whether `[/modules]` enables the module. */
  isEnabled(module: string): boolean;
  /** Writes `enabled` or `disabled` to `[/modules]`, unsaved. */
  setEnabled(module: string, enabled: boolean): void;
  /** Asks the query for its parameters by `help-pb`. */
  parametersOf(entry: QueryEntry, call: Call): Promise<PB.Registry.ParameterDetails | undefined>;
}

/** What a caller needs for each type of inventory. */
const listGrants: Readonly<Record<number, string>> = {
  [ItemType.QUERY]: "queries.list",
  [ItemType.COMMAND]: "commands.list",
  [ItemType.QUERY_ALIAS]: "aliases.list",
  [ItemType.MODULE]: "modules.list",
  [ItemType.HANDLER]: "metadata.get.channels",
  [ItemType.EVENT]: "events.list",
};

/** What `ALL` means. Queries are listed as COMMAND, so command-line commands among them could not be told from them. */
const allTypes: readonly number[] = [
  ItemType.QUERY,
  ItemType.HANDLER,
  ItemType.QUERY_ALIAS,
  ItemType.MODULE,
  ItemType.EVENT,
];

/** Answers a RegistryRequestMessage: one response payload per request payload, in order, with its id. */
export class RegistryMessages {
  constructor(private readonly parts: RegistryMessageParts) {}

  async run(message: RegistryRequestMessage, call: Call): Promise<RegistryResponseMessage> {
    const payload: Response[] = [];
    for (const request of message.payload) payload.push(await this.answer(request, call));
    const header = message.header === null ? null : responseHeader(message.header);
    return RegistryResponseMessage.create({ header, payload });
  }

  private async answer(request: Request, call: Call): Promise<Response> {
    try {
      if (request.inventory !== null)
        return respond(request, { inventory: await this.inventory(request.inventory, call) });
      if (request.registration !== null)
        return respond(request, { registration: this.register(request.registration, call) });
      if (request.control !== null) {
        await this.control(request.control, call);
        return respond(request, { control: PB.Registry.RegistryResponseMessage.Response.Control.create() });
      }
      return refuse(request, "Unsupported action: give inventory, registration or control");
    } catch (thrown) {
      return refuse(request, errorText(thrown));
    }
  }

  private async inventory(query: PB.Registry.RegistryRequestMessage.Request.Inventory, call: Call): Promise<Item[]> {
    const all = query.type.includes(ItemType.ALL);
    const asked = [...new Set<number>(all ? [...allTypes, ...query.type] : query.type)];
    const items: Item[] = [];
    for (const type of asked) {
      const grant = listGrants[type];
      if (grant === undefined) continue;
      if (!call.principal.grants.allows(grant)) {
        if (all && !query.type.some((given) => given === type)) continue;
        throw new GatewayError("PERMISSION_DENIED", `Permission denied: ${call.principal.name} has no grant ${grant}`);
      }
      items.push(...(await this.items(type, query, call)));
    }
    return query.plugin === "" ? items : items.filter((item) => belongsTo(item, query.plugin));
  }

  private async items(
    type: number,
    query: PB.Registry.RegistryRequestMessage.Request.Inventory,
    call: Call,
  ): Promise<Item[]> {
    const { registry } = this.parts;
    const isAsked = (name: string) => query.name === "" || name === query.name.toLowerCase();
    switch (type) {
      case ItemType.QUERY: {
        const entries = registry.listQueries().filter((entry) => isAsked(entry.name));
        return Promise.all(
          entries.map((entry) => this.queryItem(entry, query.name || entry.name, query.fetchAll, call)),
        );
      }
      case ItemType.QUERY_ALIAS:
        return registry
          .listAliases()
          .filter(({ name }) => isAsked(name))
          .map(({ name, spelling, entry }) =>
            item(ItemType.QUERY_ALIAS, name, [entry.owner], spelling, describe(entry)),
          );
      case ItemType.COMMAND:
        return registry
          .listCommands()
          .filter(({ name }) => isAsked(name))
          .map(({ name, owner }) => item(ItemType.COMMAND, name, [owner], name, ""));
      case ItemType.HANDLER:
        return registry
          .listChannels()
          .filter(({ name }) => isAsked(name))
          .map(({ name, owners }) => item(ItemType.HANDLER, name, owners, name, ""));
      case ItemType.EVENT:
        return registry
          .listEvents()
          .filter(({ name }) => isAsked(name))
          .map(({ name, owners }) => item(ItemType.EVENT, name, owners, name, ""));
      default:
        return this.moduleItems(query);
    }
  }

  private async queryItem(entry: QueryEntry, name: string, fetchParameters: boolean, call: Call): Promise<Item> {
    // Other agents report queries as COMMAND here, and their clients look for that.
    const result = item(ItemType.COMMAND, name, [entry.owner], entry.spelling, describe(entry));
    if (fetchParameters) result.parameters = (await this.parts.parametersOf(entry, call)) ?? null;
    return result;
  }

  private moduleItems(query: PB.Registry.RegistryRequestMessage.Request.Inventory): Item[] {
    const { modules } = this.parts;
    const key = moduleKey(query.name);
    const loaded = modules
      .list()
      .filter((module) => key === "" || moduleKey(module.name) === key || module.alias.toLowerCase() === key);
    const items = loaded.map((module) =>
      this.moduleItem(module.name, module.summary, { ...module, loaded: module.state === "running" }),
    );
    const others = modules
      .listKnown()
      .filter((known) => (query.fetchAll && key === "") || moduleKey(known.name) === key)
      .filter((known) => !loaded.some((module) => module.name === known.name));
    return [
      ...items,
      ...others.map((known) =>
        this.moduleItem(known.name, known.summary, { alias: known.defaultAlias, loaded: false }),
      ),
    ];
  }

  private moduleItem(name: string, summary: string, state: { id?: number; alias: string; loaded: boolean }): Item {
    const facts: [string, string][] = [
      ["plugin_id", state.id === undefined ? "" : String(state.id)],
      ["loaded", String(state.loaded)],
      ["alias", state.alias],
      ["enabled", String(this.parts.isEnabled(name))],
    ];
    return Item.create({
      type: ItemType.MODULE,
      name,
      id: state.alias || name,
      info: PB.Registry.Information.create({
        title: name,
        description: summary,
        plugin: [state.alias || name],
        metadata: facts
          .filter(([, value]) => value !== "")
          .map(([key, value]) => PB.Common.KeyValue.create({ key, value })),
      }),
    });
  }

  private register(
    registration: PB.Registry.RegistryRequestMessage.Request.Registration,
    call: Call,
  ): PB.Registry.RegistryResponseMessage.Response.Registration {
    const { registry, modules } = this.parts;
    if (call.remote)
      throw new GatewayError("PERMISSION_DENIED", "Permission denied: nothing can be registered over a network");
    const owner = modules.ownerOf(registration.pluginId);
    if (owner === undefined) throw new GatewayError("NOT_FOUND", `Failed to find plugin: ${registration.pluginId}`);
    const { name, alias, unregister } = registration;
    const fallback = modules.fallbackOf(registration.pluginId);
    const description = registration.info?.description ?? "";
    const result = PB.Registry.RegistryResponseMessage.Response.Registration.create();
    switch (registration.type) {
      case ItemType.QUERY:
        if (unregister) registry.removeQuery(owner, name);
        else this.registerQuery(owner, registration);
        return result;
      case ItemType.QUERY_ALIAS:
        for (const spelling of [name, ...alias]) {
          if (unregister) registry.removeAlias(owner, spelling);
          else registry.addAlias(owner, spelling, fallback.query ?? unanswered(owner), { description });
        }
        return result;
      case ItemType.HANDLER:
        if (unregister) registry.removeChannel(owner, name);
        else registry.addChannel(owner, notYet(registry.listChannels(), owner, name), fallback.submission ?? untaken);
        return result;
      case ItemType.EVENT:
        if (unregister) registry.removeEvent(owner, name);
        else registry.addEvent(owner, notYet(registry.listEvents(), owner, name), fallback.event ?? unheard);
        return result;
      case ItemType.MODULE:
        result.itemId = modules.clone(registration.pluginId) ?? 0;
        return result;
      default:
        throw new GatewayError(
          "INVALID_ARGUMENT",
          `Unsupported type of registration: ${ItemType[registration.type] ?? registration.type}`,
        );
    }
  }

  /** A query that the owner has already keeps its handler: the message describes it, and may give it more names. */
  private registerQuery(
    owner: Owner,
    { name, alias, info, pluginId }: PB.Registry.RegistryRequestMessage.Request.Registration,
  ): void {
    const { registry, modules } = this.parts;
    const description = info?.description ?? "";
    const known = registry.findQuery(name);
    if (known?.owner.id === owner.id && known.name === name.toLowerCase()) {
      registry.describeQuery(known, description || describe(known), alias);
      return;
    }
    const handler = modules.fallbackOf(pluginId).query ?? unanswered(owner);
    registry.addQuery(owner, name, handler, { description, aliases: alias });
  }

  private async control(control: PB.Registry.RegistryRequestMessage.Request.Control, call: Call): Promise<void> {
    if (control.type !== ItemType.MODULE) throw new GatewayError("INVALID_ARGUMENT", "Only modules can be controlled");
    const verb = controlVerbs[control.command];
    if (verb === undefined) {
      throw new GatewayError("INVALID_ARGUMENT", `Unsupported command: ${Command[control.command] ?? control.command}`);
    }
    const { name, alias } = control;
    const instance = alias === "" ? name : alias;
    const object = verb === "unload" || verb === "reload" ? instance : name;
    if (!call.principal.grants.allows(`modules.${verb}`, object)) {
      throw new GatewayError(
        "PERMISSION_DENIED",
        `Permission denied: ${call.principal.name} has no grant modules.${verb} for ${object}`,
      );
    }
    const done = await this.perform(verb, name, alias, instance);
    if (!done) throw new GatewayError("NOT_FOUND", `Failed to ${verb} module: ${object}`);
  }

  private async perform(verb: string, name: string, alias: string, instance: string): Promise<boolean> {
    const { modules } = this.parts;
    if (verb === "load") return modules.load({ module: name, alias });
    if (verb === "unload") return modules.unload(instance);
    if (verb === "reload") return modules.reload(instance);
    const known = modules.listKnown().find((module) => moduleKey(module.name) === moduleKey(name));
    if (known === undefined) return false;
    this.parts.setEnabled(known.name, verb === "enable");
    return true;
  }
}

const controlVerbs: Readonly<Record<number, string>> = {
  [Command.LOAD]: "load",
  [Command.UNLOAD]: "unload",
  [Command.RELOAD]: "reload",
  [Command.ENABLE]: "enable",
  [Command.DISABLE]: "disable",
};

/** Those of the names that the owner does not listen to by itself. */
function notYet(listed: readonly { name: string; owners: readonly Owner[] }[], { id }: Owner, names: string): string {
  const taken = new Set(listed.filter(({ owners }) => owners.some((owner) => owner.id === id)).map(({ name }) => name));
  return splitNames(names)
    .filter((name) => !taken.has(name.toLowerCase()))
    .join();
}

function item(
  type: PB.Registry.ItemType,
  name: string,
  owners: readonly Owner[],
  title: string,
  description: string,
): Item {
  const plugin = owners.map((owner) => owner.alias || owner.name);
  return Item.create({ type, name, info: PB.Registry.Information.create({ title, description, plugin }) });
}

function describe(entry: QueryEntry): string {
  return entry.options.description ?? "";
}

function belongsTo(item: Item, plugin: string): boolean {
  return item.info?.plugin.some((name) => name.toLowerCase() === plugin.toLowerCase()) ?? false;
}

function unanswered(owner: Owner): QueryHandler {
  return (request) =>
    QueryResponse.create({
      command: request.command,
      result: ResultCode.UNKNOWN,
      lines: [Line.create({ message: `${owner.alias} has no handler for ${request.command}` })],
    });
}

/** Gives no answer, so that whoever submits hears of it. */
const untaken: SubmissionHandler = () => [];

const unheard: EventHandler = () => {};

function respond(request: Request, fields: Partial<Response>): Response {
  return PB.Registry.RegistryResponseMessage.Response.create({
    id: request.id,
    result: PB.Common.Result.create({ code: StatusCode.STATUS_OK }),
    ...fields,
  });
}

function refuse(request: Request, message: string): Response {
  return PB.Registry.RegistryResponseMessage.Response.create({
    id: request.id,
    result: PB.Common.Result.create({ code: StatusCode.STATUS_ERROR, message }),
  });
}
