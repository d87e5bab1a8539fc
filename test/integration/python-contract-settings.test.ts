/** What scripts are promised about Settings: reading, writing, saving, documenting, and messages. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { PB } from "../../dist/wire/messages.js";
import { needPeer, pythonProtobuf } from "../peers/peers.js";
import { packageRoot } from "../support/gateway-process.js";
import { PythonGateway } from "../support/python-gateway.js";

let gateway: PythonGateway | undefined;

/** A gateway with a script whose `init` goes on with the lines, and whose command `later` has others. */
async function start(lines: string, { settings = "", later = "    pass" } = {}): Promise<PythonGateway> {
  const script = `
from NSCP import Registry, Settings, log

def init(plugin_id, plugin_alias, script_alias):
    global config
    config = Settings.get(plugin_id)
    Registry.get(plugin_id).simple_cmdline("later", later)
${lines}

def later(args):
${later}
    return (0, "done")
`;
  gateway = await PythonGateway.start({ settings, scripts: { "script.py": script } });
  return gateway;
}

afterEach(async () => {
  await gateway?.stop();
  gateway = undefined;
});

const several = "[/modules]\nPythonScript = enabled\nCheckHelpers = enabled\nGRPCClient = disabled\n";

describe("Settings.get", () => {
  it("gives what reads the settings of the gateway", async () => {
    const started = await start(`    log(config.get_string("/modules", "PythonScript", "disabled"))`);
    expect(started.said()).toEqual(["enabled"]);
  });
});

describe("Settings.get_section", () => {
  it("has the keys of a section", async () => {
    const lines = `    for key in config.get_section("/modules"):
        log("Module: %s" % key)
    log(config.get_section("/nowhere"))`;
    const started = await start(lines, { settings: several });
    expect(started.said()).toEqual(["Module: CheckHelpers", "Module: GRPCClient", "Module: PythonScript", "[]"]);
  });
});

describe("Settings.get_string and Settings.set_string", () => {
  it("read a text, or the default", async () => {
    const lines = `    for key in config.get_section("/modules"):
        value = config.get_string("/modules", key, "unknown")
        log("The module %s is %s" % (key, value))
    log(config.get_string("/modules", "NodeScript", "not there"))`;
    const started = await start(lines, { settings: several });
    expect(started.said()).toEqual([
      "The module CheckHelpers is enabled",
      "The module GRPCClient is disabled",
      "The module PythonScript is enabled",
      "not there",
    ]);
  });

  it("write what everybody reads at once, and what is in the file when it is saved", async () => {
    const lines = `    config.set_string("/modules", "CheckHelpers", "enabled")
    log(config.get_string("/modules", "CheckHelpers", "not there"))`;
    const started = await start(lines, { later: "    config.save()" });
    expect(started.said()).toEqual(["enabled"]);
    expect(started.settings).not.toContain("CheckHelpers");
    await started.execute("later");
    expect(started.settings).toContain("CheckHelpers = enabled\n");
  });
});

describe("Settings.get_bool and Settings.set_bool", () => {
  it("read and write yes and no", async () => {
    const settings = "[/a]\nword = yes\nnumber = 1\noff = false\nother = perhaps\n";
    const lines = `    log([config.get_bool("/a", key, False) for key in ("word", "number", "off", "other", "missing")])
    log(config.get_bool("/a", "missing", True))
    config.set_bool("/modules", "CheckHelpers", True)
    config.set_bool("/a", "off", False)
    log([config.get_bool("/modules", "CheckHelpers", False), config.get_string("/a", "off", "")])
    config.save()`;
    const started = await start(lines, { settings });
    expect(started.said()).toEqual(["[True, True, False, False, False]", "True", "[True, 'false']"]);
    expect(started.settings).toContain("CheckHelpers = true\n");
  });
});

