import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { executeResult, legacyResult, nagiosResult, plainResult } from "../../src/wire/check-json.js";
import { Line, PB, PerformanceData, QueryResponse, ResultCode } from "../../src/wire/messages.js";
import { parsePerfdata } from "../../src/wire/perfdata.js";

const { FloatValue, StringValue } = PerformanceData;
const { OptionalFloat } = PB.Common;

function answer(perf: string | PerformanceData[], message = "m", result: number = ResultCode.OK): QueryResponse {
  const items = typeof perf === "string" ? parsePerfdata(perf) : perf;
  return QueryResponse.create({ command: "c", result, lines: [Line.create({ message, perf: items })] });
}

function item(alias: string, value: number, more: Partial<PB.Common.PerformanceData.FloatValue> = {}): PerformanceData {
  return PerformanceData.create({ alias, floatValue: FloatValue.create({ value, ...more }) });
}

/** As it goes over the wire: the measurements of the first line. */
function perfOf(result: { lines: readonly { perf: unknown }[] }): string {
  return JSON.stringify(result.lines[0]?.perf);
}

describe("the three JSON forms and the text of the same measurements", () => {
  test.each([
    {
      name: "a number with all of its limits",
      perf: "'a label'=30Z;20;30;10;50",
      legacy:
        '[{"alias":"a label","float_value":{"value":30,"minimum":10,"maximum":50,"warning":20,"critical":30,"unit":"Z"}}]',
      object: '{"a label":{"value":30,"minimum":10,"maximum":50,"warning":20,"critical":30,"unit":"Z"}}',
      list: '[{"label":"a label","value":30,"minimum":10,"maximum":50,"warning":20,"critical":30,"unit":"Z"}]',
      nagios: "'a label'=30Z;20;30;10;50",
    },
    {
      name: "ranges are texts",
      perf: "b=33.5Z;4:5;@1:2 r=1;~:10",
      legacy:
        '[{"alias":"b","float_value":{"value":33.5,"warning":"4:5","critical":"@1:2","unit":"Z"}},' +
        '{"alias":"r","float_value":{"value":1,"warning":"~:10","unit":""}}]',
      object:
        '{"b":{"value":33.5,"warning":"4:5","critical":"@1:2","unit":"Z"},"r":{"value":1,"warning":"~:10","unit":""}}',
      list:
        '[{"label":"b","value":33.5,"warning":"4:5","critical":"@1:2","unit":"Z"},' +
        '{"label":"r","value":1,"warning":"~:10","unit":""}]',
      nagios: "'b'=33.5Z;4:5;@1:2 'r'=1;~:10",
    },
    {
      name: "a field in the middle may be missing",
      perf: "e=12345678901B;1;;0 f=-3%;;90",
      legacy:
        '[{"alias":"e","float_value":{"value":12345678901,"minimum":0,"warning":1,"unit":"B"}},' +
        '{"alias":"f","float_value":{"value":-3,"critical":90,"unit":"%"}}]',
      object:
        '{"e":{"value":12345678901,"minimum":0,"warning":1,"unit":"B"},"f":{"value":-3,"critical":90,"unit":"%"}}',
      list:
        '[{"label":"e","value":12345678901,"minimum":0,"warning":1,"unit":"B"},' +
        '{"label":"f","value":-3,"critical":90,"unit":"%"}]',
      nagios: "'e'=12345678901B;1;;0 'f'=-3%;;90",
    },
    {
      name: "a value that is none stands where clients look for one",
      perf: "d=U",
      legacy: '[{"alias":"d","float_value":{"value":"U","unit":""}}]',
      object: '{"d":{"value":"U"}}',
      list: '[{"label":"d","value":"U","unit":""}]',
      nagios: "'d'=U",
    },
    {
      name: "numbers that are not finite are none",
      perf: [
        item("n", Number.NaN, { unit: "s" }),
        item("i", 1, {
          minimum: OptionalFloat.create({ value: Number.NEGATIVE_INFINITY }),
          warning: OptionalFloat.create({ value: Number.NaN }),
        }),
      ],
      legacy: '[{"alias":"n","float_value":{"value":"U","unit":""}},{"alias":"i","float_value":{"value":1,"unit":""}}]',
      object: '{"n":{"value":"U"},"i":{"value":1,"unit":""}}',
      list: '[{"label":"n","value":"U","unit":""},{"label":"i","value":1,"unit":""}]',
      nagios: "'n'=U 'i'=1",
    },
    {
      name: "text values lose what would begin another field",
      perf: [
        PerformanceData.create({ alias: "s", stringValue: StringValue.create({ value: "on; off" }) }),
        PerformanceData.create({ alias: "none" }),
      ],
      legacy:
        '[{"alias":"s","float_value":{"value":"onoff","unit":""}},{"alias":"none","float_value":{"value":"U","unit":""}}]',
      object: '{"s":{"value":"onoff"},"none":{"value":"U"}}',
      list: '[{"label":"s","value":"onoff","unit":""},{"label":"none","value":"U","unit":""}]',
      nagios: "'s'=onoff 'none'=U",
    },
    {
      name: "units and ranges lose it, too",
      perf: [item("u", 2, { unit: "1 km;h", warningRange: "1: 2" })],
      legacy: '[{"alias":"u","float_value":{"value":2,"warning":"1:2","unit":"kmh"}}]',
      object: '{"u":{"value":2,"warning":"1:2","unit":"kmh"}}',
      list: '[{"label":"u","value":2,"warning":"1:2","unit":"kmh"}]',
      nagios: "'u'=2kmh;1:2",
    },
    {
      name: "a number in JSON is whole, in performance data it has five decimals and no exponent",
      perf: [item("third", 1 / 3), item("small", 1e-9), item("large", 1e21), item("zero", -0)],
      legacy:
        '[{"alias":"third","float_value":{"value":0.3333333333333333,"unit":""}},' +
        '{"alias":"small","float_value":{"value":1e-9,"unit":""}},' +
        '{"alias":"large","float_value":{"value":1e+21,"unit":""}},{"alias":"zero","float_value":{"value":0,"unit":""}}]',
      object:
        '{"third":{"value":0.3333333333333333,"unit":""},"small":{"value":1e-9,"unit":""},' +
        '"large":{"value":1e+21,"unit":""},"zero":{"value":0,"unit":""}}',
      list:
        '[{"label":"third","value":0.3333333333333333,"unit":""},{"label":"small","value":1e-9,"unit":""},' +
        '{"label":"large","value":1e+21,"unit":""},{"label":"zero","value":0,"unit":""}]',
      nagios: "'third'=0.33333 'small'=0 'large'=1000000000000000000000 'zero'=-0",
    },
    {
      name: "labels that occur twice are both there, except by label; without a label there is no measurement",
      perf: [item("x", 1), item("", 5), item("x", 2)],
      legacy: '[{"alias":"x","float_value":{"value":1,"unit":""}},{"alias":"x","float_value":{"value":2,"unit":""}}]',
      object: '{"x":{"value":2,"unit":""}}',
      list: '[{"label":"x","value":1,"unit":""},{"label":"x","value":2,"unit":""}]',
      nagios: "'x'=1 'x'=2",
    },
    {
      name: "labels with a meaning in JavaScript, quotes, line ends and umlauts",
      perf: [item("__proto__", 1), item('"Größe"\\', 2), item("two\nrows", 3), item("Bob's", 4)],
      legacy:
        '[{"alias":"__proto__","float_value":{"value":1,"unit":""}},' +
        '{"alias":"\\"Größe\\"\\\\","float_value":{"value":2,"unit":""}},' +
        '{"alias":"two\\nrows","float_value":{"value":3,"unit":""}},{"alias":"Bob\'s","float_value":{"value":4,"unit":""}}]',
      object:
        '{"__proto__":{"value":1,"unit":""},"\\"Größe\\"\\\\":{"value":2,"unit":""},' +
        '"two\\nrows":{"value":3,"unit":""},"Bob\'s":{"value":4,"unit":""}}',
      list:
        '[{"label":"__proto__","value":1,"unit":""},{"label":"\\"Größe\\"\\\\","value":2,"unit":""},' +
        '{"label":"two\\nrows","value":3,"unit":""},{"label":"Bob\'s","value":4,"unit":""}]',
      nagios: "'__proto__'=1 '\"Größe\"\\'=2 'two rows'=3 'Bob''s'=4",
    },
    { name: "nothing was measured", perf: "", legacy: "[]", object: "{}", list: "[]", nagios: "" },
  ])("$name", ({ perf, legacy, object, list, nagios }) => {
    const given = answer(perf);
    expect({
      legacy: perfOf(legacyResult(given)),
      object: perfOf(executeResult(given)),
      list: perfOf(executeResult(given, "list")),
      nagios: nagiosResult(given).lines[0]?.perf,
      plain: plainResult([given]),
    }).toEqual({ legacy, object, list, nagios, plain: nagios === "" ? "m\n" : `m|${nagios}\n` });
  });
});

