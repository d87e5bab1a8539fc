import { describe, expect, test } from "vitest";
import { moduleDefinitions } from "../../../src/gateway/module-list.js";
import {
  jsonAnswer,
  refused,
  startWebServer,
  textAnswer,
  type WebAnswer,
  type WebGateway,
} from "../../support/web-server.js";

const versions = ["v1", "v2"] as const;

type Version = (typeof versions)[number];

function summaryOf(name: string): string {
  return moduleDefinitions.find((definition) => definition.name === name)?.summary ?? "";
}

function entry(web: WebGateway, version: Version, name: string, facts: Record<string, unknown>) {
  const {
    id = name,
    pluginId = "0",
    alias = "",
    loaded = false,
    enabled = false,
    description = summaryOf(name),
  } = facts;
  const commands = `${web.url}/api/${version}/modules/${id}/commands`;
  return {
    name,
    id,
    title: name,
    loaded,
    enabled,
    module_url: `${web.url}/api/v1/modules/${name}/`,
    metadata: { plugin_id: pluginId, alias },
    description,
    load_url: `${commands}/load`,
    unload_url: `${commands}/unload`,
  };
}

function detail(web: WebGateway, version: Version, name: string, facts: Record<string, unknown>) {
  const { module_url: _url, ...rest } = entry(web, version, name, facts);
  const commands = `${web.url}/api/${version}/modules/${facts["id"] ?? name}/commands`;
  return { ...rest, enable_url: `${commands}/enable`, disable_url: `${commands}/disable` };
}

/** How a command answers in the version that it was asked in. */
function success(version: Version, command: string, name: string): WebAnswer {
  const message = `Success ${command} ${name}`;
  return version === "v1" ? textAnswer(200, message) : jsonAnswer({ result: 0, message });
}

function failure(version: Version, command: string, name: string): WebAnswer {
  const message = `Failed to ${command} ${name}`;
  return textAnswer(500, version === "v1" ? message : JSON.stringify({ result: 2, message }));
}

