import { Gateway } from "../gateway/gateway.js";
import { moduleDefinitions } from "../gateway/module-list.js";
import { errorText, GatewayError } from "../kernel/errors.js";
import { commandPolicy } from "../kernel/policy.js";
import { closest } from "../settings/did-you-mean.js";
import type { LogService } from "../telemetry/log.js";
import type { StoreOptions } from "./store-options.js";

export interface GatewayRunOptions {
  readonly store: StoreOptions;
  readonly log: LogService;
  /** Load just this module instead of those of `[/modules]`, or every module there is. */
  readonly modules: "active" | "all" | { readonly only: string };
  /** Open ports and start schedules too. */
  readonly serve: boolean;
}

/**
 * A gateway inside of this process for one command: no time limits, and the policy of `[/settings/permissions]` does not
 * count, for who can run this can also read and write what it protects.
 *
 * @throws GatewayError CONFIGURATION with the reason when it can't be started
 */
export async function startLocalGateway({ store, log, modules, serve }: GatewayRunOptions): Promise<Gateway> {
  const chosen =
    modules === "active"
      ? undefined
      : modules === "all"
        ? moduleDefinitions.map(({ name }) => name)
        : [moduleNamed(modules.only)];
  const gateway = await bootGateway({
    ...store,
    log,
    unlimited: true,
    admits: serve,
    ...(chosen === undefined ? {} : { modules: chosen }),
  });
  if (typeof modules === "object") await checkLoaded(gateway, modules.only);
  gateway.core.configure({
    limits: { queryTimeoutMs: undefined, timeoutOf: () => undefined },
    policy: commandPolicy({ enabled: false, allowExecute: true, policies: new Map() }),
  });
  if (serve) await serveGateway(gateway);
  return gateway;
}

/** A module may be named by the alias that it has without one in `[/modules]`. */
function moduleNamed(name: string): string {
  return moduleDefinitions.find(({ defaultAlias }) => defaultAlias.toLowerCase() === name.toLowerCase())?.name ?? name;
}

/** The module that was asked for must run; of others the log says what is wrong with them. */
async function checkLoaded(gateway: Gateway, name: string): Promise<void> {
  const loaded = gateway.modules()[0];
  if (loaded?.state === "running") return;
  await gateway.stop();
  if (loaded !== undefined) throw new GatewayError("CONFIGURATION", `${loaded.name}: ${loaded.failure}`);
  const names = moduleDefinitions.map((definition) => definition.name);
  const meant = closest(name, names);
  const hint = meant === undefined ? `there are ${names.join(", ")}` : `did you mean "${meant}"?`;
  throw new GatewayError("NOT_FOUND", `There is no module ${name} (${hint})`);
}

/** @throws GatewayError CONFIGURATION with the reason when the settings can't be read */
export async function bootGateway(options: Parameters<typeof Gateway.boot>[0]): Promise<Gateway> {
  try {
    return await Gateway.boot(options);
  } catch (thrown) {
    throw startFailure(thrown);
  }
}

/**
 * Opens the front ends; when one can't be opened everything is stopped.
 * @throws GatewayError CONFIGURATION with the reason
 */
export async function serveGateway(gateway: Gateway): Promise<void> {
  try {
    await gateway.serve();
  } catch (thrown) {
    await gateway.stop().catch(() => {});
    throw startFailure(thrown);
  }
}

function startFailure(thrown: unknown): GatewayError {
  if (thrown instanceof GatewayError && thrown.code === "CONFIGURATION") return thrown;
  return new GatewayError("CONFIGURATION", errorText(thrown), { cause: thrown });
}
