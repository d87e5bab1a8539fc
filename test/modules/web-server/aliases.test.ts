import { describe, expect, test } from "vitest";
import { jsonAnswer, refused, textAnswer } from "../../support/web-server.js";
import { startCheckServer } from "./check-gateway.js";

describe.each(["v1", "v2"])("aliases of %s", (version) => {
  test("are listed by name, those of the settings and second names of checks, and no other check", async () => {
    const web = await startCheckServer();
    const path = `/api/${version}/aliases`;
    const answer = await web.request({ path, as: "client" });
    const entries: { name: string }[] = JSON.parse(answer.body);
    expect(answer).toEqual(jsonAnswer(entries));
    expect(entries.map(({ name }) => name)).toEqual(web.gateway.registry.listAliases().map(({ name }) => name));
    const queries = new Set(web.gateway.registry.listQueries().map(({ name }) => name));
    expect(entries.filter(({ name }) => queries.has(name))).toEqual([]);
    const entry = (name: string, plugin: string, description: string) => ({
      ...{ name, plugin, query_url: `${web.url}/api/${version}/queries/${name}/`, title: name, metadata: {} },
      description,
    });
    expect(entries.filter(({ name }) => /alias|^mock/.test(name))).toEqual([
      entry("echo_alias", "CheckHelpers", "Alias for: check_warning message=hello"),
      entry("mock_alias", "CheckHelpers", "Alias for: mock_query"),
      entry("mockquery", "LUAScript", "Alias for: mock_query"),
    ]);
    for (const same of [`${path}?all=true`, `${path}/?all=false`]) {
      expect(await web.request({ path: same, as: "client" })).toEqual(answer);
    }
  });

  test("need a grant, and are shown and run as queries", async () => {
    const web = await startCheckServer();
    const path = `/api/${version}/aliases`;
    expect([await web.request({ path }), await web.request({ path, as: "legacy" })]).toEqual([refused, refused]);
    expect(await web.request({ path: `${path}/mock_alias`, as: "client" })).toEqual(
      textAnswer(404, `Document not found: GET ${path}/mock_alias`),
    );
  });
});

test("a module that the settings load under an alias of its own goes by that", async () => {
  const web = await startCheckServer();
  await web.gateway.unloadModule("CheckHelpers");
  await web.gateway.loadModule("CheckHelpers", "Mine");
  const { body } = await web.request({ path: "/api/v2/queries/check_ok", as: "client" });
  expect(JSON.parse(body)).toMatchObject({ name: "check_ok", plugin: "Mine" });
});
