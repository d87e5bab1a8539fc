import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { PB, SettingsRequestMessage, SettingsResponseMessage, StatusCode } from "../../../src/wire/messages.js";
import {
  jsonAnswer,
  refused,
  startWebServer,
  textAnswer,
  type WebAnswer,
  type WebGateway,
} from "../../support/web-server.js";

const versions = ["v1", "v2"] as const;

const demo = `[/settings/default]
password = default-password
allowed hosts = 127.0.0.1,::1
[/settings/demo]
a = 1
b = two words
[/settings/demo/sub]
c = 3
[/settings/demo scripts]
x = y
`;

function client(web: WebGateway, version: string) {
  const path = (rest: string) => `/api/${version}/settings${rest}`;
  const send = (method: string, rest: string, body?: unknown): Promise<WebAnswer> => {
    const text = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
    return web.request({ method, path: path(rest), as: "admin", ...(text === undefined ? {} : { body: text }) });
  };
  return {
    get: (rest: string) => send("GET", rest),
    put: (rest: string, body: unknown) => send("PUT", rest, body),
    remove: (rest: string, body?: unknown) => send("DELETE", rest, body),
    command: (body: unknown) => send("POST", "/command", body),
    /** What has changed, as `path.key = value`. */
    changes: async () => {
      const { entries } = JSON.parse((await send("GET", "/diff")).body);
      return entries.map(
        ({ path: at, key, new_value: value, change_type: type }: Record<string, string>) =>
          `${type} ${at}.${key} = ${value}`,
      );
    },
  };
}

function done(keys: number, more: Readonly<Record<string, unknown>> = {}): WebAnswer {
  return jsonAnswer({ status: "success", keys, ...more });
}

function closed(name: string): string {
  return `Permission denied: ${name} decides what is executed or who may do what; it can't be written over a network`;
}

