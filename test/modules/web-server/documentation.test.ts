import { Compile } from "typebox/schema";
import { describe, expect, it } from "vitest";
import { routeTable, rowsOf } from "../../support/permission-tables.js";
import { refused, startWebServer, type WebAnswer } from "../../support/web-server.js";
import { problemAnswer } from "./problems.js";

function read({ headers, body }: WebAnswer): unknown {
  return headers["content-type"] === "application/json" ? JSON.parse(body) : body;
}

async function start() {
  const web = await startWebServer();
  const { body } = await web.request({ path: "/api/openapi.json", as: "admin" });
  return { web, document: JSON.parse(body) };
}

/** Method, path of the document, what stands for its parameters with the query string, and the body. */
const askedOf: readonly (readonly [string, string, string, unknown?])[] = [
  ["GET", "/queries/{name}", "/queries/check_fast"],
  ["GET", "/queries/{name}/commands/execute", "/queries/check_fast/commands/execute"],
  ["POST", "/queries/{name}/commands/execute", "/queries/none/commands/execute", { arguments: ["a=b"] }],
  ["GET", "/queries/{name}/commands/execute_nagios", "/queries/check_fast/commands/execute_nagios"],
  ["GET", "/modules/{module}", "/modules/WEBServer"],
  ["GET", "/modules/{module}/commands/{command}", "/modules/CheckHelpers/commands/load"],
  ["PUT", "/modules/{module}", "/modules/CheckHelpers", { loaded: false }],
  ["GET", "/scripts/{runtime}", "/scripts/node?all=true"],
  ["GET", "/settings/{path}", "/settings/settings/default"],
  ["GET", "/settings/descriptions/{path}", "/settings/descriptions/settings/WEB?recursive=true"],
  ["PUT", "/settings", "/settings", { path: "/settings/x", key: "a", value: 1 }],
  [
    "PUT",
    "/settings/{path}",
    "/settings/settings/x",
    [
      { key: "b", value: "2" },
      { path: "/modules", key: "c", value: "3" },
    ],
  ],
  ["GET", "/settings/diff", "/settings/diff"],
  ["DELETE", "/settings/{path}", "/settings/settings/x"],
  ["POST", "/settings/command", "/settings/command", { command: "load" }],
  ["DELETE", "/events", "/events"],
  ["DELETE", "/logs", "/logs"],
  ["POST", "/login", "/login"],
  ["DELETE", "/login", "/login"],
];

const askedOutside: typeof askedOf = [
  ["GET", "/query/{name}", "/query/check_fast"],
  ["POST", "/query/{name}", "/query/none"],
  ["GET", "/log/status", "/log/status"],
  ["GET", "/log/messages", "/log/messages"],
  ["POST", "/log/reset", "/log/reset"],
  ["GET", "/core/isalive", "/core/isalive"],
  ["GET", "/health/ready", "/health/ready"],
  ["GET", "/auth/token", "/auth/token?password=admin-password"],
  ["GET", "/auth/logout", "/auth/logout"],
  ["POST", "/core/reload", "/core/reload"],
];

describe("the OpenAPI document", () => {
  it("is there for those with the grant public", async () => {
    const web = await startWebServer();
    for (const path of ["/api/openapi.json", "/api/v3/openapi.json"]) {
      const { status, headers } = await web.request({ path, as: "client" });
      expect({ status, type: headers["content-type"] }).toEqual({ status: 200, type: "application/json" });
    }
    expect(await web.request({ path: "/api/openapi.json" })).toEqual(refused);
    expect(await web.request({ path: "/api/v3/openapi.json" })).toEqual(
      problemAnswer(401, "Credentials are required.", {}, { code: "UNAUTHENTICATED" }),
    );
  });

  it("has every route", async () => {
    const { document } = await start();
    const shown = Object.entries(document.paths).flatMap(([path, item]) =>
      Object.keys(item as object).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const rows = [...rowsOf(routeTable).keys()].flatMap((row) =>
      row.includes("{1,2}") ? ["1", "2"].map((version) => row.replace("{1,2}", version)) : [row],
    );
    expect(shown.sort()).toEqual(rows.map((row) => row.replace(/:(\w+)/g, "{$1}").replace("*", "{path}")).sort());
  });

  it("has what answers look like", async () => {
    const { web, document } = await start();
    web.check("check_fast", "all well|'a'=1s;2;3");
    const answer = async (path: string, body?: unknown) => {
      const sent = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
      const answered = await web.request({
        path,
        as: "admin",
        headers: { "content-type": "application/json" },
        ...sent,
      });
      const method = body === undefined ? "get" : "post";
      const { content } = document.paths[path.replace(/\?.*/, "")][method].responses[answered.status];
      const { schema } = content[String(answered.headers["content-type"])];
      const check = Compile({ ...schema, components: document.components });
      return check.Errors(JSON.parse(answered.body))[1];
    };
    const payload = [{ id: 1, command: "check_fast" }, { command: "check_none" }];
    expect(await answer("/api/v3/query", { payload })).toEqual([]);
    expect(await answer("/api/v3/query?defaults=true", { payload })).toEqual([]);
    expect(await answer("/api/v3/execute?defaults=true", { payload: [{ command: "none" }] })).toEqual([]);
    expect(await answer("/api/v3/submit?defaults=true", { channel: "none", payload: [{ command: "a" }] })).toEqual([]);
    const reading = Object.keys(document.paths).filter((path) =>
      /^\/api(?!.*(?:\{|stream|docs|openmetrics|counters))/.test(path),
    );
    for (const path of reading) {
      if (document.paths[path].get !== undefined) expect([path, await answer(path)]).toEqual([path, []]);
    }
  });

  it.each(["/api/v1", "/api/v2", ""])("says of what runs and changes below %s what is answered", async (prefix) => {
    const web = await startWebServer({ modules: ["CheckHelpers", "NodeScript"] });
    const document = JSON.parse((await web.request({ path: "/api/openapi.json", as: "admin" })).body);
    web.check("check_fast", "all well|'a'=1s;2;@3:4;0;5 'b'=U");
    const headers = { "content-type": "application/json", "user-agent": "Icinga/check_nscp_api" };
    for (const [method, template, path, body] of prefix === "" ? askedOutside : askedOf) {
      const sent = body === undefined ? {} : { body: JSON.stringify(body) };
      const answer = await web.request({ method, path: `${prefix}${path}`, as: "admin", headers, ...sent });
      const content = document.paths[`${prefix}${template}`]?.[method.toLowerCase()]?.responses[answer.status]?.content;
      const { schema } = content?.[String(answer.headers["content-type"])] ?? {};
      const errors =
        schema === undefined
          ? `${answer.status} ${answer.headers["content-type"]}: not said`
          : Compile({ ...schema, components: document.components }).Errors(read(answer))[1];
      expect({ method, path, errors }).toEqual({ method, path, errors: [] });
    }
  });
});

describe("the page", () => {
  it("is open, and lists every route", async () => {
    const { web, document } = await start();
    const { status, headers, body } = await web.request({ path: "/api/docs" });
    expect({ status, headers }).toEqual({
      status: 200,
      headers: {
        "content-type": "text/html",
        "content-length": String(Buffer.byteLength(body)),
        "content-security-policy": expect.stringMatching(/^default-src 'none'; style-src 'sha256-/),
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
      },
    });
    for (const [path, item] of Object.entries(document.paths)) {
      for (const method of Object.keys(item as object)) {
        expect(body).toContain(`<code>${method.toUpperCase()} ${path}</code>`);
      }
    }
  });
});
