/** What docs/coming-from-nsclient.md says is better here, as far as no other test of scripts has it. */
import { afterEach, expect, it } from "vitest";
import { QueryRequest, QueryRequestMessage, StatusCode } from "../../dist/wire/messages.js";
import { needPeer, pythonProtobuf } from "../peers/peers.js";
import { PythonGateway } from "../support/python-gateway.js";

let gateway: PythonGateway;

/** A gateway with one script: its functions, and what its `init` does with `registry` and `core`. */
async function start(functions: string, init: string, others: Readonly<Record<string, string>> = {}): Promise<void> {
  const script = `
from NSCP import Core, Registry, log, status
${functions}
def init(plugin_id, plugin_alias, script_alias):
    global core
    registry, core = Registry.get(plugin_id), Core.get(plugin_id)
${init}
`;
  gateway = await PythonGateway.start({ scripts: { "script.py": script, ...others } });
}

afterEach(() => gateway?.stop());

it("an error while a script is read is told with its place, init is not called, and the others run", async () => {
  await start("", '    registry.simple_function("check_here", lambda args: (status.OK, "here"), "")', {
    "broken.py": `from NSCP import log

def init(plugin_id, plugin_alias, script_alias):
    log("init of broken")

import does_not_exist
`,
  });
  expect(await gateway.query("check_here")).toEqual([0, "here", ""]);
  expect(gateway.said()).toEqual([]);
  const [error, ...more] = gateway.said("E");
  expect(more).toEqual([]);
  expect(error).toMatch(/^Failed to load script: .*broken\.py.*line 6.*No module named 'does_not_exist'/);
});

it("a raw check gets bytes with the payload that is its own", async (context) => {
  needPeer(pythonProtobuf, context);
  await start(
    `
import plugin_pb2

def check(command, request):
    message = plugin_pb2.QueryRequestMessage.FromString(request)
    answer = plugin_pb2.QueryResponseMessage()
    text = "%s %s" % (type(request).__name__, [list(payload.arguments) for payload in message.payload])
    answer.payload.add(command=command).lines.add(message=text)
    return 0, answer.SerializeToString()
`,
    '    registry.function("check_raw", check, "")',
  );
  const payload = ["a", "b"].map((word) => QueryRequest.create({ command: "check_raw", arguments: [word] }));
  const answer = await gateway.gateway.core.query(QueryRequestMessage.create({ payload }), gateway.call());
  expect(answer.payload.map(({ lines }) => lines[0]?.message)).toEqual(["bytes [['a']]", "bytes [['b']]"]);
});

it("event_pb hears of the event that it names, of $$event$$ and of *; each once, however many are in a message", async () => {
  await start(
    "",
    `    for name in ("door:open", "$$event$$", "*"):
        registry.event_pb(name, lambda event, data, name=name: log("%s heard of %s" % (name, event)))
    registry.event("door:open, door:shut", lambda event, data: log("the list heard of %s" % event))`,
  );
  await gateway.emit({}, "door:open", "door:shut");
  expect(gateway.said().sort()).toEqual([
    "$$event$$ heard of door:open",
    "$$event$$ heard of door:shut",
    "* heard of door:open",
    "* heard of door:shut",
    "door:open heard of door:open",
    "the list heard of door:open",
    "the list heard of door:shut",
  ]);
});

it("a list of channels is heard of, and the case of names does not matter", async () => {
  await start(
    "",
    `    registry.simple_function("Check_Foo", lambda args: (status.OK, "run"), "")
    registry.simple_subscription("one,Two", lambda channel, *rest: log(channel))`,
  );
  expect(await gateway.query("CHECK_foo")).toEqual([0, "run", ""]);
  for (const channel of ["one", "two"]) {
    const outcome = await gateway.submit(channel, { command: "disk", message: "full" });
    expect(outcome).toEqual([[StatusCode.STATUS_OK, ""]]);
  }
  expect(gateway.said()).toEqual(["one", "two"]);
});

it("what a module registered goes with it, channels and events among it", async () => {
  await start(
    "",
    `    registry.simple_subscription("one", lambda *result: True)
    registry.event("door:open", lambda event, data: None)
    registry.simple_function("check_here", lambda args: status.OK, "")
    registry.simple_cmdline("do_it", lambda args: (0, ""))
    registry.fetch_metrics(lambda: {"a": 1})`,
  );
  const { registry } = gateway.gateway;
  const counts = () => [
    ...[registry.listQueries().length, registry.listCommands().length, registry.listChannels().length],
    ...[registry.listEvents().length, registry.metricsSources().length],
  ];
  // The gateway has metrics of its own.
  expect(counts()).toEqual([1, 1, 1, 1, 2]);
  expect(await gateway.gateway.unloadModule("python")).toBe(true);
  expect(counts()).toEqual([0, 0, 0, 0, 1]);
});

it("metrics keep zeros and large numbers, under their own names", async () => {
  await start("", '    registry.fetch_metrics(lambda: {"shop.none": 0, "shop.many": 2**40, "shop.closed": False})');
  const { payload } = await gateway.gateway.core.collectMetrics();
  const values = payload.flatMap(({ bundles }) => bundles.flatMap(({ value }) => value));
  const own = values.filter(({ key }) => key.startsWith("shop."));
  expect(own.map(({ key, gaugeValue }) => [key, gaugeValue?.value])).toEqual([
    ["shop.none", 0],
    ["shop.many", 2 ** 40],
    ["shop.closed", 0],
  ]);
});

it("numbers of performance data are not cut", async () => {
  await start(
    "",
    `    registry.simple_function("check_perf", lambda args: (status.OK, "", "'a'=0.3;0.7;5.1 'b'=2.675"), "")`,
  );
  expect(await gateway.query("check_perf")).toEqual([0, "", "'a'=0.3;0.7;5.1 'b'=2.675"]);
});

it("simple_query keeps every argument, simple_submit takes numbers, and all take keywords", async () => {
  await start(
    "",
    `    registry.simple_function(
        query_name="check_args", query_function=lambda args: (status.OK, "|".join(args)), description="")
    registry.simple_subscription("one", lambda *result: log("%s %r" % (result[2], result[3])))
    log(core.simple_query(query="check_args", arguments=["a", 1, True, status.CRITICAL, 0.5, None])[1])
    core.simple_submit("one", "disk", 1, "full", "")
    core.simple_submit("one", "disk", 9, "full", "")`,
  );
  expect(gateway.said().filter((line) => !line.includes("was submitted"))).toEqual([
    "a|1|1|2|0.5|None",
    "disk NSCP.status.WARNING",
    "disk NSCP.status.UNKNOWN",
  ]);
});
