import { GatewayError } from "./errors.js";
import type {
  CommandHandler,
  EventHandler,
  MetricsSink,
  MetricsSource,
  Owner,
  QueryHandler,
  QueryOptions,
  Registry,
  SubmissionHandler,
  Target,
  Unregister,
} from "./registry.js";

/** The registry as one module instance sees it: all that it registers here is its own and goes when it goes. */
export class RegistryScope {
  constructor(
    private readonly table: Registry,
    readonly owner: Owner,
    private readonly signal: AbortSignal,
  ) {}

  /** A module that goes on after its end must not leave anything behind. */
  private get registry(): Registry {
    if (!this.signal.aborted) return this.table;
    throw new GatewayError("FAILED_PRECONDITION", `${this.owner.alias} is unloaded and can't register anything.`);
  }

  /** A check that pollers run by name. */
  query(name: string, handler: QueryHandler, options?: QueryOptions): Unregister {
    return this.registry.addQuery(this.owner, name, handler, options);
  }

  /** Another name for what `handler` runs; a query of the same name wins. */
  alias(name: string, handler: QueryHandler, options?: QueryOptions): Unregister {
    return this.registry.addAlias(this.owner, name, handler, options);
  }

  removeQuery(name: string): boolean {
    return this.table.removeQuery(this.owner, name);
  }

  /** Command-line commands; without names the handler is asked for every command. */
  command(names: string | readonly string[], handler: CommandHandler): Unregister {
    return this.registry.addCommand(this.owner, typeof names === "string" ? [names] : names, handler);
  }

  channel(names: string, handler: SubmissionHandler): Unregister {
    return this.registry.addChannel(this.owner, names, handler);
  }

  event(names: string, handler: EventHandler): Unregister {
    return this.registry.addEvent(this.owner, names, handler);
  }

  metricsSource(handler: MetricsSource): Unregister {
    return this.registry.addMetricsSource(this.owner, handler);
  }

  metricsSink(handler: MetricsSink): Unregister {
    return this.registry.addMetricsSink(this.owner, handler);
  }

  target(target: Omit<Target, "owner">): Unregister {
    return this.registry.addTarget({
      ...{ name: target.name, owner: this.owner },
      query: (message, call) => target.query(message, call),
      execute: (message, call) => target.execute(message, call),
    });
  }
}