describe("modules", () => {
  test.each(versions)("are listed as they are, those that are not loaded on demand: %s", async (version) => {
    const web = await startWebServer({ modules: ["CheckHelpers"] });
    const get = (rest: string) => web.request({ path: `/api/${version}/modules${rest}`, as: "client" });
    const server = entry(web, version, "WEBServer", { pluginId: "1", loaded: true, enabled: true });
    const loaded = [entry(web, version, "CheckHelpers", { pluginId: "0", loaded: true, enabled: true }), server];
    expect(await get("")).toEqual(jsonAnswer(loaded));
    expect(await get("?all=TRUE")).toEqual(jsonAnswer(loaded));
    const all = JSON.parse((await get("?all=true")).body);
    expect(all.slice(0, 2)).toEqual(loaded);
    expect(all.slice(2).filter((one: { loaded: boolean }) => one.loaded)).toEqual([]);
    expect(all.find((one: { name: string }) => one.name === "NSCAClient")).toEqual(
      entry(web, version, "NSCAClient", {}),
    );
    expect(all.map((one: { name: string }) => one.name)).not.toContain("CheckSystem");
  });

  test.each(versions)("are shown one by one, by whatever spelling: %s", async (version) => {
    const web = await startWebServer({ modules: ["CheckHelpers"] });
    const get = (name: string) => web.request({ path: `/api/${version}/modules/${name}`, as: "admin" });
    const facts = { pluginId: "0", loaded: true, enabled: true };
    for (const name of ["CheckHelpers", "checkhelpers", "CheckHelpers.dll", "CheckHelpers/"]) {
      expect(await get(name)).toEqual(jsonAnswer(detail(web, version, "CheckHelpers", facts)));
    }
    expect(await get("NoSuch")).toEqual(textAnswer(404, "Module not found: NoSuch"));
    for (const name of ["a%20b", "a:b", "x".repeat(129), "%C3%A4"]) {
      expect(await get(name)).toEqual(textAnswer(400, "Invalid module name"));
    }
    expect(await web.request({ path: `/api/${version}/modules/CheckHelpers`, as: "client" })).toEqual(refused);
  });

  test.each(versions)("are loaded and unloaded, by GET and by POST: %s", async (version) => {
    const web = await startWebServer({ modules: ["CheckHelpers"] });
    const run = (name: string, command: string, method = "GET") =>
      web.request({ method, path: `/api/${version}/modules/${name}/commands/${command}`, as: "admin" });
    const isLoaded = async () =>
      JSON.parse((await web.request({ path: `/api/${version}/modules/CheckHelpers`, as: "admin" })).body).loaded;
    expect(await run("CheckHelpers", "unload")).toEqual(success(version, "unload", "CheckHelpers"));
    expect(await isLoaded()).toBe(false);
    expect(await run("CheckHelpers", "unload")).toEqual(failure(version, "unload", "CheckHelpers"));
    expect(await run("checkHelpers", "load", "POST")).toEqual(success(version, "load", "checkHelpers"));
    expect(await isLoaded()).toBe(true);
    expect(await run("CheckHelpers", "load")).toEqual(success(version, "load", "CheckHelpers"));
    expect(await run("NoSuch", "load")).toEqual(failure(version, "load", "NoSuch"));
    expect(await run("NoSuch", "enable")).toEqual(failure(version, "enable", "NoSuch"));
    expect(await run("CheckHelpers", "reload")).toEqual(textAnswer(404, "unknown command: reload"));
    expect(await run("a:b", "load")).toEqual(textAnswer(400, "Invalid module name"));
  });

  test.each(versions)(
    "are switched on and off in memory, which the diff of the settings shows: %s",
    async (version) => {
      const web = await startWebServer({ modules: ["CheckHelpers"] });
      const run = (name: string, command: string) =>
        web.request({ path: `/api/${version}/modules/${name}/commands/${command}`, as: "admin" });
      const diff = async () =>
        JSON.parse((await web.request({ path: `/api/${version}/settings/diff?path=/modules`, as: "admin" })).body);
      const enabled = async (name: string) => {
        const { loaded, enabled } = JSON.parse(
          (await web.request({ path: `/api/${version}/modules/${name}`, as: "admin" })).body,
        );
        return { loaded, enabled };
      };
      const change = { path: "/modules", is_sensitive: false };
      expect(await run("CheckHelpers", "disable")).toEqual(success(version, "disable", "CheckHelpers"));
      expect(await enabled("CheckHelpers")).toEqual({ loaded: true, enabled: false });
      expect(await run("NSCAClient", "enable")).toEqual(success(version, "enable", "NSCAClient"));
      expect(await enabled("NSCAClient")).toEqual({ loaded: false, enabled: true });
      expect(await diff()).toEqual({
        entries: [
          { ...change, key: "CheckHelpers", old_value: "enabled", new_value: "disabled", change_type: "modified" },
          { ...change, key: "NSCAClient", old_value: "", new_value: "enabled", change_type: "added" },
        ],
        count: 2,
      });
    },
  );

  test("have a name for each instance, and are loaded, unloaded and switched one by one", async () => {
    const web = await startWebServer({ modules: ["CheckHelpers"] });
    const { store } = web.gateway;
    store.set("/modules", "second", "CheckHelpers");
    const run = (name: string, command: string) =>
      web.request({ path: `/api/v2/modules/${name}/commands/${command}`, as: "admin" });
    const list = async () => {
      const all: { id: string; name: string; loaded: boolean; enabled: boolean; metadata: { alias: string } }[] =
        JSON.parse((await web.request({ path: "/api/v2/modules?all=true", as: "admin" })).body);
      return all
        .filter(({ name }) => name === "CheckHelpers")
        .map(({ id, loaded, enabled, metadata }) => [id, metadata.alias, loaded, enabled]);
    };
    const first = ["CheckHelpers", "", true, true];
    expect(await list()).toEqual([first, ["second", "second", false, true]]);
    expect(await run("second", "load")).toEqual(success("v2", "load", "second"));
    expect(await list()).toEqual([first, ["second", "second", true, true]]);
    expect(await run("second", "disable")).toEqual(success("v2", "disable", "second"));
    expect(await list()).toEqual([first, ["second", "second", true, false]]);
    expect(await run("second", "enable")).toEqual(success("v2", "enable", "second"));
    expect(await run("CheckHelpers", "unload")).toEqual(success("v2", "unload", "CheckHelpers"));
    expect(await list()).toEqual([["second", "second", true, true]]);
    expect(await run("second", "unload")).toEqual(success("v2", "unload", "second"));
    expect(await list()).toEqual([
      ["CheckHelpers", "", false, true],
      ["second", "second", false, true],
    ]);
  });

  test.each(versions)("become what PUT wants: %s", async (version) => {
    const web = await startWebServer({ modules: ["CheckHelpers"] });
    const put = (name: string, body: string) =>
      web.request({ method: "PUT", path: `/api/${version}/modules/${name}`, as: "admin", body });
    expect(await put("CheckHelpers", '{"loaded":true}')).toEqual(textAnswer(200, "No change"));
    expect(await put("CheckHelpers", '{"loaded":false,"more":1}')).toEqual(success(version, "unload", "CheckHelpers"));
    expect(await put("CheckHelpers", '{"loaded":false}')).toEqual(textAnswer(200, "No change"));
    expect(await put("CheckHelpers", '{"loaded":true}')).toEqual(success(version, "load", "CheckHelpers"));
    expect(await put("NoSuch", '{"loaded":true}')).toEqual(textAnswer(404, "Module not found: NoSuch"));
    expect(await put("a:b", '{"loaded":true}')).toEqual(textAnswer(400, "Invalid module name"));
    for (const body of ["", "no JSON", "[]", "{}", '{"loaded":"true"}', "null"]) {
      expect(await put("CheckHelpers", body)).toEqual(textAnswer(400, "Problems parsing JSON"));
    }
  });

  test.each(versions)("never come over the network: %s", async (version) => {
    const web = await startWebServer();
    const path = `/api/${version}/modules/Evil`;
    const text = "403 Modules can't be uploaded: nothing that comes over a network can add or change what is executed.";
    for (const as of ["admin", "client"] as const) {
      expect(await web.request({ method: "POST", path, as, body: "PK" })).toEqual(textAnswer(403, text));
    }
    expect(await web.request({ method: "POST", path, body: "PK" })).toEqual(refused);
  });
});

