/** What scripts are promised about Registry: each way in, with what comes in and what becomes of what goes out. */
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { StatusCode } from "../../dist/wire/messages.js";
import { needPeer, pythonProtobuf } from "../peers/peers.js";
import { packageRoot, run } from "../support/gateway-process.js";
import { PythonGateway } from "../support/python-gateway.js";

let gateway: PythonGateway | undefined;

async function start(scripts: string | Readonly<Record<string, string>>, settings?: string): Promise<PythonGateway> {
  gateway = await PythonGateway.start({
    scripts: typeof scripts === "string" ? { "script.py": scripts } : scripts,
    ...(settings === undefined ? {} : { settings }),
  });
  return gateway;
}

afterEach(async () => {
  await gateway?.stop();
  gateway = undefined;
});

describe("Registry.function", () => {
  it("takes the name and the request as a message, and the answer is the message that comes back", async (context) => {
    needPeer(pythonProtobuf, context);
    const started = await start(`
from NSCP import log, Registry, status
import plugin_pb2

def answer(command, request):
    request_message = plugin_pb2.QueryRequestMessage()
    request_message.ParseFromString(request)
    log("Got %s with %s" % (request_message.payload[0].command, list(request_message.payload[0].arguments)))
    response_message = plugin_pb2.QueryResponseMessage()
    payload = response_message.payload.add()
    payload.command = command
    payload.result = status.CRITICAL
    payload.lines.add().message = "from a message"
    return (status.OK, response_message.SerializeToString())

def init(plugin_id, plugin_alias, script_alias):
    reg = Registry.get(plugin_id)
    reg.function("check_message", answer, "Answers with a message")
`);
    expect(await started.query("check_message", "a", "b")).toEqual([2, "from a message", ""]);
    expect(started.said()).toEqual(["Got check_message with ['a', 'b']"]);
    expect(await started.query("check_message", "help")).toEqual([0, "Answers with a message", ""]);
  });

  it("a message without a payload is no answer", async (context) => {
    needPeer(pythonProtobuf, context);
    const started = await start(`
from NSCP import log, Registry, status
import plugin_pb2

def answer(command, request):
    request_message = plugin_pb2.QueryRequestMessage()
    request_message.ParseFromString(request)
    log("Got command: %s" % request_message.payload[0].command)
    response_message = plugin_pb2.QueryResponseMessage()
    return (status.OK, response_message.SerializeToString())

def init(plugin_id, plugin_alias, script_alias):
    Registry.get(plugin_id).function("check_empty", answer, "Answers nothing")
`);
    expect(await started.query("check_empty")).toEqual([3, "Invalid response: check_empty", ""]);
    expect(started.said()).toEqual(["Got command: check_empty"]);
  });
});

describe("Registry.simple_function", () => {
  const counts = `
from NSCP import log, Registry, status

def answer(args):
    log("Got arguments: %s" % args)
    return (status.WARNING, "There are %d" % len(args), "'count'=%d;2;6" % len(args))

def init(plugin_id, plugin_alias, script_alias):
    reg = Registry.get(plugin_id)
    reg.simple_function("check_count", answer, "Counts")
`;

  it("takes the arguments as a list, and the three values are the answer", async () => {
    const started = await start(counts);
    expect(await started.query("check_count", "x=1", "", "ö")).toEqual([1, "There are 3", "'count'=3;2;6"]);
    expect(started.said()).toEqual(["Got arguments: ['x=1', '', 'ö']"]);
  });

  it("has a description, which answers when it is asked for help", async () => {
    const started = await start(counts);
    expect(await started.query("check_count", "help")).toEqual([0, "Counts", ""]);
    expect(started.said()).toEqual([]);
    expect(started.gateway.registry.listQueries().map(({ name, options }) => [name, options.description])).toEqual([
      ["check_count", "Counts"],
    ]);
  });

  it("is asked for help itself when it has no description", async () => {
    const started = await start(counts.replace('"Counts"', '""'));
    expect(await started.query("check_count", "help")).toEqual([1, "There are 1", "'count'=1;2;6"]);
    expect(started.said()).toEqual(["Got arguments: ['help']"]);
  });
});

