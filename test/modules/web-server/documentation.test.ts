import { Compile } from "typebox/schema";
import { describe, expect, it } from "vitest";
import { routeTable, rowsOf } from "../../support/permission-tables.js";
import { refused, startWebServer } from "../../support/web-server.js";
import { problemAnswer } from "./problems.js";

async function start() {
  const web = await startWebServer();
  const { body } = await web.request({ path: "/api/openapi.json", as: "admin" });
  return { web, document: JSON.parse(body) };
}

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