describe("settings that are read", () => {
  test.each(versions)("are the keys of a section and of those below, which come first: %s", async (version) => {
    const web = await startWebServer({ more: demo });
    const { get } = client(web, version);
    const values = [
      { path: "/settings/demo/sub", key: "c", value: "3" },
      { path: "/settings/demo", key: "a", value: "1" },
      { path: "/settings/demo", key: "b", value: "two words" },
    ];
    expect(await get("/settings/demo")).toEqual(jsonAnswer(values));
    expect(await get("/settings/demo/")).toEqual(jsonAnswer(values));
    expect(await get("/settings/demo/sub")).toEqual(jsonAnswer(values.slice(0, 1)));
    expect(await get("/settings/demo%20scripts")).toEqual(
      jsonAnswer([{ path: "/settings/demo scripts", key: "x", value: "y" }]),
    );
    expect(await get("/settings/nosuch")).toEqual(jsonAnswer([]));
    const all = JSON.parse((await get("")).body);
    expect(all).toEqual(expect.arrayContaining(values));
    expect(all.map(({ path }: { path: string }) => path)).toContain("/modules");
  });

  test.each(versions)("don't show secrets, and their neighbours as they are written: %s", async (version) => {
    const web = await startWebServer({ more: demo });
    const { get } = client(web, version);
    expect(await get("/settings/default")).toEqual(
      jsonAnswer([
        { path: "/settings/default", key: "allowed hosts", value: "127.0.0.1,::1" },
        { path: "/settings/default", key: "password", value: "***" },
      ]),
    );
    expect(JSON.parse((await get("/settings/WEB/server/users/client")).body)).toEqual([
      { path: "/settings/WEB/server/users/client", key: "password", value: "***" },
      { path: "/settings/WEB/server/users/client", key: "role", value: "client" },
    ]);
    const described = JSON.parse((await get("/descriptions/settings/default")).body);
    const value = (key: string) => described.find((one: { key: string }) => one.key === key).value;
    expect([value("password"), value("allowed hosts")]).toEqual(["***", "127.0.0.1,::1"]);
    const everything = [(await get("")).body, (await get("/descriptions")).body, (await get("/diff")).body].join();
    expect(everything).not.toContain("default-password");
    expect(everything).not.toContain("pbkdf2-sha256$1$");
  });

  test.each(versions)("are described, sections after their keys: %s", async (version) => {
    const web = await startWebServer({ more: `${demo}[/settings/log]\nlevel = debug\n` });
    const { get } = client(web, version);
    const flags = { is_advanced_key: false, is_sample_key: false, is_template_key: false, is_object: false };
    const key = (name: string, fields: Record<string, unknown>) => {
      const { value, type, title, description, default_value = "", plugins = ["core"], ...more } = fields;
      return {
        ...{ path: "/settings/log/file", key: name, value, type, title, icon: "", description },
        ...{ ...flags, ...more, sample_usage: "", default_value, plugins },
      };
    };
    const files = key("files", {
      ...{ value: "5", type: "int", title: "Files", default_value: "5" },
      description: "How many files that were put aside are kept",
    });
    const size = key("max size", {
      ...{ value: "0", type: "size", title: "Max size", default_value: "0" },
      description: "The size at which the file is put aside and a new one begun; 0 for never",
    });
    const section = key("", {
      ...{ value: "", type: "folder", title: "Log file", description: "How large the log file may grow" },
    });
    // Nothing of the section is set, so that there are no values.
    const without = [size, files, section].map(({ value: _value, ...rest }) => rest);
    expect(await get("/descriptions/settings/log/file")).toEqual(jsonAnswer(without));
    const below = JSON.parse((await get("/descriptions/settings/log")).body);
    expect(below.slice(0, 3)).toEqual([size, files, section]);
    expect(below.at(-1)).toMatchObject({ path: "/settings/log", key: "", type: "folder" });
    const flat = JSON.parse((await get("/descriptions/settings/log?recursive=false")).body);
    expect(flat.filter((one: { path: string; key: string }) => one.path !== "/settings/log" && one.key !== "")).toEqual(
      [],
    );

    const unknown = { value: "1", type: "", title: "", description: "", plugins: [], is_advanced_key: true };
    const [, , a] = JSON.parse((await get("/descriptions/settings/demo")).body);
    expect(a).toEqual({ ...key("a", unknown), path: "/settings/demo" });
    expect(await get("/descriptions/settings/nosuch")).toEqual(textAnswer(404, "Key not found: /settings/nosuch"));
  });

  test.each(versions)("have a place and a difference to what is stored: %s", async (version) => {
    const web = await startWebServer({ more: demo });
    const { get } = client(web, version);
    const context = `ini://${join(web.folder, "main.ini")}`;
    expect(await get("/status")).toEqual(jsonAnswer({ context, type: "ini", has_changed: false }));
    expect(await get("/diff")).toEqual(jsonAnswer({ entries: [], count: 0 }));
    const { store } = web.gateway;
    store.set("/settings/demo", "a", "9");
    store.set("/settings/demo", "new", "1");
    store.deleteKey("/settings/demo", "b");
    store.set("/settings/demo/sub", "c", "4");
    store.set("/settings/default", "password", "other");
    expect(await get("/status")).toEqual(jsonAnswer({ context, type: "ini", has_changed: true }));
    const change = (path: string, key: string, from: string, to: string, type: string, is_sensitive = false) => ({
      ...{ path, key, old_value: from, new_value: to, change_type: type, is_sensitive },
    });
    const own = [
      change("/settings/demo", "a", "1", "9", "modified"),
      change("/settings/demo", "b", "two words", "", "removed"),
      change("/settings/demo", "new", "", "1", "added"),
    ];
    const sub = change("/settings/demo/sub", "c", "3", "4", "modified");
    expect(await get("/diff?path=/settings/demo&recursive=false")).toEqual(jsonAnswer({ entries: own, count: 3 }));
    expect(await get("/diff?path=/settings/demo")).toEqual(jsonAnswer({ entries: [...own, sub], count: 4 }));
    expect(await get("/diff?path=/settings/default")).toEqual(
      jsonAnswer({
        entries: [change("/settings/default", "password", "***", "***", "modified", true)],
        count: 1,
      }),
    );
  });
});

