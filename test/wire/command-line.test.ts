import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fillMacros, parseCommandLine } from "../../src/wire/command-line.js";

describe("command lines", () => {
  test.each([
    ["", []],
    ["  a \t b  ", ["a", "b"]],
    ['check "two words" x="y z"w', ["check", "two words", "x=y zw"]],
    ['a "" b', ["a", "b"]],
    [String.raw`a\ b \"c\" d\\e f\ng`, ["a b", '"c"', "d\\e", "f\ng"]],
    [String.raw`"a\"b"`, ['a"b']],
    ["a;b|c$(d)`e`'f'", ["a;b|c$(d)`e`'f'"]],
  ])("%s", (line, words) => {
    expect(parseCommandLine(line)).toEqual({ words });
  });

  test.each([
    [String.raw`C:\temp\x`, "\\t at 3 is no escape"],
    ["a\\", "\\ at 2 is no escape"],
    ['a "b', 'a " is not closed'],
  ])("%s is wrong as a whole", (line, problem) => {
    expect(parseCommandLine(line)).toEqual({ problem });
  });

  test("what is escaped comes back", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ minLength: 1 }).filter((word) => !/\r/.test(word))), (words) => {
        const line = words.map((word) => `"${word.replace(/[\\"]/g, "\\$&").replaceAll("\n", "\\n")}"`).join(" ");
        expect(parseCommandLine(line)).toEqual({ words });
      }),
    );
  });
});

describe("macros", () => {
  test.each([
    { template: ["$ARG1$", "-%ARG2%-"], args: ["a", "b c"], expected: ["a", "-b c-"] },
    { template: ["$ARG1$", "$ARG2$", "%ARG10%"], args: ["a"], expected: ["a", "$ARG2$", "%ARG10%"] },
    { template: ["x", "$ARGS$", "y"], args: ["a", "b c"], expected: ["x", "a", "b c", "y"] },
    { template: ['$ARGS"$', "%ARGS%", '%ARGS"%'], args: ["a b"], expected: ["a b", "a b", "a b"] },
    { template: ["$ARGS$"], args: [], expected: [] },
    { template: ["<$ARGS$>", '<%ARGS"%>'], args: ["a", "b c"], expected: ["<a b c>", '<"a" "b c">'] },
    {
      template: ["$ARG0$", "$ARG$", "$ARG1%", "$arg1$"],
      args: ["a"],
      expected: ["$ARG0$", "$ARG$", "$ARG1%", "$arg1$"],
    },
    { template: ["$ARG1$$ARG2$"], args: ["$ARG2$", "$&"], expected: ["$ARG2$$&"] },
  ])("$template with $args", ({ template, args, expected }) => {
    expect(fillMacros(template, args)).toEqual(expected);
  });
});
