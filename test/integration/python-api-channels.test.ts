import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SubmitRequestMessage, SubmitResponseMessage } from "../../dist/wire/messages.js";
import { bytesLiteral, type PythonConsole, startConsole, submit } from "../support/python-api.js";

let python: PythonConsole;

beforeAll(async () => {
  python = await startConsole();
  await python.execute(`
heard = []
def hear(*args):
    heard.append(args)
def fails(*args):
    raise ValueError("boom")
def leaves(*args):
    sys.exit(1)
def answers(*returned):
    rest = list(returned)
    def answer(*args):
        heard.append(args)
        return rest.pop(0) if len(rest) > 1 else rest[0]
    return answer`);
});

afterAll(() => python.stop());

const one = { command: "service", source: "web01", result: 1, lines: [{ message: "text" }] };

/** What the functions named `hear` and `answers` were called with, as JSON of Python. */
async function heard<Calls>(): Promise<Calls> {
  const calls = await python.value<Calls>("heard");
  await python.execute("heard.clear()");
  return calls;
}

describe("a simple subscription", () => {
  it.each([
    ["None", true],
    ["True", true],
    ["1", true],
    ["status.WARNING", true],
    ["False", false],
    ["0", false],
    ["status.OK", false],
  ])("that returns %s", async (returned, taken) => {
    await python.execute(`registry.simple_subscription("inbox", lambda *args: ${returned})`);
    python.logged();
    expect(await submit(python, "INBOX", [one])).toEqual([[taken, taken ? "" : "Invalid response: INBOX"]]);
    expect(python.logged()).toEqual([]);
  });

  it.each([
    ["lambda *args: 'yes'", "TypeError: The subscription of inbox returned str instead of bool"],
    ["lambda *args: (True, '')", "TypeError: The subscription of inbox returned tuple instead of bool"],
    ["lambda *args: 1.0", "TypeError: The subscription of inbox returned float instead of bool"],
    ["lambda *args: []", "TypeError: The subscription of inbox returned list instead of bool"],
    ["fails", 'Traceback (most recent call last):\n  File "<string>", line 6, in fails\nValueError: boom'],
    ["leaves", 'Traceback (most recent call last):\n  File "<string>", line 8, in leaves\nSystemExit: 1'],
  ])("%s refuses with an exception", async (callback, trace) => {
    await python.execute(`registry.simple_subscription("inbox", ${callback})`);
    python.logged();
    expect(await submit(python, "inbox", [one])).toEqual([[false, "Invalid response: inbox"]]);
    expect(python.logged()).toEqual([["error", `Exception in inbox: ${trace}`]]);
  });

  it("is called once per line, with the measurements as text", async () => {
    await python.execute(`registry.simple_subscription("Inbox", hear)`);
    const perf = [{ alias: "a b", floatValue: { value: 0.3, unit: "s", warning: { value: 1 } } }];
    expect(
      await submit(python, "inBOX", [
        { ...one, result: 3, lines: [{ message: "first", perf }, { message: "se\ncond" }] },
        { command: "other", lines: [{ message: "\u00e5" }] },
        { command: "without lines" },
      ]),
    ).toEqual([
      [true, ""],
      [true, ""],
      [true, ""],
    ]);
    const calls = await heard<string[][]>();
    // Results are worked on side by side, the lines of each in their order.
    expect(calls.filter(([, , command]) => command === "service")).toEqual([
      ["inBOX", "web01", "service", 3, "first", "'a b'=0.3s;1"],
      ["inBOX", "web01", "service", 3, "se\ncond", ""],
    ]);
    expect(calls.filter(([, , command]) => command !== "service")).toEqual([["inBOX", "", "other", 0, "\u00e5", ""]]);
  });

  it("gets the members of status", async () => {
    await python.execute(`
members = []
registry.simple_subscription("inbox", lambda channel, source, command, code, message, perf: members.append(code))`);
    const payload = [0, 1, 2, 3].map((result) => ({ ...one, result }));
    await submit(python, "inbox", payload);
    expect(await python.evaluate("sorted(members), all(code is status.values[code] for code in members)")).toBe(
      "([NSCP.status.OK, NSCP.status.WARNING, NSCP.status.CRITICAL, NSCP.status.UNKNOWN], True)",
    );
  });

  it("is not called for the lines behind one that was refused", async () => {
    await python.execute(`registry.simple_subscription("inbox", answers(True, False, True))`);
    const lines = ["a", "b", "c"].map((message) => ({ message }));
    expect(await submit(python, "inbox", [{ ...one, lines }])).toEqual([[false, "Invalid response: inbox"]]);
    expect(await heard()).toEqual([
      ["inbox", "web01", "service", 1, "a", ""],
      ["inbox", "web01", "service", 1, "b", ""],
    ]);
  });
});

const answer = bytesLiteral(
  SubmitResponseMessage.encode(
    SubmitResponseMessage.fromObject({ payload: [{ command: "x", result: { code: 0, message: "taken" } }] }),
  ).finish(),
);
const refusal = bytesLiteral(
  SubmitResponseMessage.encode(
    SubmitResponseMessage.fromObject({ payload: [{ result: { code: 1, message: "no room" } }] }),
  ).finish(),
);

