import type { Json } from "./components.js";
import type { OpenApiDocument, OpenApiOperation } from "./document.js";

/** Where the examples ask: the port that the server has unless told otherwise. */
const exampleServer = "https://localhost:8443";

/** A command that makes the request, ready to be pasted into a shell. */
export function curlExample(
  document: OpenApiDocument,
  path: string,
  method: string,
  { parameters, requestBody, security }: OpenApiOperation,
): string {
  const query = parameters.filter((one) => one.in === "query" && one.required).map(({ name }) => `${name}=…`);
  const url = `${exampleServer}${path}${query.length === 0 ? "" : `?${query.join("&")}`}`;
  const words = ["curl", "--insecure"];
  if (method !== "get") words.push("-X", method.toUpperCase());
  if (security === undefined) words.push("-u", "admin:PASSWORD");
  const [type, media] = Object.entries(requestBody?.content ?? {})[0] ?? [];
  if (type !== undefined && media !== undefined) {
    const example = exampleOf(document, media.schema);
    words.push("-H", quoted(`Content-Type: ${type}`));
    words.push("--data", quoted(typeof example === "string" ? example : JSON.stringify(example)));
  }
  return [...words, quoted(url)].join(" ");
}

/** For a shell: everything is itself between single quotes. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** Deeper parts of an example are left out. */
const deepest = 6;

/** A value that the schema allows: the example that it names, else the simplest one with what is required. */
export function exampleOf(document: OpenApiDocument, schema: Json, depth = 0): Json {
  if (!isObject(schema) || depth > deepest) return {};
  const { $ref, examples, allOf, anyOf, type, properties, items, required } = schema;
  if (Array.isArray(examples) && examples.length > 0) return examples[0];
  const choices = typeof $ref === "string" ? [referred(document, $ref)] : (allOf ?? anyOf ?? schema["enum"]);
  if (schema["const"] !== undefined) return schema["const"];
  if (Array.isArray(choices)) {
    const [first = {}] = choices;
    return schema["enum"] === choices ? first : exampleOf(document, first, depth + 1);
  }
  if (type === "object") {
    const wanted = Array.isArray(required) ? required : [];
    const parts = Object.entries(isObject(properties) ? properties : {}).filter(([name]) => wanted.includes(name));
    return Object.fromEntries(parts.map(([name, part]) => [name, exampleOf(document, part, depth + 1)]));
  }
  if (type === "array") return items === undefined ? [] : [exampleOf(document, items, depth + 1)];
  return simplest.get(String(type)) ?? {};
}

const simplest: ReadonlyMap<string, Json> = new Map<string, Json>([
  ["string", "text"],
  ["integer", 1],
  ["number", 1],
  ["boolean", true],
  ["null", null],
]);

function referred({ components }: OpenApiDocument, reference: string): Json {
  return components.schemas[reference.slice(reference.lastIndexOf("/") + 1)] ?? {};
}

function isObject(value: Json | undefined): value is { readonly [name: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
