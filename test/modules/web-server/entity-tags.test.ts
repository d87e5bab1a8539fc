import { describe, expect, it } from "vitest";
import { bodyHeaders, startWebServer } from "../../support/web-server.js";

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
  "/api/v2/modules",
  "/api/v2/modules/WEBServer",
  "/api/v1/settings",
  "/api/v2/settings/settings/default",
  "/api/v2/settings/descriptions/settings/default",
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

describe("If-Match", () => {
  const path = "/api/v2/settings/settings/default";
  const put = (value: string, match: string) =>
    ({
      method: "PUT",
      path,
      as: "admin",
      headers: { "if-match": match },
      body: `{"key":"timeout","value":"${value}"}`,
    }) as const;

  it("keeps a change from undoing that of somebody else", async () => {
    const web = await startWebServer();
    const tagOf = async () => String((await web.request({ path, as: "admin", tags: true })).headers["etag"]);
    const seen = await tagOf();
    expect((await web.request(put("20", seen))).status).toBe(200);
    const then = await tagOf();
    expect(then).not.toBe(seen);
    const late = await web.request({ ...put("30", seen), tags: true });
    expect(late).toEqual({
      status: 412,
      headers: { ...bodyHeaders("text/plain", changed), etag: then },
      body: changed,
    });
    expect((await web.request({ method: "DELETE", path, as: "admin", headers: { "if-match": seen } })).status).toBe(
      412,
    );
    expect(JSON.parse((await web.request({ path, as: "admin" })).body)).toContainEqual({
      ...{ path: "/settings/default", key: "timeout", value: "20" },
    });
    expect((await web.request(put("40", `"other", ${then}`))).status).toBe(200);
    expect((await web.request(put("50", "*"))).status).toBe(200);
  });

  it("lets one of those through who change the same at once", async () => {
    const web = await startWebServer();
    const tag = String((await web.request({ path, as: "admin", tags: true })).headers["etag"]);
    const answers = await Promise.all(["1", "2", "3", "4"].map((value) => web.request(put(value, tag))));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 412, 412, 412]);
  });

  it("takes no weak tag", async () => {
    const web = await startWebServer();
    const tag = String((await web.request({ path, as: "admin", tags: true })).headers["etag"]);
    expect((await web.request(put("1", `W/${tag}`))).status).toBe(412);
  });
});

const changed = "It has changed since: what If-Match names is not what is there.";
