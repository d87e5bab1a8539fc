import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  ExecuteRequestMessage,
  ExecuteResponseMessage,
  PB,
  QueryRequestMessage,
  QueryResponseMessage,
  RegistryRequestMessage,
  RegistryResponseMessage,
  SubmitRequestMessage,
} from "../../dist/wire/messages.js";
import type { GatewayProcess } from "../support/gateway-process.js";
import { bytesLiteral, evaluateInGateway, type PythonConsole, startConsole } from "../support/python-api.js";

const queryRequest = (...payload: object[]) =>
  bytesLiteral(QueryRequestMessage.encode(QueryRequestMessage.fromObject({ payload })).finish());
const queryResponse = (payload: object) =>
  bytesLiteral(QueryResponseMessage.encode(QueryResponseMessage.fromObject({ payload: [payload] })).finish());
const executeRequest = (...payload: object[]) =>
  bytesLiteral(ExecuteRequestMessage.encode(ExecuteRequestMessage.fromObject({ payload })).finish());
const submitRequest = (...payload: object[]) =>
  bytesLiteral(SubmitRequestMessage.encode(SubmitRequestMessage.fromObject({ payload })).finish());

const lines = [
  { message: "one", perf: [{ alias: "a", floatValue: { value: 1 } }] },
  { message: "two\n", perf: [{ alias: "b", floatValue: { value: 2 } }] },
  { message: "three" },
];

/** Functions that are there in both gateways. */
const functions = `
def raises(args): raise ValueError("boom")
registry.simple_function("own", lambda args: (status.WARNING, " ".join(args), "'a'=0.3;1"), "")
registry.simple_function("raises", raises, "")
registry.function("several", lambda *args: (0, ${queryResponse({ result: 2, lines })}), "")
registry.function("lines_of_none", lambda *args: (0, ${queryResponse({ result: 0 })}), "")
registry.function("invalid", lambda *args: (0, b""), "")
registry.simple_cmdline("do", lambda args: (1, " ".join(args)))
registry.simple_cmdline("do_fail", raises)
registry.simple_subscription("inbox", lambda channel, source, command, code, message, perf: message != "refuse")
`;

