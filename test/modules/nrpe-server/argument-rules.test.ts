import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseArgumentRule } from "../../../src/modules/nrpe-server/argument-rules.js";

function problemOf(rule: string, ...args: string[]): string | undefined {
  const parsed = parseArgumentRule(rule);
  if (parsed.problem !== undefined) throw new Error(parsed.problem);
  return parsed.rule.problemOf(args);
}

describe("A type takes", () => {
  test.each([
    [
      "integer",
      ["0", "-5", "+12", "123456789012345"],
      ["", "1.5", "1e3", "0x10", "١", "1 ", "1234567890123456", "--1"],
    ],
    ["integer(-5..10)", ["-5", "0", "10"], ["-6", "11", "1.5"]],
    ["number", ["0", "-1.25", "10"], ["", ".5", "5.", "1e3", "NaN", "Infinity", "1,5"]],
    ["number(0..1.5)", ["0", "1.5", "0.333"], ["1.51", "-0.1"]],
    ["percent", ["0", "80", "80%", "99.5%", "100"], ["101", "-1", "%", "80%%", "1e1", "100.1"]],
    ["duration", ["30", "30s", "5m", "1h", "2d", "1w", "250ms"], ["", "5x", "-5m", "1h30m", "m"]],
    [
      "word",
      ["eth0", "Größe", "a.b:c@d", "_x", "C:"],
      ["", "-x", "a b", "a/b", "a;b", "$(id)", "a=b", "x".repeat(256)],
    ],
    ["host", ["web1", "web-1.example.com.", "10.0.0.1", "fe80::1", "_srv"], ["", "-web", "a b", "web1;", "a..b", "ä"]],
    [
      "text",
      ["", "any words, 5 $ or so: a/b", "漢"],
      ["-x", "a|b", "a`b", "a&b", "a'b", 'a"b', "a\\b", "a\nb", "a>b", "[a]"],
    ],
    [
      "path(/srv)",
      ["/srv", "/srv/", "/srv/a b/ü.txt", "/srv/..."],
      ["srv", "/srv2", "/srv/../etc", "/srv/.", "/srv/a|b", ""],
    ],
    ["path(/)", ["/", "/etc"], ["etc", "/../etc"]],
    ["one-of(a|b c)", ["a", "b c"], ["", "b", "A", "a|b c"]],
  ])("%s", (type, right, wrong) => {
    const rule = `"${type}"`;
    expect(right.filter((text) => problemOf(rule, text) !== undefined)).toEqual([]);
    expect(wrong.filter((text) => problemOf(rule, text) === undefined)).toEqual([]);
  });
});

describe("A rule", () => {
  test("says which argument breaks which part of it", () => {
    const rule = "warning=percent critical=percent path(/srv) [word...]";
    expect(problemOf(rule, "warning=80%", "critical=90%", "/srv/data", "a", "b")).toBeUndefined();
    expect(problemOf(rule, "/srv", "a", "CRITICAL=90", "warning=80")).toBeUndefined();
    expect(problemOf(rule, "warning=80", "critical=x", "/srv", "a")).toBe(
      'argument 2, "critical=x", does not fit critical=percent: it has to be a number from 0 to 100 with or without %',
    );
    expect(problemOf(rule, "warning=80", "critical=90", "/etc", "a")).toBe(
      'argument 3, "/etc", does not fit path(/srv): it has to be a path below /srv without .. in it',
    );
    expect(problemOf(rule, "warning=80", "warning=81", "critical=90", "/srv", "a")).toBe(
      'argument 2, "warning=81", is given twice',
    );
    expect(problemOf(rule, "warning=80", "/srv", "a")).toBe(
      "the argument critical=percent is missing: a number from 0 to 100 with or without %",
    );
  });

  test("without slots takes no arguments, and one argument more than there are slots is one too many", () => {
    expect(problemOf("")).toBeUndefined();
    expect(problemOf("", "x")).toBe('argument 1, "x", is one more than the command takes');
    expect(problemOf("integer [integer]", "1", "2", "3")).toBe('argument 3, "3", is one more than the command takes');
    expect(problemOf("integer", "x".repeat(100))).toBe(
      `argument 1, "${"x".repeat(80)}…", does not fit integer: it has to be a whole number`,
    );
  });

  test("takes options as check plugins have them", () => {
    const rule = "one-of(-w) percent one-of(-c) percent [one-of(-v|--verbose)]";
    expect(problemOf(rule, "-w", "80%", "-c", "90%")).toBeUndefined();
    expect(problemOf(rule, "-w", "80%", "-c", "90%", "--verbose")).toBeUndefined();
    expect(problemOf(rule, "-w", "80%", "-x", "90%")).toBe(
      'argument 3, "-x", does not fit one-of(-c): it has to be one of -c',
    );
  });

  test("may take several of a kind, or none", () => {
    expect(problemOf("[word...]")).toBeUndefined();
    expect(problemOf("[word]...", "a", "b", "c")).toBeUndefined();
    expect(problemOf("word...")).toBe(
      "the argument word is missing: a word of letters, digits and _ . : @ + -, that does not begin with -",
    );
    expect(problemOf("[drive=word...]", "drive=C:", "drive=D:")).toBeUndefined();
    expect(problemOf("[drive=word...]", "drive=C:", "E:")).toBe('argument 2, "E:", is one more than the command takes');
  });

  test.each([
    [
      "intger",
      'there is no type "intger"; there are integer, number, percent, duration, word, host, text, path, one-of',
    ],
    [
      "constructor",
      'there is no type "constructor"; there are integer, number, percent, duration, word, host, text, path, one-of',
    ],
    ["integer(1)", 'integer(1): "1" is no range; it is written integer or integer(0..100)'],
    ["integer(5..1)", "integer(5..1): the range 5..1 is empty; it is written integer or integer(0..100)"],
    ["integer(1..2", "the parenthesis of integer(1..2 is not closed at its end"],
    ["word(x)", "word(x): it has no parentheses; it is written word"],
    ["path", "path: it needs the folder that all paths are below; it is written path(/a/folder)"],
    ["path(srv)", "path(srv): it needs the folder that all paths are below; it is written path(/a/folder)"],
    ["one-of(a||b)", "one-of(a||b): an empty choice is none; it is written one-of(a|b|c)"],
    ["[word", "the bracket of [word is not closed at its end"],
    ["=word", "=word has no key before its ="],
    ["a=word A=word", "the key a= is there twice"],
    ["[word] integer", "integer follows word, which may be left out, and may not"],
    ["word... integer", "nothing without a key may follow word..., which takes all that is left"],
    ['"word', 'a " is not closed'],
  ])("that can't be meant is named: %s", (rule, problem) => {
    expect(parseArgumentRule(rule)).toEqual({ problem });
  });

  test("is quick and says something about whatever it is asked", () => {
    const parts = fc.constantFrom(
      "word",
      "[word]",
      "integer...",
      "a=percent",
      "[b=host...]",
      "path(/a)",
      "x",
      "((",
      "=",
      "...",
    );
    fc.assert(
      fc.property(
        fc.array(parts, { maxLength: 5 }),
        fc.array(fc.string({ maxLength: 300 }), { maxLength: 30 }),
        (rule, args) => {
          const parsed = parseArgumentRule(rule.join(" "));
          if (parsed.problem !== undefined) expect(parsed.problem).not.toBe("");
          else expect(parsed.rule.problemOf(args)).not.toBe("");
        },
      ),
    );
  });
});