describe("settings that are written", () => {
  test.each(versions)("come one by one or several at once, and are there at once: %s", async (version) => {
    const web = await startWebServer({ more: demo });
    const { get, put, changes } = client(web, version);
    expect(await put("/settings/demo", { key: "a", value: "2" })).toEqual(done(1));
    expect(await put("", { path: "/settings/fresh", key: "k", value: "v" })).toEqual(done(1));
    expect(await put("/settings/demo", { path: "/settings/fresh", key: "l", value: "w" })).toEqual(done(1));
    expect(await get("/settings/fresh")).toEqual(
      jsonAnswer([
        { path: "/settings/fresh", key: "k", value: "v" },
        { path: "/settings/fresh", key: "l", value: "w" },
      ]),
    );
    const several = [
      { key: "number", value: 5.5 },
      { key: "truth", value: true },
      { key: "b", value: "" },
      { path: "/settings/demo/sub", key: "c" },
      { path: "/settings/fresh", key: "l", value: null },
    ];
    expect(await put("/settings/demo", several)).toEqual(done(5));
    expect(await changes()).toEqual([
      "modified /settings/demo.a = 2",
      "removed /settings/demo.b = ",
      "added /settings/demo.number = 5.5",
      "added /settings/demo.truth = true",
      "removed /settings/demo/sub.c = ",
      "added /settings/fresh.k = v",
    ]);
    expect(await put("/settings/demo", [])).toEqual(done(0));
    expect(readFileSync(join(web.folder, "main.ini"), "utf8")).not.toContain("fresh");
  });

  test.each([
    ["no JSON", "Problems parsing JSON"],
    ["", "Problems parsing JSON"],
    ["1", "Expected an object or an array of objects"],
    ["null", "Expected an object or an array of objects"],
    ['[{"key":"a","value":"1"},2]', "Expected an object in the array"],
    ['{"value":"1"}', "Key is required"],
    ['{"key":"","value":"1"}', "Key is required"],
    ['[{"key":1,"value":"1"}]', "Key is required"],
    ['{"path":1,"key":"a","value":"1"}', "Problems parsing JSON"],
  ])("are not taken from %s", async (body, text) => {
    const web = await startWebServer({ more: demo });
    for (const version of versions) {
      expect(await client(web, version).put("/settings/demo", body)).toEqual(textAnswer(400, text));
    }
    expect(await client(web, "v2").changes()).toEqual([]);
  });

  test("are all left as they are when one is not of its type, and all that is wrong is said", async () => {
    const web = await startWebServer({ more: demo });
    const { put, changes } = client(web, "v2");
    const entries = [
      { path: "/settings/core", key: "query timeout", value: "soon" },
      { path: "/settings/log", key: "level", value: "warming" },
      { path: "/settings/demo", key: "a", value: {} },
      { path: "/settings/demo", key: "b", value: "two\nlines" },
      { path: "/settings/demo", key: "good", value: "1" },
      { path: "/settings/tags", key: "t", value: "x".repeat(1025) },
    ];
    expect(await put("", entries)).toEqual(
      textAnswer(
        400,
        [
          '/settings/core.query timeout: "soon" is not a time such as 30s, 5m or 1h',
          '/settings/log.level: "warming" is none of critical, error, warning, info, debug, trace; perhaps warning',
          "/settings/demo.a: is neither a text nor a number nor true or false",
          "/settings/demo.b: The value of /settings/demo.b has a line break, which an ini file can't hold",
          "/settings/tags.t: a tag has more than 1024 characters",
        ].join("\n"),
      ),
    );
    expect(await changes()).toEqual([]);
    expect(await put("", { path: "/settings/core", key: "query timeout", value: 90 })).toEqual(done(1));
  });

  test("leave a secret as it is when what stands for it comes back", async () => {
    const web = await startWebServer({ more: demo });
    const { get, put, changes } = client(web, "v2");
    expect(await put("", { path: "/settings/default", key: "password", value: "***" })).toEqual(done(1));
    expect(await changes()).toEqual([]);
    expect(web.gateway.store.get("/settings/default", "password")).toBe("default-password");
    const [, password] = JSON.parse((await get("/settings/default")).body);
    expect(await put("", [password, { path: "/settings/demo", key: "a", value: "***" }])).toEqual(done(2));
    expect(await changes()).toEqual(["modified /settings/demo.a = ***"]);
  });

  test("are refused for everybody where they decide what is executed, and the others are told apart", async () => {
    const web = await startWebServer({ more: demo });
    const { put, changes } = client(web, "v2");
    const scripts = { path: "/settings/node/scripts", key: "evil", value: "evil.js" };
    const modules = { path: "/modules", key: "NodeScript", value: "enabled" };
    const scriptsText = closed("/settings/node/scripts.evil");
    const modulesText =
      'Permission denied: only plain sections below /settings can be written over a network, not "/modules"';
    expect(await put("", scripts)).toEqual(textAnswer(403, scriptsText));
    expect(await put("", [scripts, modules])).toEqual(textAnswer(403, `${scriptsText}\n${modulesText}`));
    const good = { path: "/settings/demo", key: "a", value: "2" };
    expect(await put("", [scripts, good])).toEqual(
      jsonAnswer({
        status: "partial",
        keys: 1,
        results: [
          { path: "/settings/node/scripts", key: "evil", result: "refused", reason: scriptsText },
          { path: "/settings/demo", key: "a", result: "done" },
        ],
      }),
    );
    expect(await changes()).toEqual(["modified /settings/demo.a = 2"]);
    const told = web.audited.filter(({ action }) => action === "settings.put").slice(-2);
    expect(told.map(({ outcome, objects }) => [outcome, objects])).toEqual([
      ["denied", ["/settings/node/scripts/evil"]],
      ["ok", ["/settings/demo/a"]],
    ]);
  });

  test("are saved when that is asked for", async () => {
    const web = await startWebServer({ more: demo });
    const { put, remove, changes } = client(web, "v2");
    const text = () => readFileSync(join(web.folder, "main.ini"), "utf8");
    expect(await put("/settings/demo?save=true", { key: "a", value: "77" })).toEqual(done(1, { saved: true }));
    expect(text()).toContain("a = 77");
    expect(await remove("/settings/demo?key=a&save=true")).toEqual(done(1, { recursive: true, saved: true }));
    expect(text()).not.toContain("a = 77");
    expect(await changes()).toEqual([]);
  });
});

