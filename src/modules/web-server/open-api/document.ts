import { STATUS_CODES } from "node:http";
import Type from "typebox";
import { problemSchema } from "../http/problem.js";
import type { HttpMethod, ParameterDescription, Route, RouteDescription } from "../route.js";
import { Components, type Json } from "./components.js";

/** The part of OpenAPI 3.1 (https://spec.openapis.org/oas/v3.1.1) that the server's document uses. */
export interface OpenApiDocument {
  readonly openapi: string;
  readonly info: Readonly<Record<"title" | "version" | "summary" | "description", string>> & {
    readonly license: Readonly<Record<"name" | "identifier", string>>;
  };
  readonly servers: readonly { readonly url: string; readonly description: string }[];
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  readonly tags: readonly { readonly name: string }[];
  /** By path, then by method in small letters. */
  readonly paths: Readonly<Record<string, Readonly<Record<string, OpenApiOperation>>>>;
  readonly components: {
    readonly schemas: { readonly [name: string]: Json };
    readonly securitySchemes: { readonly [name: string]: Json };
  };
}

export interface OpenApiOperation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description: string;
  readonly deprecated?: true;
  /** Empty for what needs no credentials. */
  readonly security?: readonly never[];
  readonly parameters: readonly OpenApiParameter[];
  readonly requestBody?: { readonly required: boolean; readonly content: Content };
  readonly responses: Readonly<Record<string, OpenApiResponse>>;
}

export interface OpenApiParameter {
  readonly name: string;
  readonly in: ParameterDescription["in"];
  readonly description: string;
  readonly required: boolean;
  readonly schema: Json;
}

interface OpenApiResponse {
  readonly description: string;
  readonly content?: Content;
}

type Content = Readonly<Record<string, { readonly schema: Json }>>;

/** What calls the part of a path that a route takes whole, slashes included. */
const restParameter = "path";

const securitySchemes = {
  basic: { type: "http", scheme: "basic", description: "User and password. Better log in once and use the token." },
  bearer: { type: "http", scheme: "bearer", description: "A token of a login, or one of the token file." },
  authToken: { type: "apiKey", in: "header", name: "X-Auth-Token", description: "A token of a login." },
  token: { type: "apiKey", in: "header", name: "TOKEN", description: "A token of a login; for older clients." },
  password: {
    type: "apiKey",
    in: "header",
    name: "password",
    description: "The password of the user admin; for older clients.",
  },
};

/**
 * The document of all routes, made from the table that dispatches, so that neither can have what the other has not.
 *
 * @throws TypeError for two routes of the same method and path, and for two schemas of one name
 */
export function openApiDocument(routes: readonly Route[], version: string): OpenApiDocument {
  const components = new Components();
  const paths = new Map<string, Record<string, OpenApiOperation>>();
  const templates = new Map<string, string>();
  for (const route of routes) {
    const own = pathTemplate(route.path);
    const shape = own.replace(/\{[^}]*\}/g, "{}");
    // Two templates that match the same paths would be an error: names of parameters count for nothing there. So all routes of
    // such paths have the names of the first one.
    const template = templates.get(shape) ?? own;
    templates.set(shape, template);
    const item = paths.get(template) ?? {};
    paths.set(template, item);
    for (const method of route.methods) {
      const key = method.toLowerCase();
      if (item[key] !== undefined) throw new TypeError(`There are two routes for ${method} ${template}.`);
      item[key] = operation(renamed(route, own, template), method, template, components);
    }
  }
  const tags = [...new Set(routes.map(({ description }) => description.tag))].sort();
  return {
    openapi: "3.1.1",
    info: {
      title: "nscp-gateway",
      version,
      summary: "Checks, passive results, settings and logs of a monitoring gateway.",
      description:
        "Version 3 has the gateway's own messages. Versions 1 and 2 and the paths outside of /api are those of " +
        "NSClient++, for clients that exist.",
      license: { name: "Apache License 2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/", description: "The gateway that this document comes from" }],
    security: Object.keys(securitySchemes).map((name) => ({ [name]: [] })),
    tags: tags.map((name) => ({ name })),
    paths: Object.fromEntries([...paths].sort(([a], [b]) => (a < b ? -1 : 1))),
    components: { schemas: components.schemas(), securitySchemes },
  };
}

