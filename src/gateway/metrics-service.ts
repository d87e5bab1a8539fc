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
   * @throws GatewayError FAILED_PRECONDITION when the port can't be listened on; then all stays as it was
   */
  async start(settings: MetricsServiceSettings): Promise<void> {
    const before = this.settings;
    const isElsewhere = before?.port !== settings.port || before?.bindTo !== settings.bindTo;
    if (isElsewhere) await this.move(settings, before);
    this.settings = settings;
    if (before?.intervalMs === settings.intervalMs) return;
    clearInterval(this.timer);
    this.timer = setInterval(() => this.runCycle(), Math.max(100, settings.intervalMs));
    this.timer.unref();
  }

  private async move(settings: MetricsServiceSettings, before: MetricsServiceSettings | undefined): Promise<void> {
    const old = this.server;
    // Another address with the same port may be the same place.
    const isInTheWay = before?.port === settings.port;
    if (isInTheWay) await old?.close();
    try {
      this.server = await this.listen(settings);
    } catch (thrown) {
      if (isInTheWay && before !== undefined) this.server = await this.listen(before);
      throw thrown;
    }
    if (!isInTheWay) await old?.close();
  }

  private async listen({ port, bindTo }: MetricsServiceSettings): Promise<MetricsServer | undefined> {
    if (port === undefined) return undefined;
    const log = this.log.child("metrics");
    const server = await startMetricsServer({
      ...{ port, bindTo, metrics: this.metrics },
      isServing: () => this.gateway.serving,
      log,
    });
    log.info(`Metrics on http://${server.address}/metrics`);
    return server;
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
