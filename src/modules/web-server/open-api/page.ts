/** The page to read the document of the API: made on the server, one file, no scripts. */
import { createHash } from "node:crypto";
import type { Json } from "./components.js";
import type { OpenApiDocument, OpenApiOperation, OpenApiParameter } from "./document.js";
import { curlExample } from "./example.js";

const style = `
:root { color-scheme: light dark; --line: #8886; --soft: #8882; --link: #06c; }
@media (prefers-color-scheme: dark) { :root { --link: #7bf; } }
* { box-sizing: border-box; }
body { font: 1rem/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 60rem; padding: 1rem; overflow-wrap: anywhere; }
a { color: var(--link); }
nav { display: flex; flex-wrap: wrap; gap: .25rem 1rem; padding: .5rem 0; border-block: 1px solid var(--line); }
h2 { margin: 2rem 0 .5rem; }
details { border: 1px solid var(--line); border-radius: .4rem; margin: .4rem 0; padding: 0 .7rem; }
details[open] { padding-bottom: .7rem; }
summary { cursor: pointer; padding: .45rem 0; }
summary code { margin-right: .6rem; font-weight: 600; }
.old { opacity: .65; }
.note { font-style: italic; }
code, pre { font: .9rem/1.45 ui-monospace, monospace; }
pre { background: var(--soft); border-radius: .4rem; overflow-x: auto; padding: .6rem; white-space: pre; }
pre.command { white-space: pre-wrap; }
table { border-collapse: collapse; display: block; overflow-x: auto; }
td, th { overflow-wrap: normal; border-bottom: 1px solid var(--line); padding: .25rem .8rem .25rem 0; text-align: left; vertical-align: top; }
`;

/** Only the page's own style is allowed, by its hash. */
export const pagePolicy = [
  "default-src 'none'",
  `style-src 'sha256-${createHash("sha256").update(style).digest("base64")}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** @param documentPath where the document itself is, for the link to it */
export function openApiPage(document: OpenApiDocument, documentPath: string): string {
  const byTag = new Map(document.tags.map(({ name }) => [name, [] as string[]]));
  for (const [path, item] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(item)) {
      for (const tag of operation.tags) byTag.get(tag)?.push(operationPart(document, path, method, operation));
    }
  }
  const tags = [...byTag.keys()];
  return [
    '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>${escaped(document.info.title)} API</title><style>${style}</style></head><body>`,
    `<h1>${escaped(document.info.title)} API</h1>`,
    `<p>${escaped(document.info.summary)} ${escaped(document.info.description)}</p>`,
    `<p>The same for programs: <a href="${escaped(documentPath)}">OpenAPI ${escaped(document.openapi)}</a>.</p>`,
    `<nav>${[...tags, "schemas"].map((tag) => `<a href="#${escaped(anchor(tag))}">${escaped(tag)}</a>`).join("")}</nav>`,
    ...tags.map((tag) => section(tag, byTag.get(tag) ?? [])),
    section("schemas", Object.entries(document.components.schemas).map(schemaPart)),
    "</body></html>",
  ].join("\n");
}

function section(name: string, parts: readonly string[]): string {
  return `<h2 id="${escaped(anchor(name))}">${escaped(name)}</h2>\n${parts.join("\n")}`;
}

function operationPart(document: OpenApiDocument, path: string, method: string, operation: OpenApiOperation): string {
  const old = operation.deprecated === true;
  return [
    `<details id="${escaped(operation.operationId)}"${old ? ' class="old"' : ""}>`,
    `<summary><code>${escaped(method.toUpperCase())} ${escaped(path)}</code>${escaped(operation.summary)}</summary>`,
    `<p>${withCode(operation.description)}${old ? ' <span class="note">For clients that exist; deprecated.</span>' : ""}</p>`,
    parameterTable(operation.parameters),
    ...Object.entries(operation.requestBody?.content ?? {}).map(([type, { schema }]) =>
      typedPart("Takes", type, schema),
    ),
    ...Object.entries(operation.responses).map(([status, { description, content = {} }]) => {
      const title = `${status === "default" ? "Else" : status}: ${description}`;
      const types = Object.entries(content);
      if (status === "default") return `<p>${escaped(title)}, as ${types.map(([type]) => code(type)).join(" or ")}</p>`;
      if (types.length === 0) return `<p>${escaped(title)}, nothing else</p>`;
      return types.map(([type, { schema }]) => typedPart(title, type, schema)).join("");
    }),
    `<pre class="command">${escaped(curlExample(document, path, method, operation))}</pre>`,
    "</details>",
  ].join("");
}

function parameterTable(parameters: readonly OpenApiParameter[]): string {
  if (parameters.length === 0) return "";
  const rows = parameters.map(
    ({ name, in: place, required, description, schema }) =>
      `<tr><td>${code(name)}</td><td>${place}${required ? ", required" : ""}</td>` +
      `<td>${code(typeName(schema))}</td><td>${escaped(description)}</td></tr>`,
  );
  return `<table><tr><th>Parameter</th><th>In</th><th>Type</th><th>Meaning</th></tr>${rows.join("")}</table>`;
}

function typedPart(title: string, type: string, schema: Json): string {
  return `<p>${escaped(title)}, ${code(type)}</p>${schemaText(schema)}`;
}

function schemaPart([name, schema]: [string, Json]): string {
  const id = escaped(anchor(`schema-${name}`));
  return `<details id="${id}"><summary><code>${escaped(name)}</code></summary>${schemaText(schema)}</details>`;
}

/** The schema as JSON, with links where it refers to others. */
function schemaText(schema: Json): string {
  const text = escaped(JSON.stringify(schema, null, 2));
  const linked = text.replace(
    /&quot;#\/components\/schemas\/([A-Za-z0-9._-]+)&quot;/g,
    (_, name: string) => `<a href="#${anchor(`schema-${name}`)}">${name}</a>`,
  );
  return `<pre>${linked}</pre>`;
}

function typeName(schema: Json): string {
  if (typeof schema !== "object" || schema === null || !("type" in schema)) return "";
  const { type, items } = schema;
  return type === "array" && items !== undefined ? `${typeName(items)}[]` : String(type);
}

function anchor(name: string): string {
  return name.replace(/[^A-Za-z0-9._-]/g, "-");
}

function code(text: string): string {
  return text === "" ? "" : `<code>${escaped(text)}</code>`;
}

/** What stands between backticks is code. */
function withCode(text: string): string {
  return escaped(text).replace(/`([^`]*)`/g, "<code>$1</code>");
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => entities[sign] ?? sign);
}
