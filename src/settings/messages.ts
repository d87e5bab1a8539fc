import { errorText, GatewayError } from "../kernel/errors.js";
import { PB, StatusCode } from "../wire/messages.js";
import { inventory } from "./inventory.js";
import { isWithin, joinPath, normalisePath } from "./names.js";
import { shownValue } from "./shown-value.js";
import type { SettingsChange, SettingsStore } from "./store.js";

type Request = PB.Settings.SettingsRequestMessage.Request;
type Response = PB.Settings.SettingsResponseMessage.Response;
type Answer = Omit<Partial<Response>, "id" | "result">;

const { Result } = PB.Common;
const { Response } = PB.Settings.SettingsResponseMessage;
const { ChangeType } = Response.Diff;

/** What a settings message can set going beyond the store; whoever hands the message on decides what it may. */
export interface SettingsControl {
  /** Writes the changes, or with a context copies all settings to it. */
  save(context: string | undefined): Promise<void>;
  /** Drops the changes and reads again, or with a context takes over all its settings. */
  load(context: string | undefined): Promise<void>;
  /** Applies the settings to the running modules. */
  reload(): Promise<void>;
  /** The name of the module instance that a registration belongs to. */
  ownerOf(pluginId: number): string;
}

/**
 * Answers a SettingsRequestMessage: one response for each payload, in order and with its id. A payload does the first of
 * inventory, query, registration, update, control, status and diff that it has. What fails is STATUS_ERROR with the
 * reason, and the other payloads go on.
 */
export async function answerSettings(
  request: PB.Settings.SettingsRequestMessage,
  store: SettingsStore,
  control: SettingsControl,
): Promise<PB.Settings.SettingsResponseMessage> {
  const payload: Response[] = [];
  for (const item of request.payload) payload.push(await answerOne(item, store, control));
  return PB.Settings.SettingsResponseMessage.create({ header: request.header, payload });
}

async function answerOne(request: Request, store: SettingsStore, control: SettingsControl): Promise<Response> {
  const { id } = request;
  try {
    const answer = await act(request, store, control);
    return Response.create({ id, result: Result.create({ code: StatusCode.STATUS_OK }), ...answer });
  } catch (error) {
    const message = `Settings error: ${errorText(error)}`;
    return Response.create({ id, result: Result.create({ code: StatusCode.STATUS_ERROR, message }) });
  }
}

async function act(request: Request, store: SettingsStore, control: SettingsControl): Promise<Answer> {
  if (request.inventory) return { inventory: inventory(request.inventory, store) };
  if (request.query) return { query: query(request.query, store) };
  if (request.registration) {
    register(request.registration, control.ownerOf(request.pluginId), store);
    return { registration: {} };
  }
  if (request.update) {
    update(request.update, store);
    return { update: {} };
  }
  if (request.control) {
    await command(request.control, control);
    return { control: {} };
  }
  if (request.status) return { status: { context: store.context, type: store.type, hasChanged: store.hasChanged } };
  if (request.diff) return { diff: { entries: diff(request.diff, store) } };
  throw new GatewayError("INVALID_ARGUMENT", "Invalid action");
}

function query(request: PB.Settings.SettingsRequestMessage.Request.Query, store: SettingsStore) {
  const { node, recursive, includeKeys, defaultValue, redactSensitive } = request;
  const path = normalisePath(node?.path ?? "");
  const key = node?.key ?? "";
  const shown = (section: string, name: string, value: string) =>
    redactSensitive ? shownValue(store, section, name, value) : value;
  if (key !== "") {
    const value = shown(path, key, store.getString(path, key, defaultValue));
    return { node: { path: node?.path ?? "", key, value }, nodes: [] };
  }
  const nodes: PB.Settings.Node[] = [];
  const visit = (section: string) => {
    for (const name of store.sections(section)) {
      const child = joinPath(section, name);
      if (!includeKeys) nodes.push({ path: child, key: "", value: "" });
      if (recursive) visit(child);
    }
    if (!includeKeys) return;
    for (const name of store.keys(section)) {
      nodes.push({ path: section, key: name, value: shown(section, name, store.getString(section, name)) });
    }
  };
  visit(path);
  return { node, nodes };
}

