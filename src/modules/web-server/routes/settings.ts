import { Type } from "typebox";
import { errorText, GatewayError } from "../../../kernel/errors.js";
import { PB } from "../../../wire/messages.js";
import { bodyOf, isObject, jsonReply, textReply } from "../http/replies.js";
import type { CallerRequest, ParameterDescription, Route, RouteDescription, WebReply } from "../route.js";
import type { RouteParts } from "../route-parts.js";
import { askSetting, askSettings, failureOf } from "../state/settings-messages.js";
import { sectionIn, sectionParameter } from "../state/settings-section.js";
import { granted, inBothVersions } from "./granted-route.js";
import { settingsWritingRoutes } from "./settings-writing.js";

type SettingsState = Pick<RouteParts, "gateway" | "store">;

const { Node, Command } = PB.Settings;
const { Request } = PB.Settings.SettingsRequestMessage;
const { ChangeType } = PB.Settings.SettingsResponseMessage.Response.Diff;

/** The settings: values, descriptions, what has changed; and what writes, loads and saves them. */
export function settingsRoutes(state: SettingsState): readonly Route[] {
  return inBothVersions((version, prefix) => {
    const path = `${prefix}/settings`;
    return [
      ...stateRoutes(version, path, state),
      ...valueRoutes(version, path, state),
      ...settingsWritingRoutes(version, path, state, (request) => listValues(state, request)),
    ];
  });
}

const tag = "settings";

const valuesSchema = Type.Array(Type.Object({ path: Type.String(), key: Type.String(), value: Type.String() }));

const descriptionsSchema = Type.Array(
  Type.Object({
    path: Type.String(),
    key: Type.String({ description: "Empty for a section" }),
    value: Type.Optional(Type.String({ description: "*** for a secret" })),
    type: Type.String({ description: "string, bool, int, password, …, folder for a section" }),
    title: Type.String(),
    icon: Type.String(),
    description: Type.String(),
    is_advanced_key: Type.Boolean(),
    is_sample_key: Type.Boolean(),
    is_template_key: Type.Boolean(),
    is_object: Type.Boolean(),
    sample_usage: Type.String(),
    default_value: Type.String(),
    plugins: Type.Array(Type.String()),
  }),
);

const statusSchema = Type.Object({ context: Type.String(), type: Type.String(), has_changed: Type.Boolean() });

const changeNames: Readonly<Record<number, string>> = {
  [ChangeType.ADDED]: "added",
  [ChangeType.REMOVED]: "removed",
  [ChangeType.MODIFIED]: "modified",
  [ChangeType.PATH_ADDED]: "path_added",
  [ChangeType.PATH_REMOVED]: "path_removed",
};

const diffSchema = Type.Object({
  entries: Type.Array(
    Type.Object({
      path: Type.String(),
      key: Type.String(),
      old_value: Type.String(),
      new_value: Type.String(),
      change_type: Type.Enum(Object.values(changeNames)),
      is_sensitive: Type.Boolean(),
    }),
  ),
  count: Type.Integer(),
});

function flag(name: string, description: string, usual: boolean): ParameterDescription {
  return { name, in: "query", description, schema: Type.Boolean({ default: usual }) };
}

/** Values and descriptions, of everything and of one section. */
function valueRoutes(version: 1 | 2, path: string, state: SettingsState): readonly Route[] {
  const read = (route: string, description: RouteDescription, handle: (request: CallerRequest) => Promise<WebReply>) =>
    granted({ methods: ["GET"], path: route, version, grants: ["settings.get"], isTagged: true, description, handle });
  const values = {
    tag,
    summary: "The keys that are set, those of the sections below first",
    answers: { 200: { "application/json": valuesSchema } },
  };
  const parameters = [
    flag("recursive", "Also the sections below", true),
    flag("samples", "Also keys that are examples", false),
  ];
  const descriptions = {
    tag,
    summary: "What is known about sections and keys",
    answers: { 200: { "application/json": descriptionsSchema } },
  };
  return [
    read(`${path}/descriptions`, { ...descriptions, parameters }, (request) => describe(state, request)),
    read(`${path}/descriptions/*`, { ...descriptions, parameters: [sectionParameter, ...parameters] }, (request) =>
      describe(state, request),
    ),
    read(path, values, (request) => listValues(state, request)),
    read(`${path}/*`, { ...values, parameters: [sectionParameter] }, (request) => listValues(state, request)),
  ];
}

async function listValues(state: SettingsState, request: CallerRequest): Promise<WebReply> {
  const node = Node.create({ path: sectionIn(request) });
  const query = Request.Query.create({ node, recursive: true, includeKeys: true, redactSensitive: true });
  const answer = await askSetting(state, request.call, { query });
  return jsonReply((answer.query?.nodes ?? []).map(({ path, key, value }) => ({ path, key, value })));
}

