import type { ModuleRuntime, ModuleStatus } from "../kernel/modules.js";
import { expandHostname } from "../settings/hostname.js";
import { sectionAlias, sectionPath } from "../settings/schema.js";
import { Accepting } from "./acceptance.js";
import type { RelayAddition, SenderEnvironment } from "./relay.js";
import type { RelayContext } from "./relay-context.js";
import { type AnyProtocol, type RelaySettings, relaySettings } from "./relay-settings.js";
import { SubmitCommand } from "./submit-command.js";
import { RelayTargets } from "./targets.js";

/** Everything of a relay that its settings decide. */
interface Configured {
  readonly settings: RelaySettings;
  readonly environment: SenderEnvironment;
  readonly targets: RelayTargets;
  readonly accepting: Accepting;
}

/** A relay that is loaded. */
export class RunningRelay implements ModuleRuntime {
  private addition: RelayAddition | undefined;

  private constructor(
    private readonly protocol: AnyProtocol,
    private readonly context: RelayContext,
    private readonly configured: Configured,
  ) {}

  /** @throws GatewayError CONFIGURATION when a target can't work */
  static async start(protocol: AnyProtocol, context: RelayContext, system: string): Promise<RunningRelay> {
    const settings = context.settings as RelaySettings;
    const relay = new RunningRelay(protocol, context, configure(protocol, context, settings, system));
    relay.register();
    return relay;
  }

  async stop(): Promise<void> {
    await this.addition?.stop?.();
  }

  status(): ModuleStatus {
    const { targets } = this.configured;
    const rows = targets.all.map(({ name, target }) => `${name} = ${target.address}, ${this.protocol.grade}`);
    return { detail: [...rows, ...(this.addition?.detail?.() ?? [])] };
  }

  private register(): void {
    const { registry, gateway, store } = this.context;
    const { settings, targets, environment } = this.configured;
    registry.channel(settings.channel.join(","), (submission, call) =>
      this.configured.accepting.submission(submission, call),
    );
    const commands = new SubmitCommand({
      ...{ protocol: this.protocol, paths: store.paths },
      current: () => ({ ...this.configured, hostname: this.configured.environment.hostname }),
      now: () => gateway.clock.now(),
    });
    commands.register(registry);
    const handlers = relaySettings(this.protocol).maps?.["handlers"]?.section ?? "";
    commands.registerHandlers(registry, settings.handlers, sectionPath(handlers, aliasIn(this.protocol, this.context)));
    this.addition = this.protocol.extend?.({
      ...{ registry, gateway, environment },
      targets: targets.all.map(({ target }) => target),
    });
  }
}

function configure(
  protocol: AnyProtocol,
  { gateway, log, store, alias }: RelayContext,
  settings: RelaySettings,
  system: string,
): Configured {
  const environment: SenderEnvironment = {
    ...{ log, clock: gateway.clock, version: gateway.version },
    hostname: expandHostname(settings.hostname, system),
  };
  const section = sectionPath(relaySettings(protocol).section, aliasIn(protocol, { alias }));
  const targets = new RelayTargets(protocol, settings, store, section);
  // A target that can't work is told at the start, and not when the first result has come in.
  for (const target of targets.all) void targets.connect(target, environment).close();
  const accepting = new Accepting({
    ...{ protocol, targets, environment, paths: store.paths, clock: gateway.clock, spool: undefined },
    queueOf: ({ id }) => `${alias}/${id}`,
    connect: (target) => targets.connect(target, environment),
  });
  return { settings, environment, targets, accepting };
}

function aliasIn(
  { defaultAlias, defaultSection = "client" }: AnyProtocol,
  { alias }: { readonly alias: string },
): string {
  return sectionAlias({ defaultAlias, defaultSection }, alias);
}