test.each([
  [ResultCode.OK, "OK", 0],
  [ResultCode.WARNING, "WARNING", 1],
  [ResultCode.CRITICAL, "CRITICAL", 2],
  [ResultCode.UNKNOWN, "UNKNOWN", 3],
  [77, "UNKNOWN", 3],
])("the state %s is %s and %s", (code, name, number) => {
  const given = answer("", "text", code);
  const lines = (perf: unknown) => [{ message: "text", perf }];
  expect([legacyResult(given), executeResult(given), nagiosResult(given)]).toEqual([
    { command: "c", result: name, lines: lines([]) },
    { command: "c", result: number, lines: lines({}) },
    { command: "c", result: name, lines: lines("") },
  ]);
});

test("every line of an answer has its place, and rows of a message stay together", () => {
  const given = QueryResponse.create({
    command: "c",
    result: ResultCode.WARNING,
    lines: [
      Line.create({ message: "one\nmore | of it", perf: parsePerfdata("a=1") }),
      Line.create({ message: "", perf: parsePerfdata("b=2") }),
      Line.create({ message: "three" }),
    ],
  });
  expect([nagiosResult(given).lines, plainResult([given, answer("c=3", "next")])]).toEqual([
    [
      { message: "one\nmore | of it", perf: "'a'=1" },
      { message: "", perf: "'b'=2" },
      { message: "three", perf: "" },
    ],
    "one\nmore ¦ of it|'a'=1\n|'b'=2\nthree\nnext|'c'=3\n",
  ]);
  expect([legacyResult(given), executeResult(given)].map(({ lines }) => lines.map(({ message }) => message))).toEqual([
    ["one\nmore | of it", "", "three"],
    ["one\nmore | of it", "", "three"],
  ]);
});

