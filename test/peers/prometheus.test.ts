import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openMetricsText } from "../../dist/telemetry/open-metrics-text.js";
import { prometheusText } from "../../dist/telemetry/prometheus-text.js";
import { KeyValue, Metric, MetricsBundle, PB } from "../../dist/wire/messages.js";
import { type GatewayProcess, packageRoot, run, startGateway } from "../support/gateway-process.js";
import { needPeer, pythonWithPrometheus } from "./peers.js";

let gateway: GatewayProcess;

beforeAll(async () => {
  const settings = `[/modules]
WEBServer = enabled
[/settings/core]
metrics interval = 100ms
[/settings/WEB/server]
port = 0
bind to = 127.0.0.1
certificate = none
allow insecure = true
[/settings/WEB/server/users/prometheus]
password = s3cret
role = scraper
[/settings/WEB/server/roles]
scraper = metrics.get
`;
  gateway = await startGateway({ settings, certificates: false });
});

afterAll(async () => {
  await gateway?.stop();
});

interface Family {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly samples: readonly (readonly [name: string, labels: Record<string, string>, value: string])[];
}

/** What Prometheus's own library reads in a text; it refuses what is wrong. */
async function parsed(python: string, form: "text" | "openmetrics", text: string): Promise<Family[]> {
  const read = await run(python, [join(packageRoot, "test", "peers", "parse_metrics.py"), form], { stdin: text });
  expect({ code: read.code, stderr: read.stderr }).toEqual({ code: 0, stderr: "" });
  return JSON.parse(read.stdout);
}

async function scrape(accept: string): Promise<{ type: string | null; text: string }> {
  const port = /port (\d+) \(?.*WITHOUT TLS/.exec(gateway.log)?.[1];
  const authorization = `Basic ${Buffer.from("prometheus:s3cret").toString("base64")}`;
  for (;;) {
    const url = `http://127.0.0.1:${port}/api/v2/openmetrics`;
    const answer = await fetch(url, { headers: { accept, authorization } });
    const text = await answer.text();
    expect([answer.status, text]).toEqual([200, expect.any(String)]);
    // Before the first cycle there is nothing to read.
    if (/^gateway_uptime /m.test(text)) return { type: answer.headers.get("content-type"), text };
  }
}

const { OptionalFloat, OptionalString } = PB.Common;
const label = KeyValue.create({ key: "pa th", value: 'a "b"\\\n' });

/** Every kind of value, and names that get in each other's way. */
const bundle = MetricsBundle.create({
  key: "my.script",
  value: [
    Metric.create({ key: "9 lives%", gaugeValue: OptionalFloat.create({ value: 0 }), desc: 'Cats "\n and \\ more' }),
    Metric.create({ key: "requests", counterValue: OptionalFloat.create({ value: 12 }), dims: [label] }),
    Metric.create({ key: "jobs_total", counterValue: OptionalFloat.create({ value: 3 }) }),
    Metric.create({ key: "below", counterValue: OptionalFloat.create({ value: -1 }) }),
    Metric.create({ key: "odd", untypedValue: OptionalFloat.create({ value: Number.NaN }) }),
    Metric.create({ key: "text", stringValue: OptionalString.create({ value: "ok" }) }),
    Metric.create({
      key: "time",
      histogramValue: PB.Metrics.Histogram.create({
        sampleCount: 3,
        sampleSum: 4.5,
        bucket: [PB.Metrics.Bucket.create({ upperBound: 1, cumulativeCount: 2 })],
      }),
    }),
    Metric.create({ key: "time_count", gaugeValue: OptionalFloat.create({ value: 1 }) }),
    Metric.create({
      key: "size",
      summaryValue: PB.Metrics.Summary.create({
        sampleCount: 2,
        sampleSum: 10,
        quantile: [PB.Metrics.Quantile.create({ quantile: 0.5, value: 4 })],
      }),
    }),
  ],
});

const labels = { pa_th: 'a "b"\\\n' };

function family(name: string, type: string, ...samples: Family["samples"]): Family {
  return { name, type, help: "", samples };
}

const time = family(
  "my_script_time",
  "histogram",
  ["my_script_time_bucket", { le: "1" }, "2.0"],
  ["my_script_time_bucket", { le: "+Inf" }, "3.0"],
  ["my_script_time_sum", {}, "4.5"],
  ["my_script_time_count", {}, "3.0"],
);

const size = family(
  "my_script_size",
  "summary",
  ["my_script_size", { quantile: "0.5" }, "4.0"],
  ["my_script_size_sum", {}, "10.0"],
  ["my_script_size_count", {}, "2.0"],
);

describe("Prometheus's own library", () => {
  test.for([
    ["text", "*/*", "text/plain; version=0.0.4; charset=utf-8"],
    [
      "openmetrics",
      "application/openmetrics-text;version=1.0.0;q=0.8,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
      "application/openmetrics-text; version=1.0.0; charset=utf-8",
    ],
  ] as const)("reads what a gateway gives it as %s", async ([form, accept, type], context) => {
    const python = needPeer(pythonWithPrometheus, context);
    const answer = await scrape(accept);
    expect(answer.type).toBe(type);
    const families = await parsed(python, form, answer.text);
    expect(families.find(({ name }) => name === "gateway_modules_running")).toEqual(
      family("gateway_modules_running", "gauge", ["gateway_modules_running", {}, "1.0"]),
    );
  });

  test("reads every kind of value as text", async (context) => {
    const python = needPeer(pythonWithPrometheus, context);
    expect(await parsed(python, "text", prometheusText([bundle]))).toEqual([
      { ...family("my_script_9_lives_", "gauge", ["my_script_9_lives_", {}, "0.0"]), help: 'Cats "\n and \\ more' },
      family("my_script_requests", "counter", ["my_script_requests_total", labels, "12.0"]),
      family("my_script_jobs", "counter", ["my_script_jobs_total", {}, "3.0"]),
      family("my_script_below", "counter", ["my_script_below_total", {}, "-1.0"]),
      family("my_script_odd", "unknown", ["my_script_odd", {}, "nan"]),
      time,
      family("my_script_time_count", "gauge", ["my_script_time_count", {}, "1.0"]),
      size,
    ]);
  });

  test("reads every kind of value as OpenMetrics", async (context) => {
    const python = needPeer(pythonWithPrometheus, context);
    expect(await parsed(python, "openmetrics", openMetricsText([bundle]))).toEqual([
      { ...family("my_script_9_lives_", "gauge", ["my_script_9_lives_", {}, "0.0"]), help: 'Cats "\n and \\ more' },
      family("my_script_requests", "counter", ["my_script_requests_total", labels, "12.0"]),
      family("my_script_jobs", "counter", ["my_script_jobs_total", {}, "3.0"]),
      family("my_script_below", "counter"),
      family("my_script_odd", "unknown", ["my_script_odd", {}, "nan"]),
      time,
      size,
    ]);
  });
});
