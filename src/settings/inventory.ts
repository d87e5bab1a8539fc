import { GatewayError } from "../kernel/errors.js";
import { PB } from "../wire/messages.js";
import { CaseMap, compareBytes, isWithin, joinPath, normalisePath, splitPath } from "./names.js";
import type { KeyInfo } from "./registry.js";
import { shownValue } from "./shown-value.js";
import type { SettingsStore } from "./store.js";

type Request = PB.Settings.SettingsRequestMessage.Request.Inventory;
type Item = PB.Settings.SettingsResponseMessage.Response.Inventory;

const Item = PB.Settings.SettingsResponseMessage.Response.Inventory;
const { Information } = PB.Settings;

/**
 * What is known about sections and keys: those that are described, and those that are only there. Sections below come
 * before the section, its keys before itself.
 *
 * @throws GatewayError NOT_FOUND for a section that is neither described nor there
 */
export function inventory(request: Request, store: SettingsStore): Item[] {
  const root = normalisePath(request.node?.path ?? "");
  const key = request.node?.key ?? "";
  if (key !== "") return [describedKey(root, key, request, store)];
  const known = sectionsOf(store);
  const below = known.filter((path) => isWithin(path, root));
  if (below.length === 0 && root !== "") throw new GatewayError("NOT_FOUND", `Key not found: ${root}`);
  const items: Item[] = [];
  const visit = (path: string) => {
    if (request.recursiveFetch) for (const name of childrenOf(path, known)) visit(joinPath(path, name));
    if (request.fetchKeys) items.push(...keyItems(path, request, store));
    if (request.fetchPaths && path !== "") items.push(...sectionItems(path, request, store));
  };
  visit(root);
  // Without recursion the sections that are listed are those directly below.
  if (request.fetchPaths && !request.recursiveFetch) {
    for (const name of childrenOf(root, known)) items.push(...sectionItems(joinPath(root, name), request, store));
  }
  if (request.fetchTemplates) items.push(...templateItems(root, request, store));
  return items;
}

function sectionsOf(store: SettingsStore): string[] {
  const paths = new CaseMap<true>();
  for (const path of [...store.registry.paths(), ...store.allPaths()]) {
    for (let above: string | undefined = path; above; above = splitPath(above)?.parent) {
      if (paths.get(above) === undefined) paths.set(above, true);
    }
  }
  return [...paths.names()].sort(compareBytes);
}

function childrenOf(path: string, known: readonly string[]): string[] {
  return known.flatMap((candidate) => {
    const split = splitPath(candidate);
    return split && split.parent.toLowerCase() === path.toLowerCase() ? [split.name] : [];
  });
}

function keyItems(path: string, request: Request, store: SettingsStore): Item[] {
  const described = new Map(store.registry.keysOf(path).map((info) => [info.key.toLowerCase(), info]));
  const items = [...described.values()]
    .filter((info) => (!info.sample || request.fetchSamples) && belongsTo(info.owners, request.plugin))
    .map((info) => describedKey(path, info.key, request, store));
  const present = store.keys(path).filter((key) => !described.has(key.toLowerCase()));
  const others = present.filter((key) => belongsTo(store.registry.key(path, key)?.owners ?? [], request.plugin));
  return [...items, ...others.map((key) => describedKey(path, key, request, store))];
}

function describedKey(path: string, key: string, request: Request, store: SettingsStore): Item {
  const info = store.registry.key(path, key);
  const text = store.getString(path, key, info?.defaultValue ?? "");
  return Item.create({
    node: { path, key, value: request.redactSensitive ? shownValue(store, path, key, text) : text },
    info: info
      ? keyInformation(info)
      : Information.create({ advanced: true, isSensitive: store.registry.isSensitive(path, key) }),
  });
}

function keyInformation(info: KeyInfo): PB.Settings.Information {
  const { title, description, type, defaultValue, advanced, sample, sampleUsage, icon, sensitive } = info;
  const texts = { title, description, type, defaultValue, sampleUsage, icon };
  return Information.create({ ...texts, advanced, sample, isSensitive: sensitive, plugin: [...info.owners] });
}

function sectionItems(path: string, request: Request, store: SettingsStore): Item[] {
  const info = store.registry.section(path);
  if (!belongsTo(info?.owners ?? [], request.plugin) || (info?.sample && !request.fetchSamples)) return [];
  const { title = "", description = "", icon = "", advanced = false, sample = false } = info ?? {};
  const isObjects = info?.kind === "objects";
  const texts = { title, description, icon, type: "folder" };
  const plugin = [...(info?.owners ?? [])];
  const whole = Information.create({ ...texts, advanced, sample, subkey: isObjects, plugin });
  return [Item.create({ node: { path, key: "", value: "" }, info: whole })];
}

function templateItems(root: string, request: Request, store: SettingsStore): Item[] {
  return store.registry
    .templates(root, request.recursiveFetch)
    .filter((template) => belongsTo(template.owners, request.plugin))
    .map(({ path, title, description, icon, fields, owners }) => {
      const info = { title, description, icon, type: "template", isTemplate: true, plugin: [...owners] };
      return Item.create({ node: { path, key: "", value: fields }, info: Information.create(info) });
    });
}

function belongsTo(owners: readonly string[], plugin: string): boolean {
  return plugin === "" || owners.some((owner) => owner.toLowerCase() === plugin.toLowerCase());
}
