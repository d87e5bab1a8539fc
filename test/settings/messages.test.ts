import Long from "long";
import { describe, expect, test } from "vitest";
import { coreSettings } from "../../src/settings/core-settings.js";
import { answerSettings, type SettingsControl } from "../../src/settings/messages.js";
import { registryOf } from "../../src/settings/registry.js";
import type { SettingsStore } from "../../src/settings/store.js";
import { PB } from "../../src/wire/messages.js";
import { sampleModules } from "./sample-schemas.js";
import { settingsFolder } from "./temporary-store.js";

type Payload = Record<string, unknown>;

const open = (ini: string) => {
  const files = settingsFolder({ "main.ini": ini });
  return files.open({ registry: registryOf(coreSettings, sampleModules) });
};

const control = (done: string[] = []): SettingsControl => ({
  save: async (context) => void done.push(`save ${context}`),
  load: async (context) => void done.push(`load ${context}`),
  reload: async () => void done.push("reload"),
  ownerOf: (id) => `script-${id}`,
});

/** Sends payloads over the wire form and gives the answers as plain objects. */
async function ask(store: SettingsStore, payload: Payload[], using = control()): Promise<unknown[]> {
  const message = PB.Settings.SettingsRequestMessage.fromObject({ payload });
  const answer = await answerSettings(message, store, using);
  const bytes = PB.Settings.SettingsResponseMessage.encode(answer).finish();
  const plain = PB.Settings.SettingsResponseMessage.toObject(PB.Settings.SettingsResponseMessage.decode(bytes), {
    longs: Number,
    enums: String,
  });
  return plain["payload"] as unknown[];
}

/** STATUS_OK takes no bytes. */
const ok = {};
const error = (message: string) => ({ code: "STATUS_ERROR", message });