describe("with a script alone", () => {
  let python: PythonConsole;

  beforeAll(async () => {
    python = await startConsole();
    await python.execute(functions);
  });

  afterAll(() => python.stop());

  it.each([
    // simple_query
    ["core.simple_query('own', ['a', 'b'])", `(NSCP.status.WARNING, 'a b', "'a'=0.3;1")`],
    ["core.simple_query(b'OWN', [])", `(NSCP.status.WARNING, '', "'a'=0.3;1")`],
    ["core.simple_query('own', [])[0] is status.WARNING", "True"],
    ["core.simple_query('raises', [])", "(NSCP.status.UNKNOWN, 'Exception in: raises', '')"],
    ["core.simple_query('several', [])", `(NSCP.status.CRITICAL, 'onetwo\\nthree', "'a'=1 'b'=2")`],
    ["core.simple_query('lines_of_none', [])", "(NSCP.status.UNKNOWN, '', '')"],
    ["core.simple_query('invalid', [])", "(NSCP.status.UNKNOWN, 'Invalid response: invalid', '')"],
    ["len(core.simple_query('own', ['x' * 5000000])[1])", "5000000"],
    // simple_exec
    ["core.simple_exec('', 'do', ['a', 'b'])", "(1, ['a b'])"],
    ["core.simple_exec('local', 'DO', [])", "(1, [''])"],
    ["core.simple_exec('any', 'do', [1])", "(1, ['1'])"],
    ["core.simple_exec('*', 'do', ['x'])", "(1, ['x'])"],
    ["core.simple_exec('python', 'do', ['x'])", "(1, ['x'])"],
    ["core.simple_exec('PythonScript', 'do', ['x'])", "(1, ['x'])"],
    ["core.simple_exec('', 'do_fail', [])", "(3, ['Exception in: do_fail'])"],
    ["core.simple_exec('', 'nothing', [])", "(0, [])"],
    ["core.simple_exec('elsewhere', 'do', [])", "(0, [])"],
    // simple_submit
    ["core.simple_submit('inbox', 'c', status.OK, 'm', '')", "(True, '')"],
    ["core.simple_submit('INBOX', b'c', status.OK, b'm', b\"'a'=1\")", "(True, '')"],
    ["core.simple_submit('inbox', 'c', status.OK, 'refuse', '')", "(True, 'Invalid response: inbox')"],
    ["core.simple_submit('nowhere', 'c', status.OK, 'm', '')", "(False, 'Failed to submit message: nowhere')"],
    ["core.simple_submit('inbox,noop', 'c', status.OK, 'm', '')", "(True, 'seems ok')"],
    ["core.simple_submit('noop', 'c', status.OK, 'm', '')", "(True, 'seems ok')"],
    ["core.simple_submit('log', 'c', status.OK, 'm', '')", "(True, 'seems ok')"],
    // submit
    [`core.submit('inbox', ${submitRequest({ command: "c", lines: [{ message: "m" }] })})`, "(True, '')"],
    [
      `core.submit('inbox', bytearray(${submitRequest({ command: "c", lines: [{ message: "refuse" }] })}))`,
      "(True, 'Invalid response: inbox')",
    ],
    [
      `core.submit('nowhere', memoryview(${submitRequest({ command: "c" })}))`,
      "(False, 'Failed to submit message: nowhere')",
    ],
    // Modules
    ["core.load_module('NoSuchModule', '')", "False"],
    ["core.unload_module('nothing')", "False"],
    ["core.reload('nothing')", "False"],
  ])("%s is %s", async (expression, outcome) => {
    expect(await python.evaluate(expression)).toBe(outcome);
  });

  it("an unknown check is UNKNOWN, and the log has what there is", async () => {
    python.logged();
    expect(await python.evaluate("core.simple_query('No_Such', ['x'])")).toBe(
      "(NSCP.status.UNKNOWN, 'Unknown command(s): no_such', '')",
    );
    expect(python.logged().filter(([level]) => level === "error")).toEqual([
      [
        "error",
        "Unknown command(s): no_such, available commands: evaluate, execute, invalid, lines_of_none, own, raises, several, value",
      ],
    ]);
  });

  it("what is submitted to log is written there", async () => {
    python.logged();
    await python.evaluate("core.simple_submit('log', 'service', status.OK, 'the text', '')");
    expect(python.logged()).toEqual([["info", "service: the text"]]);
  });

  it("query goes by what is in the message", async () => {
    const request = queryRequest({ id: 1, command: "own", arguments: ["x"] }, { id: 2, command: "no_such" });
    const [processed, hex] = await python.value<[number, string]>(`core.query("something else", ${request})`);
    const { payload } = QueryResponseMessage.decode(Buffer.from(hex, "hex"));
    expect(processed).toBe(1);
    expect(payload.map(({ id, result, lines: [line] }) => [id, result, line?.message])).toEqual([
      [1, 1, "x"],
      [2, 3, "Unknown command(s): no_such"],
    ]);
    expect(await python.evaluate(`type(core.query("", bytearray(${request}))[1])`)).toBe("<class 'bytes'>");
  });

  it("exec tells whether anybody has the command", async () => {
    const run = async (target: string, ...commands: string[]) => {
      const request = executeRequest(...commands.map((command) => ({ command, arguments: ["x"] })));
      const [handled, hex] = await python.value<[number, string]>(`core.exec("${target}", ${request})`);
      const { payload } = ExecuteResponseMessage.decode(Buffer.from(hex, "hex"));
      return [handled, ...payload.map(({ result, message }) => [result, message])];
    };
    expect(await run("", "do")).toEqual([1, [1, "x"]]);
    expect(await run("any", "do", "do")).toEqual([1, [1, "x"], [1, "x"]]);
    expect(await run("local", "nothing")).toEqual([0, [3, "Command not found: nothing"]]);
    expect(await python.evaluate(`core.exec("", ${executeRequest({ command: "do" })}.decode())[0]`)).toBe("1");
  });

  it("reload of its own module happens when the callback has returned", async () => {
    await python.execute("def shutdown(): log('shut down')");
    python.logged();
    await python.query("execute", "answer = core.reload('python')\nlog('answer %s' % answer)");
    await python.log.written(/^shut down$/);
    const infos = python.logged().filter(([level]) => level === "info");
    expect(infos).toEqual([
      ["info", "answer True"],
      ["info", "shut down"],
    ]);
    await expect.poll(() => python.evaluate("core.simple_query('own', [])[1]")).toBe("'Unknown command(s): own'");
  });
});

