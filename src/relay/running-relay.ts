import { errorText } from "../kernel/errors.js";
import { silentLogger } from "../kernel/log.js";
import type { ModuleRuntime, ModuleStatus } from "../kernel/modules.js";
import type { RelayTargetStatus } from "../kernel/relay-status.js";
import { expandHostname } from "../settings/hostname.js";
import { sectionAlias, sectionPath } from "../settings/schema.js";
import { hideUrlPassword } from "../settings/shown-value.js";
import type { Spool } from "../spool/spool.js";
import { Accepting } from "./acceptance.js";
import { type DeliveryFigures, noDeliveries } from "./delivery.js";
import { DeliveryLine } from "./delivery-line.js";
import type { RelayAddition, SenderEnvironment } from "./relay.js";
import type { RelayContext } from "./relay-context.js";
import { type AnyProtocol, type RelaySettings, relaySettings } from "./relay-settings.js";
import { statusLine } from "./status-line.js";
import { SubmitCommand } from "./submit-command.js";
import { connectTarget } from "./target-group.js";
import { type ConfiguredTarget, RelayTargets } from "./targets.js";

/** Everything of a relay that its settings decide and that nobody else notices. */
interface Configured {
  readonly settings: RelaySettings;
  readonly environment: SenderEnvironment;
  readonly targets: RelayTargets;
  readonly accepting: Accepting;
  readonly spool: Spool | undefined;
}

/** A relay that is loaded. A reload changes it in place, so that at no time results find nobody who takes them. */
export class RunningRelay implements ModuleRuntime {
  private lines: readonly DeliveryLine[] = [];
  /** By queue. */
  private readonly figures = new Map<string, DeliveryFigures>();
  private addition: RelayAddition | undefined;
  private leaveChannel = () => {};
  private removeHandlers = () => {};
  private readonly commands: SubmitCommand;

  private constructor(
    private readonly protocol: AnyProtocol,
    private readonly context: RelayContext,
    private readonly system: string,
    private configured: Configured,
  ) {
    this.commands = new SubmitCommand({
      ...{ protocol, paths: context.store.paths },
      current: () => ({ ...this.configured, hostname: this.configured.environment.hostname }),
      now: () => context.gateway.clock.now(),
    });
  }

  /**
   * @param system the name of this machine
   * @throws GatewayError CONFIGURATION when a target can't work
   */
  static async start(protocol: AnyProtocol, context: RelayContext, system: string): Promise<RunningRelay> {
    const configured = await configure(protocol, context, context.settings as RelaySettings, system);
    const relay = new RunningRelay(protocol, context, system, configured);
    relay.commands.register(context.registry);
    try {
      relay.register();
      await relay.openLines();
    } catch (thrown) {
      await relay.stop();
      throw thrown;
    }
    return relay;
  }

  /** @throws GatewayError CONFIGURATION when the changed settings can't work; then all goes on as it was */
  async reload(): Promise<boolean> {
    const { protocol, context, system } = this;
    const before = this.configured;
    const changed = await configure(protocol, context, context.readSettings() as RelaySettings, system);
    this.commands.checkHandlers(changed.settings.handlers, this.handlersSection());
    await this.closeLines();
    try {
      await this.use(changed);
    } catch (thrown) {
      await this.closeLines();
      await this.use(before).catch((lost: unknown) => {
        context.log.critical(`Results are accepted and not delivered: ${errorText(lost)}`, { error: lost });
      });
      throw thrown;
    }
    return true;
  }

  async stop(): Promise<void> {
    await this.closeLines();
  }

  status(): ModuleStatus {
    const { targets, spool } = this.configured;
    const relay = this.lines.length > 0 ? this.lines.map((line) => line.status()) : targets.all.map(this.idle);
    const waiting = new Map(spool?.status().queues.map((queue) => [queue.name, queue.waiting]));
    const rows = relay.map((status, index) => {
      const address = hideUrlPassword(targets.all[index]?.target.address ?? "");
      return statusLine(status, address, status.queue === "" ? undefined : (waiting.get(status.queue) ?? 0));
    });
    return { detail: [...rows, ...(this.addition?.detail?.() ?? [])], relay };
  }

