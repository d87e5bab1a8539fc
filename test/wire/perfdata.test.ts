import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PB, PerformanceData } from "../../src/wire/messages.js";
import { parsePerfdata, renderPerfdata } from "../../src/wire/perfdata.js";
import { formatNumber } from "../../src/wire/perfdata-number.js";

type PlainPerf = Record<string, unknown>;

function plain(perf: readonly PerformanceData[]): PlainPerf[] {
  return perf.map((item) => PerformanceData.toObject(item));
}

function item(fields: PlainPerf): PerformanceData {
  return PerformanceData.fromObject(fields);
}

function number(value: number, unit = ""): PlainPerf {
  return unit === "" ? { value } : { value, unit };
}

/** The same item with its numbers as text shows them. */
function rounded(perf: PlainPerf): PlainPerf {
  const mapValue = (value: unknown): unknown => {
    if (typeof value === "number") return round(value);
    return typeof value === "object" && value !== null ? rounded(value as PlainPerf) : value;
  };
  return Object.fromEntries(Object.entries(perf).map(([field, value]) => [field, mapValue(value)]));
}

function round(value: number): number {
  return Number(formatNumber(value));
}

describe("text that is read and written", () => {
  it.each([
    ["'cpu'=50%;70;90;0;100"],
    ["'a'=1 'b'=2;5"],
    ["'FOO'=10;4:5;6:9"],
    ["'x'=1;10:;:20"],
    ["'x'=1;@10:20;~:30"],
    ["'x'=5s;4:6;7:8"],
    ["'x'=50%;@10:90;:95;0;100"],
    ["'a'=1;;5"],
    ["'a'=1;;;;5"],
    ["'count'=123;200;600"],
    ["'C:\\ used %'=12.5%;80;90;0;100"],
    ["'it''s'=1 ''''=2 'a=b;c|d'=3"],
    ["'line\nbreak\ttab'=1"],
    ["'a'=U 'b'=2"],
    ["'t'=-0.5ms"],
    ["'x'=-0"],
    ["'rate'=5requests/s"],
    ["'quote'=5'"],
    [""],
  ])("%j stays as it is", (text) => {
    expect(renderPerfdata(parsePerfdata(text))).toBe(text);
  });

  it.each([
    ["a=1", "'a'=1"],
    ["aaa=1g;;;0;5", "'aaa'=1g;;;0;5"],
    ["'T'=0.00requests/s;;;0;", "'T'=0requests/s;;;0"],
    ["label=U%;;;;", "'label'=U"],
    ["a=u b=u% c=U", "'a'=U 'b'=U 'c'=U"],
    ["a=Unknown", "'a'=0"],
    ["a='some text'", "'a'=0 'text'''=0"],
    ["a", "'a'=0"],
    ["=5 ''=6 b=7", "'b'=7"],
    ["a=1,5", "'a'=1.5"],
    ["a=1.234,5", "'a'=0"],
    ["a=- b=. c=--1", "'a'=0 'b'=0 'c'=0"],
    ["a=about5%", "'a'=5%"],
    ["a=b=5", "'a'=5"],
    ["a=90%;80%;90%", "'a'=90%;80;90"],
    ["a=1;x;;y", "'a'=1;0;;0"],
    ["a=1;2;3;4;5;6", "'a'=1;2;3;4;5"],
    ["a;1;2", "'a'=0;1;2"],
    ["  a=1 \t b=2\r\nc=3\n", "'a'=1 'b'=2 'c'=3"],
    ["0.3=0.3 0.7=0.7 5.1=5.1", "'0.3'=0.3 '0.7'=0.7 '5.1'=5.1"],
    ["a=0.123456 b=4.4753845 c=2.675 d=1.0001", "'a'=0.12346 'b'=4.47538 'c'=2.675 'd'=1.0001"],
    ["a=1.5e-05s;1e-4;2E3", "'a'=0.00002s;0.0001;2000"],
    ["a=1e+20B", "'a'=100000000000000000000B"],
    ["a=5e b=5el", "'a'=5e 'b'=5el"],
    ["a=1e999 b=1;1e999", "'a'=U 'b'=1"],
    ["'Bob's disk'=5 'b'=6", "'Bob''s disk'=5 'b'=6"],
    ["'no end=5;1 b=6", "'no end'=5;1"],
    ["'", ""],
  ])("%j is written as %j", (text, rendered) => {
    expect(renderPerfdata(parsePerfdata(text))).toBe(rendered);
  });
});