describe("settings that are removed", () => {
  test.each(versions)("go by key: %s", async (version) => {
    const web = await startWebServer({ more: demo });
    const { remove, changes } = client(web, version);
    expect(await remove("/settings/demo?key=a")).toEqual(done(1, { recursive: true }));
    expect(await remove("", [{ path: "/settings/demo", key: "b" }])).toEqual(done(1, { recursive: true }));
    expect(await remove("/settings/demo/sub", { key: "c" })).toEqual(done(1, { recursive: true }));
    expect(await changes()).toEqual([
      "removed /settings/demo.a = ",
      "removed /settings/demo.b = ",
      "removed /settings/demo/sub.c = ",
    ]);
  });

  test.each(versions)("go by section, unless a key in it is not to be removed by the network: %s", async (version) => {
    const web = await startWebServer({ more: `${demo}[/settings/other]\nlimit = 1\npassword = x\n` });
    const { remove, changes } = client(web, version);
    expect(await remove("/settings/demo?recursive=false")).toEqual(done(2, { recursive: false }));
    expect(await changes()).toEqual(["removed /settings/demo.a = ", "removed /settings/demo.b = "]);
    expect(await remove("", { path: "/settings/demo" })).toEqual(done(1, { recursive: true }));
    expect(await remove("/settings/other")).toEqual(textAnswer(403, closed("/settings/other.password")));
    expect(await changes()).toEqual([
      "removed /settings/demo.a = ",
      "removed /settings/demo.b = ",
      "removed /settings/demo/sub.c = ",
    ]);
    expect(await remove("/settings/nosuch")).toEqual(done(0, { recursive: true }));
  });

  test.each([
    ["", undefined, "DELETE requires a path; pass ?key= to remove a single key"],
    ["?key=a", undefined, "DELETE requires a path; pass ?key= to remove a single key"],
    ["", "[{}]", "DELETE entry requires either a path or a key"],
    ["", '{"path":"/"}', "DELETE entry requires either a path or a key"],
    ["", "no JSON", "Problems parsing JSON"],
    ["", "1", "Expected an object or an array of objects"],
    ["", "[1]", "Expected an object in the array"],
    ["", '{"path":1}', "Problems parsing JSON"],
  ])("are not guessed from DELETE /settings%s with %s", async (rest, body, text) => {
    const web = await startWebServer({ more: demo });
    for (const version of versions) {
      expect(await client(web, version).remove(rest, body)).toEqual(textAnswer(400, text));
    }
  });
});