describe("what may be done with modules", () => {
  test("is said by grants, each for what it is called and for the modules that it names", async () => {
    const role = (grants: string) => ({ more: `[/settings/WEB/server/roles]\nnobody = ${grants}\n` });
    const web = await startWebServer();
    const run = (name: string, command: string) =>
      web.request({ path: `/api/v2/modules/${name}/commands/${command}`, as: "nobody" });
    expect(await run("CheckHelpers", "load")).toEqual(refused);
    await web.reload(role("modules.load"));
    expect(await run("CheckHelpers", "load")).toEqual(success("v2", "load", "CheckHelpers"));
    for (const command of ["unload", "enable", "disable"]) expect(await run("CheckHelpers", command)).toEqual(refused);
    expect(await web.request({ path: "/api/v2/modules", as: "nobody" })).toEqual(refused);
    await web.reload(role("modules.*:NSCA*, modules.list:Check*"));
    expect(await run("CheckHelpers", "load")).toEqual(refused);
    expect(await run("NSCAClient", "disable")).toEqual(success("v2", "disable", "NSCAClient"));
    expect(await web.request({ path: "/api/v2/modules/CheckHelpers", as: "nobody" })).toEqual(refused);
    await web.reload(role("modules.put"));
    const put = (loaded: boolean) =>
      web.request({
        method: "PUT",
        path: "/api/v2/modules/CheckHelpers",
        as: "nobody",
        body: JSON.stringify({ loaded }),
      });
    expect(await put(false)).toEqual(textAnswer(200, "No change"));
    expect(await put(true)).toEqual(refused);
  });

  test("is in the audit log, and what failed as such", async () => {
    const web = await startWebServer();
    for (const command of ["unload", "load", "enable"]) {
      await web.request({ path: `/api/v1/modules/CheckHelpers/commands/${command}`, as: "admin" });
      await web.request({ path: `/api/v1/modules/CheckHelpers/commands/${command}`, as: "client" });
    }
    const told = web.audited.filter(({ action }) => action.startsWith("modules."));
    expect(told.map(({ action, outcome, objects, principal: { name } }) => [name, action, outcome, objects])).toEqual([
      ["user:admin", "modules.unload", "failed", ["CheckHelpers"]],
      ["user:client", "modules.unload", "denied", ["CheckHelpers"]],
      ["user:admin", "modules.load", "ok", ["CheckHelpers"]],
      ["user:client", "modules.load", "denied", ["CheckHelpers"]],
      ["user:admin", "modules.enable", "ok", ["CheckHelpers"]],
      ["user:client", "modules.enable", "denied", ["CheckHelpers"]],
    ]);
  });
});

describe("the web server itself", () => {
  test.each([
    ["GET", "/api/v2/modules/WEBServer/commands/unload", undefined],
    ["PUT", "/api/v2/modules/WEBServer", '{"loaded":false}'],
  ])("answers before it is unloaded: %s %s", async (method, path, body) => {
    const web = await startWebServer();
    const answer = web.request({ method, path, as: "admin", ...(body === undefined ? {} : { body }) });
    expect(await answer).toEqual(success("v2", "unload", "WEBServer"));
    await expect.poll(() => web.gateway.modules().length, { timeout: 10_000 }).toBe(0);
    await expect(web.request({ path: "/core/isalive" })).rejects.toThrow();
  });

  test("answers before it is loaded anew", async () => {
    const web = await startWebServer();
    const answer = await web.request({ path: "/api/v1/modules/WEBServer/commands/load", as: "admin" });
    expect(answer).toEqual(success("v1", "load", "WEBServer"));
    const isAlive = async () => {
      try {
        return (await web.request({ path: "/core/isalive" })).status;
      } catch {
        return undefined;
      }
    };
    await expect.poll(isAlive, { timeout: 10_000 }).toBe(200);
  });
});
