import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { NrdpResult } from "../../../src/wire/nrdp/check-result.js";
import { parseJsonDocument, writeJsonDocument } from "../../../src/wire/nrdp/json-document.js";
import { parseXmlDocument, writeXmlDocument } from "../../../src/wire/nrdp/xml-document.js";

const service: NrdpResult = {
  type: "service",
  hostname: "web1",
  servicename: "disk /",
  state: 2,
  output: 'DISK "CRITICAL" <5% & falling|used=96%;80;90\nlong ü\r\nend',
  time: 1_700_000_000,
};
const host: NrdpResult = {
  type: "host",
  hostname: "router",
  servicename: "",
  state: 1,
  output: "down",
  time: undefined,
};

const xml = (text: string) => parseXmlDocument(Buffer.from(text));
const json = (value: unknown) => parseJsonDocument(Buffer.from(JSON.stringify(value)));

describe("an XML document", () => {
  test("is written as receivers know it", () => {
    expect(writeXmlDocument([service, host])).toBe(`<?xml version="1.0" encoding="UTF-8"?>
<checkresults>
    <checkresult type="service">
        <hostname>web1</hostname>
        <servicename>disk /</servicename>
        <state>2</state>
        <output>DISK "CRITICAL" &lt;5% &amp; falling|used=96%;80;90
long ü&#13;
end</output>
        <time>1700000000</time>
    </checkresult>
    <checkresult type="host">
        <hostname>router</hostname>
        <state>1</state>
        <output>down</output>
    </checkresult>
</checkresults>
`);
  });

  test("of no results is one without results", () => {
    expect(xml(writeXmlDocument([]))).toEqual({ results: [] });
  });

  test("may have any root, elements that don't matter, CDATA, blanks around names, and hosts without a type", () => {
    expect(
      xml(`<anything><note>x</note><checkresult checktype="1"><hostname>
        router </hostname><state> 1</state><output>a <![CDATA[<b> & c]]></output><output>not this</output>
        <servicename>not for hosts</servicename><time>soon</time></checkresult></anything>`),
    ).toEqual({ results: [{ ...host, output: "a <b> & c" }] });
  });

  test("keeps a state that is none for who knows what to make of it", () => {
    expect(xml("<r><checkresult><hostname>h</hostname><state>7</state></checkresult></r>")).toEqual({
      results: [{ ...host, hostname: "h", state: 7, output: "" }],
    });
  });

  test("is read in the encoding that it names", () => {
    const text = '<?xml version="1.0" encoding="ISO-8859-1"?><r><checkresult><hostname>h</hostname><state>0</state>';
    const bytes = Buffer.from(`${text}<output>gr\u00fcn</output></checkresult></r>`, "latin1");
    expect(parseXmlDocument(bytes)).toEqual({ results: [{ ...host, hostname: "h", state: 0, output: "grün" }] });
  });

  test.each([
    ["", "Root element is missing or invalid (line 1, column 1)"],
    ["<a><b></a>", "Missing end tag for element b (line 1, column 7)"],
    ["<a>&boom;</a>", "Named entity isn't defined: &boom; (line 1, column 4)"],
    [`${"<a>".repeat(50_000)}`, "Elements are nested too deep"],
    ['<?xml version="1.0" encoding="UTF-7"?><a/>', "The encoding UTF-7 is not supported"],
    ["<a>one</a><checkresult/>", "Extra content at the end of the document (line 1, column 11)"],
    ["<a><checkresult/></a>", "Result 1 has no hostname"],
    [
      '<a><checkresult type="service"><hostname>h</hostname><state>0</state></checkresult></a>',
      "Result 1 has no servicename",
    ],
    ["<a><checkresult><hostname>h</hostname></checkresult></a>", "Result 1 has no state"],
    [
      "<a><checkresult><hostname>h</hostname><state>bad</state></checkresult></a>",
      'Result 1 has the state "bad", which is no number',
    ],
    [
      "<a><checkresult><hostname>h</hostname><state>0</state></checkresult><checkresult><hostname>h\nfile=x</hostname></checkresult></a>",
      'Result 2 has a control character in its hostname "h?file=x"',
    ],
  ])("that is wrong is refused: %#", (text, problem) => {
    expect(xml(text)).toEqual({ problem });
  });

  test("that is not in its encoding is refused", () => {
    expect(parseXmlDocument(Buffer.from([0x3c, 0x61, 0x3e, 0xfc, 0x3c, 0x2f, 0x61, 0x3e]))).toEqual({
      problem: "The document is not in UTF-8",
    });
  });
});

