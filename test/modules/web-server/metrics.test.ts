import { describe, expect, test } from "vitest";
import { Metric, MetricsBundle, PB } from "../../../src/wire/messages.js";
import { bodyHeaders, jsonAnswer, refused, startWebServer, type WebGateway } from "../../support/web-server.js";

const { OptionalFloat, OptionalString } = PB.Common;

function gauge(key: string, value: number): Metric {
  return Metric.create({ key, gaugeValue: OptionalFloat.create({ value }) });
}

const demo = MetricsBundle.create({
  key: "system",
  value: [
    gauge("load 1", 0.25),
    Metric.create({ key: "host", stringValue: OptionalString.create({ value: "web1" }) }),
    Metric.create({ key: "requests", desc: "All of them", counterValue: OptionalFloat.create({ value: 7 }) }),
    gauge("odd", Number.NaN),
    gauge("cpu", 3),
  ],
  children: [MetricsBundle.create({ key: "cpu", value: [gauge("total", 12), gauge("__proto__.x", 1)] })],
});

/** What is collected is the bundle of this test and what the gateway and its web server measure about themselves. */
async function collect({ gateway }: WebGateway): Promise<void> {
  gateway.registry.addMetricsSource({ id: 100, name: "LUAScript", alias: "lua" }, () => [demo]);
  await gateway.core.collectMetrics();
}

function isOwn(name: string): boolean {
  return /^(?:gateway|web)\./.test(name);
}

function foreignLines(text: string): string {
  return text
    .split("\n")
    .filter((line) => !/^(?:# (?:TYPE|HELP) )?(?:gateway|web)_/.test(line))
    .join("\n");
}

describe("metrics", () => {
  test("are one flat object of the last snapshot, and nothing before it", async () => {
    const web = await startWebServer();
    const get = () => web.request({ path: "/api/v2/metrics", as: "admin" });
    expect(await get()).toEqual(jsonAnswer({}));
    await collect(web);
    const answer = await get();
    const all: Record<string, unknown> = JSON.parse(answer.body);
    expect(answer).toEqual(jsonAnswer(all));
    const own = Object.entries(all).filter(([name]) => isOwn(name));
    expect(own.every(([, value]) => typeof value === "number")).toBe(true);
    expect(Object.fromEntries(Object.entries(all).filter(([name]) => !isOwn(name)))).toEqual({
      "system.cpu.total": 12,
      "system.cpu.__proto__.x": 1,
      "system.load 1": 0.25,
      "system.host": "web1",
      "system.requests": 7,
      "system.odd": "NaN",
      "system.cpu": 3,
    });
    expect((await web.request({ path: "/api/v1/metrics", as: "admin" })).status).toBe(404);
  });

  test("are text that Prometheus takes as it is", async () => {
    const web = await startWebServer();
    const get = () => web.request({ path: "/api/v2/openmetrics", as: "admin" });
    const type = "text/plain; version=0.0.4; charset=utf-8";
    expect(await get()).toEqual({ status: 200, headers: bodyHeaders(type, ""), body: "" });
    await collect(web);
    const { headers, body } = await get();
    expect(headers).toEqual(bodyHeaders(type, body));
    expect(foreignLines(body)).toBe(`# TYPE system_cpu_total gauge
system_cpu_total 12
# TYPE system_cpu___proto___x gauge
system_cpu___proto___x 1
# TYPE system_load_1 gauge
system_load_1 0.25
# HELP system_requests All of them
# TYPE system_requests counter
system_requests 7
# TYPE system_odd gauge
system_odd NaN
# TYPE system_cpu gauge
system_cpu 3
`);
  });

  test("are OpenMetrics for those who like that better", async () => {
    const web = await startWebServer();
    await collect(web);
    const accept = "application/openmetrics-text;version=1.0.0;q=0.8,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
    const { headers, body } = await web.request({ path: "/api/v2/openmetrics", as: "admin", headers: { accept } });
    expect(headers).toEqual(bodyHeaders("application/openmetrics-text; version=1.0.0; charset=utf-8", body));
    expect(foreignLines(body)).toBe(`# TYPE system_cpu_total gauge
system_cpu_total 12
# TYPE system_cpu___proto___x gauge
system_cpu___proto___x 1
# TYPE system_load_1 gauge
system_load_1 0.25
# TYPE system_requests counter
# HELP system_requests All of them
system_requests_total 7
# TYPE system_odd gauge
system_odd NaN
# TYPE system_cpu gauge
system_cpu 3
# EOF
`);
  });

  test("are objects in objects for older clients, and the web page for browsers", async () => {
    const web = await startWebServer();
    const get = (headers: Record<string, string>) => web.request({ path: "/metrics", as: "legacy", headers });
    expect(await get({})).toEqual(jsonAnswer({}));
    await collect(web);
    const { system } = JSON.parse((await get({ accept: "text/html" })).body);
    expect(JSON.stringify(system)).toBe(
      '{"cpu":{"total":12,"__proto__":{"x":1}},"load 1":0.25,"host":"web1","requests":7,"odd":"NaN"}',
    );
    const page = await web.request({ path: "/metrics", headers: { accept: "text/html,*/*" } });
    expect([page.status, page.headers["content-type"]]).toEqual([200, "text/html"]);
    expect(await web.request({ path: "/metrics" })).toEqual(refused);
  });

  test("need a grant, and metrics.get is one for both lists", async () => {
    const more = "[/settings/WEB/server/roles]\nnobody = metrics.get\n";
    const web = await startWebServer();
    for (const path of ["/api/v2/metrics", "/api/v2/openmetrics", "/metrics"]) {
      expect(await web.request({ path, as: "client" })).toEqual(refused);
      expect(await web.request({ path })).toEqual(refused);
    }
    expect(await web.reload({ more })).toEqual({ reloaded: true, problems: [] });
    for (const path of ["/api/v2/metrics", "/api/v2/openmetrics"]) {
      expect((await web.request({ path, as: "nobody" })).status).toBe(200);
    }
  });
});
