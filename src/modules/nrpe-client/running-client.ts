import type { Call } from "../../kernel/call.js";
import type { GatewayControl } from "../../kernel/control.js";
import type { Logger } from "../../kernel/log.js";
import { splitNames } from "../../kernel/registry.js";
import type { RegistryScope } from "../../kernel/scope.js";
import type { SettingsOf } from "../../settings/schema.js";
import type { SettingsStore } from "../../settings/store.js";
import {
  Metric,
  MetricsBundle,
  PB,
  ResultCode,
  StatusCode,
  type SubmitRequestMessage,
  SubmitResponse,
} from "../../wire/messages.js";
import { AgentTarget } from "./agent-target.js";
import { exposureOf } from "./agent-tls.js";
import { Agents, checkGrants } from "./agents.js";
import { Poller } from "./poller.js";
import { Queries } from "./queries.js";
import { failureAnswer, Questions, recipientOf } from "./questions.js";
import type { settings } from "./settings.js";

type NrpeSettings = SettingsOf<typeof settings>;

interface ClientContext {
  readonly registry: RegistryScope;
  readonly store: SettingsStore;
  readonly gateway: Pick<GatewayControl, "clock">;
  readonly log: Logger;
  readonly settings: NrpeSettings;
}

/** So many targets are named in one line of the log. */
const namedTargets = 20;

/** The module when it is loaded. A reload changes it in place. */
export class RunningClient {
  private readonly poller: Poller;
  private readonly questions: Questions;
  private readonly queries: Queries;
  private agents: Agents;
  private undo: readonly (() => void)[] = [];
  /** What the log has said, so that a reload says only what is new. */
  private told: ReadonlySet<string> = new Set();

  /**
   * @param section that of the module
   * @throws GatewayError CONFIGURATION when an agent or a handler can't work
   */
  constructor(
    private readonly context: ClientContext,
    private readonly section: string,
  ) {
    const { clock } = context.gateway;
    const { totalConnections, cacheSize } = context.settings;
    this.poller = new Poller({ clock, totalConnections, cacheSize });
    const current = () => this.agents;
    this.questions = new Questions(this.poller, current);
    this.queries = new Queries(this.questions, current);
    this.agents = readAgents(context.settings, context.store, this.poller);
    this.queries.register(context.registry);
    context.registry.metricsSource(() => [this.metrics()]);
    this.register(context.settings);
  }

  /** @throws GatewayError CONFIGURATION when an agent or a handler can't work */
  static check(values: NrpeSettings, store: SettingsStore, section: string): void {
    const poller = new Poller({ clock: stoppedClock, totalConnections: 1, cacheSize: 0 });
    readAgents(values, store, poller);
    Queries.checkHandlers(values.handlers, `${section}/handlers`);
  }

  /** @throws GatewayError CONFIGURATION when the changed settings can't work; then all goes on as it was */
  configure(changed: NrpeSettings): void {
    const agents = readAgents(changed, this.context.store, this.poller);
    Queries.checkHandlers(changed.handlers, `${this.section}/handlers`);
    this.agents = agents;
    this.poller.configure(changed);
    for (const unregister of this.undo) unregister();
    this.register(changed);
  }

  stop(): void {
    this.poller.stop();
  }

  detail(): readonly string[] {
    const { connections, cache } = this.poller.figures;
    return [
      `${this.agents.all.length} targets`,
      `${connections.open} connections, ${connections.waiting} queries wait, ${cache.answers} answers kept`,
    ];
  }

  private register({ channel, handlers }: NrpeSettings): void {
    const { registry, gateway } = this.context;
    const removeHandlers = this.queries.registerHandlers(registry, handlers, `${this.section}/handlers`);
    const targets = this.agents.all.map((agent) => {
      const target = new AgentTarget(agent, this.questions, gateway.clock);
      return registry.target({
        name: agent.name,
        query: (message, call) => target.query(message, call),
        execute: (message, call) => target.execute(message, call),
      });
    });
    const leave =
      channel.length === 0
        ? []
        : [registry.channel(channel.join(","), (submission, call) => this.submission(submission, call))];
    this.undo = [removeHandlers, ...targets, ...leave];
    this.tellExposures();
  }

  /** A result makes its agent run the command that is called like its service. Its state and its text stay here. */
  private async submission({ header, payload }: SubmitRequestMessage, call: Call): Promise<SubmitResponse[]> {
    const names = splitNames(recipientOf(header));
    return Promise.all(
      payload.map(async ({ id, command, alias }) => {
        const answers = await Promise.all(
          (names.length === 0 ? ["default"] : names).map(async (target) => {
            try {
              checkGrants(call, { target, option: undefined });
              const wanted = { command: alias || command, args: [] };
              return await this.questions.ask(this.agents.named(target), wanted, call, "command");
            } catch (thrown) {
              return failureAnswer(thrown);
            }
          }),
        );
        const isDone = answers.every(({ code }) => code !== ResultCode.UNKNOWN);
        const message = [...new Set(answers.map(({ text }) => text))].join("; ");
        const code = isDone ? StatusCode.STATUS_OK : StatusCode.STATUS_ERROR;
        return SubmitResponse.create({ id, command, result: PB.Common.Result.create({ code, message }) });
      }),
    );
  }

  /** Says once of each agent what somebody on the way to it could do. */
  private tellExposures(): void {
    const groups = new Map<string, string[]>();
    const told = new Set<string>();
    for (const agent of this.agents.all) {
      const exposure = exposureOf(agent);
      if (exposure === undefined) continue;
      const mark = `${agent.key} ${exposure}`;
      told.add(mark);
      if (!this.told.has(mark)) groups.set(exposure, [...(groups.get(exposure) ?? []), agent.name]);
    }
    this.told = told;
    for (const [exposure, names] of groups) {
      const more = names.length > namedTargets ? ` and ${names.length - namedTargets} more` : "";
      const list = `${names.slice(0, namedTargets).join(", ")}${more}`;
      this.context.log.warn(
        `[${this.section}/targets] is polled ${exposure}: ${list}. Somebody in between can read and change what is sent`,
      );
    }
  }

  private metrics(): MetricsBundle {
    const { connections, cache } = this.poller.figures;
    const values = {
      ...{ connections: connections.open, waiting: connections.waiting },
      ...{ "cache.answers": cache.answers, "cache.bytes": cache.bytes, "cache.served": cache.served },
    };
    return MetricsBundle.create({
      key: "nrpe-client",
      value: Object.entries(values).map(([key, value]) =>
        Metric.create({ key, gaugeValue: PB.Common.OptionalFloat.create({ value }) }),
      ),
    });
  }
}

function readAgents(values: NrpeSettings, store: SettingsStore, poller: Poller): Agents {
  return new Agents(values, store, (agent) => poller.check(agent));
}

const stoppedClock = { now: () => 0, monotonic: () => 0, after: () => () => {} };
