import { describe, expect, test } from "vitest";
import { jsonAnswer, refused, startWebServer } from "../../support/web-server.js";

describe("what there is to ask for", () => {
  test("is listed at /api and in both versions alike, with URLs that begin as the client has written the host", async () => {
    const web = await startWebServer();
    const ask = (path: string) => web.request({ path, as: "client" });
    const { url } = web;
    expect(await ask("/api")).toEqual(
      jsonAnswer({ current_api: `${url}/api/v2`, legacy_api: `${url}/api/v1`, beta_api: `${url}/api/v2` }),
    );
    const families = jsonAnswer({
      scripts_url: `${url}/api/v2/scripts`,
      modules_url: `${url}/api/v2/modules`,
      queries_url: `${url}/api/v2/queries`,
      aliases_url: `${url}/api/v2/aliases`,
      settings_url: `${url}/api/v2/settings`,
      logs_url: `${url}/api/v2/logs`,
      info_url: `${url}/api/v2/info`,
      tags_url: `${url}/api/v2/tags`,
    });
    expect(await ask("/api/v1")).toEqual(families);
    expect(await ask("/api/v2")).toEqual(families);
    expect(await ask("/api/v2/")).toEqual(families);
    expect(await ask("//api//v2")).toEqual(families);
  });

  test.each(["/api", "/api/v1", "/api/v2"])(
    "is not told to strangers and to those without the grant: %s",
    async (path) => {
      const web = await startWebServer();
      expect(await web.request({ path })).toEqual(refused);
      expect(await web.request({ path, as: "legacy" })).toEqual(refused);
    },
  );
});

describe("the program", () => {
  test("calls itself as clients of NSClient++ expect, and by its own name in a header", async () => {
    const web = await startWebServer();
    const { version } = web.gateway;
    const answer = (value: unknown) => {
      const expected = jsonAnswer(value);
      return { ...expected, headers: { ...expected.headers, server: `nscp-gateway/${version}` } };
    };
    const info = { name: "NSClient++", version, version_url: `${web.url}/api/v1/info/version` };
    for (const generation of ["v1", "v2"]) {
      expect(await web.request({ path: `/api/${generation}/info`, as: "client" })).toEqual(answer(info));
      expect(await web.request({ path: `/api/${generation}/info/version`, as: "client" })).toEqual(answer({ version }));
      expect(await web.request({ path: `/api/${generation}/info`, as: "legacy" })).toEqual(refused);
    }
  });

  test("has the name that the settings give it", async () => {
    const web = await startWebServer({ server: "application name = Gate & Way" });
    expect(JSON.parse((await web.request({ path: "/api/v2/info", as: "client" })).body).name).toBe("Gate & Way");
  });
});
