import { Type } from "typebox";
import { maxPayloads } from "../../../front-end/operation.js";
import { normalisePath } from "../../../settings/names.js";
import { PB } from "../../../wire/messages.js";
import { bodyOf, isObject, jsonReply, textReply } from "../http/replies.js";
import type { CallerRequest, GrantedRoute, ParameterDescription, Route, RouteDescription, WebReply } from "../route.js";
import type { RouteParts } from "../route-parts.js";
import { type ChangeResult, makeChanges, problemsOf, type SettingsChange } from "../state/settings-changes.js";
import { askSettings, failureOf } from "../state/settings-messages.js";
import { sectionIn, sectionParameter } from "../state/settings-section.js";
import { granted } from "./granted-route.js";

type SettingsState = Pick<RouteParts, "gateway" | "store">;

const { Request } = PB.Settings.SettingsRequestMessage;

const scalar = Type.Union([Type.String(), Type.Number(), Type.Boolean(), Type.Null()]);
const oneOrMore = (properties: Parameters<typeof Type.Object>[0]) =>
  Type.Union([Type.Object(properties), Type.Array(Type.Object(properties))]);

const resultsSchema = Type.Object({
  status: Type.Enum(["success", "partial"]),
  keys: Type.Integer(),
  recursive: Type.Optional(Type.Boolean()),
  saved: Type.Optional(Type.Literal(true)),
  results: Type.Optional(
    Type.Array(
      Type.Object({
        path: Type.String(),
        key: Type.String(),
        result: Type.Enum(["done", "refused", "failed"]),
        reason: Type.Optional(Type.String()),
      }),
    ),
  ),
});

const saveParameter: ParameterDescription = {
  name: "save",
  in: "query",
  description: "Also write the settings to their file",
  schema: Type.Boolean({ default: false }),
};

/** A change of what somebody else has changed meanwhile is refused, when the client says what it has seen. */
const matchParameter: ParameterDescription = {
  ...{ name: "If-Match", in: "header", schema: Type.String() },
  description:
    "The ETag of a GET of the same path: when it has another one by then, the answer is 412 and nothing is done",
};

/**
 * `PUT` and `DELETE`, at the root and at every section.
 *
 * @param current what a GET of the same path answers
 */
export function settingsWritingRoutes(
  version: 1 | 2,
  path: string,
  state: SettingsState,
  current: NonNullable<GrantedRoute["current"]>,
): readonly Route[] {
  const put: RouteDescription = {
    tag: "settings",
    summary: "Sets keys, in memory until they are saved; an empty value removes a key",
    parameters: [saveParameter, matchParameter],
    body: {
      "application/json": oneOrMore({ path: Type.Optional(Type.String()), key: Type.String(), value: scalar }),
    },
    answers: { 200: { "application/json": resultsSchema } },
  };
  const remove: RouteDescription = {
    tag: "settings",
    summary: "Removes keys, or all keys of a section",
    parameters: [
      { name: "key", in: "query", description: "The key of the section in the path", schema: Type.String() },
      {
        name: "recursive",
        in: "query",
        description: "Also the sections below",
        schema: Type.Boolean({ default: true }),
      },
      saveParameter,
      matchParameter,
    ],
    body: {
      "application/json": oneOrMore({ path: Type.Optional(Type.String()), key: Type.Optional(Type.String()) }),
    },
    answers: { 200: { "application/json": resultsSchema } },
  };
  return [path, `${path}/*`].flatMap((at) => [
    writing(version, at, "PUT", "settings.put", put, state, current),
    writing(version, at, "DELETE", "settings.delete", remove, state, current),
  ]);
}

function writing(
  version: 1 | 2,
  path: string,
  method: "PUT" | "DELETE",
  grant: string,
  description: RouteDescription,
  state: SettingsState,
  current: NonNullable<GrantedRoute["current"]>,
): Route {
  const changesOf = method === "PUT" ? changesToPut : changesToDelete;
  const parameters = [...(path.endsWith("*") ? [sectionParameter] : []), ...(description.parameters ?? [])];
  return granted({
    methods: [method],
    path,
    version,
    grants: (request) => (wantsSave(request) ? [...new Set([grant, "settings.put"])] : [grant]),
    description: { ...description, parameters },
    current,
    audit: {
      action: grant,
      objects(request) {
        const changes = changesOf(request);
        return typeof changes === "string" ? [] : changes.map(nameOf);
      },
      // The gateway records them itself, each under the grant that was missing.
      refusals: (_request, reply) =>
        refusedIn(reply).map((result) => ({ object: nameOf(result), reason: result.reason ?? "", isRecorded: true })),
    },
    async handle(request) {
      const changes = changesOf(request);
      if (typeof changes === "string") return textReply(changes, 400);
      const problems = method === "PUT" ? problemsOf(changes, state) : [];
      if (problems.length > 0) return textReply(problems.join("\n"), 400);
      const results = await makeChanges(changes, state, request.call);
      return answer(results, request, state, method === "DELETE");
    },
  });
}

