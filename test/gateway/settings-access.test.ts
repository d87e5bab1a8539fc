import { describe, expect, it } from "vitest";
import { SettingsAccess } from "../../src/gateway/settings-access.js";
import type { AuditEvent } from "../../src/security/audit.js";
import type { Security } from "../../src/security/security.js";
import { type Init, PB, SettingsRequestMessage, StatusCode } from "../../src/wire/messages.js";
import { settingsFolder } from "../settings/temporary-store.js";
import { incoming, poller } from "../support/kernel.js";

type Request = Init<PB.Settings.SettingsRequestMessage.Request>;
const { SAVE, LOAD, RELOAD } = PB.Settings.Command;

const ini = `[/modules]
CheckHelpers = enabled
[/settings/open]
limit = 5
password = s3cret
[/settings/open/deep]
limit = 6
[/settings/other]
limit = 7
[/settings/external scripts/scripts]
check = check.sh
`;

function access(...grants: string[]) {
  const files = settingsFolder({ "main.ini": ini });
  const store = files.open();
  const done: string[] = [];
  const audited: AuditEvent[] = [];
  const control = {
    save: async (context?: string) => void done.push(`save ${context ?? ""}`),
    load: async (context?: string) => void done.push(`load ${context ?? ""}`),
    reload: async () => void done.push("reload"),
    ownerOf: () => "script",
  };
  const security = { audit: { record: (event: AuditEvent) => audited.push(event), keeps: () => true } };
  const settings = new SettingsAccess(store, control, security as unknown as Security);
  /** What comes back for each payload: what was read, or why not. */
  const ask = async (...payload: Request[]) => {
    const message = SettingsRequestMessage.fromObject({ payload });
    const answer = await settings.run(message, incoming({ principal: poller(...grants) }));
    return answer.payload.map(({ result, query, inventory, diff }) => {
      if (result?.code !== StatusCode.STATUS_OK) return result?.message;
      const nodes = query?.nodes.length ? query.nodes : query?.node ? [query.node] : inventory.map(({ node }) => node);
      const read = nodes.map((node) => `${node?.path}${node?.key ? `.${node.key}=${node.value}` : ""}`);
      return [...read, ...(diff?.entries ?? []).map(({ path, key }) => `${path}.${key}`)].join(" ");
    });
  };
  return { ask, store, done, audited };
}

function update(path: string, key: string, value: string): Request {
  return { update: { node: { path, key, value } } };
}

const everything: Request = { query: { node: { path: "/" }, recursive: true, includeKeys: true } };

describe("settings that are read over a network", () => {
  it("are those of the sections that the grant names", async () => {
    const { ask } = access("settings.get:/settings/open");
    const inventory = { node: { path: "/settings" }, recursiveFetch: true, fetchKeys: true, fetchPaths: true };
    expect(
      await ask(
        everything,
        { inventory },
        { query: { node: { path: "/Settings/OPEN/", key: "limit" } } },
        { query: { node: { path: "/settings/other", key: "limit" } } },
        { inventory: { node: { path: "/settings/other", key: "limit" } } },
        { query: { node: { path: "/settings/open/deep", key: "limit" } } },
      ),
    ).toEqual([
      "/settings/open.limit=5 /settings/open.password=***",
      "/settings/open.limit=5 /settings/open.password=*** /settings/open",
      "/Settings/OPEN/.limit=5",
      "Permission denied: poller has no grant settings.get for /settings/other",
      "Permission denied: poller has no grant settings.get for /settings/other",
      "Permission denied: poller has no grant settings.get for /settings/open/deep",
    ]);
  });

  it("are all of them where the grant names none, without the secrets", async () => {
    const { ask } = access("settings.get");
    expect(await ask(everything)).toEqual([
      "/modules.CheckHelpers=enabled /settings/external scripts/scripts.check=check.sh /settings/open/deep.limit=6 /settings/open.limit=5 /settings/open.password=*** /settings/other.limit=7",
    ]);
  });

  it("are changes in those sections only", async () => {
    const { ask, store } = access("settings.get:/settings/open*");
    store.set("/settings/open", "limit", "8");
    store.set("/settings/other", "limit", "8");
    expect(await ask({ diff: { node: { path: "/" }, recursive: true } })).toEqual(["/settings/open.limit"]);
  });
});