test("a thousand measurements keep their order", () => {
  const labels = Array.from({ length: 1000 }, (_, index) => `n${index}`);
  const given = answer(labels.map((label, index) => item(label, index)));
  expect(legacyResult(given).lines[0]?.perf.map(({ alias, float_value: { value } }) => `${alias}=${value}`)).toEqual(
    labels.map((label, index) => `${label}=${index}`),
  );
  expect(Object.keys(executeResult(given).lines[0]?.perf ?? {})).toEqual(labels);
});

test("whatever was measured, clients that are strict about types can read it", () => {
  const float = fc.oneof(fc.double(), fc.integer());
  const limit = fc.option(float.map((value) => OptionalFloat.create({ value })));
  const text = fc.string({ unit: "binary" });
  const measured = fc
    .record({ alias: text, text, float, unit: text, warning: limit, critical: limit, minimum: limit, maximum: limit })
    .map(({ alias, text: words, float: value, ...more }) =>
      words.length % 3 === 0
        ? PerformanceData.create({ alias, stringValue: StringValue.create({ value: words }) })
        : item(alias, value, { ...more, warningRange: words, criticalRange: words }),
    );
  fc.assert(
    fc.property(fc.array(measured, { maxLength: 8 }), text, (perf, message) => {
      const given = answer(perf, message);
      const legacy = JSON.parse(JSON.stringify(legacyResult(given))) as ReturnType<typeof legacyResult>;
      expect(legacy.lines[0]?.perf.map(({ alias }) => alias)).toEqual(
        perf.map(({ alias }) => alias).filter((alias) => alias !== ""),
      );
      for (const { float_value: shown } of legacy.lines[0]?.perf ?? []) {
        expect(["number", "string"]).toContain(typeof shown.value);
        expect(shown.value).not.toBe("");
        expect(shown.unit).not.toMatch(/[ \t\r\n;]/);
        for (const one of [shown.warning, shown.critical])
          expect(["number", "string", "undefined"]).toContain(typeof one);
        for (const one of [shown.minimum, shown.maximum]) expect(["number", "undefined"]).toContain(typeof one);
      }
    }),
  );
});
