import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  ExecuteResponseMessage,
  type MessageType,
  MetricsMessage,
  nscp,
  PB,
  QueryRequestMessage,
  QueryResponseMessage,
  SettingsRequestMessage,
} from "../../src/wire/messages.js";
import { JsonError } from "../../src/wire/proto-json/json-scanner.js";
import { parseMessage } from "../../src/wire/proto-json/parse-message.js";
import { printMessage } from "../../src/wire/proto-json/print-message.js";
import { messageArbitrary } from "../support/message-arbitrary.js";
import { readContract } from "../support/message-contract.js";

/** The message as it is written when it was read from the text, with nothing left out. */
function through<Message>(type: MessageType<Message>, text: string): unknown {
  return JSON.parse(printMessage(type, parseMessage(type, text)));
}

const { OptionalFloat } = PB.Common;
const { Quantile, Histogram } = PB.Metrics;
const { Entry } = PB.Log.LogEntry;

describe("a message as JSON", () => {
  it("has its fields in lowerCamelCase, enums by name, bytes in base64 and no defaults", () => {
    const text = [
      '{"header":{"sourceId":"a","metadata":[{"key":"k","value":"v"}]},',
      '"payload":[{"id":7,"command":"check_ok","result":"WARNING","data":"AP8=",',
      '"lines":[{"message":"é\\n","perf":[{"alias":"x","floatValue":{"value":0.5,"warning":{}}}]},{}]}]}',
    ].join("");
    const message = parseMessage(QueryResponseMessage, text);
    expect(message.payload[0]?.data).toEqual(Buffer.from([0, 255]));
    expect(printMessage(QueryResponseMessage, message)).toBe(text);
  });

  it("has all fields that are no alternatives when defaults are wanted", () => {
    const message = QueryResponseMessage.create({ payload: [QueryResponseMessage.Response.create()] });
    expect(printMessage(QueryResponseMessage, message, { defaults: true })).toBe(
      '{"payload":[{"id":0,"command":"","alias":"","result":"OK","data":"","source":"","lines":[],"arguments":[]}]}',
    );
    expect(printMessage(PB.Common.PerformanceData, PB.Common.PerformanceData.create(), { defaults: true })).toBe(
      '{"alias":""}',
    );
  });

  it("may have the names of the .proto file, and null for what is not there", () => {
    const text = '{"header": {"source_id": "a", "senderId": "b", "hosts": null}, "payload": null}';
    expect(through(QueryRequestMessage, text)).toEqual({ header: { sourceId: "a", senderId: "b" } });
  });

  it("may have the number of an enum value, also one without a name", () => {
    const text = '{"payload":[{"result":2},{"result":"UNKNOWN"},{"result":17}]}';
    expect(through(QueryResponseMessage, text)).toEqual({
      payload: [{ result: "CRITICAL" }, { result: "UNKNOWN" }, { result: 17 }],
    });
  });

  it("keeps every digit of a 64-bit number, as a text or as a number", () => {
    const text = '{"payload":[{"id":"-9223372036854775808"},{"id":9223372036854775807},{"id":"1.5e3"},{"id":20e-1}]}';
    expect(through(SettingsRequestMessage, text)).toEqual({
      payload: [{ id: "-9223372036854775808" }, { id: "9223372036854775807" }, { id: "1500" }, { id: "2" }],
    });
    expect(through(Histogram, '{"sampleCount":18446744073709551615}')).toEqual({ sampleCount: "18446744073709551615" });
  });

  it.each(["NaN", "Infinity", "-Infinity"])("has %s as a text", (value) => {
    expect(printMessage(OptionalFloat, parseMessage(OptionalFloat, `{"value":"${value}"}`))).toBe(
      `{"value":"${value}"}`,
    );
  });

  it.each(["-0", "1e+21", "5e-324", "1.7976931348623157e+308", "0.1"])("keeps the number %s", (value) => {
    expect(printMessage(OptionalFloat, parseMessage(OptionalFloat, `{"value":${value}}`))).toBe(`{"value":${value}}`);
    expect(printMessage(OptionalFloat, parseMessage(OptionalFloat, `{"value":"${value}"}`))).toBe(`{"value":${value}}`);
  });

  it.each(["+/+/", "-_-_", "AA==", "AA", "AAA=", ""])("takes the bytes %s in either alphabet of base64", (data) => {
    const { payload } = parseMessage(ExecuteResponseMessage, `{"payload":[{"data":"${data}"}]}`);
    expect(payload[0]?.data).toEqual(Buffer.from(data, "base64"));
  });

  it("is an alternative that is there though it is empty", () => {
    const text = '{"payload":[{"bundles":[{"value":[{"key":"a","stringValue":{}},{"key":"b","gaugeValue":null}]}]}]}';
    expect(through(MetricsMessage, text)).toEqual({
      payload: [{ bundles: [{ value: [{ key: "a", stringValue: {} }, { key: "b" }] }] }],
    });
  });

  it("leaves the prototype of objects alone", () => {
    for (const name of ["__proto__", "constructor", "toString", "value"]) {
      expect(() => parseMessage(QueryRequestMessage, `{"${name}":{"polluted":true}}`)).toThrow(
        `${name}: PB.Commands.QueryRequestMessage has no such field.`,
      );
    }
    expect("polluted" in {}).toBe(false);
  });

  it("may be as deep as a hundred values in one another", () => {
    const nested = (levels: number) => `${'{"children":['.repeat(levels)}{}${"]}".repeat(levels)}`;
    expect(JSON.stringify(through(PB.Metrics.MetricsBundle, nested(49)))).toBe(nested(49));
    expect(() => parseMessage(PB.Metrics.MetricsBundle, nested(50))).toThrow(
      "This is no JSON: more than 100 values lie in one another at line 1, column 652.",
    );
  });
});