/** An empty value removes the key, and without a key the section; a value as it is shown leaves a secret as it is. */
function update(request: PB.Settings.SettingsRequestMessage.Request.Update, store: SettingsStore): void {
  const { path = "", key = "", value = "" } = request.node ?? {};
  if (key === "" && (value !== "" || normalisePath(path) === ""))
    throw new GatewayError("INVALID_ARGUMENT", `There is no key to update in ${path === "" ? "the root" : path}`);
  if (key === "") store.deletePath(path, { recursive: false });
  else if (value === "") store.deleteKey(path, key);
  else if (!isShownSecret(store, path, key, value)) store.set(path, key, value);
}

/** Whether somebody writes back what stood in place of a secret. */
function isShownSecret(store: SettingsStore, path: string, key: string, value: string): boolean {
  const present = store.getString(path, key);
  const shown = shownValue(store, path, key);
  return value === "***" ? store.registry.isSensitive(path, key) : value === shown && shown !== present;
}

function register(
  request: PB.Settings.SettingsRequestMessage.Request.Registration,
  owner: string,
  store: SettingsStore,
): void {
  const { registry } = store;
  const info = PB.Settings.Information.create(request.info ?? {});
  const path = normalisePath(request.node?.path ?? "");
  const key = request.node?.key ?? "";
  const { title, description, icon, advanced, sample } = info;
  if (request.fields !== "") {
    registry.registerTemplate({ path, title, description, icon, fields: request.fields }, owner);
  } else if (key !== "") {
    const { sampleUsage, defaultValue, isSensitive: sensitive } = info;
    const type = info.type || "string";
    const texts = { title, description, type, defaultValue, sampleUsage, icon };
    registry.registerKey({ path, key, ...texts, advanced, sample, sensitive }, owner);
  } else {
    const kind = info.subkey ? "objects" : "fixed";
    registry.registerSection({ path, title, description, icon, advanced, sample, kind }, owner);
  }
}

async function command(request: PB.Settings.SettingsRequestMessage.Request.Control, control: SettingsControl) {
  const context = request.context === "" ? undefined : request.context;
  switch (request.command) {
    case PB.Settings.Command.SAVE:
      return control.save(context);
    case PB.Settings.Command.LOAD:
      return control.load(context);
    case PB.Settings.Command.RELOAD:
      return control.reload();
    default:
      throw new GatewayError("INVALID_ARGUMENT", "Unknown command");
  }
}

const changeTypes: Readonly<
  Record<SettingsChange["kind"], PB.Settings.SettingsResponseMessage.Response.Diff.ChangeType>
> = {
  added: ChangeType.ADDED,
  modified: ChangeType.MODIFIED,
  removed: ChangeType.REMOVED,
  "section-added": ChangeType.PATH_ADDED,
  "section-removed": ChangeType.PATH_REMOVED,
};

function diff({ node, recursive }: PB.Settings.SettingsRequestMessage.Request.Diff, store: SettingsStore) {
  const root = normalisePath(node?.path ?? "");
  const isWanted = ({ path }: SettingsChange) =>
    root === "" || (recursive ? isWithin(path, root) : path.toLowerCase() === root.toLowerCase());
  return store
    .diff()
    .filter(isWanted)
    .map(({ kind, path, key, oldValue, newValue }) => {
      const isSensitive = key !== "" && store.registry.isSensitive(path, key);
      const shown = (value: string) => (key === "" ? value : shownValue(store, path, key, value));
      return {
        path,
        key,
        oldValue: shown(oldValue),
        newValue: shown(newValue),
        changeType: changeTypes[kind],
        isSensitive,
      };
    });
}