describe("a settings message", () => {
  test("is answered payload by payload, with ids, and one failure does not stop the rest", async () => {
    const store = open("[/s]\nx = 1\n");
    expect(
      await ask(store, [
        { id: 7, query: { node: { path: "/s", key: "x" } } },
        { id: Long.fromString("9007199254740991") },
        { id: 2, status: {} },
      ]),
    ).toEqual([
      { id: 7, result: ok, query: { node: { path: "/s", key: "x", value: "1" } } },
      { id: 9007199254740991, result: error("Settings error: Invalid action") },
      { id: 2, result: ok, status: { context: store.context, type: "ini" } },
    ]);
  });

  test("reads keys, with a default and with secrets hidden on request", async () => {
    const store = open("[/settings/default]\npassword = x\n");
    const node = { path: "/settings/default/", key: "password" };
    const missing = { path: "/s", key: "none" };
    expect(
      await ask(store, [
        { query: { node } },
        { query: { node, redactSensitive: true } },
        { query: { node: missing, defaultValue: "d" } },
      ]),
    ).toEqual([
      { result: ok, query: { node: { ...node, value: "x" } } },
      { result: ok, query: { node: { ...node, value: "***" } } },
      { result: ok, query: { node: { ...missing, value: "d" } } },
    ]);
  });

  test("lists sections, or keys with those of the children first", async () => {
    const store = open("[/s]\nb=2\na=1\n[/s/c/d]\nx=3\n[/t]\n");
    const nodes = async (query: Payload) => {
      const [answer] = (await ask(store, [{ query }])) as [{ query: { nodes?: unknown[] } }];
      return answer.query.nodes;
    };
    expect(await nodes({ node: { path: "/" } })).toEqual([{ path: "/s" }, { path: "/t" }]);
    expect(await nodes({ recursive: true })).toEqual([
      { path: "/s" },
      { path: "/s/c" },
      { path: "/s/c/d" },
      { path: "/t" },
    ]);
    expect(await nodes({ node: { path: "/s/" }, includeKeys: true })).toEqual([
      { path: "/s", key: "a", value: "1" },
      { path: "/s", key: "b", value: "2" },
    ]);
    expect(await nodes({ node: { path: "/s" }, includeKeys: true, recursive: true })).toEqual([
      { path: "/s/c/d", key: "x", value: "3" },
      { path: "/s", key: "a", value: "1" },
      { path: "/s", key: "b", value: "2" },
    ]);
  });

  test("hides the password of a URL on request, and what is shown then changes nothing when it is written back", async () => {
    const written = "https://me:secret@nrdp.example/nrdp/";
    const shown = "https://me:***@nrdp.example/nrdp/";
    const store = open(`[/t]\naddress = ${written}\n`);
    const node = { path: "/t", key: "address" };
    const answers = await ask(store, [
      { query: { node, redactSensitive: true } },
      { update: { node: { ...node, value: shown } } },
      { query: { node } },
    ]);
    expect(answers).toEqual([
      { result: ok, query: { node: { ...node, value: shown } } },
      { result: ok, update: {} },
      { result: ok, query: { node: { ...node, value: written } } },
    ]);
  });

  test("sets a key, removes it with an empty value, and removes a section without a key", async () => {
    const store = open("[/s]\nx=1\ny=2\n[/s/below]\nz=3\n");
    const update = (node: Payload) => ({ update: { node } });
    const answers = await ask(store, [
      update({ path: "/s", key: "x", value: "10" }),
      update({ path: "/s", key: "y" }),
      update({ path: "/s/below" }),
      update({ path: "/settings/default", key: "password", value: "***" }),
      update({}),
      update({ path: "/s", value: "v" }),
      update({ path: "/s", key: "a=b", value: "v" }),
    ]);
    expect(answers).toEqual([
      { result: ok, update: {} },
      { result: ok, update: {} },
      { result: ok, update: {} },
      { result: ok, update: {} },
      { result: error("Settings error: There is no key to update in the root") },
      { result: error("Settings error: There is no key to update in /s") },
      { result: error('Settings error: "a=b" can\'t be the name of a settings key') },
    ]);
    expect([store.get("/s", "x"), store.has("/s", "y"), store.hasSection("/s/below")]).toEqual(["10", false, false]);
    expect(store.has("/settings/default", "password")).toBe(false);
    expect(await ask(store, [{ status: {} }])).toEqual([
      { result: ok, status: { context: store.context, type: "ini", hasChanged: true } },
    ]);
  });

  test("lists what is not saved, with secrets hidden", async () => {
    const store = open("[/s]\nx=1\ngone=1\n[/s/below]\ny=1\n[/settings/default]\npassword=old\n");
    store.set("/s", "x", "2");
    store.set("/s", "new", "3");
    store.deleteKey("/s", "gone");
    store.deletePath("/s/below");
    store.set("/settings/default", "password", "new");
    const entries = async (diff: Payload) => {
      const [answer] = (await ask(store, [{ diff }])) as [{ diff: { entries?: unknown[] } }];
      return answer.diff.entries;
    };
    const own = [
      { path: "/s", key: "gone", oldValue: "1", changeType: "REMOVED" },
      { path: "/s", key: "new", newValue: "3", changeType: "ADDED" },
      { path: "/s", key: "x", oldValue: "1", newValue: "2" },
    ];
    const below = [
      { path: "/s/below", changeType: "PATH_REMOVED" },
      { path: "/s/below", key: "y", oldValue: "1", changeType: "REMOVED" },
    ];
    const secret = { path: "/settings/default", key: "password", oldValue: "***", newValue: "***", isSensitive: true };
    expect(await entries({ node: { path: "/s" } })).toEqual(own);
    expect(await entries({ node: { path: "/s" }, recursive: true })).toEqual([...own, ...below]);
    expect(await entries({})).toEqual([...own, ...below, secret]);
  });

  test("saves, loads and reloads through the gateway", async () => {
    const done: string[] = [];
    const store = open("");
    const answers = await ask(
      store,
      [
        { control: { command: "SAVE" } },
        { control: { command: "LOAD", context: "other.ini" } },
        { control: { command: "RELOAD" } },
        { control: { command: "DUMMY" } },
      ],
      control(done),
    );
    expect(answers).toEqual([
      { result: ok, control: {} },
      { result: ok, control: {} },
      { result: ok, control: {} },
      { result: error("Settings error: Unknown command") },
    ]);
    expect(done).toEqual(["save undefined", "load other.ini", "reload"]);
  });
});