describe("what is no message", () => {
  const rows: readonly (readonly [string, string])[] = [
    ["", "This is no JSON: a value is missing at line 1, column 1."],
    ["[]", "The message: this has to be an object (PB.Commands.QueryResponseMessage)."],
    ["null", "The message: this has to be an object (PB.Commands.QueryResponseMessage)."],
    ["{}x", "This is no JSON: more follows after the value at line 1, column 3."],
    ['{\n "payload" 1}', 'This is no JSON: ":" is missing at line 2, column 12.'],
    ['{"payload":[{}', 'This is no JSON: "," or "]" is missing at line 1, column 15.'],
    ['{"payload":[{} {}]}', 'This is no JSON: "," or "]" is missing at line 1, column 16.'],
    ['{"payload":[],}', "This is no JSON: the name of a member is missing at line 1, column 15."],
    ['{"payload":[,]}', "This is no JSON: a value is missing at line 1, column 13."],
    ["{'payload':[]}", "This is no JSON: the name of a member is missing at line 1, column 2."],
    ['{"header":{"command":"\t"}}', "This is no JSON: a text has a control character in it at line 1, column 23."],
    ['{"header":{"command":"\\x"}}', "This is no JSON: a text has a wrong escape in it at line 1, column 22."],
    ['{"header":{"command":"', "This is no JSON: a text has no end at line 1, column 22."],
    ['{"payload":[{"id":01}]}', 'This is no JSON: "," or "}" is missing at line 1, column 20.'],
    ['{"payload":[{"id":-}]}', "This is no JSON: this is no number at line 1, column 19."],
    ['{"header":nil}', "This is no JSON: this is no value at line 1, column 11."],
    ['{"payload":[{},{"linez":[]}]}', "payload[1].linez: PB.Commands.QueryResponseMessage.Response has no such field."],
    ['{"payload":{}}', "payload: this has to be an array."],
    ['{"payload":[null]}', "payload[0]: this has to be an object (PB.Commands.QueryResponseMessage.Response)."],
    ['{"payload":[{"id":"x"}]}', "payload[0].id: this has to be a whole number."],
    ['{"payload":[{"id":" 1"}]}', "payload[0].id: this has to be a whole number."],
    ['{"payload":[{"id":1.5}]}', "payload[0].id: this has to be a whole number."],
    ['{"payload":[{"id":true}]}', "payload[0].id: this has to be a whole number."],
    ['{"payload":[{"id":2147483648}]}', "payload[0].id: this has to be from -2147483648 to 2147483647."],
    ['{"payload":[{"id":-1e999999999999}]}', "payload[0].id: this has to be from -2147483648 to 2147483647."],
    ['{"payload":[{"command":1}]}', "payload[0].command: this has to be a text."],
    ['{"payload":[{"command":"\\ud800"}]}', "payload[0].command: this text has half of a character in it."],
    ['{"payload":[{"data":"A"}]}', "payload[0].data: this has to be a text in base64."],
    ['{"payload":[{"data":"AA="}]}', "payload[0].data: this has to be a text in base64."],
    ['{"payload":[{"data":"A A="}]}', "payload[0].data: this has to be a text in base64."],
    ['{"payload":[{"result":"Ok"}]}', "payload[0].result: this has to be one of OK, WARNING, CRITICAL, UNKNOWN."],
    ['{"payload":[{"result":true}]}', "payload[0].result: this has to be the name or the number of a value."],
    ['{"payload":[{"arguments":["a",null]}]}', "payload[0].arguments[1]: this has to be a text."],
    ['{"payload":[{"id":1,"id":1}]}', "payload[0].id: this field occurs twice."],
    ['{"header":{"sourceId":"a","source_id":null}}', "header.source_id: this field occurs twice."],
    [
      '{"payload":[{"lines":[{"perf":[{"stringValue":{},"floatValue":{}}]}]}]}',
      "payload[0].lines[0].perf[0].floatValue: only one of stringValue and floatValue can be there.",
    ],
    [`{"${"x".repeat(100)}\\n":1}`, `${"x".repeat(64)}…: PB.Commands.QueryResponseMessage has no such field.`],
    ['{"a\\u001b[2Jb":1}', "a?[2Jb: PB.Commands.QueryResponseMessage has no such field."],
  ];
  it.each(rows)("%s", (text, problem) => {
    expect(() => parseMessage(QueryResponseMessage, text)).toThrow(new JsonError(problem));
  });

  it.each(["1e309", '"-1e309"'])("the number %s", (value) => {
    expect(() => parseMessage(Quantile, `{"value":${value}}`)).toThrow(
      new JsonError("value: this number is too large."),
    );
  });

  it("names what kind of value a field has", () => {
    expect(() => parseMessage(Quantile, '{"value":"0x10"}')).toThrow(new JsonError("value: this has to be a number."));
    expect(() => parseMessage(nscp.gateway.v1.LogsRequest, '{"follow":"true"}')).toThrow(
      new JsonError("follow: this has to be true or false."),
    );
    expect(() => parseMessage(nscp.gateway.v1.LogsRequest, '{"tail":-1}')).toThrow(
      new JsonError("tail: this has to be from 0 to 4294967295."),
    );
    expect(() => parseMessage(Entry, '{"level":"LOUD"}')).toThrow(/^level: this has to be one of DUMMY, /);
  });
});