async function describe(state: SettingsState, request: CallerRequest): Promise<WebReply> {
  const section = sectionIn(request);
  const node = Node.create({ path: section });
  const inventory = Request.Inventory.create({
    node,
    recursiveFetch: request.query.flag("recursive", true),
    fetchSamples: request.query.flag("samples"),
    fetchKeys: true,
    fetchPaths: true,
    redactSensitive: true,
  });
  const stored = Request.Query.create({ node, recursive: true, includeKeys: true, redactSensitive: true });
  const [answer, values] = await askSettings(state, request.call, [{ inventory }, { query: stored }]);
  const failure = failureOf(answer);
  if (failure?.isRefusal) throw new GatewayError("PERMISSION_DENIED", failure.text);
  if (failure !== undefined) return textReply(failure.text, failure.text.startsWith("Key not found:") ? 404 : 500);
  // Where nothing is set, there are no values to show: clients of older servers tell such sections by it.
  const hasValues = (values?.query?.nodes.length ?? 0) > 0;
  return jsonReply((answer?.inventory ?? []).map((item) => described(item, hasValues)));
}

function described(
  { node, info }: PB.Settings.SettingsResponseMessage.Response.Inventory,
  hasValues: boolean,
): Readonly<Record<string, unknown>> {
  const about = PB.Settings.Information.create(info ?? {});
  return {
    path: node?.path ?? "",
    key: node?.key ?? "",
    ...(hasValues ? { value: node?.value ?? "" } : {}),
    type: about.type,
    title: about.title,
    icon: about.icon,
    description: about.description,
    is_advanced_key: about.advanced,
    is_sample_key: about.sample,
    is_template_key: about.isTemplate,
    is_object: about.subkey,
    sample_usage: about.sampleUsage,
    default_value: about.defaultValue,
    plugins: about.plugin,
  };
}

/** Where the settings are, what has changed, and loading and saving them. */
function stateRoutes(version: 1 | 2, path: string, state: SettingsState): readonly Route[] {
  const grants = ["settings.get"];
  return [
    granted({
      methods: ["GET"],
      path: `${path}/status`,
      version,
      grants,
      description: { tag, summary: "Where the settings are", answers: { 200: { "application/json": statusSchema } } },
      async handle({ call }) {
        const [answer] = await askSettings(state, call, [{ status: Request.Status.create() }]);
        const failure = failureOf(answer);
        if (failure?.isRefusal) throw new GatewayError("PERMISSION_DENIED", failure.text);
        const status = failure === undefined ? answer?.status : undefined;
        if (status === undefined || status === null) return textReply("Failed to get status", 404);
        return jsonReply({ context: status.context, type: status.type, has_changed: status.hasChanged });
      },
    }),
    granted({
      methods: ["GET"],
      path: `${path}/diff`,
      version,
      grants,
      description: {
        tag,
        summary: "What has changed since the settings were loaded or saved",
        parameters: [
          { name: "path", in: "query", description: "Only in this section", schema: Type.String() },
          flag("recursive", "Also in the sections below", true),
        ],
        answers: { 200: { "application/json": diffSchema } },
      },
      async handle({ call, query }) {
        const node = Node.create({ path: query.get("path") ?? "" });
        const diff = Request.Diff.create({ node, recursive: query.flag("recursive", true) });
        const answer = await askSetting(state, call, { diff });
        if (answer.diff === null) return textReply("Diff missing from response", 500);
        const entries = answer.diff.entries.map((entry) => ({
          path: entry.path,
          key: entry.key,
          old_value: entry.oldValue,
          new_value: entry.newValue,
          change_type: changeNames[entry.changeType] ?? "",
          is_sensitive: entry.isSensitive,
        }));
        return jsonReply({ entries, count: entries.length });
      },
    }),
    granted({
      methods: ["POST"],
      path: `${path}/command`,
      version,
      grants: ["settings.put"],
      description: {
        tag,
        summary: "Saves the changes, drops them, or has the whole service take them; that needs admin.reload as well",
        body: { "application/json": Type.Object({ command: Type.Enum(["save", "load", "reload"]) }) },
        answers: { 200: { "application/json": Type.Object({ status: Type.Literal("success") }) } },
      },
      audit: {
        action: (request) => (commandIn(request) === "reload" ? "admin.reload" : "settings.put"),
        objects: (request) => [commandIn(request) ?? ""],
      },
      handle: (request) => runCommand(state, request),
    }),
  ];
}

const commands: ReadonlyMap<string, PB.Settings.Command> = new Map([
  ["save", Command.SAVE],
  ["load", Command.LOAD],
  ["reload", Command.RELOAD],
]);

async function runCommand(state: SettingsState, request: CallerRequest): Promise<WebReply> {
  const word = commandIn(request);
  if (word === undefined) return textReply("Problems parsing JSON", 400);
  const command = commands.get(word);
  if (command === undefined) return textReply(`Unknown command: ${word}`, 404);
  try {
    await askSetting(state, request.call, { control: Request.Control.create({ command }) });
  } catch (thrown) {
    if (thrown instanceof GatewayError && thrown.code === "PERMISSION_DENIED") throw thrown;
    return textReply(
      word === "reload" ? "500 Query failed" : `Failed to ${word} the settings: ${errorText(thrown)}`,
      500,
    );
  }
  return jsonReply({ status: "success" });
}

function commandIn(request: Pick<CallerRequest, "body">): string | undefined {
  const body = bodyOf(request);
  return isObject(body) && typeof body["command"] === "string" ? body["command"] : undefined;
}