describe("messages that text is read as", () => {
  it("has thresholds as numbers, and ranges as text beside their leading number", () => {
    expect(plain(parsePerfdata("'x'=50%;@10:90;:95;0;100 y=1;10:20;5"))).toEqual([
      {
        alias: "x",
        floatValue: {
          ...{ value: 50, unit: "%", warning: { value: 0 }, warningRange: "@10:90" },
          ...{ critical: { value: 0 }, criticalRange: ":95", minimum: { value: 0 }, maximum: { value: 100 } },
        },
      },
      {
        alias: "y",
        floatValue: { value: 1, warning: { value: 10 }, warningRange: "10:20", critical: { value: 5 } },
      },
    ]);
  });

  it("keeps all digits of a number", () => {
    expect(plain(parsePerfdata("a=0.123456789"))).toEqual([{ alias: "a", floatValue: { value: 0.123456789 } }]);
  });

  it("has a text value for what could not be measured", () => {
    expect(plain(parsePerfdata("a=u%;5;10"))).toEqual([{ alias: "a", stringValue: { value: "U" } }]);
  });
});

describe("messages that the text has no form for", () => {
  it.each<[string, PlainPerf, string]>([
    ["not a number", { alias: "a", floatValue: { value: Number.NaN, unit: "s", warning: number(1) } }, "'a'=U"],
    ["infinite", { alias: "a", floatValue: number(Number.POSITIVE_INFINITY) }, "'a'=U"],
    ["without a value", { alias: "a" }, "'a'=U"],
    ["an empty text", { alias: "a", stringValue: { value: "" } }, "'a'=U"],
    ["a text", { alias: "a", stringValue: { value: "up;1 'b'=2" } }, "'a'=up1'b'=2"],
    ["an infinite limit", { alias: "a", floatValue: { value: 1, maximum: number(Number.POSITIVE_INFINITY) } }, "'a'=1"],
    ["a unit with blanks", { alias: "a", floatValue: number(1, " per s;5 'b'=2") }, "'a'=1pers5'b'=2"],
    ["a unit that begins like a number", { alias: "a", floatValue: number(1, "-2.5e3e4m/s") }, "'a'=1m/s"],
    ["a range with blanks", { alias: "a", floatValue: { value: 1, warningRange: "1: 2;3" } }, "'a'=1;1:23"],
    ["a blank range", { alias: "a", floatValue: { value: 1, warningRange: " ", warning: number(3) } }, "'a'=1;3"],
    ["a range wins", { alias: "a", floatValue: { value: 1, criticalRange: "~:5", critical: number(3) } }, "'a'=1;;~:5"],
    ["without a label", { alias: "", floatValue: number(1) }, ""],
  ])("%s", (_name, fields, text) => {
    expect(renderPerfdata([item(fields)])).toBe(text);
  });
});

describe("numbers", () => {
  it.each([
    [0, "0"],
    [-0, "-0"],
    [-0.000001, "0"],
    [0.000005, "0.00001"],
    [100, "100"],
    [1234.5, "1234.5"],
    [-17.3, "-17.3"],
    [1e-300, "0"],
    [1e15 + 0.3, "1000000000000000.25"],
    [123456789012345680000, "123456789012345680000"],
    [1e21, "1000000000000000000000"],
    [-1e22, "-10000000000000000000000"],
  ])("%d is %s", (value, text) => {
    expect(formatNumber(value)).toBe(text);
  });

  it("never has an exponent, and reads back as the number it shows", () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        const text = formatNumber(value);
        expect(text).toMatch(/^-?\d+(\.\d{0,4}[1-9])?$/);
        expect(Math.abs(Number(text) - value)).toBeLessThanOrEqual(0.0000051);
        expect(formatNumber(Number(text))).toBe(text);
      }),
    );
  });
});

describe("a limit in bytes", () => {
  const perf = parsePerfdata("'long label'=1 'ö'=2 c=3");

  it.each([
    [28, "'long label'=1 'ö'=2 'c'=3"],
    [27, "'long label'=1 'ö'=2 'c'=3"],
    [26, "'long label'=1 'ö'=2"],
    [20, "'long label'=1 'c'=3"],
    [13, "'ö'=2 'c'=3"],
    [5, "'c'=3"],
    [0, ""],
  ])("%d leaves out whole items", (maxLength, text) => {
    expect(renderPerfdata(perf, { maxLength })).toBe(text);
  });
});

