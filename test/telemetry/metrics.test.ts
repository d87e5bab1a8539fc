import { afterEach, describe, expect, it } from "vitest";
import { Call } from "../../src/kernel/call.js";
import type { Clock } from "../../src/kernel/clock.js";
import { Core } from "../../src/kernel/core.js";
import type { LoadedModule } from "../../src/kernel/modules.js";
import { commandPolicy } from "../../src/kernel/policy.js";
import { localPrincipal } from "../../src/kernel/principal.js";
import { Registry } from "../../src/kernel/registry.js";
import { createLogService } from "../../src/telemetry/log.js";
import { createMetrics, type GatewayMetrics } from "../../src/telemetry/metrics.js";
import { type MetricsServer, startMetricsServer } from "../../src/telemetry/metrics-server.js";
import {
  ExecuteRequest,
  ExecuteRequestMessage,
  ExecuteResponse,
  Metric,
  MetricsBundle,
  PB,
  QueryRequest,
  QueryRequestMessage,
  QueryResponse,
  SubmitRequestMessage,
  SubmitResponse,
} from "../../src/wire/messages.js";
import { textResponse } from "../../src/wire/responses.js";

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

const owner = { id: 1, name: "NodeScript", alias: "node" };

function gateway() {
  let milliseconds = 0;
  const clock: Clock = { now: () => 60_000, monotonic: () => milliseconds, after: () => () => {} };
  const log = createLogService({ form: "console", level: "info", write: () => {} });
  const registry = new Registry(log);
  const policy = commandPolicy({ enabled: false, allowExecute: true, policies: new Map() });
  const core = new Core({
    registry,
    clock,
    log,
    policy,
    limits: { queryTimeoutMs: undefined, timeoutOf: () => undefined },
  });
  const modules: LoadedModule[] = [
    {
      ...owner,
      summary: "",
      state: "running",
      failure: "",
      status: {
        hosts: [{ name: "node", state: "backing off", pid: 1, restarts: 3, lastFailure: "", scripts: ["a", "b"] }],
      },
    },
    { id: 2, name: "GRPCServer", alias: "grpc", summary: "", state: "failed", failure: "", status: {} },
  ];
  const parts = { version: "1.2.3", startedAtMs: 0, core, registry, clock, modules: () => modules, serving: true };
  const metrics = createMetrics(parts, log);
  open.push(metrics);
  const query = (command: string) =>
    core.query(
      QueryRequestMessage.create({ payload: [QueryRequest.create({ command })] }),
      new Call({ principal: localPrincipal, frontEnd: "grpc", traceId: "t" }),
    );
  return { ...parts, log, metrics, query, pass: (ms: number) => (milliseconds += ms) };
}

/** The samples of the gateway's own metrics whose values don't depend on this machine. */
async function samples(metrics: GatewayMetrics): Promise<string[]> {
  const text = await metrics.text();
  return text
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#") && !/^(process|nodejs|nscp_event)/.test(line));
}

