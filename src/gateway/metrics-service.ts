import type { GatewayControl } from "../kernel/control.js";
import { errorText } from "../kernel/errors.js";
import type { Owner } from "../kernel/registry.js";
import type { LogService } from "../telemetry/log.js";
import { createMetrics, type GatewayMetrics } from "../telemetry/metrics.js";
import { type MetricsServer, startMetricsServer } from "../telemetry/metrics-server.js";

export interface MetricsServiceSettings {
  readonly intervalMs: number;
  /** Without it nothing listens. */
  readonly port: number | undefined;
  readonly bindTo: string;
}

/** The gateway itself as the owner of its own metrics. */
const owner: Owner = { id: -1, name: "core", alias: "core" };

/** Runs the metrics cycle while the gateway serves, and the server for Prometheus when a port is set. */
export class MetricsService {
  private readonly metrics: GatewayMetrics;
  private timer: NodeJS.Timeout | undefined;
  private server: MetricsServer | undefined;
  private settings: MetricsServiceSettings | undefined;
  private cycle: Promise<unknown> | undefined;

  constructor(
    private readonly gateway: GatewayControl,
    private readonly log: LogService,
  ) {
    this.metrics = createMetrics(gateway, log);
    gateway.registry.addMetricsSource(owner, () => this.metrics.bundles());
  }

  text(): Promise<string> {
    return this.metrics.text();
  }

  /**
   * Begins with these settings, or goes on with them when they have changed.
   * @throws GatewayError FAILED_PRECONDITION when the port can't be listened on
   */
  async start(settings: MetricsServiceSettings): Promise<void> {
    const before = this.settings;
    this.settings = settings;
    if (before?.intervalMs !== settings.intervalMs) {
      clearInterval(this.timer);
      this.timer = setInterval(() => this.runCycle(), Math.max(100, settings.intervalMs));
      this.timer.unref();
    }
    if (before?.port === settings.port && before?.bindTo === settings.bindTo) return;
    await this.server?.close();
    this.server = undefined;
    if (settings.port === undefined) return;
    this.server = await startMetricsServer({
      ...{ port: settings.port, bindTo: settings.bindTo, metrics: this.metrics },
      isServing: () => this.gateway.serving,
      log: this.log.child("metrics"),
    });
    this.log.child("metrics").info(`Metrics on http://${this.server.address}/metrics`);
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.server?.close();
    await this.cycle;
    this.metrics.close();
  }

  /** A cycle that takes longer than the interval is not overtaken by the next. */
  private runCycle(): void {
    if (this.cycle !== undefined) return;
    this.cycle = this.gateway.core
      .collectMetrics()
      .catch((thrown: unknown) => this.log.error(`Metrics cycle failed: ${errorText(thrown)}`, { error: thrown }))
      .finally(() => {
        this.cycle = undefined;
      });
  }
}
