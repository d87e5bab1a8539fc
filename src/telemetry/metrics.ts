import { type IntervalHistogram, monitorEventLoopDelay } from "node:perf_hooks";
import { Counter, Gauge, Registry as PrometheusRegistry } from "prom-client";
import type { GatewayControl } from "../kernel/control.js";
import { type CallFigures, type FiguresByFrontEnd, latencyBoundsMs } from "../kernel/figures.js";
import type { QueryEntry } from "../kernel/registry.js";
import { KeyValue, Metric, MetricsBundle, PB } from "../wire/messages.js";
import { gatewayBundle } from "./gateway-bundle.js";
import type { LogService } from "./log.js";
import { type LogLevel, logLevels } from "./log-record.js";
import { bundlesOf } from "./metric-families.js";
import { prometheusText } from "./prometheus-text.js";
import { addRelayMetrics, type MeasuredRelays } from "./relay-metrics.js";

/** What is measured about the gateway; the parts of it that metrics read. */
export type MeasuredGateway = Pick<
  GatewayControl,
  "version" | "startedAtMs" | "core" | "registry" | "modules" | "serving" | "clock"
> &
  MeasuredRelays;

/** The gateway's figures, for Prometheus and for the metrics cycle. */
export interface GatewayMetrics {
  /** Everything in the text format of Prometheus, what scripts produced in the last cycle included. */
  text(): Promise<string>;
  readonly contentType: string;
  /** The gateway's own bundle for a metrics cycle. */
  bundles(): MetricsBundle[];
  close(): void;
}

/** Resolution of the event-loop measurement in milliseconds. */
const lagResolution = 20;

/** The measurement has the interval in it: an idle loop shows the resolution and not zero. */
function lagSeconds(nanoseconds: number): number {
  return Math.max(0, nanoseconds / 1e9 - lagResolution / 1000);
}

/**
 * Reads the figures when they are asked for; between two scrapes only the event loop is watched and log records are
 * counted. Labels are the names of registered commands, front ends, modules and script hosts, and never what a caller
 * sent, so that their number is bounded by the configuration.
 */
export function createMetrics(gateway: MeasuredGateway, log: LogService): GatewayMetrics {
  const prometheus = new PrometheusRegistry();
  const lag = monitorEventLoopDelay({ resolution: lagResolution });
  lag.enable();
  const logged = new Map<LogLevel, number>(logLevels.map((level) => [level, 0]));
  const stopListening = log.subscribe(({ level }) => logged.set(level, (logged.get(level) ?? 0) + 1));
  addGatewayMetrics(prometheus, gateway, logged);
  for (const kind of callKinds) addCallMetrics(prometheus, gateway, kind);
  addModuleMetrics(prometheus, gateway);
  addRelayMetrics(prometheus, gateway);
  addProcessMetrics(prometheus, lag);
  /** Bundles of ours, whose figures the text has already under their own names. */
  const own = new WeakSet<MetricsBundle>();

  return {
    contentType: prometheus.contentType,
    async text() {
      const text = await prometheus.metrics();
      lag.reset();
      // The library counts what it is told; durations are counted already, so they come the way of scripts' metrics.
      const others = bundlesOf(gateway.core.metrics).filter((bundle) => !own.has(bundle));
      return (
        text +
        prometheusText(
          [durations(gateway.registry), ...others],
          (name) => prometheus.getSingleMetric(name) !== undefined,
        )
      );
    },
    bundles() {
      const bundle = gatewayBundle(gateway, { lagSeconds: lagSeconds(lag.percentile(99)) });
      own.add(bundle);
      return [bundle];
    },
    close() {
      lag.disable();
      stopListening();
    },
  };
}

