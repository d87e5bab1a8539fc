import type {
  EventMessage,
  ExecuteRequestMessage,
  Header,
  MetricsMessage,
  QueryRequestMessage,
  QueryResponseMessage,
  SubmitRequestMessage,
} from "../wire/messages.js";
import type { Call } from "./call.js";
import type { Clock } from "./clock.js";
import { Deadlines } from "./deadlines.js";
import { emitEvent, runMetricsCycle } from "./events.js";
import { ExecuteDispatch, type ExecuteOutcome } from "./execute.js";
import { trustedHeader } from "./header.js";
import type { Logger } from "./log.js";
import type { CommandPolicy } from "./policy.js";
import { QueryDispatch, type QueryLimits } from "./query.js";
import type { Registry } from "./registry.js";
import { SubmitDispatch, type SubmitOutcome } from "./submit.js";

export interface CoreParts {
  readonly registry: Registry;
  readonly clock: Clock;
  readonly log: Logger;
  readonly limits: QueryLimits;
  readonly policy: CommandPolicy;
}

/**
 * What everybody calls: front ends on behalf of pollers, modules and scripts on their own. Nobody here knows who asks or
 * who answers; the call says the one and the registry the other.
 */
export class Core {
  readonly deadlines: Deadlines;
  private queries: QueryDispatch;
  private commands: ExecuteDispatch;
  private readonly submissions: SubmitDispatch;
  private latestMetrics: MetricsMessage | undefined;

  constructor(private readonly parts: CoreParts) {
    this.deadlines = new Deadlines(parts.clock);
    this.queries = new QueryDispatch({ ...parts, deadlines: this.deadlines });
    this.commands = new ExecuteDispatch({ ...parts, deadlines: this.deadlines });
    this.submissions = new SubmitDispatch(parts);
  }

  /** Takes limits and policy from changed settings; calls in flight keep what they began with. */
  configure(changed: Pick<CoreParts, "limits" | "policy">): void {
    const parts = { ...this.parts, ...changed, deadlines: this.deadlines };
    this.queries = new QueryDispatch(parts);
    this.commands = new ExecuteDispatch(parts);
  }

  /** Runs checks: one answer per payload, in request order. Answers at once when every owner does. */
  query(message: QueryRequestMessage, call: Call): QueryResponseMessage | Promise<QueryResponseMessage> {
    return this.queries.run(this.trusted(message, call), call);
  }

  /** Why the caller can't run the check: it is unknown or not permitted. `undefined` when it can. */
  obstacle(command: string, call: Call): string | undefined {
    return this.queries.obstacle(command, call);
  }

  /** Runs command-line commands on the target; see {@link ExecuteDispatch}. */
  execute(target: string, message: ExecuteRequestMessage, call: Call): Promise<ExecuteOutcome> {
    return this.commands.run(target, this.trusted(message, call), call);
  }

  /** Submits passive results; see {@link SubmitDispatch}. */
  submit(channels: string, message: SubmitRequestMessage, call: Call): Promise<SubmitOutcome> {
    return this.submissions.run(channels, this.trusted(message, call), call);
  }

  emit(message: EventMessage, call: Call): Promise<void> {
    return emitEvent(this.parts.registry, this.parts.log, message, call);
  }

  async collectMetrics(): Promise<MetricsMessage> {
    this.latestMetrics = await runMetricsCycle(this.parts.registry, this.parts.log);
    return this.latestMetrics;
  }

  /** The metrics of the last cycle, or `undefined` before the first. */
  get metrics(): MetricsMessage | undefined {
    return this.latestMetrics;
  }

  private trusted<Message extends { header: QueryRequestMessage["header"] }>(message: Message, call: Call): Message {
    if (!call.remote || message.header === null) return message;
    const { header, hostsRemoved } = trustedHeader(message.header, call);
    if (hostsRemoved) {
      this.parts.log.warn(`Ignored header.hosts from ${call.principal.name}: the grant targets.override is missing`, {
        traceId: call.traceId,
      });
    }
    return header === message.header ? message : withHeader(message, header);
  }
}

/** A copy that keeps the prototype, where a message has the defaults of the fields that it doesn't carry. */
function withHeader<Message extends object>(message: Message, header: Header | null): Message {
  return Object.assign(Object.create(Object.getPrototypeOf(message)), message, { header });
}
