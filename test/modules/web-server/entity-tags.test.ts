import { expect, it } from "vitest";
import { startWebServer } from "../../support/web-server.js";

const tagged = [
  "/api/openapi.json",
  "/api/v3/openapi.json",
  "/api/v1/info",
  "/api/v2/info",
  "/api/v2/info/version",
  "/api/v1/queries",
  "/api/v2/queries",
  "/api/v2/queries/check_fast",
  "/api/v2/aliases",
];

it.each(tagged)("%s is not sent again to who has it", async (path) => {
  const web = await startWebServer();
  web.check("check_fast", "all well");
  const wanted = { path, as: "admin", tags: true } as const;
  const first = await web.request(wanted);
  const tag = String(first.headers["etag"]);
  expect(tag).toMatch(/^"[\w-]{27}"$/);
  expect(first).toMatchObject({ status: 200, headers: { "cache-control": "private, no-cache" } });
  for (const known of [tag, `W/${tag}`, `"other", ${tag}`, "*"]) {
    expect(await web.request({ ...wanted, headers: { "if-none-match": known } })).toEqual({
      status: 304,
      headers: { etag: tag, "cache-control": "private, no-cache", "x-content-type-options": "nosniff" },
      body: "",
    });
  }
  expect(await web.request({ ...wanted, headers: { "if-none-match": '"other"' } })).toEqual(first);
});

it("an answer has another tag when it is another one", async () => {
  const web = await startWebServer();
  const tagOf = async () => (await web.request({ path: "/api/v2/queries", as: "admin", tags: true })).headers["etag"];
  const before = await tagOf();
  web.check("check_new", "all well");
  expect(await tagOf()).not.toBe(before);
});

it("who may not see it does not learn whether it has changed", async () => {
  const web = await startWebServer();
  const wanted = { path: "/api/v2/queries", as: "nobody", headers: { "if-none-match": "*" }, tags: true } as const;
  expect((await web.request(wanted)).status).toBe(403);
});
