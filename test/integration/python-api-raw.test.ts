import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  ExecuteRequestMessage,
  ExecuteResponseMessage,
  type Header,
  QueryRequest,
  QueryRequestMessage,
  QueryResponseMessage,
} from "../../dist/wire/messages.js";
import { bytesLiteral, executed, type PythonConsole, startConsole } from "../support/python-api.js";

let python: PythonConsole;

beforeAll(async () => {
  python = await startConsole();
});

afterAll(() => python.stop());

/** A raw function that answers with these bytes. */
const answering = (literal: string) => `(0, ${literal})`;
const two = { payload: [{ command: "a" }, { command: "b" }] };

describe("a raw function", () => {
  const response = (message: Record<string, unknown>) =>
    bytesLiteral(QueryResponseMessage.encode(QueryResponseMessage.fromObject(message)).finish());
  const fine = {
    payload: [
      {
        command: "other",
        result: 2,
        lines: [{ message: "one" }, { message: "two", perf: [{ alias: "a", floatValue: { value: 1 } }] }],
      },
    ],
  };
  const failed = [3, "Failed to execute script check_raw", ""];
  const invalid = [3, "Invalid response: check_raw", ""];

  it.each([
    [answering(response(fine)), [2, "onetwo", "'a'=1"]],
    [`(status.OK, bytearray(${response(fine)}))`, [2, "onetwo", "'a'=1"]],
    [`(False, memoryview(${response(fine)}))`, [2, "onetwo", "'a'=1"]],
    [`(0, ${response({ payload: [{ result: 1, lines: [{ message: "text" }] }] })}.decode())`, [1, "text", ""]],
    [`(1, ${response(fine)})`, failed],
    [`(status.UNKNOWN, ${response(fine)})`, failed],
    [answering('b""'), invalid],
    [answering('""'), invalid],
    [answering('b"\\xff\\xff"'), invalid],
    [answering(response(two)), invalid],
    [answering(response({ payload: [] })), invalid],
  ] as const)("that returns %s", async (returned, answer) => {
    await python.execute(`registry.function("check_raw", lambda *args: ${returned}, "")`);
    python.logged();
    expect(await python.query("check_raw")).toEqual(answer);
    expect(python.logged()).toEqual([]);
  });

  it.each([
    [`[0, ${response(fine)}]`, "TypeError: check_raw returned list instead of (code, response)"],
    ["None", "TypeError: check_raw returned NoneType instead of (code, response)"],
    ["(0,)", "TypeError: check_raw returned 1 item instead of (code, response)"],
    ["(0, b'', b'')", "TypeError: check_raw returned 3 items instead of (code, response)"],
    ["b''", "TypeError: check_raw returned bytes instead of (code, response)"],
    ["('0', b'')", "TypeError: check_raw returned str as its code"],
    ["(0, None)", "TypeError: check_raw returned NoneType as its response instead of bytes"],
    ["(0, 5)", "TypeError: check_raw returned int as its response instead of bytes"],
  ])("that returns %s has failed", async (returned, trace) => {
    await python.execute(`registry.function("check_raw", lambda *args: ${returned}, "")`);
    python.logged();
    expect(await python.query("check_raw")).toEqual(failed);
    expect(python.logged()).toEqual([["error", `Exception in check_raw: ${trace}`]]);
  });

  it("that raises has failed", async () => {
    await python.execute(`
def fails(command, request):
    raise ValueError("boom")
registry.function("check_raw", fails, "")`);
    python.logged();
    expect(await python.query("check_raw")).toEqual(failed);
    expect(python.logged()).toEqual([
      [
        "error",
        'Exception in check_raw: Traceback (most recent call last):\n  File "<string>", line 3, in fails\nValueError: boom',
      ],
    ]);
  });

  it("is called once for each payload, with a message that has the header and just that payload", async () => {
    await python.execute(`
seen = []
def keep(command, request):
    seen.append((command, type(request).__name__, request.hex()))
    return 0, ${response({ payload: [{ result: 0, lines: [{ message: "kept" }] }] })}
registry.function("Check_Raw", keep, "A raw check")`);
    const payload = ["one", "two"].map((argument, index) =>
      QueryRequest.create({ id: index + 1, command: "CHECK_raw", arguments: [argument] }),
    );
    const header = {
      senderId: "poller",
      metadata: [
        { key: "nscp.caller_plugin_id", value: "99" },
        { key: "own", value: "1" },
      ],
    };
    const answer = await python.core.query(QueryRequestMessage.fromObject({ header, payload }), python.call());
    expect(answer.payload.map(({ id, command, lines }) => [id, command, lines[0]?.message])).toEqual([
      [1, "CHECK_raw", "kept"],
      [2, "CHECK_raw", "kept"],
    ]);
    const seen: [string, string, string][] = await python.value("seen");
    expect(seen.map(([command, type]) => [command, type])).toEqual([
      ["check_raw", "bytes"],
      ["check_raw", "bytes"],
    ]);
    const requests = seen.map(([, , hex]) => QueryRequestMessage.decode(Buffer.from(hex, "hex")));
    expect(requests.map((request) => request.payload.map((one) => [one.id, one.command, one.arguments]))).toEqual([
      [[1, "CHECK_raw", ["one"]]],
      [[2, "CHECK_raw", ["two"]]],
    ]);
    expect(requests.map(({ header }) => [header?.senderId, metadata(header)])).toEqual([
      ["poller", { own: "1", "nscp.principal": "local" }],
      ["poller", { own: "1", "nscp.principal": "local" }],
    ]);
  });

  it("sees which module calls, whatever the header of the message said", async () => {
    await python.execute(`
def keep(command, request):
    global seen
    seen = request.hex()
    return 0, ${response({ payload: [{ result: 0, lines: [{ message: "kept" }] }] })}
registry.function("check_raw", keep, "")`);
    const message = QueryRequestMessage.fromObject({
      header: { metadata: [{ key: "nscp.caller_plugin_id", value: "99" }] },
      payload: [{ command: "check_raw" }],
    });
    const request = bytesLiteral(QueryRequestMessage.encode(message).finish());
    expect(await python.evaluate(`core.query("ignored", ${request})[0]`)).toBe("1");
    const { header } = QueryRequestMessage.decode(Buffer.from(await python.value<string>("seen"), "hex"));
    expect(metadata(header)).toEqual({ "nscp.principal": "module:python", "nscp.caller_plugin_id": "0" });
  });

  it("shows its description as help", async () => {
    await python.execute(`registry.function("described", lambda *args: (0, b""), "Checks raw things")`);
    expect(await python.query("described", "help")).toEqual([0, "Checks raw things", ""]);
  });
});

