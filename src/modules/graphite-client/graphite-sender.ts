import type { OutgoingResult, RelayTarget, Sender, SenderEnvironment, Verdict } from "../../relay/relay.js";
import { type GraphiteValue, graphiteLine, graphitePath, perfNumber } from "../../wire/graphite.js";
import { type OneWayConnections, oneWayConnections } from "./one-way-connection.js";
import type { GraphiteKeys } from "./settings.js";

/** Sends states and performance data, a batch over one connection. */
export class GraphiteSender implements Sender {
  private readonly connections: OneWayConnections;

  /** @throws GatewayError CONFIGURATION for certificates that can't be used */
  constructor(
    private readonly target: RelayTarget<GraphiteKeys>,
    private readonly environment: SenderEnvironment,
  ) {
    this.connections = oneWayConnections(target, environment);
  }

  async send(batch: readonly OutgoingResult[], signal: AbortSignal): Promise<readonly Verdict[]> {
    const texts = batch.map((result) => this.textOf(result));
    const text = texts.join("");
    if (text !== "") await this.connections.write(text, signal);
    const sent = `Data presumably sent successfully${this.target.settings.ssl ? " (TLS)" : ""}`;
    return texts.map((lines) => ({ kind: "delivered", text: lines === "" ? "No performance data to send" : sent }));
  }

  close(): void {}

  private textOf(outgoing: OutgoingResult): string {
    const { settings, name } = this.target;
    const { host, service, result, timeMs } = outgoing;
    const words = { hostname: host, check_alias: service === "" ? "host_check" : service };
    const values: GraphiteValue[] = [];
    if (settings.sendPerfdata) {
      for (const item of result.lines.flatMap(({ perf }) => perf)) {
        const value = perfNumber(item);
        if (value === undefined) continue;
        values.push({ path: graphitePath(settings.path, { ...words, perf_alias: item.alias }), value });
      }
    }
    if (settings.sendStatus) values.push({ path: graphitePath(settings.statusPath, words), value: result.result });
    return values
      .map((value) => {
        const line = graphiteLine(value, timeMs);
        if (line === undefined) {
          const shown = `${value.path.slice(0, 200)} = ${value.value}`;
          this.environment.log.warn(`${name}: Graphite takes no such value, it is left out: ${shown}`);
        }
        return line ?? "";
      })
      .join("");
  }
}
