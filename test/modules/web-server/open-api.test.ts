import Type from "typebox";
import { describe, expect, it } from "vitest";
import { openApiDocument } from "../../../src/modules/web-server/open-api/document.js";
import { messageSchema } from "../../../src/modules/web-server/open-api/message-schemas.js";
import { openApiPage, pagePolicy } from "../../../src/modules/web-server/open-api/page.js";
import type { Route, RouteDescription } from "../../../src/modules/web-server/route.js";
import { PB } from "../../../src/wire/messages.js";

function route(path: string, description: Partial<RouteDescription> = {}, more: Partial<Route> = {}): Route {
  return {
    methods: ["GET"],
    path,
    version: 2,
    description: { tag: "things", summary: "Shows a thing", answers: { 200: {} }, ...description },
    access: "granted",
    grants: ["things.get"],
    handle: () => ({ status: 200, body: "" }),
    ...more,
  } as Route;
}

const shared = Type.Object({ name: Type.String() }, { $id: "Thing" });

describe("the document", () => {
  it("has a route with all that it says of itself", () => {
    const parameters = [
      { name: "id", in: "path", description: "Which one", schema: Type.String() },
      { name: "page", in: "query", description: "Which page", schema: Type.Integer() },
    ] as const;
    const body = { "application/json": shared };
    const answers = { 200: { "application/json": Type.Array(shared) } };
    const put = route("/api/v2/things/:id", { parameters, body, answers, deprecated: true }, { methods: ["PUT"] });
    const document = openApiDocument([put], "1.2.3");
    expect(document.info.version).toBe("1.2.3");
    expect(document.paths).toEqual({
      "/api/v2/things/{id}": {
        put: {
          operationId: "putApiV2ThingsById",
          tags: ["things"],
          summary: "Shows a thing",
          description: "Needs the grant `things.get`.",
          deprecated: true,
          parameters: [
            { name: "id", in: "path", description: "Which one", required: true, schema: { type: "string" } },
            { name: "page", in: "query", description: "Which page", required: false, schema: { type: "integer" } },
          ],
          requestBody: {
            required: true,
            content: { "application/json": { schema: { $ref: "#/components/schemas/Thing" } } },
          },
          responses: {
            200: {
              description: "OK",
              content: {
                "application/json": { schema: { type: "array", items: { $ref: "#/components/schemas/Thing" } } },
              },
            },
            default: {
              description: "What went wrong",
              content: {
                "text/plain": { schema: { type: "string" } },
                "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } },
              },
            },
          },
        },
      },
    });
    expect(Object.keys(document.components.schemas)).toEqual(["Problem", "Thing"]);
  });

  it("says what can be asked for without credentials", () => {
    const document = openApiDocument([route("/open", {}, { access: "open" })], "1");
    expect(document.paths["/open"]?.["get"]).toMatchObject({ description: "Open to everybody.", security: [] });
  });

  it("can't have two routes for one request", () => {
    expect(() => openApiDocument([route("/a/:b"), route("/a/:b")], "1")).toThrow(
      "There are two routes for GET /a/{b}.",
    );
  });

  it("has routes of one path under one path, whatever each calls its parts", () => {
    const parameters = [
      { name: "c", in: "path", description: "Which one", schema: Type.Integer() },
      { name: "c", in: "query", description: "Another thing", schema: Type.String() },
    ] as const;
    const { paths } = openApiDocument([route("/a/:b/d"), route("/a/:c/d", { parameters }, { methods: ["PUT"] })], "1");
    expect(Object.keys(paths)).toEqual(["/a/{b}/d"]);
    expect(paths["/a/{b}/d"]?.["get"]?.parameters).toEqual([
      { name: "b", in: "path", description: "b", required: true, schema: { type: "string" } },
    ]);
    expect(paths["/a/{b}/d"]?.["put"]?.operationId).toBe("putAByBD");
    expect(paths["/a/{b}/d"]?.["put"]?.parameters).toEqual([
      { name: "b", in: "path", description: "Which one", required: true, schema: { type: "integer" } },
      { name: "c", in: "query", description: "Another thing", required: false, schema: { type: "string" } },
    ]);
  });

  it("can't have two schemas of one name", () => {
    const other = Type.Object({}, { $id: "Thing" });
    const answers = { 200: { "application/json": Type.Tuple([shared, other]) } };
    expect(() => openApiDocument([route("/a", { answers })], "1")).toThrow("Two schemas have the name Thing.");
  });

  it("has messages that are in themselves", () => {
    const answers = { 200: { "application/json": messageSchema(PB.Metrics.MetricsBundle) } };
    const { schemas } = openApiDocument([route("/a", { answers })], "1").components;
    expect(schemas["PB.Metrics.MetricsBundle"]).toMatchObject({
      type: "object",
      properties: {
        key: { type: "string" },
        children: { type: "array", items: { $ref: "#/components/schemas/PB.Metrics.MetricsBundle" } },
      },
      additionalProperties: false,
    });
  });
});

describe("the page", () => {
  const evil = '<script>alert("1")</script>';

  it("shows texts as texts, and has neither scripts nor anything from elsewhere", () => {
    const hostile = route(`/a/${evil}`, {
      tag: evil,
      summary: evil,
      parameters: [{ name: evil, in: "query", description: evil, schema: Type.String({ description: evil }) }],
      answers: { 200: { [evil]: Type.String({ examples: [evil] }) } },
      body: { [evil]: Type.String({ examples: [`'; ${evil}`] }) },
    });
    const page = openApiPage(openApiDocument([hostile], evil), "/api/openapi.json");
    expect(page).not.toMatch(/<script/i);
    expect(page).not.toMatch(/\b(?:src|on\w+)=/i);
    expect(
      [...page.matchAll(/href="([^"]*)"/g)].map(([, target = ""]) => target).filter((to) => !to.startsWith("#")),
    ).toEqual(["/api/openapi.json"]);
    expect(pagePolicy).toMatch(/^default-src 'none'; style-src 'sha256-[A-Za-z0-9+/=]{44}'; base-uri 'none'; /);
  });

  it("shows a request that a shell takes as it is", () => {
    const example = { text: "it's" };
    const body = { "application/json": { type: "object", examples: [example] } };
    const page = openApiPage(openApiDocument([route("/a", { body }, { methods: ["POST"] })], "1"), "/doc");
    expect(page).toContain(
      "curl --insecure -X POST -u admin:PASSWORD -H &#39;Content-Type: application/json&#39; " +
        "--data &#39;{&quot;text&quot;:&quot;it&#39;\\&#39;&#39;s&quot;}&#39; &#39;https://localhost:8443/a&#39;",
    );
  });
});