describe("Registry.cmdline", () => {
  it("takes and gives messages", async (context) => {
    needPeer(pythonProtobuf, context);
    const started = await start(`
from NSCP import log, Registry, status
import plugin_pb2

def run(command, request):
    request_message = plugin_pb2.ExecuteRequestMessage()
    request_message.ParseFromString(request)
    log("Got command: %s" % request_message.payload[0].command)
    response_message = plugin_pb2.ExecuteResponseMessage()
    payload = response_message.payload.add()
    payload.command = command
    payload.message = "did %s" % request_message.payload[0].arguments[0]
    return (0, response_message.SerializeToString())

def init(plugin_id, plugin_alias, script_alias):
    reg = Registry.get(plugin_id)
    reg.cmdline("do_it", run)
`);
    expect(await started.execute("do_it", "this")).toEqual([[0, "did this"]]);
    expect(started.said()).toEqual(["Got command: do_it"]);
  });
});

describe("Registry.simple_cmdline", () => {
  it("takes a list and gives a code and a text", async () => {
    const started = await start(`
from NSCP import log, Registry

def run(args):
    log("Got arguments: %s" % args)
    return (1, "All is well, or nearly")

def init(plugin_id, plugin_alias, script_alias):
    reg = Registry.get(plugin_id)
    reg.simple_cmdline("do_it_simply", run)
`);
    expect(await started.execute("do_it_simply", "a", "b")).toEqual([[1, "All is well, or nearly"]]);
    expect(started.said()).toEqual(["Got arguments: ['a', 'b']"]);
    const words = ["client", "--settings", "nscp.ini", "--command", "do_it_simply", "a", "b"];
    const command = [join(packageRoot, "bin", "nscp.js"), ...words];
    const { code, stdout } = await run(process.execPath, command, { cwd: started.folder });
    expect([code, stdout]).toEqual([1, "L     python Got arguments: ['a', 'b']\nAll is well, or nearly\n"]);
  });
});

describe("Registry.subscription", () => {
  it("takes a view of the message; True and nothing else is success", async (context) => {
    needPeer(pythonProtobuf, context);
    const started = await start(`
from NSCP import Registry, log
import plugin_pb2

def hear(channel, message):
    request = plugin_pb2.SubmitRequestMessage()
    request.ParseFromString(bytes(message))
    log("%s %s: %s" % (type(message).__name__, channel, [p.command for p in request.payload]))
    return (True, b"")

def init(plugin_id, plugin_alias, script_alias):
    Registry.get(plugin_id).subscription("raw", hear)
`);
    expect(await started.submit("raw", { command: "disk", message: "full" })).toEqual([[StatusCode.STATUS_OK, ""]]);
    expect(started.said()).toEqual(["memoryview raw: ['disk']"]);
  });
});

describe("Registry.simple_subscription", () => {
  const filter = `
from NSCP import Registry, Core, status, log

g_last_message = ""
g_plugin_id = 0

def filter_result(channel, source, command, code, message, perf):
    global g_last_message, g_plugin_id
    if message != g_last_message:
        g_last_message = message
        log("Passing on: %s" % message)
        core = Core.get(g_plugin_id)
        core.simple_submit("relay", command, status.CRITICAL, message.encode("utf-8"), perf)
        return True
    else:
        log("Known already")
        return True

def init(plugin_id, plugin_alias, script_alias):
    global g_plugin_id
    g_plugin_id = plugin_id
    reg = Registry.get(plugin_id)
    reg.simple_subscription("filter", filter_result)
`;
  const relay = `
from NSCP import Registry, log

def hear(channel, source, command, code, message, perf):
    log("%s got %s of %s: %s %s %s" % (channel, command, source, code, message, perf))
    return True

def init(plugin_id, plugin_alias, script_alias):
    Registry.get(plugin_id).simple_subscription("relay", hear)
`;

  it("lets through what is new and keeps back what repeats itself", async () => {
    const started = await start({ "filter.py": filter, "relay.py": relay });
    const result = { command: "login", message: "Zoë", code: 1, perf: "'n'=1", source: "web01" };
    for (let i = 0; i < 3; i++) expect(await started.submit("filter", result)).toEqual([[StatusCode.STATUS_OK, ""]]);
    expect(started.said()).toEqual([
      "Passing on: Zoë",
      "relay got login of : CRITICAL Zoë 'n'=1",
      "Known already",
      "Known already",
    ]);
  });

  it("hears of what a check of another module is forwarded to it", async () => {
    const settings = "[/modules]\nPythonScript=enabled\nCheckHelpers=enabled\n";
    const started = await start({ "filter.py": filter, "relay.py": relay }, settings);
    for (let i = 0; i < 2; i++) {
      await started.query("check_and_forward", "target=filter", "command=check_ok", "arguments", "message=same");
    }
    expect(started.said().filter((line) => !line.startsWith("relay"))).toEqual(["Passing on: same", "Known already"]);
  });

  it("False refuses the result", async () => {
    const started = await start(`
from NSCP import Registry

def init(plugin_id, plugin_alias, script_alias):
    Registry.get(plugin_id).simple_subscription("never", lambda channel, source, command, code, message, perf: False)
`);
    expect(await started.submit("never", { command: "disk", message: "full" })).toEqual([
      [StatusCode.STATUS_ERROR, "Invalid response: never"],
    ]);
  });
});

