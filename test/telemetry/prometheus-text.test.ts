import { describe, expect, it } from "vitest";
import { prometheusText } from "../../src/telemetry/prometheus-text.js";
import { KeyValue, Metric, MetricsBundle, PB } from "../../src/wire/messages.js";

const float = (value: number) => PB.Common.OptionalFloat.create({ value });
const text = (...bundles: MetricsBundle[]) => prometheusText(bundles, () => false);

describe("metrics of scripts in the text format of Prometheus", () => {
  it("have clean names, labels and the type that the script gave", () => {
    const bundle = MetricsBundle.create({
      key: "my.script",
      value: [
        Metric.create({ key: "9 lives%", gaugeValue: float(0), desc: "Cats\nand \\ more" }),
        Metric.create({
          key: "requests",
          counterValue: float(12),
          dims: [
            KeyValue.create({ key: "pa th", value: 'a "b"\\\n' }),
            KeyValue.create({ key: "1", value: "x" }),
            KeyValue.create({ key: "pa-th", value: "second" }),
          ],
        }),
        Metric.create({
          key: "requests",
          counterValue: float(13),
          dims: [KeyValue.create({ key: "path", value: "c" })],
        }),
        Metric.create({ key: "odd", untypedValue: float(Number.NaN) }),
        Metric.create({ key: "text", stringValue: PB.Common.OptionalString.create({ value: "ok" }) }),
      ],
      children: [
        MetricsBundle.create({
          key: "deep",
          value: [Metric.create({ key: "x", gaugeValue: float(Number.POSITIVE_INFINITY) })],
        }),
      ],
    });
    expect(text(bundle)).toBe(
      [
        "# TYPE my_script_deep_x gauge",
        "my_script_deep_x +Inf",
        "# HELP my_script_9_lives_ Cats\\nand \\\\ more",
        "# TYPE my_script_9_lives_ gauge",
        "my_script_9_lives_ 0",
        "# TYPE my_script_requests counter",
        'my_script_requests{pa_th="a \\"b\\"\\\\\\n",_1="x"} 12',
        'my_script_requests{path="c"} 13',
        "# TYPE my_script_odd untyped",
        "my_script_odd NaN",
        "",
      ].join("\n"),
    );
  });

  it("show histograms and summaries with their parts", () => {
    const histogram = PB.Metrics.Histogram.create({
      sampleCount: 3,
      sampleSum: 4.5,
      bucket: [PB.Metrics.Bucket.create({ upperBound: 1, cumulativeCount: 2 })],
    });
    const summary = PB.Metrics.Summary.create({
      sampleCount: 2,
      sampleSum: 1,
      quantile: [PB.Metrics.Quantile.create({ quantile: 0.5, value: 0.4 })],
    });
    expect(
      text(
        MetricsBundle.create({
          value: [
            Metric.create({ key: "took", histogramValue: histogram }),
            Metric.create({ key: "size", summaryValue: summary }),
          ],
        }),
      ),
    ).toBe(
      [
        "# TYPE took histogram",
        'took_bucket{le="1"} 2',
        'took_bucket{le="+Inf"} 3',
        "took_sum 4.5",
        "took_count 3",
        "# TYPE size summary",
        'size{quantile="0.5"} 0.4',
        "size_sum 1",
        "size_count 2",
        "",
      ].join("\n"),
    );
  });

  it("hold each series once, whoever else gives it", () => {
    const one = MetricsBundle.create({ key: "a", value: [Metric.create({ key: "b.c", gaugeValue: float(1) })] });
    const same = MetricsBundle.create({ key: "a.b", value: [Metric.create({ key: "c", gaugeValue: float(2) })] });
    const other = MetricsBundle.create({ key: "a_b", value: [Metric.create({ key: "c", counterValue: float(3) })] });
    expect(text(one, same, other)).toBe("# TYPE a_b_c gauge\na_b_c 1\n");
  });
});