describe("a raw subscription", () => {
  it.each([
    ['(True, b"")', true, ""],
    ['(True, "")', true, ""],
    ['[True, b""]', true, ""],
    ["(True,)", true, ""],
    ["(1, bytearray())", true, ""],
    [`(True, ${answer})`, true, "taken"],
    [`(True, memoryview(${answer}))`, true, "taken"],
    [`(True, ${refusal})`, false, "no room"],
    ["None", false, "Unable to process message: Raw"],
    ["False", false, "Unable to process message: Raw"],
    ["()", false, "Unable to process message: Raw"],
    ['(False, b"")', false, "Unable to process message: Raw"],
    [`(False, ${answer})`, false, "Unable to process message: Raw"],
    [`(None, ${answer})`, false, "Unable to process message: Raw"],
  ])("that returns %s", async (returned, taken, text) => {
    await python.execute(`registry.subscription("raw", lambda *args: ${returned})`);
    python.logged();
    expect(await submit(python, "Raw", [one])).toEqual([[taken, text]]);
    expect(python.logged()).toEqual([]);
  });

  it.each([
    ["lambda *args: 5", "TypeError: The subscription of Raw returned int instead of (success, response)"],
    ["lambda *args: (True, 5)", "TypeError: Raw returned int as its response instead of bytes"],
    ["lambda *args: (True, None)", "TypeError: Raw returned NoneType as its response instead of bytes"],
    [`lambda *args: (True, ${answer} * 2)`, "ValueError: a SubmitResponseMessage must have exactly one payload"],
    ["lambda *args: (True, b'\\xff\\xff')", "ValueError: a number without an end"],
    ["fails", 'Traceback (most recent call last):\n  File "<string>", line 6, in fails\nValueError: boom'],
  ])("%s can't be used", async (callback, trace) => {
    await python.execute(`registry.subscription("raw", ${callback})`);
    python.logged();
    expect(await submit(python, "Raw", [one])).toEqual([[false, "Unable to process message: Raw"]]);
    expect(python.logged()).toEqual([["error", `Exception in Raw: ${trace}`]]);
  });

  it("gets a view of the message that can only be read, once for each result", async () => {
    await python.execute(`
kinds = []
def keep(channel, message):
    kinds.append((type(message).__name__, message.readonly))
    heard.append((channel, bytes(message)))
    return True, b""
registry.subscription("raw", keep)`);
    const payload = [one, { ...one, command: "second", id: 5, lines: [{ message: "x".repeat(300) }] }, { command: "" }];
    expect(await submit(python, "Raw", payload)).toEqual([
      [true, ""],
      [true, ""],
      [true, ""],
    ]);
    expect(await python.evaluate("set(kinds)")).toBe("{('memoryview', True)}");
    const messages = (await heard<[string, string][]>()).map(([channel, hex]) => {
      const message = SubmitRequestMessage.decode(Buffer.from(hex, "hex"));
      const [result] = message.payload;
      const stamps = message.header?.metadata.map(({ key, value }) => `${key}=${value}`);
      return [channel, message.channel, stamps, message.payload.length, result?.command, result?.lines[0]?.message];
    });
    expect(messages).toEqual([
      ["Raw", "Raw", ["nscp.principal=local"], 1, "service", "text"],
      ["Raw", "Raw", ["nscp.principal=local"], 1, "second", "x".repeat(300)],
      ["Raw", "Raw", ["nscp.principal=local"], 1, "", undefined],
    ]);
  });

  it("answers for each result by itself", async () => {
    await python.execute(`registry.subscription("raw", answers((True, ${answer}), (True, b""), (True, ${refusal})))`);
    expect(await submit(python, "raw", [one, one, one])).toEqual([
      [true, "taken"],
      [true, ""],
      [false, "no room"],
    ]);
    await heard();
  });

  it("comes before the simple one of the channel, which decides unless it answered", async () => {
    const row = async (raw: string, simple: string) => {
      await python.execute(`
registry.subscription("inbox", answers(${raw}))
registry.simple_subscription("inbox", answers(${simple}))`);
      const answers = await submit(python, "inbox", [one]);
      return [...answers.flat(), (await heard<unknown[][]>()).map((args) => (args.length === 2 ? "raw" : "simple"))];
    };
    expect(await row(`(True, ${answer})`, "False")).toEqual([true, "taken", ["raw"]]);
    expect(await row(`(True, ${refusal})`, "True")).toEqual([false, "no room", ["raw"]]);
    expect(await row('(True, b"")', "True")).toEqual([true, "", ["raw", "simple"]]);
    expect(await row('(True, b"")', "False")).toEqual([false, "Invalid response: inbox", ["raw", "simple"]]);
    expect(await row("None", "True")).toEqual([true, "", ["raw", "simple"]]);
    expect(await row("False", "False")).toEqual([false, "Invalid response: inbox", ["raw", "simple"]]);
    expect(await row("(True, 5)", "True")).toEqual([true, "", ["raw", "simple"]]);
  });
});

describe("names of channels", () => {
  it("may be lists, and * is every channel", async () => {
    await python.execute(`
registry.simple_subscription("left, Right,left", lambda channel, *rest: heard.append(channel))
registry.simple_subscription("*,left", lambda channel, *rest: heard.append("* " + channel))`);
    expect(await submit(python, "LEFT, right", [one])).toEqual([[true, ""]]);
    expect((await heard<string[]>()).sort()).toEqual(["* LEFT", "* right", "LEFT", "right"]);
    expect(await submit(python, "anything", [one])).toEqual([[true, ""]]);
    expect(await heard()).toEqual(["* anything"]);
    await python.execute(`registry.simple_subscription("*", lambda *args: None)`);
  });

  it("registered again belong to the new function, also one of a list", async () => {
    await python.execute(`
registry.simple_subscription("first,second", lambda channel, *rest: heard.append("old " + channel))
registry.simple_subscription("FIRST", lambda channel, *rest: heard.append("new " + channel))`);
    await submit(python, "first", [one]);
    await submit(python, "second", [one]);
    expect(await heard()).toEqual(["new first", "old second"]);
  });
});
