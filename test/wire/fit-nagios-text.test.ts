import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fitNagiosText } from "../../src/wire/fit-nagios-text.js";
import { Line, QueryResponse } from "../../src/wire/messages.js";
import { escapeNagiosOutput } from "../../src/wire/nagios-command.js";
import { parseNagiosText, renderNagiosText } from "../../src/wire/nagios-text.js";
import { parsePerfdata, renderPerfdata } from "../../src/wire/perfdata.js";

describe("text that must fit", () => {
  it.each([
    ["all fine", 8, "all fine"],
    ["all fine", 7, "all fin"],
    ["größe", 3, "gr"],
    ["größe", 4, "grö"],
    ["a\u{1f600}b", 4, "a"],
    ["a\u{1f600}b", 5, "a\u{1f600}"],
    ["ok|'a'=1 'b'=2", 13, "ok|'a'=1"],
    ["ok|'a'=1 'b'=2", 9, "ok|'a'=1"],
    ["ok|'a'=1 'b'=2", 8, "ok|'a'=1"],
    ["ok|'a'=1 'b'=2", 7, "ok"],
    ["ok|'a b'=1 'c'=2", 11, "ok|'a b'=1"],
    ["ok|'a b'=1 'c'=2", 9, "ok"],
    ["ok|'a'' b'=1 'c'=2", 10, "ok"],
    ["ok|'a'=1\nlong", 11, "ok|'a'=1\nlo"],
    ["ok|'a'=1\nlong", 9, "ok|'a'=1"],
    ["ok|'a'=1\nlong|'b'=2\n'c'=3", 24, "ok|'a'=1\nlong|'b'=2"],
    ["ok|'a'=1\nlong|'b'=2\n'c'=3", 15, "ok|'a'=1\nlong"],
    ["ok", 0, ""],
  ])("%j in %i bytes", (text, room, fitted) => {
    expect(fitNagiosText(text, room)).toBe(fitted);
  });

  it("counts newlines and backslashes twice where they are escaped", () => {
    expect(fitNagiosText("a\\b\nc", 6, { escaped: true })).toBe("a\\b");
    expect(fitNagiosText("a\\b\nc", 7, { escaped: true })).toBe("a\\b\nc");
  });

  it("fits, is a beginning of the text and has no half of a measurement", () => {
    const perf = fc.constantFrom("", "x=1", "'a b'=1;2:3 c=5%", "'it''s'=100 d=1.25s");
    const lines = fc.array(fc.tuple(fc.string({ unit: "binary", maxLength: 20 }), perf), {
      minLength: 1,
      maxLength: 4,
    });
    fc.assert(
      fc.property(lines, fc.nat({ max: 100 }), fc.boolean(), (pairs, room, escaped) => {
        const text = renderNagiosText(
          QueryResponse.create({
            lines: pairs.map(([message, perf]) => Line.create({ message, perf: parsePerfdata(perf) })),
          }),
        );
        const fitted = fitNagiosText(text, room, { escaped });
        const size = Buffer.byteLength(escaped ? escapeNagiosOutput(fitted) : fitted);
        expect(size).toBeLessThanOrEqual(room);
        expect(text.startsWith(fitted)).toBe(true);
        const items = parseNagiosText(text).perf.map((item) => renderPerfdata([item]));
        expect(items).toEqual(
          expect.arrayContaining(parseNagiosText(fitted).perf.map((item) => renderPerfdata([item]))),
        );
      }),
    );
  });
});
