import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EventMessage, MetricsBundle } from "../../dist/wire/messages.js";
import { type PythonConsole, startConsole } from "../support/python-api.js";

let python: PythonConsole;

beforeAll(async () => {
  python = await startConsole();
  await python.execute(`
heard = []
def named(name):
    return lambda event, data: heard.append([name, event, data if isinstance(data, dict) else type(data).__name__])
def fails(*args):
    raise ValueError("boom")`);
});

afterAll(() => python.stop());

/** Sends events, each with its data, in one message; answers what was heard of it, sorted. */
async function emit(...events: [name: string, data?: Record<string, string>][]): Promise<unknown[]> {
  const payload = events.map(([event, data = {}]) => ({
    event,
    data: Object.entries(data).map(([key, value]) => ({ key, value })),
  }));
  await python.core.emit(EventMessage.fromObject({ payload }), python.call());
  const calls = await python.value<unknown[][]>("heard");
  await python.execute("heard.clear()");
  return calls.sort((left, right) => (JSON.stringify(left) < JSON.stringify(right) ? -1 : 1));
}

describe("events", () => {
  it("come with their data as a dict of texts, once for each payload", async () => {
    expect(await python.evaluate('registry.event("eventlog:login", named("login"))')).toBe("(True, '')");
    const data = { user: "anna", "log.id": "4624", "": "", "\u00e5": "multi\nline" };
    expect(await emit(["eventlog:login", data], ["eventlog:logout"], ["eventlog:login"])).toEqual([
      ["login", "eventlog:login", data],
      ["login", "eventlog:login", {}],
    ]);
  });

  it("are found in any spelling, and keep that of who sends them", async () => {
    await python.execute('registry.event("Disk:Full", named("disk"))');
    expect(await emit(["DISK:full"])).toEqual([["disk", "DISK:full", {}]]);
  });

  it("belong to the function that was registered last", async () => {
    await python.execute(`
registry.event("again", named("first"))
registry.event("AGAIN", named("second"))`);
    expect(await emit(["again"])).toEqual([["second", "again", {}]]);
  });

  it("may be registered as a list, of which one may get another function later", async () => {
    await python.execute(`
registry.event("left, right", named("both"))
registry.event("right", named("right"))`);
    expect(await emit(["left"], ["right"])).toEqual([
      ["both", "left", {}],
      ["right", "right", {}],
    ]);
  });

  it("come as messages, once for each payload of the name, to event_pb", async () => {
    await python.execute(`
messages = []
def keep(event, request):
    messages.append((event, type(request).__name__, request))
done = registry.event_pb("raw:event", keep)`);
    expect(await python.evaluate("done")).toBe("(True, '')");
    await emit(["raw:event", { a: "1" }], ["other"], ["RAW:event"]);
    const messages = await python.value<[string, string, string][]>("messages");
    expect(messages.map(([event, type]) => [event, type])).toEqual([
      ["raw:event", "bytes"],
      ["RAW:event", "bytes"],
    ]);
    for (const [, , hex] of messages) {
      expect(EventMessage.decode(Buffer.from(hex, "hex")).payload.map(({ event }) => event)).toEqual([
        "raw:event",
        "other",
        "RAW:event",
      ]);
    }
  });

  it("that raise go to the log, and the others are called all the same", async () => {
    await python.execute(`
registry.event("risky", fails)
registry.event_pb("risky", named("raw"))`);
    python.logged();
    expect(await emit(["risky"])).toEqual([["raw", "risky", "bytes"]]);
    expect(python.logged().filter(([level]) => level === "error")).toEqual([
      [
        "error",
        'Exception in risky: Traceback (most recent call last):\n  File "<string>", line 6, in fails\nValueError: boom',
      ],
    ]);
  });

  it("of all names come to * and, as messages, to $$event$$", async () => {
    await python.execute(`
registry.event("*", named("star"))
registry.event_pb("$$event$$", named("all"))
registry.event("a,*,b", named("star in a list"))`);
    expect(await emit(["whatever"], ["else"])).toEqual([
      ["all", "else", "bytes"],
      ["all", "whatever", "bytes"],
      ["star in a list", "else", {}],
      ["star in a list", "whatever", {}],
    ]);
    await python.execute(`
registry.event("*", lambda *args: None)
registry.event_pb("$$event$$", lambda *args: None)`);
    expect(await emit(["whatever"])).toEqual([]);
  });
});

