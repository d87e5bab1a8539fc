import { expect, it } from "vitest";
import { flattenMetrics, metricsBundle } from "../../src/script-host/metrics.js";
import { MetricsMessage } from "../../src/wire/messages.js";

it("hands out gauges and texts by their dotted names, inner bundles first", () => {
  const message = MetricsMessage.fromObject({
    payload: [
      {
        bundles: [
          {
            key: "system",
            value: [
              { key: "load", gaugeValue: { value: 0.5 } },
              { key: "total", counterValue: { value: 9 } },
            ],
            children: [{ key: "cpu", value: [{ key: "name", stringValue: { value: "x86" } }] }],
          },
          { key: "", value: [{ key: "own.number", gaugeValue: { value: 1234567 } }] },
        ],
      },
    ],
  });
  expect(Object.entries(flattenMetrics(message))).toEqual([
    ["system.cpu.name", "x86"],
    ["system.load", "0.5"],
    ["own.number", "1234567"],
  ]);
});

it("makes one bundle without a name of what a script returned, zero included", () => {
  const bundle = metricsBundle({ "a.b": 0, text: "", none: null, list: [1] });
  expect(bundle.key).toBe("");
  expect(
    bundle.value.map(({ key, gaugeValue, stringValue }) => [key, gaugeValue?.value ?? stringValue?.value]),
  ).toEqual([
    ["a.b", 0],
    ["text", ""],
  ]);
  expect(metricsBundle(undefined).value).toEqual([]);
});