describe("Settings.get_int and Settings.set_int", () => {
  it("read and write whole numbers", async () => {
    const settings = "[/settings/GRPC/server]\nport = 8444\n[/a]\nword = many\n";
    const lines = `    port = config.get_int("/settings/GRPC/server", "port", -1)
    log("The port is: %d" % port)
    log("%d %d" % (config.get_int("/a", "missing", -1), config.get_int("/a", "word", 7)))
    config.set_int("/settings/GRPC/server", "port", 1234)
    log("The port is: %d" % config.get_int("/settings/GRPC/server", "port", -1))
    config.save()`;
    const started = await start(lines, { settings });
    expect(started.said()).toEqual(["The port is: 8444", "-1 7", "The port is: 1234"]);
    expect(started.settings).toContain("port = 1234\n");
  });
});

describe("Settings.register_path and Settings.register_key", () => {
  it("document sections and keys for those who list the settings, and the file when it is saved", async () => {
    const lines = `    config.register_path("/settings/shop", "Shop", "What the shop sells")
    config.register_key("/settings/shop", "limit", "int", "Limit", "So many at a time", "12")
    log(config.get_string("/settings/shop", "limit", "the default is only told"))
    config.set_string("/settings/shop", "limit", "7")
    config.save()`;
    const started = await start(lines);
    expect(started.said()).toEqual(["the default is only told"]);
    expect(started.settings).toContain("; Shop - What the shop sells\n[/settings/shop]\n");
    expect(started.settings).toContain("; Limit - So many at a time\nlimit = 7\n");
    const inventory = { node: { path: "/settings/shop" }, recursiveFetch: true, fetchKeys: true };
    const message = PB.Settings.SettingsRequestMessage.fromObject({ payload: [{ inventory }] });
    const { payload } = await started.gateway.settingsQuery(message, started.call());
    const documented = payload[0]?.inventory.map(({ node, info }) => [
      ...[node?.key, info?.title, info?.description, info?.defaultValue, info?.type],
    ]);
    expect(documented).toEqual([["limit", "Limit", "So many at a time", "12", "string"]]);
  });
});

describe("Settings.query", () => {
  it("reads a section, and removes a key, by message; the classes are in plugin_pb2", async (context) => {
    needPeer(pythonProtobuf, context);
    const lines = `    import plugin_pb2
    request_message = plugin_pb2.SettingsRequestMessage()
    query = request_message.payload.add().query
    query.node.path = "/shop"
    query.include_keys = True
    (ret, response) = config.query(request_message.SerializeToString())
    response_message = plugin_pb2.SettingsResponseMessage()
    response_message.ParseFromString(response)
    log("%d %s" % (ret, [(n.key, n.value) for n in response_message.payload[0].query.nodes]))
    request_message = plugin_pb2.SettingsRequestMessage()
    request_message.payload.add().update.node.path = "/shop"
    request_message.payload[0].update.node.key = "limit"
    (ret, response) = config.query(request_message.SerializeToString())
    log("%d %s" % (ret, config.get_section("/shop")))`;
    const started = await start(lines, { settings: "[/shop]\nlimit = 7\nname = corner\n" });
    expect(started.said()).toEqual(["1 [('limit', '7'), ('name', 'corner')]", "1 ['name']"]);
  });
});

it("every function of the module NSCP has been under test here", () => {
  const stub = readFileSync(join(packageRoot, "src/modules/python-script/host/NSCP.pyi"), "utf8");
  const names = [...stub.matchAll(/(?<!@property\n)^ {4}def ([a-z]\w*)\(/gm)].map(([, name = ""]) => name);
  const tests = ["core", "registry", "settings"].map((part) =>
    readFileSync(join(packageRoot, `test/integration/python-contract-${part}.test.ts`), "utf8"),
  );
  const untested = [...new Set(names)].filter((name) => !tests.some((text) => text.includes(`.${name}(`)));
  // `create` is another name for `get`.
  expect(untested).toEqual(["create"]);
});