/** The route with the names that the template has for the parts of the path. */
function renamed(route: Route, own: string, template: string): Route {
  if (own === template) return route;
  const names = namesIn(template);
  const newNames = new Map(namesIn(own).map((name, index) => [name, names[index] ?? name]));
  const { description } = route;
  const described = description.parameters?.map((one) =>
    one.in === "path" ? { ...one, name: newNames.get(one.name) ?? one.name } : one,
  );
  return { ...route, description: { ...description, parameters: described ?? [] } };
}

function namesIn(template: string): string[] {
  return [...template.matchAll(/\{([^}]*)\}/g)].map(([, name = ""]) => name);
}

function operation(route: Route, method: HttpMethod, template: string, components: Components): OpenApiOperation {
  const { description } = route;
  return {
    operationId: operationId(method, template),
    tags: [description.tag],
    summary: description.summary,
    description: accessText(route),
    ...(description.deprecated === true ? { deprecated: true } : {}),
    ...(route.access === "open" ? { security: [] } : {}),
    parameters: parameters(description, template, components),
    ...(description.body === undefined
      ? {}
      : { requestBody: { required: method !== "DELETE", content: content(description.body, components) } }),
    responses: responses(route, components),
  };
}

function accessText(route: Route): string {
  if (route.access === "open") return "Open to everybody.";
  if (typeof route.grants === "function") return "Which grants it needs depends on the path.";
  if (route.grants.length === 0) return "Needs credentials.";
  return `Needs the grant ${route.grants.map((grant) => `\`${grant}\``).join(" and ")}.`;
}

function responses(route: Route, components: Components): Record<string, OpenApiResponse> {
  const answers = Object.entries(route.description.answers).map(([status, types]) => [
    status,
    {
      description: STATUS_CODES[status] ?? "Answer",
      ...(Object.keys(types).length === 0 ? {} : { content: content(types, components) }),
    },
  ]);
  const problem = { "application/problem+json": problemSchema };
  const types = route.version === 3 ? problem : { "text/plain": Type.String(), ...problem };
  return {
    ...Object.fromEntries(answers),
    default: { description: "What went wrong", content: content(types, components) },
  };
}

function content(types: NonNullable<RouteDescription["body"]>, components: Components): Content {
  return Object.fromEntries(
    Object.entries(types).map(([type, schema]) => [type, { schema: components.place(schema) }]),
  );
}

function parameters(
  { parameters = [] }: RouteDescription,
  template: string,
  components: Components,
): OpenApiParameter[] {
  const ofPath = namesIn(template).map((name) => {
    const described = parameters.find((one) => one.in === "path" && (one.name === name || one.name === "*"));
    return { description: name, schema: Type.String(), ...described, name, in: "path" as const, required: true };
  });
  const others = parameters.filter((one) => one.in !== "path");
  return [...ofPath, ...others].map(({ name, in: place, description, schema, required = false }) => ({
    ...{ name, in: place, description, required },
    schema: components.place(schema),
  }));
}

/** `/api/v2/queries/:name` → `/api/v2/queries/{name}` */
function pathTemplate(path: string): string {
  return path.replace(/:([A-Za-z]+)/g, "{$1}").replace(/\*$/, `{${restParameter}}`);
}

/** `GET /api/v2/queries/{name}` → `getApiV2QueriesByName` */
function operationId(method: HttpMethod, template: string): string {
  const words = template.split(/[^A-Za-z0-9{]+/).filter(Boolean);
  const parts = words.map((word) => (word.startsWith("{") ? `By${capital(word.slice(1))}` : capital(word)));
  return [method.toLowerCase(), ...(parts.length === 0 ? ["Root"] : parts)].join("");
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
