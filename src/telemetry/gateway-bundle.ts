import type { GatewayControl } from "../kernel/control.js";
import { Metric, MetricsBundle, PB } from "../wire/messages.js";

/**
 * The gateway's part of a metrics cycle: the bundle `gateway` with a few numbers that fit on a screen. What they are by
 * command and front end stands in the text for Prometheus.
 */
export function gatewayBundle(
  gateway: Pick<GatewayControl, "registry" | "modules" | "startedAtMs" | "clock">,
  { lagSeconds }: { readonly lagSeconds: number },
): MetricsBundle {
  let total = 0;
  let unknown = 0;
  let timeouts = 0;
  let inFlight = 0;
  const entries = new Set([
    ...gateway.registry.listQueries(),
    ...gateway.registry.listAliases().map(({ entry }) => entry),
  ]);
  for (const { figures } of entries) {
    for (const counted of figures.values()) {
      total += counted.states.reduce((sum, count) => sum + count, 0);
      unknown += counted.states[3];
      timeouts += counted.timeouts;
      inFlight += counted.inFlight;
    }
  }
  const modules = gateway.modules();
  const hosts = modules.flatMap(({ status }) => status.hosts ?? []);
  return MetricsBundle.create({
    key: "gateway",
    desc: "What the gateway measures about itself",
    value: [gauge("uptime", (gateway.clock.now() - gateway.startedAtMs) / 1000)],
    children: [
      bundle("queries", { total, unknown, timeouts, in_flight: inFlight }),
      bundle("modules", {
        running: modules.filter(({ state }) => state === "running").length,
        failed: modules.filter(({ state }) => state === "failed").length,
      }),
      bundle("script_hosts", {
        running: hosts.filter(({ state }) => state === "running").length,
        given_up: hosts.filter(({ state }) => state === "given up").length,
        restarts: hosts.reduce((sum, { restarts }) => sum + restarts, 0),
      }),
      bundle("process", { event_loop_lag: lagSeconds, resident_memory: process.memoryUsage.rss() }),
    ],
  });
}

function bundle(key: string, values: Readonly<Record<string, number>>): MetricsBundle {
  return MetricsBundle.create({ key, value: Object.entries(values).map(([name, value]) => gauge(name, value)) });
}

function gauge(key: string, value: number): Metric {
  return Metric.create({ key, gaugeValue: PB.Common.OptionalFloat.create({ value }) });
}