describe("a JSON document", () => {
  test("is written as receivers know it", () => {
    expect(JSON.parse(writeJsonDocument([service, host]))).toEqual({
      checkresults: [
        {
          checkresult: { type: "service", checktype: "1" },
          hostname: "web1",
          servicename: "disk /",
          state: "2",
          output: service.output,
          time: "1700000000",
        },
        { checkresult: { type: "host", checktype: "1" }, hostname: "router", state: "1", output: "down" },
      ],
    });
  });

  test("may have numbers and texts, and hosts without a type", () => {
    expect(
      json({
        checkresults: [
          { checkresult: { type: "service" }, hostname: "h", servicename: 5, state: 2, output: 1.5, time: 12 },
          { hostname: "router", state: "1", output: "down" },
        ],
      }),
    ).toEqual({
      results: [{ type: "service", hostname: "h", servicename: "5", state: 2, output: "1.5", time: 12 }, host],
    });
  });

  test.each([
    ["", "Syntax error"],
    ["{", "Syntax error"],
    ["[]", "There is no list checkresults"],
    ["null", "There is no list checkresults"],
    ['{"checkresults":{}}', "There is no list checkresults"],
    ['{"checkresults":[null]}', "Result 1 has no hostname"],
    ['{"checkresults":[{"hostname":"a\\u0000b","state":0}]}', 'Result 1 has a control character in its hostname "a?b"'],
    ['{"checkresults":[{"hostname":["a"],"state":0}]}', "Result 1 has no hostname"],
    ['{"checkresults":[{"hostname":"a","state":1.5}]}', 'Result 1 has the state "1.5", which is no number'],
  ])("that is wrong is refused: %s", (text, problem) => {
    expect(parseJsonDocument(Buffer.from(text))).toEqual({ problem });
  });

  test("that is not UTF-8 is refused", () => {
    expect(parseJsonDocument(Buffer.from([0x22, 0xff, 0x22]))).toEqual({
      problem: "Malformed UTF-8 characters, possibly incorrectly encoded",
    });
  });
});

/** Texts with all that is hard: markup, controls, halves of surrogate pairs, umlauts, entities. */
const hardText = fc
  .array(
    fc.oneof(
      fc.string({ unit: "binary", maxLength: 8 }),
      fc.constantFrom(
        "&",
        "<",
        ">",
        "]]>",
        "&amp;",
        "\r",
        "\n",
        "\t",
        "\0",
        "\x1b",
        "\ud800",
        "\udc00",
        "\ufffe",
        "ü",
        "💥",
        "|",
        '"',
      ),
    ),
  )
  .map((parts) => parts.join(""));

const name = hardText.map((text) => text.replace(/\p{Cc}/gu, "").trim()).filter((text) => text !== "");

const anyResult: fc.Arbitrary<NrdpResult> = fc
  .record({
    hostname: name,
    service: fc.option(name),
    state: fc.nat(3),
    output: hardText,
    time: fc.option(fc.integer({ min: 1, max: 4e9 })),
  })
  .map(({ hostname, service, state, output, time }) => ({
    type: service === null ? "host" : "service",
    hostname,
    servicename: service ?? "",
    state,
    output,
    time: time ?? undefined,
  }));

/** What XML 1.0 has no place for arrives as U+FFFD. */
function holdable(text: string): string {
  return [...text]
    .map((character) => {
      const code = character.codePointAt(0) ?? 0;
      const isControl = code < 0x20 && !"\t\n\r".includes(character);
      return isControl || (code >= 0xd800 && code < 0xe000) || code === 0xfffe || code === 0xffff
        ? "\ufffd"
        : character;
    })
    .join("");
}

describe.each([
  ["XML", (results: NrdpResult[]) => parseXmlDocument(Buffer.from(writeXmlDocument(results)))],
  ["JSON", (results: NrdpResult[]) => parseJsonDocument(Buffer.from(writeJsonDocument(results)))],
])("what is written as %s", (_format, there) => {
  test("comes back", () => {
    fc.assert(
      fc.property(fc.array(anyResult, { maxLength: 4 }), (results) => {
        const expected = results.map((result) => ({
          ...result,
          hostname: holdable(result.hostname),
          servicename: holdable(result.servicename),
          output: holdable(result.output),
        }));
        expect(there(results)).toEqual({ results: expected });
      }),
    );
  });
});

test("whatever comes in is read or refused with a sentence", () => {
  const pieces = fc.constantFrom(
    "<",
    ">",
    "</",
    "checkresult",
    "<checkresult>",
    "</checkresult>",
    "<a>",
    "</a>",
    "&",
    ";",
    "<![CDATA[",
    "]]>",
    "<!--",
    "{",
    "}",
    "[",
    "]",
    '"checkresults"',
    ":",
    ",",
    "<!DOCTYPE",
  );
  const bytes = fc.oneof(
    fc.array(fc.oneof(pieces, fc.string({ unit: "binary", maxLength: 3 }))).map((parts) => Buffer.from(parts.join(""))),
    fc.uint8Array({ maxLength: 60 }).map((array) => Buffer.from(array)),
  );
  fc.assert(
    fc.property(bytes, (document) => {
      for (const read of [parseXmlDocument(document), parseJsonDocument(document)]) {
        if ("problem" in read) expect(read.problem).toMatch(/^[^\n]+$/);
      }
    }),
    { numRuns: 500 },
  );
});