  private readonly idle = ({ name }: ConfiguredTarget): RelayTargetStatus => ({
    ...{ name, queue: "", grade: this.protocol.grade, breaker: "closed" },
    ...noDeliveries(),
    ...{ nextTryMs: 0, takenOverBy: "" },
  });

  private async use(configured: Configured): Promise<void> {
    this.configured = configured;
    this.register();
    await this.openLines();
  }

  /** Takes the place of what was registered before. */
  private register(): void {
    const { registry, gateway } = this.context;
    const { settings, targets, environment } = this.configured;
    const leave = this.leaveChannel;
    this.leaveChannel = registry.channel(settings.channel.join(","), (submission, call) =>
      this.configured.accepting.submission(submission, call),
    );
    // Only now, so that there is always one that takes the results.
    leave();
    this.removeHandlers();
    this.removeHandlers = this.commands.registerHandlers(registry, settings.handlers, this.handlersSection());
    this.addition = this.protocol.extend?.({
      ...{ registry, gateway, environment },
      targets: targets.all.map(({ target }) => target),
    });
  }

  private async openLines(): Promise<void> {
    const { targets, environment, spool } = this.configured;
    if (spool === undefined) return;
    const { protocol } = this;
    const opening = targets.all.map((configured) => {
      const queue = queueOf(this.context, configured);
      const figures = this.figures.get(queue) ?? noDeliveries();
      this.figures.set(queue, figures);
      return DeliveryLine.open({ protocol, targets, configured, environment, spool, queue, figures });
    });
    const opened = await Promise.allSettled(opening);
    this.lines = opened.flatMap((line) => (line.status === "fulfilled" ? [line.value] : []));
    for (const line of opened) if (line.status === "rejected") throw line.reason;
  }

  private async closeLines(): Promise<void> {
    const { lines, addition } = this;
    this.lines = [];
    this.addition = undefined;
    await Promise.all(lines.map((line) => line.stop()));
    // Last, because a batch in flight can take its time, and what it offers is missed from here on.
    await addition?.stop?.();
  }

  private handlersSection(): string {
    const section = relaySettings(this.protocol).maps?.["handlers"]?.section ?? "";
    return sectionPath(section, aliasIn(this.protocol, this.context));
  }
}

async function configure(
  protocol: AnyProtocol,
  context: RelayContext,
  settings: RelaySettings,
  system: string,
): Promise<Configured> {
  const { gateway, log, store } = context;
  const environment: SenderEnvironment = {
    ...{ log, clock: gateway.clock, version: gateway.version },
    hostname: expandHostname(settings.hostname, system),
  };
  const section = sectionPath(relaySettings(protocol).section, aliasIn(protocol, context));
  const targets = new RelayTargets(protocol, settings, store, section);
  // A target that can't work is told at the start, and not when the first result has come in.
  // What is to be said about it in the log is said when it begins to work.
  const silently = { ...environment, log: silentLogger };
  for (const target of targets.all) await targets.connect(target, silently).close();
  const spool = targets.all.length > 0 ? await context.spool() : undefined;
  const accepting = new Accepting({
    ...{ protocol, targets, environment, paths: store.paths, clock: gateway.clock, spool },
    queueOf: (target) => queueOf(context, target),
    connect: (target) => connectTarget(targets, target, environment).sender,
  });
  return { settings, environment, targets, accepting, spool };
}

/** What is queued belongs to the section of the target: another address there gets what waits, another name does not. */
function queueOf({ alias }: RelayContext, { id }: ConfiguredTarget): string {
  return `${alias}/${id}`.toLowerCase();
}

function aliasIn({ defaultAlias, defaultSection = "client" }: AnyProtocol, { alias }: RelayContext): string {
  return sectionAlias({ defaultAlias, defaultSection }, alias);
}