describe("the metrics", () => {
  it("count calls, states, time and what is in flight, by command and front end", async () => {
    const { registry, metrics, query, pass } = gateway();
    registry.addQuery(owner, "check_a", (request) => {
      pass(3);
      return textResponse(request, 2, "bad");
    });
    registry.addQuery(owner, "check_slow", () => new Promise(() => {}));
    query("check_a");
    query("CHECK_A");
    void query("check_slow");
    const lines = await samples(metrics);
    const slow = (name: string) => lines.filter((line) => line.includes("check_slow") && line.startsWith(name));
    expect(slow("nscp_queries_in_flight")).toEqual(['nscp_queries_in_flight{command="check_slow",front_end="grpc"} 1']);
    expect(lines.filter((line) => line.includes("check_a"))).toEqual([
      'nscp_queries_total{command="check_a",front_end="grpc",state="OK"} 0',
      'nscp_queries_total{command="check_a",front_end="grpc",state="WARNING"} 0',
      'nscp_queries_total{command="check_a",front_end="grpc",state="CRITICAL"} 2',
      'nscp_queries_total{command="check_a",front_end="grpc",state="UNKNOWN"} 0',
      'nscp_query_timeouts_total{command="check_a",front_end="grpc"} 0',
      'nscp_queries_in_flight{command="check_a",front_end="grpc"} 0',
      ...["0.0001", "0.00025", "0.0005", "0.001", "0.0025"].map(
        (le) => `nscp_query_duration_seconds_bucket{command="check_a",front_end="grpc",le="${le}"} 0`,
      ),
      ...["0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "5", "10", "60", "+Inf"].map(
        (le) => `nscp_query_duration_seconds_bucket{command="check_a",front_end="grpc",le="${le}"} 2`,
      ),
      'nscp_query_duration_seconds_sum{command="check_a",front_end="grpc"} 0.006',
      'nscp_query_duration_seconds_count{command="check_a",front_end="grpc"} 2',
    ]);
  });

  it("count commands and submissions like queries, by command or channel and front end", async () => {
    const { core, registry, metrics } = gateway();
    registry.addCommand(owner, ["restart_it"], () => ExecuteResponse.create({ result: 1, message: "in a moment" }));
    registry.addChannel(owner, "inbox", () => [SubmitResponse.create()]);
    registry.addChannel(owner, "*", () => [SubmitResponse.create()]);
    const call = new Call({ principal: localPrincipal, frontEnd: "grpc", traceId: "t" });
    const command = (name: string) =>
      core.execute("", ExecuteRequestMessage.create({ payload: [ExecuteRequest.create({ command: name })] }), call);
    await command("RESTART_IT");
    await command("made_up");
    const submission = SubmitRequestMessage.create({ payload: [QueryResponse.create({ command: "disk" })] });
    await core.submit("Inbox", submission, call);
    await core.submit("made_up", submission, call);
    const lines = await samples(metrics);
    expect(lines.filter((line) => /restart_it|inbox|made_up/.test(line) && !line.includes("_bucket"))).toEqual([
      'nscp_commands_total{command="restart_it",front_end="grpc",state="OK"} 0',
      'nscp_commands_total{command="restart_it",front_end="grpc",state="WARNING"} 1',
      'nscp_commands_total{command="restart_it",front_end="grpc",state="CRITICAL"} 0',
      'nscp_commands_total{command="restart_it",front_end="grpc",state="UNKNOWN"} 0',
      'nscp_commands_in_flight{command="restart_it",front_end="grpc"} 0',
      'nscp_submissions_total{channel="inbox",front_end="grpc",state="OK"} 1',
      'nscp_submissions_total{channel="inbox",front_end="grpc",state="WARNING"} 0',
      'nscp_submissions_total{channel="inbox",front_end="grpc",state="CRITICAL"} 0',
      'nscp_submissions_total{channel="inbox",front_end="grpc",state="UNKNOWN"} 0',
      'nscp_submissions_in_flight{channel="inbox",front_end="grpc"} 0',
      'nscp_command_duration_seconds_sum{command="restart_it",front_end="grpc"} 0',
      'nscp_command_duration_seconds_count{command="restart_it",front_end="grpc"} 1',
      'nscp_submission_duration_seconds_sum{channel="inbox",front_end="grpc"} 0',
      'nscp_submission_duration_seconds_count{channel="inbox",front_end="grpc"} 1',
    ]);
  });

  it("have no label for what callers make up", async () => {
    const { metrics, query } = gateway();
    for (let number = 0; number < 100; number++) query(`no_such_${number}`);
    expect((await metrics.text()).includes("no_such")).toBe(false);
  });

  it("show modules, script hosts and log records", async () => {
    const { metrics, log } = gateway();
    log.error("bad");
    log.debug("not logged");
    expect(await samples(metrics)).toEqual([
      'nscp_build_info{version="1.2.3"} 1',
      "nscp_serving 1",
      'nscp_log_records_total{level="critical"} 0',
      'nscp_log_records_total{level="error"} 1',
      'nscp_log_records_total{level="warning"} 0',
      'nscp_log_records_total{level="info"} 0',
      'nscp_log_records_total{level="debug"} 0',
      'nscp_log_records_total{level="trace"} 0',
      'nscp_module_up{module="NodeScript",alias="node"} 1',
      'nscp_module_up{module="GRPCServer",alias="grpc"} 0',
      'nscp_script_host_up{alias="node",host="node",state="backing off"} 0',
      'nscp_script_host_restarts_total{alias="node",host="node"} 3',
      'nscp_script_host_scripts{alias="node",host="node"} 2',
    ]);
  });

  it("hold what scripts produced, but not the gateway's own bundle twice", async () => {
    const { registry, core, metrics } = gateway();
    registry.addMetricsSource(owner, () => metrics.bundles());
    registry.addMetricsSource(owner, () => [
      MetricsBundle.create({
        key: "",
        value: [
          Metric.create({
            key: "my_script.latency-ms",
            gaugeValue: PB.Common.OptionalFloat.create({ value: 17.3 }),
          }),
          Metric.create({ key: "nscp_serving", gaugeValue: PB.Common.OptionalFloat.create({ value: 7 }) }),
        ],
      }),
    ]);
    await core.collectMetrics();
    const lines = await samples(metrics);
    expect(lines.slice(-1)).toEqual(["my_script_latency_ms 17.3"]);
    expect(lines.filter((line) => line.startsWith("nscp_serving"))).toEqual(["nscp_serving 1"]);
  });

  it("have a short form for the metrics cycle", () => {
    const { registry, metrics, query } = gateway();
    registry.addQuery(owner, "check_a", (request) => textResponse(request, 3, "?"));
    query("check_a");
    const flat = new Map<string, number>();
    const walk = (bundle: MetricsBundle, prefix: string) => {
      for (const child of bundle.children) walk(child, `${prefix}${child.key}.`);
      for (const { key, gaugeValue } of bundle.value) flat.set(prefix + key, gaugeValue?.value ?? Number.NaN);
    };
    for (const bundle of metrics.bundles()) walk(bundle, `${bundle.key}.`);
    expect(flat.get("gateway.process.resident_memory")).toBeGreaterThan(0);
    expect(flat.get("gateway.process.event_loop_lag")).toBeGreaterThanOrEqual(0);
    flat.delete("gateway.process.resident_memory");
    flat.delete("gateway.process.event_loop_lag");
    expect(Object.fromEntries(flat)).toEqual({
      "gateway.uptime": 60,
      "gateway.queries.total": 1,
      "gateway.queries.unknown": 1,
      "gateway.queries.timeouts": 0,
      "gateway.queries.in_flight": 0,
      "gateway.modules.running": 1,
      "gateway.modules.failed": 1,
      "gateway.script_hosts.running": 0,
      "gateway.script_hosts.given_up": 0,
      "gateway.script_hosts.restarts": 3,
    });
  });
});