describe("metrics", () => {
  it("come from and go to every function that was registered, whatever they return", async () => {
    await python.execute(`
got = []
first = []
class Metrics(dict): pass
registry.submit_metrics(lambda metrics, rest: got.append([metrics, rest]))
registry.submit_metrics(lambda metrics, rest: first.append(type(metrics) is dict))
registry.submit_metrics(fails)
registry.fetch_metrics(lambda: Metrics({"my.text": "ok", b"my.bytes": b"raw \\xc3\\xa5", "my.empty": ""}))
registry.fetch_metrics(lambda: {
    "my.count": 42, "my.zero": 0, "my.float": 17.3, "my.point": 5.0, "my.flag": True, "my.off": False, "my.state": status.CRITICAL,
    "my.million": 1234567, "my.big": 2 ** 53 + 2, "my.tiny": 1e-7, "my.negative": -3})
registry.fetch_metrics(lambda: None)
registry.fetch_metrics(lambda: [("a", 1)])
registry.fetch_metrics(lambda: {"my.none": None, "my.list": [1], 5: 1, "my.nan": float("nan"), "my.huge": 10 ** 400, "my.last": 1})
registry.fetch_metrics(lambda: fails())`);
    python.logged();
    const metrics = await python.core.collectMetrics();
    expect(metrics.payload.flatMap(({ bundles }) => bundles).map(({ key, children }) => [key, children])).toEqual(
      Array.from({ length: 5 }, () => ["", []]),
    );
    expect(await python.value("got")).toEqual([
      [
        {
          ...{ "my.text": "ok", "my.bytes": "raw \u00e5", "my.empty": "" },
          ...{ "my.count": "42", "my.zero": "0", "my.float": "17.3", "my.point": "5", "my.flag": "1", "my.off": "0" },
          ...{ "my.state": "2", "my.million": "1234567", "my.big": "9007199254740994", "my.tiny": "1e-7" },
          ...{ "my.negative": "-3", "my.last": "1" },
        },
        "",
      ],
    ]);
    expect(await python.value("first")).toEqual([true]);
    const boom =
      'Traceback (most recent call last):\n  File "<string>", line 15, in <lambda>\n  File "<string>", line 6, in fails\nValueError: boom';
    expect(python.logged().filter(([, text]) => text.startsWith("The metric"))).toEqual([
      ["debug", "The metric my.none is left out: there is no metric for None"],
      ["debug", "The metric my.list is left out: there is no metric for [1]"],
      ["debug", "The metric 5 is left out: its name is int"],
      ["debug", "The metric my.nan is left out: there is no metric for nan"],
      ["debug", `The metric my.huge is left out: there is no metric for ${"1"}${"0".repeat(400)}`],
    ]);
    expect(python.log.texts("error").filter((text) => text.startsWith("Exception in fetchMetrics"))).toEqual([
      `Exception in fetchMetrics: ${boom}`,
    ]);
  });

  it("of others come with dotted names; counters and the like are left out", async () => {
    python.registry.addMetricsSource({ id: 77, name: "Other", alias: "other" }, () => [
      MetricsBundle.fromObject({
        key: "system",
        value: [
          { key: "load", gaugeValue: { value: 0.5 } },
          { key: "requests", counterValue: { value: 9 } },
        ],
        children: [{ key: "cpu", value: [{ key: "name", stringValue: { value: "x86" } }] }],
      }),
    ]);
    await python.execute("got.clear()");
    await python.core.collectMetrics();
    const [[metrics = {}] = []] = await python.value<[Record<string, string>, string][]>("got");
    expect(Object.entries(metrics).filter(([key]) => key.startsWith("system"))).toEqual([
      ["system.cpu.name", "x86"],
      ["system.load", "0.5"],
    ]);
  });
});
