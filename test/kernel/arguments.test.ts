import { describe, expect, test } from "vitest";
import { ArgumentError, parseArguments } from "../../src/kernel/arguments.js";
import { defineCheck } from "../../src/kernel/check.js";
import { PB, QueryRequest, ResultCode } from "../../src/wire/messages.js";
import { textResponse } from "../../src/wire/responses.js";
import { incoming } from "../support/kernel.js";

const specs = {
  message: { type: "text", default: "none", description: "A text" },
  target: { type: "text", required: true, description: "A target\nAnd more about it." },
  note: { type: "text", description: "Another" },
  sort: { type: "choice", choices: ["up", "down"], default: "up", description: "An order" },
  limit: { type: "count", default: 3, description: "A number" },
  state: { type: "state", description: "A state" },
  quiet: { type: "flag", description: "A switch" },
  command: { type: "list", description: "Commands" },
  arguments: { type: "rest", description: "The rest" },
} as const;

const unset = {
  ...{ message: "none", target: "t", note: undefined, sort: "up", limit: 3, state: undefined },
  ...{ quiet: false, command: [], arguments: [] },
};

describe("both forms", () => {
  test.each<{ args: string[]; expected: object }>([
    { args: ["target=t"], expected: {} },
    { args: ["--target", "t"], expected: {} },
    { args: ["--target=t"], expected: {} },
    { args: ["-target", "t"], expected: {} },
    { args: ["TARGET=t", "Message=a=b"], expected: { message: "a=b" } },
    { args: ["target=t", "message="], expected: { message: "" } },
    { args: ["target=t", "message=--x"], expected: { message: "--x" } },
    { args: ["quiet", "target=t"], expected: { quiet: true } },
    { args: ["target=t", "quiet=No"], expected: { quiet: false } },
    { args: ["--quiet", "--target", "t", "--limit", "0"], expected: { quiet: true, limit: 0 } },
    { args: ["--target", "t", "--message", "-5"], expected: { message: "-5" } },
    { args: ["--target=t", "--message", "a=b"], expected: { message: "a=b" } },
    { args: ["target=t", "sort=DOWN", "state=Crit"], expected: { sort: "down", state: 2 } },
    { args: ["target=t", "command=a b", "command=c"], expected: { command: ["a b", "c"] } },
    { args: ["target=t", "arguments=a", "arguments=b=c"], expected: { arguments: ["a", "b=c"] } },
    {
      args: ["target=t", "arguments", "help", "target=x", "", "--y"],
      expected: { arguments: ["help", "target=x", "", "--y"] },
    },
    { args: ["target=t", "arguments=a", "arguments", "arguments"], expected: { arguments: ["a", "arguments"] } },
    { args: ["--target", "t", "--arguments", "--path", "/"], expected: { arguments: ["--path", "/"] } },
  ])("$args", ({ args, expected }) => {
    expect(parseArguments(specs, args)).toEqual({ ...unset, ...expected });
  });
});

describe("what is wrong is named", () => {
  test.each([
    { args: [], problem: "target is missing" },
    { args: ["target=t", "target=u"], problem: "target is given more than once" },
    { args: ["other=1"], problem: "Unknown argument: other=1" },
    { args: ["__proto__=1"], problem: "Unknown argument: __proto__=1" },
    { args: [""], problem: "Unknown argument: " },
    { args: ["target=t", "--quiet"], problem: "Unknown argument: --quiet" },
    { args: ["target"], problem: "target needs a value" },
    { args: ["--target"], problem: "target needs a value" },
    { args: ["--target", "t", "stray"], problem: "stray belongs to no argument" },
    { args: ["target=t", "sort=sideways"], problem: 'sort can\'t be "sideways": give one of up, down' },
    { args: ["target=t", "limit=-1"], problem: 'limit can\'t be "-1": give a whole number, 0 or more' },
    { args: ["target=t", "state=bad"], problem: 'state can\'t be "bad": give ok, warning, critical or unknown' },
    { args: ["target=t", "quiet=perhaps"], problem: 'quiet can\'t be "perhaps": give true or false' },
  ])("$args: $problem", ({ args, problem }) => {
    expect(() => parseArguments(specs, args)).toThrow(new ArgumentError(problem));
  });
});

describe("a check", () => {
  const check = defineCheck({
    name: "check_it",
    description: "Looks at it",
    arguments: specs,
    fields: { key: "the label" },
    run({ target, arguments: rest }, request) {
      if (target === "bad") throw new ArgumentError("target is bad");
      return textResponse(request, ResultCode.OK, `${target} ${rest.join(" ")}`);
    },
  });
  const ask = (...args: string[]) =>
    check.handler(QueryRequest.create({ id: 4, command: "check_it", arguments: args }), incoming(), null);
  const usage = [
    "Usage: check_it [message=…] target=… [note=…] [sort=up/down] [limit=…] [state=…] [quiet] [command=…] [arguments …]",
    "  message=… (none) - A text",
    "  target=… - A target",
    "  note=… - Another",
    "  sort=up/down (up) - An order",
    "  limit=… (3) - A number",
    "  state=… - A state",
    "  quiet - A switch",
    "  command=… - Commands",
    "  arguments … - The rest",
    "  %(key) - the label",
  ].join("\n");
  const answer = (state: ResultCode, text: string) => textResponse({ id: 4, command: "check_it" }, state, text);

  test.each([
    { args: ["target=t", "arguments", "help"], state: ResultCode.OK, text: "t help" },
    { args: ["help"], state: ResultCode.OK, text: `Looks at it\n${usage}` },
    { args: ["--help"], state: ResultCode.OK, text: `Looks at it\n${usage}` },
    { args: ["target=t", "help-short"], state: ResultCode.OK, text: "Looks at it" },
    { args: ["show-default"], state: ResultCode.OK, text: '"message=none" "sort=up" "limit=3"' },
    { args: [], state: ResultCode.UNKNOWN, text: `target is missing\n${usage}` },
    { args: ["target=bad"], state: ResultCode.UNKNOWN, text: `target is bad\n${usage}` },
  ])("$args", async ({ args, state, text }) => {
    expect(await ask(...args)).toEqual(answer(state, text));
  });

  test("describes itself to programs", async () => {
    const { ParameterDetails } = PB.Registry;
    const { data, ...rest } = await ask("help-pb");
    expect(rest).toEqual({ ...answer(ResultCode.OK, "see data segment"), data: undefined });
    const details = ParameterDetails.decode(data);
    expect(ParameterDetails.encode(check.options.parameters ?? ParameterDetails.create()).finish()).toEqual(data);
    const rows = details.parameter.map(
      ({ name, defaultValue, required, repeatable, contentType, shortDescription, longDescription }) =>
        [
          name,
          defaultValue,
          required,
          repeatable,
          PB.Common.DataType[contentType],
          shortDescription,
          longDescription,
        ].join("; "),
    );
    expect(rows).toEqual([
      "message; none; false; false; STRING; A text; A text",
      "target; ; true; false; STRING; A target; A target\nAnd more about it.",
      "note; ; false; false; STRING; Another; Another",
      "sort; up; false; false; STRING; An order; An order",
      "limit; 3; false; false; STRING; A number; A number",
      "state; ; false; false; STRING; A state; A state",
      "quiet; ; false; false; BOOL; A switch; A switch",
      "command; ; false; true; STRING; Commands; Commands",
      "arguments; ; false; true; STRING; The rest; The rest",
    ]);
    expect(details.fields.map(({ name, shortDescription }) => `${name}: ${shortDescription}`)).toEqual([
      "key: the label",
    ]);
  });
});
