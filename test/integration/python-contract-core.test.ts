/** What scripts are promised about Core: asking the gateway that they run in, and changing what is loaded. */
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { needPeer, pythonProtobuf } from "../peers/peers.js";
import { PythonGateway } from "../support/python-gateway.js";

let gateway: PythonGateway | undefined;

/** A gateway with helpers for checks and the script; whatever else the settings say. */
async function start(script: string, more = "CheckHelpers = enabled\n"): Promise<PythonGateway> {
  gateway = await PythonGateway.start({
    settings: `[/modules]\nPythonScript = enabled\n${more}`,
    scripts: { "script.py": script },
  });
  return gateway;
}

afterEach(async () => {
  await gateway?.stop();
  gateway = undefined;
});

describe("Core.simple_query", () => {
  it("runs a check of a module that was loaded before: state, message and performance data", async () => {
    const { log } = await start(`
from NSCP import Core, log

def init(plugin_id, plugin_alias, script_alias):
    core = Core.get(plugin_id)
    (code, message, perf) = core.simple_query("check_warning", ["message=so so"])
    log("%s|%s|%s" % (code, message, perf))
    (code, message, perf) = core.simple_query("check_nothing", [])
    log("%s|%s|%s" % (code, message, perf))
`);
    expect(log.filter((line) => /^L +python/.test(line))).toEqual([
      "L     python WARNING|so so|",
      "L     python UNKNOWN|Unknown command(s): check_nothing|",
    ]);
  });

  it("runs a check of the same script", async () => {
    const started = await start(`
from NSCP import Core, Registry, log, status

def init(plugin_id, plugin_alias, script_alias):
    Registry.get(plugin_id).simple_function("check_own", lambda args: (status.OK, args[0], "'a'=1;2;3"), "Own")
    (code, message, perf) = Core.get(plugin_id).simple_query("check_own", ["key=value"])
    log("%s|%s|%s" % (code, message, perf))
`);
    expect(started.said()).toEqual(["OK|key=value|'a'=1;2;3"]);
  });
});

describe("Core.query", () => {
  it("takes and gives messages; the first value says that it worked", async (context) => {
    needPeer(pythonProtobuf, context);
    const started = await start(`
from NSCP import Core, log
import plugin_pb2

def init(plugin_id, plugin_alias, script_alias):
    request_message = plugin_pb2.QueryRequestMessage()
    payload = request_message.payload.add()
    payload.command = "check_critical"
    payload.arguments.append("message=help me")
    core = Core.get(plugin_id)
    (ret, response) = core.query("check_critical", request_message.SerializeToString())
    response_message = plugin_pb2.QueryResponseMessage()
    response_message.ParseFromString(response)
    log("%d %s %d %s" % (ret, type(response).__name__, response_message.payload[0].result, response_message.payload[0].lines[0].message))
`);
    expect(started.said()).toEqual(["1 bytes 2 help me"]);
  });
});

const commands = `
from NSCP import Core, Registry, log

def init(plugin_id, plugin_alias, script_alias):
    Registry.get(plugin_id).simple_cmdline("add_up", lambda args: (1, str(sum(map(int, args)))))
    core = Core.get(plugin_id)
`;

describe("Core.simple_exec", () => {
  it("runs a command here, and gives the texts as a list", async () => {
    const started = await start(`${commands}
    for target in ("", "local"):
        (code, results) = core.simple_exec(target, "add_up", ["1", "2", "3"])
        log("%d %s" % (code, results))
`);
    expect(started.said()).toEqual(["1 ['6']", "1 ['6']"]);
  });
});

describe("Core.exec", () => {
  it("takes and gives messages", async (context) => {
    needPeer(pythonProtobuf, context);
    const started = await start(`${commands}
    import plugin_pb2
    request = plugin_pb2.ExecuteRequestMessage()
    payload = request.payload.add()
    payload.command = "add_up"
    payload.arguments.extend(["4", "5"])
    (code, response) = core.exec("local", request.SerializeToString())
    message = plugin_pb2.ExecuteResponseMessage()
    message.ParseFromString(response)
    log("%d %d %s" % (code, message.payload[0].result, message.payload[0].message))
`);
    expect(started.said()).toEqual(["1 1 9"]);
  });
});

const listener = `
from NSCP import Core, Registry, log, status

def hear(channel, source, command, code, message, perf):
    log("%s: %s is %s, %s (%s)" % (channel, command, code, message, perf))
    return True

def init(plugin_id, plugin_alias, script_alias):
    Registry.get(plugin_id).simple_subscription("results", hear)
    core = Core.get(plugin_id)
`;

