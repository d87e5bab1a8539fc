import { Type } from "typebox";
import { jsonReply, textReply } from "../http/replies.js";
import type { ParameterDescription, Route, WebReply, WebRequest } from "../route.js";
import type { RouteParts } from "../route-parts.js";
import { loadedRuntimes, moduleOf, ScriptRuntime } from "../state/script-runtimes.js";
import { granted, inBothVersions } from "./granted-route.js";

type ScriptState = Pick<RouteParts, "gateway" | "store">;

/** Scripts, to look at. Nobody can change them over a network. */
export function scriptRoutes(state: ScriptState): readonly Route[] {
  return inBothVersions((version, prefix) => [
    ...listRoutes(version, `${prefix}/scripts`, state),
    ...fileRoutes(version, `${prefix}/scripts`, state),
  ]);
}

const tag = "scripts";

const runtimesSchema = Type.Array(
  Type.Object({ name: Type.String(), module: Type.String(), title: Type.String(), runtime_url: Type.String() }),
);

const runtimeParameter: ParameterDescription = {
  name: "runtime",
  in: "path",
  description: "py, node, ext, lua, or the name of a module",
  schema: Type.String(),
  required: true,
};

const scriptParameter: ParameterDescription = {
  name: "*",
  in: "path",
  description: "A check of the runtime, a script of the settings, or a file below the folder of scripts",
  schema: Type.String(),
  required: true,
};

function listRoutes(version: 1 | 2, path: string, state: ScriptState): readonly Route[] {
  return [
    granted({
      methods: ["GET"],
      path,
      version,
      grants: ["scripts.list.runtimes"],
      description: {
        tag,
        summary: "The runtimes whose modules are loaded",
        answers: { 200: { "application/json": runtimesSchema } },
      },
      handle: ({ baseUrl }) =>
        jsonReply(
          loadedRuntimes(state).map(([name, module]) => {
            return { name, module, title: module, runtime_url: `${baseUrl}${path}/${name}` };
          }),
        ),
    }),
    granted({
      methods: ["GET"],
      path: `${path}/:runtime`,
      version,
      grants: (request) => ["scripts", `scripts.lists.${moduleIn(request)}`],
      description: {
        tag,
        summary: "The checks that the scripts of a runtime have registered, or all files that could be its scripts",
        parameters: [
          runtimeParameter,
          { name: "all", in: "query", description: "Files and not checks", schema: Type.Boolean({ default: false }) },
        ],
        answers: { 200: { "application/json": Type.Array(Type.String()) } },
      },
      handle(request) {
        const runtime = ScriptRuntime.of(state, moduleIn(request));
        if (runtime === undefined) return noModule;
        return jsonReply(request.query.get("all") === "true" ? runtime.files() : runtime.commands());
      },
    }),
  ];
}

function fileRoutes(version: 1 | 2, path: string, state: ScriptState): readonly Route[] {
  const parameters = [runtimeParameter, scriptParameter];
  return [
    granted({
      methods: ["GET"],
      path: `${path}/:runtime/*`,
      version,
      grants: (request) => ["scripts", `scripts.get.${moduleIn(request)}`],
      description: {
        tag,
        summary: "What a check or a script is, or the text of a file",
        parameters,
        answers: { 200: { "text/plain": Type.String() } },
      },
      handle: (request) => show(state, request),
    }),
    granted({
      methods: ["PUT", "DELETE"],
      path: `${path}/:runtime/*`,
      version,
      // Nobody can do it, so whoever asks may hear why.
      grants: [],
      description: { tag, summary: "Always refused", parameters, answers: {}, deprecated: true },
      audit: {
        action: (request) => `scripts.${request.method === "PUT" ? "add" : "delete"}.${moduleIn(request)}`,
        objects: ({ params }) => [params["*"] ?? ""],
      },
      handle: () => textReply(`403 ${noChanges}`, 403),
    }),
  ];
}

const noChanges =
  "Scripts can't be changed over a network: nothing that comes over it can add or change what is executed.";

const noModule = textReply("No response from module, is the module loaded?", 500);

async function show(state: ScriptState, request: WebRequest): Promise<WebReply> {
  const name = scriptName(request.params["*"] ?? "");
  if (name === undefined) return textReply("Invalid script name", 400);
  const runtime = ScriptRuntime.of(state, moduleIn(request));
  if (runtime === undefined) return noModule;
  const text = runtime.definition(name) ?? (await runtime.content(name));
  return text === undefined ? textReply(`Command returned errors: Script not found: ${name}`, 404) : textReply(text);
}

function moduleIn({ params }: WebRequest): string {
  return moduleOf(params["runtime"] ?? "");
}

/** The name with slashes between its parts; undefined for one that no script can have. */
function scriptName(text: string): string | undefined {
  const name = text.replaceAll("\\", "/");
  const isGood = (part: string) => /^[A-Za-z0-9._-]{1,128}$/.test(part) && part !== "." && part !== "..";
  return name.length <= 256 && name.split("/").every(isGood) ? name : undefined;
}