describe("commands for the settings", () => {
  test.each(versions)("save them and drop what is not saved: %s", async (version) => {
    const web = await startWebServer({ more: demo });
    const { put, command, changes } = client(web, version);
    await put("/settings/demo", { key: "a", value: "saved" });
    expect(await command({ command: "save" })).toEqual(jsonAnswer({ status: "success" }));
    expect(await changes()).toEqual([]);
    expect(readFileSync(join(web.folder, "main.ini"), "utf8")).toContain("a = saved");
    await put("/settings/demo", { key: "a", value: "dropped" });
    expect(await command({ command: "load" })).toEqual(jsonAnswer({ status: "success" }));
    expect(web.gateway.store.get("/settings/demo", "a")).toBe("saved");
    expect(await command({ command: "burn" })).toEqual(textAnswer(404, "Unknown command: burn"));
    for (const body of ["{}", "no JSON", '{"command":1}', "[]"]) {
      expect(await command(body)).toEqual(textAnswer(400, "Problems parsing JSON"));
    }
  });

  test("have the service take them, and the answer comes before that", async () => {
    const web = await startWebServer({ more: demo });
    const { command } = client(web, "v2");
    expect(await command({ command: "reload" })).toEqual(jsonAnswer({ status: "success" }));
    expect((await web.request({ path: "/core/isalive" })).status).toBe(200);
    expect(web.audited.filter(({ action }) => action === "admin.reload").map(({ outcome }) => outcome)).toEqual(["ok"]);
  });

  test.each(versions)("say that the service does not take them: %s", async (version) => {
    const web = await startWebServer({ more: demo });
    const { get, command } = client(web, version);
    web.gateway.settingsQuery = async () => SettingsResponseMessage.create({ payload: [] });
    expect(await get("/status")).toEqual(textAnswer(404, "Failed to get status"));
    web.gateway.settingsQuery = () => Promise.reject(new Error("the service is ending"));
    expect(await command({ command: "reload" })).toEqual(textAnswer(500, "500 Query failed"));
    expect(await command({ command: "load" })).toEqual(
      textAnswer(500, "Failed to load the settings: the service is ending"),
    );
  });

  test("say that the file could not be written", async () => {
    const web = await startWebServer({ more: demo });
    const { put, command } = client(web, "v2");
    web.gateway.store.save = () => Promise.reject(new Error("the disk is full"));
    expect(await command({ command: "save" })).toEqual(
      textAnswer(500, "Failed to save the settings: the disk is full"),
    );
    expect(await put("/settings/demo?save=true", { key: "a", value: "2" })).toEqual(
      textAnswer(500, "Changed, but not saved: the disk is full"),
    );
  });
});

