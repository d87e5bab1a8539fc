import type { Call } from "../../../kernel/call.js";
import { errorText } from "../../../kernel/errors.js";
import { refuseRemoteWrite } from "../../../security/remote-settings.js";
import { isWithin, normalisePath } from "../../../settings/names.js";
import { checkStorable } from "../../../settings/storable.js";
import type { SettingsStore } from "../../../settings/store.js";
import { readTyped } from "../../../settings/typed-value.js";
import { PB } from "../../../wire/messages.js";
import type { RouteParts } from "../route-parts.js";
import { askSettings, failureOf } from "./settings-messages.js";

type SettingsState = Pick<RouteParts, "gateway" | "store">;

const { Node } = PB.Settings;
const { Request } = PB.Settings.SettingsRequestMessage;

/** What a client wants of the settings: a value for a key, or that a key or a whole section goes. */
export interface SettingsChange {
  readonly path: string;
  /** Empty for a section. */
  readonly key: string;
  /** As it came in JSON; undefined and an empty text remove. */
  readonly value: unknown;
  /** Whether the sections below a section go with it. */
  readonly recursive: boolean;
}

/** What became of a change. */
export interface ChangeResult {
  readonly path: string;
  readonly key: string;
  readonly result: "done" | "refused" | "failed";
  readonly reason?: string;
  /** How many keys it was about. */
  readonly keys: number;
}

/** What keeps values from being taken, one text for each. Nothing is said of keys that can't be written anyway. */
export function problemsOf(changes: readonly SettingsChange[], { store }: Pick<SettingsState, "store">): string[] {
  return changes.flatMap((change) => {
    const { path, key } = change;
    if (refuseRemoteWrite(path, key, store.registry.key(path, key)) !== undefined) return [];
    const problem = problemOf(change, store);
    return problem === undefined ? [] : [`${normalisePath(path)}.${key}: ${problem}`];
  });
}

function problemOf({ path, key, value }: SettingsChange, store: SettingsStore): string | undefined {
  const text = textOf(value);
  if (text === undefined) return "is neither a text nor a number nor true or false";
  try {
    checkStorable(path, key, text);
  } catch (thrown) {
    return errorText(thrown);
  }
  const spec = store.registry.key(path, key)?.spec;
  if (spec === undefined || text === "") return undefined;
  const typed = readTyped(spec, text, store.paths);
  if (!typed.ok)
    return typed.suggestion === undefined ? typed.message : `${typed.message}; perhaps ${typed.suggestion}`;
  return spec.check?.(text, { name: key, paths: store.paths });
}

/** Makes the changes, each by itself: those that are refused keep no other from being made. */
export async function makeChanges(
  changes: readonly SettingsChange[],
  state: SettingsState,
  call: Call,
): Promise<readonly ChangeResult[]> {
  const results: ChangeResult[] = [];
  for (const change of changes) results.push(await makeChange(change, state, call));
  return results;
}

async function makeChange(change: SettingsChange, state: SettingsState, call: Call): Promise<ChangeResult> {
  const { path, key } = change;
  const { registry } = state.store;
  const about = { path, key };
  // What stands in place of a secret comes back from clients that write what they have read.
  if (change.value === "***" && registry.isSensitive(path, key)) return { ...about, result: "done", keys: 1 };
  const nodes = key === "" ? keysBelow(change, state.store) : [{ path, key, value: textOf(change.value) ?? "" }];
  if (key === "") {
    const reason = nodes.map((node) => refusalOf(node, state, call)).find((refusal) => refusal !== undefined);
    if (reason !== undefined) return { ...about, result: "refused", reason, keys: nodes.length };
  }
  const asked = nodes.map((node) => ({ update: Request.Update.create({ node: Node.create(node) }) }));
  const answers = await askSettings(state, call, asked);
  const failure = answers.map(failureOf).find((one) => one !== undefined);
  if (failure === undefined) return { ...about, result: "done", keys: nodes.length };
  return { ...about, result: failure.isRefusal ? "refused" : "failed", reason: failure.text, keys: nodes.length };
}

/** A section goes as a whole or not at all, so each of its keys has to be one that may go. */
function refusalOf({ path, key }: { path: string; key: string }, { store }: SettingsState, call: Call) {
  const { name, grants } = call.principal;
  if (!grants.allows("settings.delete", normalisePath(path))) {
    return `Permission denied: ${name} has no grant settings.delete for ${path}`;
  }
  const reason = refuseRemoteWrite(path, key, store.registry.key(path, key));
  return reason === undefined ? undefined : `Permission denied: ${reason}`;
}

function keysBelow({ path, recursive }: SettingsChange, store: SettingsStore) {
  const wanted = normalisePath(path);
  return store
    .allPaths()
    .filter((section) => (recursive ? isWithin(section, wanted) : section.toLowerCase() === wanted.toLowerCase()))
    .flatMap((section) => store.keys(section).map((key) => ({ path: section, key, value: "" })));
}

/** Numbers and truth values are the texts that settings have for them; undefined for what has no text. */
function textOf(value: unknown): string | undefined {
  if (value === undefined || value === null) return "";
  if (typeof value === "string") return value;
  return typeof value === "number" || typeof value === "boolean" ? String(value) : undefined;
}