const anyNumber = fc.double({ noNaN: true, noDefaultInfinity: true }).map(round);
const limit = fc.option(anyNumber.map((value) => ({ value })));
const unit = fc
  .oneof(fc.constantFrom("", "%", "s", "ms", "B", "KB", "c", "requests/s", "e", "°C"), fc.string({ unit: "binary" }))
  .filter((text) => !/[ \t\r\n;]/.test(text) && !/^([0-9.,-]|[eE][+-]?[0-9])/.test(text));
const range = fc
  .record({
    inverted: fc.constantFrom("", "@"),
    start: fc.option(fc.oneof(fc.integer(), fc.constant("~"))),
    end: fc.option(fc.integer()),
  })
  .map(({ inverted, start, end }) => `${inverted}${start ?? ""}:${end ?? ""}`);
const threshold = fc.oneof(
  limit.map((number) => ({ number, range: "" })),
  range.map((text) => ({ number: { value: Number(/^-?\d+/.exec(text)?.[0] ?? 0) }, range: text })),
);
const label = fc.oneof(
  fc.string({ unit: "binary", minLength: 1 }),
  fc.string({ unit: fc.constantFrom("'", "=", ";", " ", "\n", "|", "a"), minLength: 1 }),
);
const floatItem = fc
  .record({
    alias: label,
    value: anyNumber,
    unit,
    warning: threshold,
    critical: threshold,
    minimum: limit,
    maximum: limit,
  })
  .map(({ alias, warning, critical, ...value }) => ({
    alias,
    floatValue: {
      ...value,
      ...{ warning: warning.number, warningRange: warning.range },
      ...{ critical: critical.number, criticalRange: critical.range },
    },
  }));
const undefinedItem = label.map((alias) => ({ alias, stringValue: { value: "U" } }));
const perfLike = fc.string({ unit: fc.constantFrom(..."'=; \n|,.-+0123456789eEuU%@~:ab") });

describe("for any input", () => {
  it("what is written reads as the same messages", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(floatItem, undefinedItem)), (perf) => {
        const messages = perf.map(item);
        expect(plain(parsePerfdata(renderPerfdata(messages))).map(withDefaults)).toEqual(
          plain(messages).map(withDefaults),
        );
      }),
      { numRuns: 1000 },
    );
  });

  it("what was read is read again as the same messages, with numbers rounded", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary" }), perfLike), (text) => {
        const once = parsePerfdata(text);
        const twice = parsePerfdata(renderPerfdata(once));
        expect(plain(twice).map(withDefaults)).toEqual(plain(once).map(withDefaults).map(rounded));
      }),
      { numRuns: 5000 },
    );
  });

  it("whatever a script puts into a message stays one item with its label", () => {
    const texts = fc.record({
      unit: fc.string(),
      warningRange: fc.string(),
      criticalRange: fc.string(),
      value: fc.double(),
    });
    fc.assert(
      fc.property(
        label,
        fc.oneof(
          texts.map((floatValue) => ({ floatValue })),
          fc.string().map((value) => ({ stringValue: { value } })),
        ),
        (alias, value) => {
          const text = renderPerfdata([item({ alias, ...value })]);
          expect(parsePerfdata(text).map((perf) => perf.alias)).toEqual([alias]);
        },
      ),
      { numRuns: 1000 },
    );
  });

  it.each(["'", "''", "'a", "' ", "a=1 ", "=", ";", "1e", "'a'b"])(
    "a long run of %j is read in linear time",
    (piece) => {
      const text = piece.repeat(200_000);
      expect(parsePerfdata(renderPerfdata(parsePerfdata(text))).length).toBe(parsePerfdata(text).length);
    },
  );
});

/** All fields, so that a default that was set equals one that was not. */
function withDefaults(perf: PlainPerf): PlainPerf {
  return PerformanceData.toObject(PerformanceData.fromObject(perf), { defaults: true });
}

describe("messages of performance data", () => {
  it("survive the wire", () => {
    const perf = parsePerfdata("'a'=1%;2:3;4;5;6 b=U");
    const line = PB.Commands.QueryResponseMessage.Response.Line;
    const decoded = line.decode(line.encode({ message: "m", perf }).finish());
    expect(renderPerfdata(decoded.perf)).toBe("'a'=1%;2:3;4;5;6 'b'=U");
  });
});
