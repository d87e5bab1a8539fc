import { Type } from "typebox";
import type { Call } from "../../../kernel/call.js";
import { GatewayError } from "../../../kernel/errors.js";
import { bodyOf, isObject, jsonReply, textReply } from "../http/replies.js";
import { listReply, pageParameters } from "../pages/pages.js";
import type { CallerRequest, ParameterDescription, Route, RouteDescription, WebReply, WebRequest } from "../route.js";
import type { RouteParts } from "../route-parts.js";
import { type ModuleCommand, ModuleControl, moduleCommands } from "../state/module-control.js";
import { findModule, listModules, type ModuleEntry } from "../state/module-entries.js";
import { granted, inBothVersions } from "./granted-route.js";

type ModuleState = Pick<RouteParts, "gateway" | "store" | "self" | "log">;

/** Modules: which there are, and loading, unloading, enabling and disabling them. */
export function moduleRoutes(state: ModuleState): readonly Route[] {
  const control = new ModuleControl(state);
  return inBothVersions((version, prefix) => [
    ...readingRoutes(version, `${prefix}/modules`, state),
    ...changingRoutes(version, `${prefix}/modules`, state, control),
  ]);
}

const tag = "modules";

const detailSchema = Type.Object({
  name: Type.String(),
  id: Type.String({ description: "The alias of the instance if it has one, else the name" }),
  title: Type.String(),
  loaded: Type.Boolean(),
  enabled: Type.Boolean({ description: "What [/modules] says" }),
  metadata: Type.Object({ plugin_id: Type.String(), alias: Type.String() }),
  description: Type.String(),
  load_url: Type.String(),
  unload_url: Type.String(),
});

const listSchema = Type.Array(Type.Object({ ...detailSchema.properties, module_url: Type.String() }));

const resultSchema = Type.Object({ result: Type.Integer(), message: Type.String() });

const moduleParameter: ParameterDescription = {
  name: "module",
  in: "path",
  description: "Its id or its name",
  schema: Type.String({ minLength: 1, maxLength: 128, pattern: "^[A-Za-z0-9._-]+$" }),
  required: true,
};

const commandParameter: ParameterDescription = {
  name: "command",
  in: "path",
  description: "What is done with it",
  schema: Type.Enum([...moduleCommands]),
  required: true,
};

const allParameter: ParameterDescription = {
  name: "all",
  in: "query",
  description: "Also those that are not loaded",
  schema: Type.Boolean({ default: false }),
};

function readingRoutes(version: 1 | 2, path: string, state: ModuleState): readonly Route[] {
  const detail = Type.Object({ ...detailSchema.properties, enable_url: Type.String(), disable_url: Type.String() });
  return [
    granted({
      methods: ["GET"],
      path,
      version,
      grants: ["modules.list"],
      isTagged: true,
      description: {
        tag,
        summary: "The modules",
        parameters: [allParameter, ...pageParameters],
        answers: { 200: { "application/json": listSchema } },
      },
      async handle(request) {
        const { call, query } = request;
        const wantsAll = query.get("all") === "true";
        const entries = (await listModules(state, call)).filter(
          (entry) => (wantsAll || entry.isLoaded) && isAllowed(call, "modules.list", entry),
        );
        return listReply(entries, request, (entry) => listed(entry, request), ["all"]);
      },
    }),
    granted({
      methods: ["GET"],
      path: `${path}/:module`,
      version,
      grants: ["modules.get"],
      isTagged: true,
      description: {
        tag,
        summary: "One module",
        parameters: [moduleParameter],
        answers: { 200: { "application/json": detail } },
      },
      async handle(request) {
        const asked = moduleName(request);
        if (asked === undefined) return invalidName;
        const entry = findModule(await listModules(state, request.call), asked);
        if (entry === undefined) return notFound(asked);
        requireGrant(request.call, "modules.get", entry);
        return jsonReply(detailed(entry, request));
      },
    }),
  ];
}