/** What is not done is said for each; when nothing at all was done, that is how the request ends. */
async function answer(
  results: readonly ChangeResult[],
  request: CallerRequest,
  state: SettingsState,
  isRemoval: boolean,
): Promise<WebReply> {
  const done = results.filter(({ result }) => result === "done");
  const others = results.filter(({ result }) => result !== "done");
  if (done.length === 0 && others.length > 0) {
    const isRefused = others.every(({ result }) => result === "refused");
    return textReply(others.map(({ reason }) => reason).join("\n"), isRefused ? 403 : 400);
  }
  if (wantsSave(request)) {
    const control = Request.Control.create({ command: PB.Settings.Command.SAVE });
    const [saved] = await askSettings(state, request.call, [{ control }]);
    const failure = failureOf(saved);
    if (failure !== undefined) {
      return textReply(`Changed, but not saved: ${failure.text}`, failure.isRefusal ? 403 : 500);
    }
  }
  return jsonReply({
    status: others.length === 0 ? "success" : "partial",
    keys: done.reduce((sum, { keys }) => sum + keys, 0),
    ...(isRemoval ? { recursive: isRecursive(request) } : {}),
    ...(wantsSave(request) ? { saved: true } : {}),
    ...(others.length === 0 ? {} : { results: results.map(({ keys: _keys, ...result }) => result) }),
  });
}

/** What a body asks to set, or what is wrong with it. */
function changesToPut(request: CallerRequest): SettingsChange[] | string {
  const entries = entriesOf(bodyOf(request));
  if (typeof entries === "string") return entries;
  const changes: SettingsChange[] = [];
  for (const { path = sectionIn(request), key, value } of entries) {
    if (typeof key !== "string" || key === "") return "Key is required";
    if (typeof path !== "string") return "Problems parsing JSON";
    changes.push({ path, key, value, recursive: false });
  }
  return changes;
}

/** What the query string or a body asks to remove, or what is wrong with it. */
function changesToDelete(request: CallerRequest): SettingsChange[] | string {
  const recursive = isRecursive(request);
  if (request.body.length === 0) {
    const path = sectionIn(request);
    if (path === "") return "DELETE requires a path; pass ?key= to remove a single key";
    return [{ path, key: request.query.get("key") ?? "", value: "", recursive }];
  }
  const entries = entriesOf(bodyOf(request));
  if (typeof entries === "string") return entries;
  const changes: SettingsChange[] = [];
  for (const { path = sectionIn(request), key = "" } of entries) {
    if (typeof path !== "string" || typeof key !== "string") return "Problems parsing JSON";
    if (normalisePath(path) === "" && key === "") return "DELETE entry requires either a path or a key";
    changes.push({ path, key, value: "", recursive });
  }
  return changes;
}

function entriesOf(body: unknown): readonly Readonly<Record<string, unknown>>[] | string {
  if (body === undefined) return "Problems parsing JSON";
  if (isObject(body)) return [body];
  if (!Array.isArray(body)) return "Expected an object or an array of objects";
  const entries: readonly unknown[] = body;
  if (entries.length > maxPayloads) return `A request may have ${maxPayloads} entries; this one has ${entries.length}`;
  return entries.every(isObject) ? entries : "Expected an object in the array";
}

function isRecursive({ query }: Pick<CallerRequest, "query">): boolean {
  return query.flag("recursive", true);
}

function wantsSave({ query }: Pick<CallerRequest, "query">): boolean {
  return query.flag("save");
}

function nameOf({ path, key }: { readonly path: string; readonly key: string }): string {
  return key === "" ? path : `${path}/${key}`;
}

function refusedIn({ status, body }: WebReply): readonly ChangeResult[] {
  if (status !== 200 || typeof body !== "string") return [];
  const { results = [] }: { readonly results?: readonly ChangeResult[] } = JSON.parse(body);
  return results.filter(({ result }) => result === "refused");
}