function addGatewayMetrics(
  prometheus: PrometheusRegistry,
  gateway: MeasuredGateway,
  logged: ReadonlyMap<LogLevel, number>,
): void {
  const registers = [prometheus];
  new Gauge({ name: "nscp_build_info", help: "1; the version is a label.", labelNames: ["version"], registers }).set(
    { version: gateway.version },
    1,
  );
  new Gauge({
    name: "nscp_serving",
    help: "1 while every front end is open and no drain has begun.",
    registers,
    collect() {
      this.set(gateway.serving ? 1 : 0);
    },
  });
  new Counter({
    name: "nscp_log_records_total",
    help: "Records that were written to the log.",
    labelNames: ["level"],
    registers,
    collect() {
      this.reset();
      for (const [level, count] of logged) this.inc({ level }, count);
    },
  });
}

/** The three kinds of calls, each with figures of its own. */
interface CallKind {
  /** `nscp_queries_total`, `nscp_queries_in_flight`. */
  readonly plural: string;
  /** `nscp_query_timeouts_total`, `nscp_query_duration_seconds`. */
  readonly singular: string;
  readonly what: string;
  /** The label that names what was called. */
  readonly label: "command" | "channel";
  figures(registry: MeasuredGateway["registry"]): Iterable<readonly [string, FiguresByFrontEnd]>;
}

const callKinds: readonly CallKind[] = [
  { plural: "queries", singular: "query", what: "Queries", label: "command", figures: queryFigures },
  {
    ...{ plural: "commands", singular: "command", what: "Command-line commands", label: "command" },
    figures: ({ commandFigures }) => commandFigures,
  },
  {
    ...{ plural: "submissions", singular: "submission", what: "Submissions", label: "channel" },
    figures: ({ channelFigures }) => channelFigures,
  },
];

function addCallMetrics(prometheus: PrometheusRegistry, { registry }: MeasuredGateway, kind: CallKind): void {
  const { plural, singular, what, label } = kind;
  const registers = [prometheus];
  const names = [label, "front_end"];
  new Counter({
    name: `nscp_${plural}_total`,
    help: `${what} that were answered, by the state of the answer.`,
    labelNames: [...names, "state"],
    registers,
    collect() {
      this.reset();
      for (const { labels, figures } of labelled(kind, registry)) {
        for (const [code, state] of states.entries()) this.inc({ ...labels, state }, figures.states[code] ?? 0);
      }
    },
  });
  // Only queries have a time limit of the gateway's.
  if (kind.plural === "queries") {
    new Counter({
      name: `nscp_${singular}_timeouts_total`,
      help: `${what} that were answered with UNKNOWN because their time was up.`,
      labelNames: names,
      registers,
      collect() {
        this.reset();
        for (const { labels, figures } of labelled(kind, registry)) this.inc(labels, figures.timeouts);
      },
    });
  }
  new Gauge({
    name: `nscp_${plural}_in_flight`,
    help: `${what} that have no answer yet.`,
    labelNames: names,
    registers,
    collect() {
      this.reset();
      for (const { labels, figures } of labelled(kind, registry)) this.set(labels, figures.inFlight);
    },
  });
}

const states = ["OK", "WARNING", "CRITICAL", "UNKNOWN"] as const;

/** The durations of calls, which the kernel counts in the buckets of `latencyBoundsMs`. */
function durations(registry: MeasuredGateway["registry"]): MetricsBundle {
  return MetricsBundle.create({
    value: callKinds.flatMap((kind) => labelled(kind, registry).map((entry) => durationOf(kind, entry))),
  });
}

function durationOf({ singular, what }: CallKind, { labels, figures }: LabelledFigures): Metric {
  let sampleCount = 0;
  const cumulative = [...figures.latency].map((inSlot) => (sampleCount += inSlot));
  const bucket = latencyBoundsMs.map((bound, slot) =>
    PB.Metrics.Bucket.create({ upperBound: bound / 1000, cumulativeCount: cumulative[slot] ?? 0 }),
  );
  return Metric.create({
    key: `nscp_${singular}_duration_seconds`,
    desc: `How long ${what.toLowerCase()} took.`,
    dims: Object.entries(labels).map(([key, value]) => KeyValue.create({ key, value })),
    histogramValue: PB.Metrics.Histogram.create({ bucket, sampleCount, sampleSum: figures.totalMs / 1000 }),
  });
}