function changingRoutes(version: 1 | 2, path: string, state: ModuleState, control: ModuleControl): readonly Route[] {
  const done: RouteDescription["answers"] =
    version === 1
      ? { 200: { "text/plain": Type.String({ description: "Success load DemoModule" }) } }
      : { 200: { "application/json": resultSchema } };
  return [
    granted({
      methods: ["GET", "POST"],
      path: `${path}/:module/commands/:command`,
      version,
      grants: (request) => {
        const command = commandOf(request);
        return command === undefined ? ["modules"] : ["modules", `modules.${command}`];
      },
      description: {
        tag,
        summary: "Loads, unloads, enables or disables a module",
        parameters: [moduleParameter, commandParameter],
        answers: done,
      },
      audit: {
        action: (request) => `modules.${commandOf(request) ?? "command"}`,
        objects: ({ params }) => [params["module"] ?? ""],
      },
      async handle(request) {
        const asked = moduleName(request);
        if (asked === undefined) return invalidName;
        const command = commandOf(request);
        if (command === undefined) return textReply(`unknown command: ${request.params["command"]}`, 404);
        const entry = findModule(await listModules(state, request.call), asked);
        return runCommand(control, command, asked, entry, request);
      },
    }),
    granted({
      methods: ["PUT"],
      path: `${path}/:module`,
      version,
      grants: ["modules.put"],
      description: {
        tag,
        summary: "Loads or unloads a module unless it is as wanted",
        parameters: [moduleParameter],
        body: { "application/json": Type.Object({ loaded: Type.Boolean() }) },
        answers: done,
      },
      audit: { action: "modules.put", objects: ({ params }) => [params["module"] ?? ""] },
      async handle(request) {
        const asked = moduleName(request);
        if (asked === undefined) return invalidName;
        const wanted = bodyOf(request);
        if (!isObject(wanted) || typeof wanted["loaded"] !== "boolean") return textReply("Problems parsing JSON", 400);
        const entry = findModule(await listModules(state, request.call), asked);
        if (entry === undefined) return notFound(asked);
        requireGrant(request.call, "modules.put", entry);
        if (entry.isLoaded === wanted["loaded"]) return textReply("No change");
        return runCommand(control, wanted["loaded"] ? "load" : "unload", asked, entry, request);
      },
    }),
    granted({
      methods: ["POST"],
      path: `${path}/:module`,
      version,
      grants: [],
      description: {
        tag,
        summary: "Always refused: no module comes over a network",
        parameters: [moduleParameter],
        answers: {},
        deprecated: true,
      },
      audit: { action: "modules.post", objects: ({ params }) => [params["module"] ?? ""] },
      handle: () => textReply(`403 ${noUpload}`, 403),
    }),
  ];
}

const noUpload = "Modules can't be uploaded: nothing that comes over a network can add or change what is executed.";

const invalidName = textReply("Invalid module name", 400);

function notFound(asked: string): WebReply {
  return textReply(`Module not found: ${asked}`, 404);
}

async function runCommand(
  control: ModuleControl,
  command: ModuleCommand,
  asked: string,
  entry: ModuleEntry | undefined,
  { version, call }: CallerRequest,
): Promise<WebReply> {
  if (entry !== undefined) requireGrant(call, `modules.${command}`, entry);
  const isDone = entry !== undefined && (await control.run(command, entry, call));
  const message = isDone ? `Success ${command} ${asked}` : `Failed to ${command} ${asked}`;
  const status = isDone ? 200 : 500;
  if (version === 1) return textReply(message, status);
  const result = { result: isDone ? 0 : 2, message };
  // Clients of older servers know failures as text that holds JSON.
  return isDone ? jsonReply(result) : textReply(JSON.stringify(result), status);
}

/** The name in the path; undefined for one that no module can have. */
function moduleName({ params }: WebRequest): string | undefined {
  const name = params["module"] ?? "";
  return /^[A-Za-z0-9._-]{1,128}$/.test(name) && name !== "." && name !== ".." ? name : undefined;
}

function commandOf({ params }: WebRequest): ModuleCommand | undefined {
  return moduleCommands.find((command) => command === params["command"]);
}

/** Grants can be limited to modules: `modules.load:NSCA*`; those of an instance go by its alias as well. */
function isAllowed({ principal }: Call, grant: string, { name, id }: ModuleEntry): boolean {
  return principal.grants.allows(grant, name) || principal.grants.allows(grant, id);
}

function requireGrant(call: Call, grant: string, entry: ModuleEntry): void {
  if (isAllowed(call, grant, entry)) return;
  throw new GatewayError("PERMISSION_DENIED", `${call.principal.name} has no grant ${grant} for ${entry.id}.`);
}

function listed(entry: ModuleEntry, { baseUrl, version }: WebRequest) {
  const { name, id, title, isLoaded: loaded, isEnabled: enabled, description } = entry;
  const module_url = `${baseUrl}/api/v1/modules/${encodeURIComponent(name)}/`;
  return {
    name,
    id,
    title,
    loaded,
    enabled,
    module_url,
    metadata: metadataOf(entry),
    description,
    ...urls(entry, ["load", "unload"], baseUrl, version),
  };
}

function detailed(entry: ModuleEntry, { baseUrl, version }: WebRequest) {
  const { name, id, title, isLoaded: loaded, isEnabled: enabled, description } = entry;
  return {
    name,
    id,
    title,
    loaded,
    enabled,
    metadata: metadataOf(entry),
    description,
    ...urls(entry, moduleCommands, baseUrl, version),
  };
}

/** What is not loaded has no number; clients want digits. */
function metadataOf({ pluginId = 0, givenAlias = "" }: ModuleEntry) {
  return { plugin_id: String(pluginId), alias: givenAlias };
}

function urls({ id }: ModuleEntry, commands: readonly ModuleCommand[], baseUrl: string, version: number) {
  const commandsUrl = `${baseUrl}/api/v${version}/modules/${encodeURIComponent(id)}/commands`;
  return Object.fromEntries(commands.map((command) => [`${command}_url`, `${commandsUrl}/${command}`]));
}