describe("in a gateway", () => {
  const rows: readonly (readonly [expression: string, outcome: string])[] = [
    ["core.expand_path('')", "''"],
    ["core.expand_path('no tokens')", "'no tokens'"],
    ["core.expand_path('${scripts}/x') == os.path.dirname(os.path.dirname(__file__)) + '/x'", "True"],
    ["core.expand_path('%(scripts)/x') == core.expand_path('${scripts}/x')", "True"],
    ["core.expand_path('${no such token}') == core.expand_path('${base-path}')", "True"],
    ["core.expand_path('${circle}')", "''"],
    // CheckHelpers: loaded, found, loaded afresh, unloaded by alias.
    ["core.simple_query('check_ok', ['x'])[1]", "'Unknown command(s): check_ok'"],
    ["core.load_module('CheckHelpers', 'helpers')", "True"],
    ["core.simple_query('check_ok', ['message=fine'])", "(NSCP.status.OK, 'fine', '')"],
    ["core.load_module('CheckHelpers', 'helpers')", "True"],
    ["core.reload('helpers')", "True"],
    ["core.reload('instant,CheckHelpers')", "True"],
    ["core.unload_module('HELPERS')", "True"],
    ["core.simple_query('check_ok', ['x'])[1]", "'Unknown command(s): check_ok'"],
    ["core.load_module('CheckHelpers')", "True"],
    ["core.simple_query('check_ok', ['message=fine'])[0]", "NSCP.status.OK"],
    ["core.unload_module('CheckHelpers')", "True"],
    ["core.unload_module('CheckHelpers')", "False"],
    ["core.reload('helpers')", "False"],
    ["core.reload('settings')", "True"],
    ["core.reload('delayed,nothing at all')", "True"],
    ["core.reload('delay,nothing at all')", "True"],
    ["core.load_module('NoSuchModule', 'x')", "False"],
  ];
  let outcomes: string[];
  let gateway: GatewayProcess;

  beforeAll(async () => {
    ({ outcomes, gateway } = await evaluateInGateway(
      rows.map(([expression]) => expression),
      {
        before: functions,
        words: ["--path-override", "circle=a${circle}"],
      },
    ));
  });

  afterAll(() => gateway?.stop());

  it.each(rows.map(([expression, outcome], index) => ({ expression, outcome, index })))(
    "$index: $expression",
    ({ outcome, index }) => {
      expect(outcomes[index]).toBe(outcome);
    },
  );

  it("what could not be done is in the log", async () => {
    await gateway.waitForLog(/Failed to expand \$\{circle\}: /);
    await gateway.waitForLog(/NoSuchModule/);
    await gateway.waitForLog(/Failed to reload helpers: no module is loaded under that name/);
  });
});

it("what the permissions of the settings forbid is told to the script", async () => {
  const { outcomes, gateway } = await evaluateInGateway(
    ["core.simple_query('own', ['x'])[1]", "core.simple_query('Several', [])", "core.simple_exec('', 'do', [])"],
    {
      before: functions,
      settings: `[/settings/permissions]\nenabled = true\nallow exec = false\n[/settings/permissions/policies]\npython = PythonScript.own\n`,
    },
  );
  await gateway.stop();
  expect(outcomes).toEqual([
    "'x'",
    "(NSCP.status.UNKNOWN, 'Permission denied: python is not allowed to run several', '')",
    "(2, ['Permission denied: exec is globally disabled by [/settings/permissions] allow exec'])",
  ]);
});

it("a message that reloads the script's own module is carried out afterwards, and what else is in it at once", async () => {
  const { ItemType, Command } = PB.Registry;
  const message = RegistryRequestMessage.fromObject({
    payload: [
      { id: 1, control: { type: ItemType.MODULE, command: Command.RELOAD, alias: "Python" } },
      { id: 2, inventory: { type: [ItemType.QUERY], name: "own" } },
    ],
  });
  const { outcomes, gateway } = await evaluateInGateway(
    [
      `registry.query(${bytesLiteral(RegistryRequestMessage.encode(message).finish())})[1].hex() if first else "second"`,
    ],
    { before: `first = "LIVED" not in os.environ\nos.environ["LIVED"] = "yes"\n${functions}` },
  );
  try {
    const { payload } = RegistryResponseMessage.decode(Buffer.from(outcomes[0]?.slice(1, -1) ?? "", "hex"));
    expect(
      payload.map(({ id, result, inventory }) => [Number(id), result?.code, inventory.map(({ name }) => name)]),
    ).toEqual([
      [1, 0, []],
      [2, 0, ["own"]],
    ]);
    // It comes up again.
    await gateway.waitForLog(/outcomes: [0-9a-f]+.*outcomes: [0-9a-f]+/s);
  } finally {
    await gateway.stop();
  }
});