describe("Core.simple_submit", () => {
  it("submits a result, its message as text or as bytes, with each state", async () => {
    const started = await start(`${listener}
    log("%s %r" % core.simple_submit("results", "disk", status.OK, "grün".encode("utf-8"), ""))
    core.simple_submit("results", "disk", status.WARNING, "yellow", "'a'=1")
    core.simple_submit("results", "disk", status.CRITICAL, "red", "")
    core.simple_submit("results", "disk", status.UNKNOWN, "grey", "")
    log("%s %s" % core.simple_submit("nobody", "disk", status.OK, "lost", ""))
`);
    expect(started.said()).toEqual([
      "results: disk is OK, grün ()",
      "True ''",
      "results: disk is WARNING, yellow ('a'=1)",
      "results: disk is CRITICAL, red ()",
      "results: disk is UNKNOWN, grey ()",
      "False Failed to submit message: nobody",
    ]);
  });
});

describe("Core.submit", () => {
  it("takes a message", async (context) => {
    needPeer(pythonProtobuf, context);
    const started = await start(`${listener}
    import plugin_pb2
    request = plugin_pb2.SubmitRequestMessage()
    request.channel = "results"
    payload = request.payload.add()
    payload.command = "disk"
    payload.result = plugin_pb2.CRITICAL
    payload.lines.add().message = "full"
    log("%s %r" % core.submit("results", request.SerializeToString()))
    log("%s %s" % core.submit("nobody", request.SerializeToString()))
`);
    expect(started.said()).toEqual([
      "results: disk is CRITICAL, full ()",
      "True ''",
      "False Failed to submit message: nobody",
    ]);
  });
});

describe("Core.reload, Core.load_module and Core.unload_module", () => {
  it("load a module into the running gateway, and take it out again by name", async () => {
    const started = await start(
      `
from NSCP import Core, log

def init(plugin_id, plugin_alias, script_alias):
    core = Core.get(plugin_id)
    log(core.simple_query("check_ok", [])[0])
    log(core.load_module("CheckHelpers", ""))
    log(core.simple_query("check_ok", [])[0])
    log(core.unload_module("CheckHelpers"))
    log(core.simple_query("check_ok", [])[0])
    log(core.load_module("NoSuchModule", ""))
    log(core.unload_module("CheckHelpers"))
`,
      "",
    );
    expect(started.said()).toEqual(["UNKNOWN", "True", "OK", "True", "UNKNOWN", "False", "False"]);
  });

  it("load one module under several names, and take one of them out by its name", async () => {
    const started = await start(
      `
from NSCP import Core, log

def init(plugin_id, plugin_alias, script_alias):
    core = Core.get(plugin_id)
    log(core.load_module("PythonScript", "second"))
    log(core.load_module("PythonScript", "third"))
    log(core.unload_module("second"))
    log(core.reload("third"))
    log(core.reload("second"))
`,
      "",
    );
    expect(started.said()).toEqual(["True", "True", "True", "True", "False"]);
    expect(started.gateway.modules().map(({ alias }) => alias)).toEqual(["python", "third"]);
  });

  it("reload a module by its name, which then reads its settings again", async () => {
    const started = await start(`
from NSCP import Core, Settings, log

def init(plugin_id, plugin_alias, script_alias):
    core = Core.get(plugin_id)
    Settings.get(plugin_id).set_string("/settings/check helpers/alias", "check_new", "check_ok message=there")
    log(core.simple_query("check_new", [])[1])
    log(core.reload("CheckHelpers"))
    log(core.simple_query("check_new", [])[1])
`);
    expect(started.said()).toEqual(["Unknown command(s): check_new", "True", "there"]);
  });

  it("reload everything, oneself as well, once the callback is done", async () => {
    const started = await start(`
from NSCP import Core, Registry, log, status

def init(plugin_id, plugin_alias, script_alias):
    log("init")
    core = Core.get(plugin_id)
    Registry.get(plugin_id).simple_function("check_again", lambda args: (status.OK, str(core.reload("service"))), "Reloads")

def shutdown():
    log("shutdown")
`);
    expect(await started.query("check_again")).toEqual([0, "True", ""]);
    await started.waitForLines(3);
    expect(started.said()).toEqual(["init", "shutdown", "init"]);
  });
});

describe("Core.expand_path", () => {
  it("knows the folders of the gateway", async () => {
    const started = await start(`
from NSCP import Core, log

def init(plugin_id, plugin_alias, script_alias):
    core = Core.get(plugin_id)
    path = core.expand_path("\${scripts}/python/greeter.py")
    log("The script path is: %s" % path)
    log(core.expand_path("\${base-path}").startswith("/"))
    log(core.expand_path("\${module-path}").startswith("/"))
`);
    expect(started.said()).toEqual([
      `The script path is: ${join(started.folder, "scripts", "python", "greeter.py")}`,
      "True",
      "True",
    ]);
  });
});
