import { errorText } from "../../kernel/errors.js";
import type { RelayTarget, SenderEnvironment } from "../../relay/relay.js";
import { gaugesOf, graphiteLine, graphitePath } from "../../wire/graphite.js";
import type { MetricsMessage } from "../../wire/messages.js";
import { type OneWayConnections, oneWayConnections } from "./one-way-connection.js";
import type { GraphiteKeys } from "./settings.js";

/**
 * Sends the gauges of each cycle of metrics to one target. They are about now: what can't be sent is not kept, and a cycle
 * that comes while the one before is still on its way is left out.
 */
export class MetricsPush {
  private readonly connections: OneWayConnections;
  private readonly ended = new AbortController();
  private isBusy = false;
  private hasFailed = false;

  constructor(
    private readonly target: RelayTarget<GraphiteKeys>,
    private readonly environment: SenderEnvironment,
  ) {
    this.connections = oneWayConnections(target, environment);
  }

  /** Takes the metrics of a cycle; never waits for the receiver, so that cycles go on. */
  push(message: MetricsMessage): void {
    if (this.isBusy || this.ended.signal.aborted) return;
    const text = this.textOf(message);
    if (text === "") return;
    this.isBusy = true;
    this.connections
      .write(text, this.ended.signal)
      .then(
        () => this.report(undefined),
        (thrown: unknown) => this.report(errorText(thrown)),
      )
      .finally(() => {
        this.isBusy = false;
      });
  }

  close(): void {
    this.ended.abort(new Error("the gateway ends"));
  }

  private textOf({ payload }: MetricsMessage): string {
    const { clock, hostname } = this.environment;
    const nowMs = clock.now();
    return gaugesOf(payload.flatMap(({ bundles }) => bundles))
      .map(([metric, value]) => {
        const path = graphitePath(this.target.settings.metricPath, { hostname, metric });
        return graphiteLine({ path, value }, nowMs) ?? "";
      })
      .join("");
  }

  /** Says once that metrics don't arrive, and once that they do again. */
  private report(problem: string | undefined): void {
    if (this.ended.signal.aborted || (problem !== undefined) === this.hasFailed) return;
    this.hasFailed = problem !== undefined;
    const { name } = this.target;
    if (problem === undefined) this.environment.log.info(`${name}: metrics arrive again`);
    else this.environment.log.warn(`${name}: metrics are not sent: ${problem}`);
  }
}