describe("an inventory", () => {
  const items = async (store: SettingsStore, inventory: Payload) => {
    const [answer] = (await ask(store, [{ inventory }])) as [{ inventory?: unknown[]; result: unknown }];
    return answer.inventory ?? answer.result;
  };

  test("has what scripts registered, and the first registration of a key stays", async () => {
    const store = open("[/settings/my]\nx = 1\nfree = 2\n[/settings/my/sub]\n");
    await ask(store, [
      { pluginId: 1, registration: { node: { path: "/settings/my" }, info: { title: "My", description: "Mine" } } },
      {
        pluginId: 1,
        registration: {
          node: { path: "/settings/my", key: "x" },
          info: { title: "X", description: "Ex", type: "string", defaultValue: "5", isSensitive: true },
        },
      },
      { pluginId: 2, registration: { node: { path: "/settings/my", key: "x" }, info: { title: "Other" } } },
      { pluginId: 2, registration: { node: { path: "/settings/my/obj" }, info: { title: "O", subkey: true } } },
      { pluginId: 2, registration: { node: { path: "/settings/my" }, info: { title: "F" }, fields: '{"a":1}' } },
    ]);
    const x = {
      node: { path: "/settings/my", key: "x", value: "***" },
      info: {
        ...{ title: "X", description: "Ex", type: "string", defaultValue: "5", isSensitive: true },
        plugin: ["script-1", "script-2"],
      },
    };
    const free = { node: { path: "/settings/my", key: "free", value: "2" }, info: { advanced: true } };
    const node = { path: "/settings/my" };
    expect(await items(store, { node, fetchKeys: true, redactSensitive: true })).toEqual([x, free]);
    expect(await items(store, { node, fetchKeys: true, redactSensitive: true, plugin: "script-2" })).toEqual([x]);
    expect(await items(store, { node: { ...node, key: "x" }, redactSensitive: true })).toEqual([x]);
    expect(await items(store, { node, fetchPaths: true, fetchTemplates: true, recursiveFetch: true })).toEqual([
      { node: { path: "/settings/my/obj" }, info: { title: "O", type: "folder", subkey: true, plugin: ["script-2"] } },
      { node: { path: "/settings/my/sub" }, info: { type: "folder" } },
      { node, info: { title: "My", description: "Mine", type: "folder", plugin: ["script-1"] } },
      {
        node: { path: "/settings/my", value: '{"a":1}' },
        info: { title: "F", type: "template", isTemplate: true, plugin: ["script-2"] },
      },
    ]);
  });

  test("has the defaults of what a module declared, and the keys of its objects", async () => {
    const store = open("[/settings/Sample/server/targets/t]\nretries = 5\n");
    expect(await items(store, { node: { path: "/settings/Sample/server", key: "port" } })).toEqual([
      {
        node: { path: "/settings/Sample/server", key: "port", value: "8443" },
        info: { title: "Port", description: "The port", type: "int", defaultValue: "8443", plugin: ["SampleServer"] },
      },
    ]);
    const keys = (await items(store, {
      node: { path: "/settings/Sample/server/targets/t" },
      fetchKeys: true,
    })) as { node: { key: string; value?: string } }[];
    expect(keys.map(({ node }) => [node.key, node.value])).toEqual([
      ["parent", "default"],
      ["is template", "false"],
      ["alias", undefined],
      ["address", undefined],
      ["timeout", "30s"],
      ["retries", "5"],
      ["password", undefined],
    ]);
  });

  test("of a section that nobody knows is an error", async () => {
    expect(await items(open(""), { node: { path: "/nowhere" }, fetchKeys: true })).toEqual(
      error("Settings error: Key not found: /nowhere"),
    );
  });

  test("forgets what an owner described when the owner goes", async () => {
    const store = open("");
    await ask(store, [{ pluginId: 1, registration: { node: { path: "/settings/my" }, info: { title: "My" } } }]);
    store.registry.removeOwner("script-1");
    expect(await items(store, { node: { path: "/settings/my" }, fetchPaths: true })).toEqual(
      error("Settings error: Key not found: /settings/my"),
    );
  });
});
