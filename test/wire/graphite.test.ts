import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { gaugesOf, graphiteLine, graphitePath, perfNumber } from "../../src/wire/graphite.js";
import { Metric, MetricsBundle, PB } from "../../src/wire/messages.js";
import { parsePerfdata } from "../../src/wire/perfdata.js";

describe("a path", () => {
  it.each([
    ["nsclient.${hostname}.%(check_alias)", { hostname: "web1", check_alias: "disk" }, "nsclient.web1.disk"],
    ["${a}", { a: "C:\\ used [%] (x);y\r\nz" }, "C:__used__percent___x__y__z"],
    ["${a}.${none}.b", { a: "web1.example.org" }, "web1.example.org.b"],
    [".${a}..b.", { a: "" }, "b"],
    ["${a}", { a: "grün/${b}" }, "grün/${b}"],
  ])("of %s has what Graphite takes", (template, words, path) => {
    expect(graphitePath(template, words)).toBe(path);
  });

  it("is one word, whatever it is made of", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (a, b) => {
        const path = graphitePath("x.${a}.${b}", { a, b });
        expect(`${path} 1 2\n`.split(/[\s]/)).toEqual([path, "1", "2", ""]);
      }),
    );
  });
});

describe("a line", () => {
  it("has path, value and whole seconds", () => {
    expect(graphiteLine({ path: "a.b", value: -0.25 }, 1_700_000_000_999)).toBe("a.b -0.25 1700000000\n");
  });

  it.each([
    ["without a path", "", 1],
    ["of a value that is no number", "a", Number.NaN],
    ["that is longer than receivers take", "a".repeat(16_384), 1],
  ])("%s is none", (_what, path, value) => {
    expect(graphiteLine({ path, value }, 0)).toBeUndefined();
  });
});

it("numbers of performance data are scaled by their units, and what is no number is none", () => {
  const items = parsePerfdata("a=1.5KB b=2M c=1GB d=1T e=7ms f=3% g=U h=-4");
  expect(items.map(perfNumber)).toEqual([1536, 2 * 1024 ** 2, 1024 ** 3, 1024 ** 4, 7, 3, undefined, -4]);
});

it("gauges are named by their bundles, and labels tell them apart", () => {
  const gauge = (key: string, value: number, labels: string[] = []) =>
    Metric.create({
      key,
      gaugeValue: PB.Common.OptionalFloat.create({ value }),
      dims: labels.map((label) => PB.Common.KeyValue.create({ key: "queue", value: label })),
    });
  const text = Metric.create({ key: "version", stringValue: PB.Common.OptionalString.create({ value: "1" }) });
  const inner = MetricsBundle.create({
    key: "spool",
    value: [gauge("depth", 3, ["NSCA/a"]), gauge("depth", 0, ["b"])],
  });
  const bundle = MetricsBundle.create({ key: "gateway", children: [inner], value: [gauge("up", 1), text] });
  expect(gaugesOf([bundle])).toEqual([
    ["gateway.spool.depth.NSCA/a", 3],
    ["gateway.spool.depth.b", 0],
    ["gateway.up", 1],
  ]);
});