describe("settings that are written over a network", () => {
  it("are those of the sections that the grant names, and of no closed one", async () => {
    const { ask, store, audited } = access("settings.put:/settings/open*", "settings.delete:/settings/open");
    expect(
      await ask(
        update("/settings/open", "limit", "9"),
        update("/settings/open/deep", "limit", ""),
        update("/settings/other", "limit", "9"),
        update("/settings/open/../../modules", "NodeScript", "enabled"),
        update("/settings/open scripts", "evil", "rm"),
        update("/settings/open", "limit", "9\n[/modules]\nNodeScript = enabled"),
        update("/settings/open", "a]\n[/modules", "1"),
        update("", "", ""),
      ),
    ).toEqual([
      "",
      "Permission denied: poller has no grant settings.delete for /settings/open/deep",
      "Permission denied: poller has no grant settings.put for /settings/other",
      'Permission denied: only plain sections below /settings can be written over a network, not "/settings/open/../../modules"',
      "Permission denied: /settings/open scripts.evil decides what is executed or who may do what; it can't be written over a network",
      "Settings error: The value of /settings/open.limit has a line break, which an ini file can't hold",
      `Permission denied: only keys with plain names can be written over a network, not ${JSON.stringify("a]\n[/modules")}`,
      "Permission denied: poller has no grant settings.delete for the root",
    ]);
    expect(store.diff().map(({ path, key, newValue }) => `${path}.${key} = ${newValue}`)).toEqual([
      "/settings/open.limit = 9",
    ]);
    expect(audited.map(({ outcome, action, objects }) => `${outcome} ${action} ${objects}`)).toEqual([
      "denied settings.delete /settings/open/deep/limit",
      "denied settings.put /settings/other/limit",
      "denied settings.put /settings/open/../../modules/NodeScript",
      "denied settings.put /settings/open scripts/evil",
      "denied settings.put /settings/open/a]\n[/modules",
      "denied settings.delete ",
    ]);
  });

  it.each([
    ["/modules", "NodeScript"],
    ["/MODULES/", "NodeScript"],
    ["modules", "NodeScript"],
    ["/includes", "more"],
    ["/settings/node/scripts", "evil"],
    ["//settings//NODE//Scripts", "evil"],
    ["/settings/external scripts/wrappings", "sh"],
    ["/settings/external scripts/alias", "evil"],
    ["/settings/check helpers/alias", "evil"],
    ["/settings/scheduler/schedules/evil", "interval"],
    ["/settings/python", "interpreter"],
    ["/paths", "scripts"],
    ["/settings/log", "file name"],
    ["/settings/GRPC/other", "control socket"],
    ["/settings/GRPC/other", "allowed hosts"],
    ["/settings/security/roles", "poller"],
    ["/settings/open\u0000/x", "limit"],
    ["/settings/open\n[/modules]", "limit"],
  ])("are never %s %s, whoever writes", async (path, key) => {
    const { ask, store } = access("*");
    expect((await ask(update(path, key, "1")))[0]).toMatch(/^Permission denied: /);
    expect((await ask(update(path, "", "")))[0]).toMatch(/^Permission denied: /);
    expect(store.hasChanged).toBe(false);
  });

  it("are saved by who may write all that has changed, and dropped by who may write everything", async () => {
    const { ask, store, done } = access("settings.put:/settings/open", "admin.reload");
    const control = (command: PB.Settings.Command, context = ""): Request => ({ control: { command, context } });
    store.set("/settings/open", "limit", "8");
    expect(await ask(control(SAVE))).toEqual([""]);
    store.set("/settings/other", "limit", "8");
    expect(await ask(control(SAVE), control(LOAD), control(SAVE, "ini:///tmp/x.ini"), control(RELOAD))).toEqual([
      "Permission denied: poller has no grant settings.put for /settings/other",
      "Permission denied: poller has no grant settings.put for all sections",
      "Permission denied: poller has no grant settings.put for all sections",
      "",
    ]);
    expect(done).toEqual(["save ", "reload"]);
    const admin = access("*");
    expect(await admin.ask(control(LOAD), control(LOAD, "ini:///etc/passwd"))).toEqual([
      "",
      "Permission denied: other stores can't be read or written over a network",
    ]);
  });

  it("need a grant at all", async () => {
    await expect(access("queries.execute").ask(everything)).rejects.toThrow("poller is not allowed to use settings.");
    expect(await access("settings.get").ask(update("/settings/open", "limit", "1"), { registration: {} })).toEqual([
      "Permission denied: poller has no grant settings.put",
      "Permission denied: poller has no grant settings.put",
    ]);
  });
});