describe("any message", () => {
  const { messages } = readContract();
  it.each([...messages])("%s is the same after a way through JSON", (fullName, { type }) => {
    const codec = fullName
      .split(".")
      .slice(1)
      .reduce<unknown>((node, name) => (node as Readonly<Record<string, unknown>>)[name], PB) as MessageType<object>;
    fc.assert(
      fc.property(messageArbitrary(type), fc.boolean(), (fields, defaults) => {
        const message = codec.fromObject(fields);
        const read = parseMessage(codec, printMessage(codec, message, { defaults }));
        expect(Buffer.from(codec.encode(read).finish())).toEqual(Buffer.from(codec.encode(message).finish()));
      }),
      { numRuns: 40 },
    );
  });

  it("is refused with an error of its own when its text is cut or changed", () => {
    const { type } = messages.get("PB.Commands.QueryResponseMessage") ?? {};
    if (type === undefined) throw new Error("The message is gone.");
    fc.assert(
      fc.property(messageArbitrary(type), fc.nat(), fc.string({ maxLength: 3 }), (fields, at, change) => {
        const text = printMessage(QueryResponseMessage, QueryResponseMessage.fromObject(fields));
        const place = at % (text.length + 1);
        try {
          parseMessage(QueryResponseMessage, text.slice(0, place) + change + text.slice(place + 1));
        } catch (thrown) {
          expect(thrown).toMatchObject({ name: "JsonError" });
        }
      }),
      { numRuns: 300 },
    );
  });
});