describe("Registry.event and Registry.event_pb", () => {
  it("deliver the event that they are registered for, once as a dict and once as bytes", async (context) => {
    needPeer(pythonProtobuf, context);
    const started = await start(`
from NSCP import log, Registry
import plugin_pb2

def on_event(event, data):
    log("Got event: %s with key=%s" % (event, data.get("key")))

def on_bytes(event, request):
    message = plugin_pb2.EventMessage()
    message.ParseFromString(request)
    log("Got %s: %s with %s=%s" % (type(request).__name__, event, message.payload[0].data[0].key, message.payload[0].data[0].value))

def init(plugin_id, plugin_alias, script_alias):
    reg = Registry.get(plugin_id)
    reg.event("log:login", on_event)
    reg.event_pb("log:login", on_bytes)
`);
    await started.emit({ key: "door" }, "log:login");
    await started.emit({ key: "window" }, "log:logout");
    expect(started.said().sort()).toEqual(["Got bytes: log:login with key=door", "Got event: log:login with key=door"]);
  });
});

describe("Registry.submit_metrics and Registry.fetch_metrics", () => {
  it("carry a script's numbers and texts to all who are given metrics, under their dotted names", async () => {
    const started = await start({
      "producer.py": `
from NSCP import Registry

def own_metrics():
    return {
        "shop.orders": 42,
        "shop.latency_ms": 17.3,
        "shop.status": "ok",
    }

def init(plugin_id, plugin_alias, script_alias):
    reg = Registry.get(plugin_id)
    reg.fetch_metrics(own_metrics)
`,
      "receiver.py": `
from NSCP import Registry, log

def on_metrics(metrics, _):
    for key, value in metrics.items():
        if key.startswith("shop."):
            log("metric %s = %s (%s)" % (key, value, type(value).__name__))

def init(plugin_id, plugin_alias, script_alias):
    reg = Registry.get(plugin_id)
    reg.submit_metrics(on_metrics)
`,
    });
    const { payload } = await started.gateway.core.collectMetrics();
    expect(started.said()).toEqual([
      "metric shop.orders = 42 (str)",
      "metric shop.latency_ms = 17.3 (str)",
      "metric shop.status = ok (str)",
    ]);
    const values = payload.flatMap(({ bundles }) => bundles.flatMap(({ value }) => value));
    const own = values.filter(({ key }) => key.startsWith("shop."));
    expect(own.map(({ key, gaugeValue, stringValue }) => [key, gaugeValue?.value, stringValue?.value])).toEqual([
      ["shop.orders", 42, undefined],
      ["shop.latency_ms", 17.3, undefined],
      ["shop.status", undefined, "ok"],
    ]);
  });
});

describe("Registry.query", () => {
  it("lists checks, modules and channels by message", async (context) => {
    needPeer(pythonProtobuf, context);
    const started = await start(`
from NSCP import Registry, log, status
import registry_pb2

def init(plugin_id, plugin_alias, script_alias):
    reg = Registry.get(plugin_id)
    reg.simple_function("check_one", lambda args: status.OK, "The first")
    reg.simple_subscription("results", lambda *args: True)
    for kind in (registry_pb2.QUERY, registry_pb2.MODULE, registry_pb2.HANDLER):
        request = registry_pb2.RegistryRequestMessage()
        request.payload.add().inventory.type.append(kind)
        (code, response) = reg.query(request.SerializeToString())
        message = registry_pb2.RegistryResponseMessage()
        message.ParseFromString(response)
        log("%d %s" % (code, sorted(item.name for item in message.payload[0].inventory)))
`);
    const [queries, modules, channels] = started.said();
    expect(queries).toBe("1 ['check_one']");
    expect(modules).toMatch(/^1 \[.*'PythonScript'.*\]$/);
    expect(channels).toMatch(/^1 \[.*'results'.*\]$/);
  });
});