describe("the metrics server", () => {
  async function serve(isServing = true): Promise<MetricsServer> {
    const { metrics, log } = gateway();
    const server = await startMetricsServer({ port: 0, bindTo: "127.0.0.1", metrics, isServing: () => isServing, log });
    open.push(server);
    return server;
  }

  it("answers Prometheus", async () => {
    const { address } = await serve();
    const response = await fetch(`http://${address}/metrics?x=1`);
    expect([response.status, response.headers.get("content-type")]).toEqual([
      200,
      "text/plain; version=0.0.4; charset=utf-8",
    ]);
    expect((await response.text()).startsWith("# HELP nscp_build_info")).toBe(true);
  });

  it.each([
    ["GET", "/health/live", false, 200, "live\n"],
    ["GET", "/health/ready", true, 200, "ready\n"],
    ["GET", "/health/ready", false, 503, "not ready\n"],
    ["HEAD", "/health/live", true, 200, ""],
    ["POST", "/metrics", true, 405, "Only GET and HEAD are allowed\n"],
    ["GET", "/", true, 404, "Not found; there are /metrics, /health/live and /health/ready\n"],
  ])("answers %s %s (serving: %s) with %i", async (method, path, isServing, status, body) => {
    const { address } = await serve(isServing);
    const response = await fetch(`http://${address}${path}`, { method });
    expect([response.status, await response.text()]).toEqual([status, body]);
  });

  it("says which address it can't have", async () => {
    const { address } = await serve();
    const { metrics, log } = gateway();
    const port = Number(address.split(":")[1]);
    await expect(
      startMetricsServer({ port, bindTo: "127.0.0.1", metrics, isServing: () => true, log }),
    ).rejects.toThrow(
      `[/settings/metrics] can't listen on 127.0.0.1:${port}: listen EADDRINUSE: address already in use 127.0.0.1:${port}`,
    );
  });
});
