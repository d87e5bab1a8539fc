import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EventMessage, QueryResponseMessage } from "../../dist/wire/messages.js";
import { bytesLiteral, executed, type PythonConsole, startConsole, submit } from "../support/python-api.js";
import { pythons } from "../support/pythons.js";

const found = pythons();

const response = bytesLiteral(
  QueryResponseMessage.encode(
    QueryResponseMessage.fromObject({ payload: [{ result: 1, lines: [{ message: "raw" }] }] }),
  ).finish(),
);

/** One of each thing. */
const everything = `
heard = []
def fails(args):
    raise ValueError("boom")
def nested(args):
    left = int(args[0])
    return (0, "bottom") if left == 0 else core.simple_query("nested", [left - 1])
registry.simple_function("simple", lambda args: (status.WARNING, "|".join(args), "'a'=1;2"), "Simple")
registry.simple_function("fails", fails, "")
registry.simple_function("nested", nested, "")
registry.function("raw", lambda command, request: (status.OK, ${response}), "Raw")
registry.simple_cmdline("command", lambda args: (2, "ran"))
registry.simple_subscription("simple", lambda *args: heard.append(list(args)))
registry.subscription("raw", lambda channel, message: (True, b""))
registry.event("event", lambda *args: heard.append(list(args)))
registry.fetch_metrics(lambda: {"my.count": 3})
registry.submit_metrics(lambda metrics, rest: heard.append([metrics, rest]))
threading.Thread(target=lambda: log("from a thread")).start()
`;

it.each(found)("Python $version is what tests with it run in", async ({ version, executable }) => {
  const python = await startConsole({}, { python: executable });
  expect(await python.value("list(sys.version_info[:2])")).toEqual(version.split(".").map(Number));
  await python.stop();
});

describe.each(found)("with Python $version", ({ executable }) => {
  let python: PythonConsole;

  beforeAll(async () => {
    python = await startConsole({}, { python: executable });
    await python.execute(everything);
  });

  afterAll(() => python.stop());

  it("checks answer, nest and fail", async () => {
    expect(await python.query("simple", "x", "\u00e5")).toEqual([1, "x|\u00e5", "'a'=1;2"]);
    expect(await python.query("raw")).toEqual([1, "raw", ""]);
    expect(await python.query("nested", "50")).toEqual([0, "bottom", ""]);
    expect(await python.query("fails")).toEqual([3, "Exception in: fails", ""]);
    expect(python.log.texts("error")).toEqual([
      'Exception in fails: Traceback (most recent call last):\n  File "<string>", line 4, in fails\nValueError: boom',
    ]);
  });

  it("commands, channels, events and metrics arrive", async () => {
    await python.execute("heard.clear()");
    expect(await executed(python, "command")).toEqual([[2, "ran"]]);
    expect(await submit(python, "simple", [{ command: "c", result: 1, lines: [{ message: "m" }] }])).toEqual([
      [true, ""],
    ]);
    expect(await submit(python, "raw", [{ command: "c" }])).toEqual([[true, ""]]);
    const payload = [{ event: "event", data: [{ key: "k", value: "v" }] }];
    await python.core.emit(EventMessage.fromObject({ payload }), python.call());
    await python.core.collectMetrics();
    expect(await python.value("heard")).toEqual([
      ["simple", "", "c", 1, "m", ""],
      ["event", { k: "v" }],
      [{ "my.count": "3" }, ""],
    ]);
  });

  it.each([
    [
      "[str(status.OK), repr(status.OK), '%d' % status.OK, f'{status.OK}', '{:d}'.format(status.CRITICAL)]",
      "['OK', 'NSCP.status.OK', '0', 'OK', '2']",
    ],
    ["core.simple_query('simple', ['a', 1, True])", `(NSCP.status.WARNING, 'a|1|1', "'a'=1;2")`],
    ["core.simple_exec('', 'command', [])", "(2, ['ran'])"],
    ["core.simple_submit('simple', 'c', status.OK, b'm', '')", "(True, '')"],
    ["settings.set_int('/a', 'b', 5), settings.get_int('/a', 'b', 0)", "(None, 5)"],
    ["core.expand_path(None)", "ArgumentError: path_expression is None instead of str or bytes"],
    ["sleep(1)", "None"],
  ])("%s", async (expression, outcome) => {
    expect(await python.evaluate(expression)).toBe(outcome);
  });

  it("threads log under the name of the script, which survives a reload", async () => {
    expect((await python.log.written(/^from a thread$/)).fields).toMatchObject({ script: "console" });
    expect(await python.modules.reload("python")).toBe(true);
    expect(await python.evaluate("ids")).toBe("(0, 'python', 'console')");
  });
});
