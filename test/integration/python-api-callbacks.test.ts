import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { QueryRequest, QueryRequestMessage, QueryResponseMessage } from "../../dist/wire/messages.js";
import { executed, type PythonConsole, startConsole } from "../support/python-api.js";

let python: PythonConsole;

beforeAll(async () => {
  python = await startConsole();
  await python.execute(`
class Sequence:
    def __init__(self, *items): self.items = items
    def __len__(self): return len(self.items)
    def __getitem__(self, index): return self.items[index]
class Shown:
    def __str__(self): return "shown"
class Code(int): pass
def fails(args): raise ValueError("boom")
def leaves(args): sys.exit(3)
def interrupts(args): raise KeyboardInterrupt()`);
});

afterAll(() => python.stop());

/** A traceback whose innermost frame is a statement of {@link PythonConsole.execute}. */
function traceback(name: string, error: string): string {
  return `Traceback (most recent call last):\n  File "<string>", line ${lines[name]}, in ${name}\n${error}`;
}
const lines: Readonly<Record<string, number>> = { fails: 9, leaves: 10, interrupts: 11 };

/** Name of the function that is registered, or what it is to return. */
function callback(returned: string): string {
  return ["fails", "leaves", "interrupts"].includes(returned) ? returned : `lambda *args: ${returned}`;
}

describe("a simple function", () => {
  it.each([
    ['(status.WARNING, "m", "\'a\'=1;2;3")', [1, "m", "'a'=1;2;3"]],
    ['[status.OK, "m", "\'a\'=1"]', [0, "m", "'a'=1"]],
    ['Sequence(2, "m", "\'a\'=1")', [2, "m", "'a'=1"]],
    ['(0, "m")', [0, "m", ""]],
    ["(1,)", [1, "", ""]],
    ["(2, None, None)", [2, "", ""]],
    ['(0, "m", "\'a\'=1", "extra", 5)', [0, "m", "'a'=1"]],
    ["()", [3, "", ""]],
    ["[]", [3, "", ""]],
    ['""', [3, "", ""]],
    ["None", [3, "None", ""]],
    // What is like an int is a state, and what is none of the four is UNKNOWN with its message.
    ['(True, "m")', [1, "m", ""]],
    ['(status(2), "m")', [2, "m", ""]],
    ['(Code(1), "m")', [1, "m", ""]],
    ['(4, "kept", "\'a\'=1")', [3, "kept", "'a'=1"]],
    ['(-1, "kept")', [3, "kept", ""]],
    ['(2**80, "kept")', [3, "kept", ""]],
    ['(status(7), "kept")', [3, "kept", ""]],
    // Every message has a text.
    ['(0, b"bytes \\xc3\\xa5", b"\'a\'=1")', [0, "bytes \u00e5", "'a'=1"]],
    ['(0, b"\\xff")', [0, "\ufffd", ""]],
    ["(0, 5)", [0, "5", ""]],
    ["(0, 1.5, 7)", [0, "1.5", "'7'=0"]],
    ["(0, Shown())", [0, "shown", ""]],
    ["(0, status.WARNING)", [0, "WARNING", ""]],
    ["(0, ['a'])", [0, "['a']", ""]],
    ['(0, "\\udcff lone")', [0, "? lone", ""]],
    ['(0, "nul \\0 inside")', [0, "nul \0 inside", ""]],
    ['(0, "one\\ntwo\\n", "")', [0, "one\ntwo\n", ""]],
    ['(0, "\\u00e5\\U0001f600|p")', [0, "\u00e5\u{1f600}|p", ""]],
    ['(0, "x" * 1000000)', [0, "x".repeat(1_000_000), ""]],
  ] as const)("that returns %s", async (returned, answer) => {
    await python.execute(`registry.simple_function("check", ${callback(returned)}, "")`);
    python.logged();
    expect(await python.query("check")).toEqual(answer);
    expect(python.logged()).toEqual([]);
  });

  it.each([
    ["5", "TypeError: check returned int instead of (status, message, perfdata)"],
    ["True", "TypeError: check returned bool instead of (status, message, perfdata)"],
    ['("0", "m")', "TypeError: check returned str as its state instead of a status"],
    ['(0.0, "m", "")', "TypeError: check returned float as its state instead of a status"],
    ['(None, "m", "")', "TypeError: check returned None as its state instead of a status"],
    ['"text"', "TypeError: check returned str as its state instead of a status"],
    ['{"code": 0}', "KeyError: 0"],
    ["{0, 1}", "TypeError: 'set' object is not subscriptable"],
    ["fails", traceback("fails", "ValueError: boom")],
    ["leaves", traceback("leaves", "SystemExit: 3")],
    ["interrupts", traceback("interrupts", "KeyboardInterrupt")],
  ])("that returns %s answers with an exception", async (returned, trace) => {
    await python.execute(`registry.simple_function("check", ${callback(returned)}, "")`);
    python.logged();
    expect(await python.query("check")).toEqual([3, "Exception in: check", ""]);
    expect(python.logged()).toEqual([["error", `Exception in check: ${trace}`]]);
  });

  it("gets its arguments in their order as they are", async () => {
    await python.execute(`registry.simple_function("args", lambda args: (0, json.dumps(args), ""), "")`);
    const words = ["b=1", "--a", "", "\u00e5", "b=1"];
    expect(await python.query("args", ...words)).toEqual([0, '["b=1", "--a", "", "\\u00e5", "b=1"]', ""]);
    expect(await python.query("args")).toEqual([0, "[]", ""]);
    expect(await python.query("args", "help")).toEqual([0, '["help"]', ""]);
  });

  it("has its description as help", async () => {
    await python.execute(`registry.simple_function("described", lambda args: (0, "called", ""), b"A description")`);
    expect(await python.query("described", "help")).toEqual([0, "A description", ""]);
    expect(await python.query("described", "help", "me")).toEqual([0, "called", ""]);
  });

  it("answers with one line in which line ends stay, and measurements", async () => {
    await python.execute(`registry.simple_function("answer", lambda args: (1, "a\\nb", "'x y'=5%;~:30;@1:2 b=U"), "")`);
    const payload = [QueryRequest.create({ id: 7, command: "Answer" })];
    const answer = await python.core.query(QueryRequestMessage.create({ payload }), python.call());
    expect(QueryResponseMessage.toObject(answer as QueryResponseMessage)).toEqual({
      payload: [
        {
          ...{ id: 7, command: "Answer", result: 1 },
          lines: [
            {
              message: "a\nb",
              perf: [
                {
                  alias: "x y",
                  floatValue: {
                    ...{ value: 5, unit: "%" },
                    ...{ warning: { value: 0 }, warningRange: "~:30", critical: { value: 0 }, criticalRange: "@1:2" },
                  },
                },
                { alias: "b", stringValue: { value: "U" } },
              ],
            },
          ],
        },
      ],
    });
  });
});

