import type { Call } from "../../../kernel/call.js";
import { GatewayError } from "../../../kernel/errors.js";
import { moduleKey, sameName } from "../../../kernel/modules.js";
import { modulePrincipal } from "../../../kernel/principal.js";
import { readModules } from "../../../settings/modules.js";
import type { SettingsStore } from "../../../settings/store.js";
import { PB, RegistryRequestMessage, StatusCode } from "../../../wire/messages.js";
import type { RouteParts } from "../route-parts.js";

type Item = PB.Registry.RegistryResponseMessage.Response.Inventory;

const { Request } = PB.Registry.RegistryRequestMessage;
const { ItemType } = PB.Registry;

/** A module as the API shows it: an instance that is loaded, one that the settings name, or a module that could be loaded. */
export interface ModuleEntry {
  readonly name: string;
  /** The alias that the settings give the instance, or else the name. */
  readonly id: string;
  readonly title: string;
  readonly description: string;
  readonly isLoaded: boolean;
  /** What `[/modules]` says of this instance. */
  readonly isEnabled: boolean;
  /** Undefined for what is not loaded. */
  readonly pluginId: number | undefined;
  /** Undefined for an instance without one of its own. */
  readonly givenAlias: string | undefined;
  /** What the gateway calls the instance. */
  readonly alias: string;
}

/** All modules there are, those that are loaded first. Whether the caller may see them is for the route to know. */
export async function listModules(
  { gateway, store, self }: Pick<RouteParts, "gateway" | "store" | "self">,
  call: Call,
): Promise<readonly ModuleEntry[]> {
  const inventory = Request.Inventory.create({ type: [ItemType.MODULE], fetchAll: true });
  const message = RegistryRequestMessage.create({ payload: [Request.create({ inventory })] });
  // The route has asked for its grant; the registry would ask for that of the list, also where one module is meant.
  const answer = await gateway.registryQuery(message, call.madeBy(self, modulePrincipal(self.alias)));
  const [response] = answer.payload;
  if (response?.result?.code !== StatusCode.STATUS_OK) {
    throw new GatewayError("INTERNAL", response?.result?.message || "The registry gave no answer.");
  }
  const aliases = new Map(gateway.modules().map(({ id, givenAlias }) => [id, givenAlias]));
  const present = response.inventory.map((item) => entryOf(item, aliases, store));
  const entries = [...present, ...configuredOnly(present, store)];
  return [...entries.filter(({ isLoaded }) => isLoaded), ...entries.filter(({ isLoaded }) => !isLoaded)];
}

/** The module of that id, else the one of that alias, else the first of that name. */
export function findModule(entries: readonly ModuleEntry[], asked: string): ModuleEntry | undefined {
  return (
    entries.find(({ id }) => sameName(id, asked)) ??
    entries.find(({ alias }) => sameName(alias, asked)) ??
    entries.find(({ name }) => moduleKey(name) === moduleKey(asked))
  );
}

function entryOf(
  { name, info }: Item,
  aliases: ReadonlyMap<number, string | undefined>,
  store: SettingsStore,
): ModuleEntry {
  const facts = new Map(info?.metadata.map(({ key, value }) => [key, value]));
  const id = facts.get("plugin_id");
  const pluginId = id === undefined ? undefined : Number(id);
  const givenAlias = pluginId === undefined ? undefined : aliases.get(pluginId);
  return {
    name,
    id: givenAlias ?? name,
    title: info?.title ?? "",
    description: info?.description ?? "",
    isLoaded: facts.get("loaded") === "true",
    isEnabled: isEnabled(name, givenAlias, store),
    pluginId,
    givenAlias,
    alias: facts.get("alias") ?? name,
  };
}

/** Instances with an alias that `[/modules]` names and that are not loaded. */
function configuredOnly(present: readonly ModuleEntry[], store: SettingsStore): ModuleEntry[] {
  return readModules(store).flatMap(({ module, alias, enabled }) => {
    const known = present.find(({ name }) => moduleKey(name) === moduleKey(module));
    if (known === undefined || alias === undefined) return [];
    if (present.some((entry) => entry.name === known.name && sameName(entry.alias, alias))) return [];
    const { name, title, description } = known;
    const names = { name, id: alias, title, description, givenAlias: alias, alias };
    return [{ ...names, isLoaded: false, isEnabled: enabled, pluginId: undefined }];
  });
}

function isEnabled(name: string, givenAlias: string | undefined, store: SettingsStore): boolean {
  return readModules(store).some(
    ({ module, alias, enabled }) =>
      enabled &&
      moduleKey(module) === moduleKey(name) &&
      (givenAlias === undefined || sameName(alias ?? "", givenAlias)),
  );
}
