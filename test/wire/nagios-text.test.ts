import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Line, QueryResponse } from "../../src/wire/messages.js";
import { parseNagiosText, renderNagiosText, simpleResult } from "../../src/wire/nagios-text.js";
import { parsePerfdata, renderPerfdata } from "../../src/wire/perfdata.js";

/** A result with lines given as message and performance data. */
function result(...lines: [message: string, perf?: string][]): QueryResponse {
  return QueryResponse.create({
    lines: lines.map(([message, perf = ""]) => Line.create({ message, perf: parsePerfdata(perf) })),
  });
}

/** Blanks before a `|` and at the end of the text are not kept. */
function withoutBlanks(text: string): string {
  return text.replaceAll(/\s/g, "");
}

describe("a result as plugin text", () => {
  it.each([
    ["one line", result(["all fine"]), "all fine"],
    ["one line with performance data", result(["all fine", "a=1;2 b=3"]), "all fine|'a'=1;2 'b'=3"],
    ["no lines", result(), ""],
    ["only performance data", result(["", "a=1"]), "|'a'=1"],
    ["several lines", result(["a"], ["b"], ["c"]), "a\nb\nc"],
    [
      "several lines with performance data",
      result(["a", "x=1"], ["b", "y=2"], ["c", "z=3 u=4"]),
      "a|'x'=1\nb\nc|'y'=2\n'z'=3 'u'=4",
    ],
    ["performance data of later lines only", result(["a"], ["b", "y=2"], ["c"]), "a\nb\nc|'y'=2"],
    ["a message of several rows", result(["a\r\nb\rc\n", "x=1"], ["d"]), "a|'x'=1\nb\nc\n\nd"],
    ["later lines without text", result(["a", "x=1"], ["", "y=2"], ["", "z=3"]), "a|'x'=1 'y'=2 'z'=3"],
    ["a pipe in messages", result(["C: | D: ok", "x=1"], ["a|'fake'=1"]), "C: ¦ D: ok|'x'=1\na¦'fake'=1"],
    ["a line break in a label", result(["a", "'x\ny'=1"]), "a|'x y'=1"],
  ])("%s", (_name, response, text) => {
    expect(renderNagiosText(response)).toBe(text);
  });

  it("leaves performance data out when it is not wanted", () => {
    const response = result(["a", "x=1"], ["b", "y=2"], ["", "z=3"]);
    expect(renderNagiosText(response, { perfdata: false })).toBe("a\nb");
  });
});

describe("plugin text as a line of a result", () => {
  it.each([
    ["all fine", "all fine", ""],
    ["all fine\r\n", "all fine", ""],
    ["", "", ""],
    ["\n\n", "", ""],
    ["all fine | a=1;2\n", "all fine", "'a'=1;2"],
    ["|a=1", "", "'a'=1"],
    ["a|'x|y'=1", "a", "'x|y'=1"],
    ["a|x=1\nb\nc | y=2\nz=3\nu=4", "a\nb\nc", "'x'=1 'y'=2 'z'=3 'u'=4"],
    ["a\nb|y=2", "a\nb", "'y'=2"],
    ["a|x=1\n|y=2", "a", "'x'=1 'y'=2"],
    ["a\r\n\r\n  indented\r\n", "a\n\n  indented", ""],
  ])("%j", (text, message, perf) => {
    const line = parseNagiosText(text);
    expect([line.message, renderPerfdata(line.perf)]).toEqual([message, perf]);
  });

  it("has the text and every measurement of what was written, whatever the messages are", () => {
    const lines = fc.array(fc.tuple(fc.string({ unit: "binary" }), fc.constantFrom("", "x=1", "'a|b'=1;2:3 c=5%")));
    fc.assert(
      fc.property(lines, (pairs) => {
        const response = result(...pairs);
        const line = parseNagiosText(renderNagiosText(response));
        const written = pairs.map(([, perf]) => renderPerfdata(parsePerfdata(perf))).filter((perf) => perf !== "");
        expect(renderPerfdata(line.perf)).toBe(written.join(" "));
        expect(withoutBlanks(line.message)).toBe(withoutBlanks(renderNagiosText(response, { perfdata: false })));
      }),
    );
  });
});

describe("a result as a script's pair of message and performance data", () => {
  it.each([
    ["one line", result(["a|b", "x=1"]), { message: "a|b", perf: "'x'=1" }],
    ["several lines", result(["a", "x=1"], ["b"], ["c", "y=2"]), { message: "abc", perf: "'x'=1 'y'=2" }],
    ["no lines", result(), { message: "", perf: "" }],
  ])("%s", (_name, response, pair) => {
    expect(simpleResult(response)).toEqual(pair);
  });
});