describe("a raw command", () => {
  const response = (message: Record<string, unknown>) =>
    bytesLiteral(ExecuteResponseMessage.encode(ExecuteResponseMessage.fromObject(message)).finish());
  const fine = response({ payload: [{ command: "x", result: 2, message: "done" }] });

  it.each([
    [answering(fine), [2, "done"]],
    [`(7, ${fine})`, [2, "done"]],
    [`(status.UNKNOWN, bytearray(${fine}))`, [2, "done"]],
    [answering('b""'), [3, "Invalid response: Do_Raw"]],
    [answering(response(two)), [3, "Invalid response: Do_Raw"]],
    [answering('b"\\xff\\xff"'), [3, "Invalid response: Do_Raw"]],
  ] as const)("that returns %s", async (returned, answer) => {
    await python.execute(`registry.cmdline("do_raw", lambda *args: ${returned})`);
    python.logged();
    expect(await executed(python, "Do_Raw")).toEqual([answer]);
    expect(python.logged()).toEqual([]);
  });

  it.each([
    ["None", "TypeError: Do_Raw returned NoneType instead of (code, response)"],
    [`[0, ${fine}]`, "TypeError: Do_Raw returned list instead of (code, response)"],
  ])("that returns %s has failed", async (returned, trace) => {
    await python.execute(`registry.cmdline("do_raw", lambda *args: ${returned})`);
    python.logged();
    expect(await executed(python, "Do_Raw")).toEqual([[3, "Failed to execute script Do_Raw"]]);
    expect(python.logged()).toEqual([["error", `Exception in Do_Raw: ${trace}`]]);
  });

  it("gets bytes with the header and its payload", async () => {
    await python.execute(`
def keep(command, request):
    global seen
    seen = [command, type(request).__name__, request.hex()]
    return 0, ${fine}
registry.cmdline("do_raw", keep)`);
    expect(await executed(python, "do_raw", "a", "b")).toEqual([[2, "done"]]);
    const [command, type, hex = ""]: string[] = await python.value("seen");
    expect([command, type]).toEqual(["do_raw", "bytes"]);
    const { payload, header } = ExecuteRequestMessage.decode(Buffer.from(hex, "hex"));
    expect(payload.map((one) => [one.command, one.arguments])).toEqual([["do_raw", ["a", "b"]]]);
    expect(metadata(header)).toEqual({ "nscp.principal": "local" });
  });
});

function metadata(header: Header | null): Record<string, string> {
  return Object.fromEntries((header?.metadata ?? []).map(({ key, value }) => [key, value]));
}
