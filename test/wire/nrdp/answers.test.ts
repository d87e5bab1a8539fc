import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type NrdpAnswer,
  processedCount,
  processedText,
  writeAnswer,
  writeHello,
} from "../../../src/wire/nrdp/answer.js";
import { parseAnswer } from "../../../src/wire/nrdp/answer-reader.js";

const taken: NrdpAnswer = { status: 0, message: "OK", output: processedText(2) };
const declaration = '<?xml version="1.0" encoding="utf-8"?>\n';

describe("answers", () => {
  test("are written byte for byte as the real server writes them", () => {
    expect(writeAnswer(taken, "xml")).toBe(
      `${declaration}<result>\n    <status>0</status>\n    <message>OK</message>\n    <meta>\n        <output>2 checks processed</output>\n    </meta>\n</result>\n`,
    );
    expect(writeAnswer(taken, "json")).toBe(
      '{"result":{"status":0,"message":"OK","meta":{"output":"2 checks processed"}}}',
    );
    expect(writeAnswer({ status: -1, message: "BAD JSON", information: "Syntax error" }, "json")).toBe(
      '{"result":{"status":-1,"message":"BAD JSON","information":"Syntax error"}}',
    );
    expect(writeAnswer({ status: -1, message: "BAD XML", information: 'a < "b" \0' }, "xml")).toBe(
      `${declaration}<result>\n    <status>-1</status>\n    <message>BAD XML</message>\n    <information>a &lt; "b" \ufffd</information>\n</result>\n`,
    );
    expect(writeAnswer({ status: 0, message: "OK" }, "json", true)).toBe(
      '{\n    "result": {\n        "status": 0,\n        "message": "OK"\n    }\n}',
    );
    expect(writeHello("2.0.5", "xml")).toBe(
      `${declaration}<response>\n    <status>0</status>\n    <message>OK</message>\n    <product>nrdp</product>\n    <version>2.0.5</version>\n</response>\n`,
    );
    expect(writeHello("2.0.5", "json")).toBe(
      '{"response":{"status":0,"message":"OK","product":"nrdp","version":"2.0.5"}}',
    );
  });

  test("come back from both formats", () => {
    const text = fc.string({ unit: "grapheme" }).map((value) => value.trim());
    const answers = fc.record({
      status: fc.integer({ min: -9, max: 9 }),
      message: text,
      information: text,
      output: text,
    });
    fc.assert(
      fc.property(
        answers,
        fc.constantFrom("xml" as const, "json" as const),
        fc.boolean(),
        (answer, format, isPretty) => {
          expect(parseAnswer(writeAnswer(answer, format, isPretty))).toEqual({ answer });
        },
      ),
    );
  });

  const empty = { status: 0, message: "", information: "", output: "" };
  test.each([
    ["<result><status>0</status><message/></result>", empty],
    ["<result><status> 0 </status></result>", empty],
    [
      "<result a='b'><status>-1</status><message>BAD TOKEN</message></result>",
      { ...empty, status: -1, message: "BAD TOKEN" },
    ],
    [
      "<br />\n<b>Warning</b>: mkdir() &bad\n<?xml version='1.0'?>\n<result><status>0</status></result>\n<!-- x -->",
      empty,
    ],
    ['Warning: x\n{"result":{"status":"0","message":null,"meta":[]}}\n', empty],
  ])("are read as they come: %s", (text, answer) => {
    expect(parseAnswer(text)).toEqual({ answer });
  });

  test.each([
    ["", "The answer is no NRDP result: it is empty"],
    [
      "<html><head><title>404 Not\nFound</title></head></html>",
      'The answer is no NRDP result: a page with the title "404 Not?Found"',
    ],
    ["<html><p>It <b>works</b>!</p></html>", 'The answer is no NRDP result: "It works !"'],
    ["<html/>", "The answer is no NRDP result: it has no text"],
    [
      "No command specified or request handler",
      'The answer is no NRDP result: "No command specified or request handler"',
    ],
    ["<result><message>OK</message></result>", 'The answer has no status: "OK"'],
    ["<result><status>fine</status></result>", 'The answer has the status "fine": "fine"'],
    ["<results><status>0</status></results>", 'The answer is no NRDP result: "0"'],
    ['{"result":null}', 'The answer has no status: "{"result":null}"'],
    ["[]", 'The answer is no NRDP result: "[]"'],
  ])("that are none are described: %s", (text, problem) => {
    expect(parseAnswer(text)).toEqual({ problem });
  });

  test("of any kind are read or described in one line", () => {
    const pieces = fc.constantFrom(
      "<result>",
      "</result>",
      "<status>",
      "</status>",
      "0",
      "{",
      "}",
      '"result":',
      '"status":',
      "<",
      "&",
      "\n",
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(pieces, fc.string({ unit: "binary", maxLength: 5 }))), (parts) => {
        const read = parseAnswer(parts.join(""));
        if ("problem" in read) expect(read.problem).toMatch(/^.+$/);
      }),
    );
  });

  test.each([
    ["2 checks processed", 2],
    [" 1 check processed.", 1],
    ["0 checks processed", 0],
    ["processed", undefined],
    ["", undefined],
  ])("say how many results were taken: %s", (output, count) => {
    expect(processedCount(output)).toBe(count);
  });
});
