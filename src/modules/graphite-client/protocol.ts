import type { RelayProtocol } from "../../relay/relay.js";
import { GraphiteSender } from "./graphite-sender.js";
import { MetricsPush } from "./metrics-push.js";
import { type GraphiteKeys, targetKeys } from "./settings.js";

/** States, performance data and the gateway's own metrics by Graphite's plaintext protocol. */
export const graphiteProtocol: RelayProtocol<GraphiteKeys> = {
  name: "GraphiteClient",
  summary: "Relays states and performance data to Graphite",
  defaultAlias: "graphite-client",
  section: "graphite",
  channel: "GRAPHITE",
  word: "graphite",
  grade: "written",
  defaultPort: 2003,
  targetKeys,
  batch: { count: 1000, bytes: 1 << 20 },
  connect: (target, environment) => new GraphiteSender(target, environment),
  extend({ registry, targets, environment }) {
    const pushes = targets
      .filter(({ settings }) => settings.sendMetrics)
      .map((target) => new MetricsPush(target, environment));
    if (pushes.length === 0) return undefined;
    const unregister = registry.metricsSink((message) => {
      for (const push of pushes) push.push(message);
    });
    return {
      async stop() {
        unregister();
        for (const push of pushes) push.close();
      },
    };
  },
};