describe("grants for settings", () => {
  test("are one to read, one to write, one to remove, and one more to reload", async () => {
    const role = (grants: string) => ({ more: `${demo}[/settings/WEB/server/roles]\nnobody = ${grants}\n` });
    const web = await startWebServer();
    const send = (method: string, rest: string, body?: unknown) =>
      web.request({
        method,
        path: `/api/v2/settings${rest}`,
        as: "nobody",
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
    const good = { path: "/settings/demo", key: "a", value: "2" };
    const tries = async () => {
      const answers = await Promise.all([
        send("GET", "/settings/demo"),
        send("GET", "/descriptions"),
        send("GET", "/status"),
        send("GET", "/diff"),
        send("PUT", "", good),
        send("DELETE", "/settings/demo?key=a"),
        send("POST", "/command", { command: "load" }),
        send("POST", "/command", { command: "reload" }),
      ]);
      return answers.map(({ status }) => status).join(" ");
    };
    expect(await tries()).toBe("403 403 403 403 403 403 403 403");
    await web.reload(role("settings.get"));
    expect(await tries()).toBe("200 200 200 200 403 403 403 403");
    await web.reload(role("settings.put"));
    expect(await tries()).toBe("403 403 403 403 200 403 200 403");
    await web.reload(role("settings.delete"));
    expect(await tries()).toBe("403 403 403 403 403 200 403 403");
    expect(await send("DELETE", "/settings/demo?key=a&save=true")).toEqual(refused);
    await web.reload(role("settings.*:/settings/demo*"));
    expect(JSON.parse((await send("GET", "")).body).map(({ key }: { key: string }) => key)).toEqual([
      "c",
      "a",
      "b",
      "x",
    ]);
    expect(await send("PUT", "", { path: "/settings/core", key: "query timeout", value: "5s" })).toEqual(
      textAnswer(403, "Permission denied: user:nobody has no grant settings.put for /settings/core"),
    );
    expect(await send("DELETE", "/settings/core")).toEqual(
      textAnswer(403, "Permission denied: user:nobody has no grant settings.delete for /settings/core"),
    );
  });
});

describe("settings messages over HTTP", () => {
  const { Request } = PB.Settings.SettingsRequestMessage;
  const node = (path: string, key: string, value = "") => PB.Settings.Node.create({ path, key, value });
  const message = (...payload: PB.Settings.SettingsRequestMessage.Request[]) =>
    Buffer.from(SettingsRequestMessage.encode(SettingsRequestMessage.create({ payload })).finish());
  const query = Request.create({ id: 1, query: Request.Query.create({ node: node("/settings/default", "password") }) });
  const update = Request.create({ id: 2, update: Request.Update.create({ node: node("/settings/demo", "a", "2") }) });

  async function post(web: WebGateway, body: Buffer, as: "admin" | "legacy" | "client" | "nobody") {
    const answer = await web.send({ method: "POST", path: "/settings/query.pb", as, body });
    const chunks: Buffer[] = [];
    for await (const chunk of answer) chunks.push(chunk);
    return { status: answer.statusCode, type: answer.headers["content-type"], body: Buffer.concat(chunks) };
  }

  test("are answered as the rpc answers them", async () => {
    const web = await startWebServer({ more: demo });
    const { status, type, body } = await post(web, message(query, update), "admin");
    expect([status, type]).toEqual([200, "application/x-protobuf"]);
    const [first, second] = SettingsResponseMessage.decode(body).payload;
    expect([first?.query?.node?.value, second?.result?.code]).toEqual(["***", StatusCode.STATUS_OK]);
    expect(web.gateway.store.get("/settings/demo", "a")).toBe("2");
  });

  test("need the grant legacy and those of the settings", async () => {
    const web = await startWebServer({ more: demo });
    const text = "403 You're not allowed";
    for (const as of ["legacy", "client", "nobody"] as const) {
      const { status, body } = await post(web, message(query), as);
      expect([status, body.toString()]).toEqual([403, text]);
    }
    await web.reload({ more: `${demo}[/settings/WEB/server/roles]\nnobody = legacy, settings.get\n` });
    const { body } = await post(web, message(query, update), "nobody");
    const answers = SettingsResponseMessage.decode(body).payload;
    expect(answers.map(({ id, result }) => [Number(id), result?.message])).toEqual([
      [1, ""],
      [2, "Permission denied: user:nobody has no grant settings.put"],
    ]);
  });

  test("are refused when they can't be read", async () => {
    const web = await startWebServer({ more: demo });
    const { status, type, body } = await post(web, Buffer.from([0xff, 0xff]), "admin");
    expect([status, type]).toEqual([400, "text/plain"]);
    expect(body.toString()).toMatch(/^The message can't be decoded: /);
    expect((await web.request({ path: "/settings/query.pb", as: "admin" })).status).toBe(405);
  });
});