describe("a simple command", () => {
  it.each([
    ['(0, "m")', [0, "m"]],
    ['(1, "m")', [1, "m"]],
    ['(2, "m")', [2, "m"]],
    ['(3, "m")', [3, "m"]],
    ['(7, "m")', [3, "m"]],
    ['(-1, "m")', [3, "m"]],
    ['(True, b"bytes")', [1, "bytes"]],
    ['(status.CRITICAL, "m", "extra")', [2, "m"]],
    ["(1,)", [1, ""]],
  ] as const)("that returns %s", async (returned, answer) => {
    await python.execute(`registry.simple_cmdline("command", ${callback(returned)})`);
    python.logged();
    expect(await executed(python, "command")).toEqual([answer]);
    expect(python.logged()).toEqual([]);
  });

  it.each([
    ["None", "TypeError: command returned NoneType instead of (code, message)"],
    ['[0, "m"]', "TypeError: command returned list instead of (code, message)"],
    ["()", "TypeError: command returned an empty tuple instead of (code, message)"],
    ["0", "TypeError: command returned int instead of (code, message)"],
    ['"text"', "TypeError: command returned str instead of (code, message)"],
    ['("0", "m")', "TypeError: command returned str as its code"],
    ['(None, "m")', "TypeError: command returned NoneType as its code"],
    ["(0, None)", "TypeError: command returned NoneType as its message instead of str or bytes"],
    ["(0, 5)", "TypeError: command returned int as its message instead of str or bytes"],
    ["fails", traceback("fails", "ValueError: boom")],
    ["leaves", traceback("leaves", "SystemExit: 3")],
  ])("that returns %s answers with an exception", async (returned, trace) => {
    await python.execute(`registry.simple_cmdline("command", ${callback(returned)})`);
    python.logged();
    expect(await executed(python, "command")).toEqual([[3, "Exception in: command"]]);
    expect(python.logged()).toEqual([["error", `Exception in command: ${trace}`]]);
  });

  it("gets its arguments, and is found in any spelling", async () => {
    await python.execute(`registry.simple_cmdline("Do_Something", lambda args: (0, json.dumps(args)))`);
    expect(await executed(python, "do_someTHING", "install", "--root", "")).toEqual([[0, '["install", "--root", ""]']]);
  });
});