interface LabelledFigures {
  readonly labels: Record<string, string>;
  readonly figures: CallFigures;
}

function labelled({ label, figures }: CallKind, registry: MeasuredGateway["registry"]): LabelledFigures[] {
  return [...figures(registry)].flatMap(([name, byFrontEnd]) =>
    [...byFrontEnd].map(([frontEnd, counted]) => ({
      labels: { [label]: name, front_end: frontEnd },
      figures: counted,
    })),
  );
}

/** The figures of all queries, and of aliases that have a handler of their own. */
function queryFigures(registry: MeasuredGateway["registry"]): [string, FiguresByFrontEnd][] {
  const entries = new Map<string, QueryEntry>();
  for (const { entry } of registry.listAliases()) entries.set(entry.name, entry);
  for (const entry of registry.listQueries()) entries.set(entry.name, entry);
  return [...entries].map(([command, { figures }]) => [command, figures]);
}

function addModuleMetrics(prometheus: PrometheusRegistry, gateway: MeasuredGateway): void {
  const registers = [prometheus];
  const hosts = () =>
    gateway.modules().flatMap(({ alias, status }) => (status.hosts ?? []).map((host) => ({ alias, host })));
  new Gauge({
    name: "nscp_module_up",
    help: "1 when the module runs.",
    labelNames: ["module", "alias"],
    registers,
    collect() {
      this.reset();
      for (const { name, alias, state } of gateway.modules()) {
        this.set({ module: name, alias }, state === "running" ? 1 : 0);
      }
    },
  });
  new Gauge({
    name: "nscp_script_host_up",
    help: "1 when the process that runs the scripts is there; the state is a label.",
    labelNames: ["alias", "host", "state"],
    registers,
    collect() {
      this.reset();
      for (const { alias, host } of hosts()) {
        this.set({ alias, host: host.name, state: host.state }, host.state === "running" ? 1 : 0);
      }
    },
  });
  new Counter({
    name: "nscp_script_host_restarts_total",
    help: "How often the process that runs the scripts was started again.",
    labelNames: ["alias", "host"],
    registers,
    collect() {
      this.reset();
      for (const { alias, host } of hosts()) this.inc({ alias, host: host.name }, host.restarts);
    },
  });
  new Gauge({
    name: "nscp_script_host_scripts",
    help: "How many scripts the process runs.",
    labelNames: ["alias", "host"],
    registers,
    collect() {
      this.reset();
      for (const { alias, host } of hosts()) this.set({ alias, host: host.name }, host.scripts.length);
    },
  });
}

function addProcessMetrics(prometheus: PrometheusRegistry, lag: IntervalHistogram): void {
  const registers = [prometheus];
  new Gauge({
    name: "nscp_event_loop_lag_seconds",
    help: `How late the event loop was since the last scrape, at a resolution of ${lagResolution} ms.`,
    labelNames: ["quantile"],
    registers,
    collect() {
      for (const quantile of [0.5, 0.9, 0.99]) {
        this.set({ quantile: String(quantile) }, lagSeconds(lag.percentile(quantile * 100)));
      }
      this.set({ quantile: "1" }, lagSeconds(lag.max));
    },
  });
  const startedAt = Math.round((Date.now() - process.uptime() * 1000) / 1000);
  new Gauge({
    name: "process_start_time_seconds",
    help: "When the process was started, in seconds since 1970.",
    registers,
  }).set(startedAt);
  new Counter({
    name: "process_cpu_seconds_total",
    help: "Processor time of the process, user and system.",
    registers,
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1e6);
    },
  });
  new Gauge({
    name: "process_resident_memory_bytes",
    help: "Memory of the process that is in use, of whatever kind.",
    registers,
    collect() {
      this.set(process.memoryUsage.rss());
    },
  });
  new Gauge({
    name: "nodejs_heap_size_used_bytes",
    help: "Memory that the objects of the program take.",
    registers,
    collect() {
      this.set(process.memoryUsage().heapUsed);
    },
  });
}
