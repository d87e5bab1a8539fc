// Metrics of the script's own, and what the gateway measures; and every event that happens.
import { log, logDebug, Registry } from "nscp-gateway/script";

export function init(pluginId: number): void {
  const registry = Registry.get(pluginId);
  const startedAt = Date.now();
  let events = 0;

  registry.fetchMetrics(() => ({
    "metrics_sample.uptime": Math.round((Date.now() - startedAt) / 1000),
    "metrics_sample.events": events,
    "metrics_sample.state": "ok",
  }));
  registry.submitMetrics((metrics) => logDebug(`${Object.keys(metrics).length} metrics were collected`));
  registry.event("*", (event, data) => {
    events++;
    log(`${event}: ${JSON.stringify(data)}`);
  });
}
