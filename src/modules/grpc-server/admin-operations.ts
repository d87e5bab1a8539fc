import { refusalsAmong } from "../../front-end/audit-trail.js";
import { checkPayloads, encodeMessage, type Operation } from "../../front-end/operation.js";
import type { Call } from "../../kernel/call.js";
import type { GatewayControl } from "../../kernel/control.js";
import { GatewayError } from "../../kernel/errors.js";
import type { LoadedModule } from "../../kernel/modules.js";
import type { LogService } from "../../telemetry/log.js";
import { nscp, PB, type RegistryRequestMessage } from "../../wire/messages.js";
import { adminMethods, type Method } from "../../wire/services.js";
import type { FeedOperation } from "./feed-rpc.js";
import { isWanted, logEntries, logEntry } from "./log-entries.js";

const { v1 } = nscp.gateway;
const { Module, Host } = v1.StatusResponse;
type RequestOf<M> = M extends Method<infer Request, unknown> ? Request : never;

/** Inventory and control of modules; the kernel checks a grant for each payload. */
export function registryOperation(
  gateway: GatewayControl,
): Operation<RegistryRequestMessage, PB.Registry.RegistryResponseMessage> {
  return {
    method: adminMethods.registry,
    audit: {
      action: ({ payload }) =>
        payload.some(({ control }) => control !== null) ? "modules.control" : "registry.inventory",
      objects: ({ payload }) => payload.map(({ control, inventory }) => control?.name ?? inventory?.name ?? ""),
      refusals: ({ payload }, answer) =>
        refusalsAmong(
          answer.payload,
          ({ result }) => result?.message ?? "",
          (index) => payload[index]?.control?.name ?? payload[index]?.inventory?.name ?? "",
        ),
    },
    handle(request, call) {
      checkPayloads(request);
      return gateway.registryQuery(request, call);
    },
  };
}

export function metricsOperation(gateway: GatewayControl) {
  return operation(adminMethods.metrics, "metrics.get", async ({ format }) => {
    const metrics = gateway.core.metrics ?? (await gateway.core.collectMetrics());
    if (format !== v1.MetricsRequest.Format.PROMETHEUS) return v1.MetricsResponse.create({ metrics });
    return v1.MetricsResponse.create({ text: await gateway.metricsText() });
  });
}

export function reloadOperation(gateway: GatewayControl) {
  return operation(
    adminMethods.reload,
    "admin.reload",
    async ({ module }) => {
      const { reloaded, problems } = await gateway.reload(module === "" ? "service" : module);
      return v1.ReloadResponse.create({ reloaded, problem: [...problems] });
    },
    ({ module }) => [module === "" ? "service" : module],
  );
}

export function statusOperation(gateway: GatewayControl) {
  return operation(adminMethods.status, "admin.status", () =>
    v1.StatusResponse.create({
      version: gateway.version,
      settings: gateway.settingsContext,
      startedAtMs: gateway.startedAtMs,
      serving: gateway.serving,
      pid: process.pid,
      module: gateway.modules().map(moduleStatus),
    }),
  );
}

function moduleStatus({ id, name, alias, state, failure, status }: LoadedModule) {
  return Module.create({
    pluginId: id,
    ...{ name, alias, state },
    detail: state === "failed" ? [failure] : [...(status.detail ?? [])],
    host: (status.hosts ?? []).map((host) => Host.create({ ...host, script: [...host.scripts] })),
  });
}

/** The log: what is kept in memory, then what is written while the stream is open. */
export function logsOperation(log: LogService): FeedOperation<RequestOf<typeof adminMethods.logs>> {
  return {
    request: adminMethods.logs.request,
    audit: { action: "logs.list", objects: () => [] },
    authorise: (_request, call) => requireGrant(call, "logs.list"),
    open({ level, tail, follow }, _call, feed) {
      const kept =
        tail === 0
          ? []
          : log
              .recent(Number.POSITIVE_INFINITY)
              .filter((record) => isWanted(record, level))
              .slice(-tail);
      for (const entry of logEntries(kept)) feed.send(encodeMessage(PB.Log.LogEntry, entry));
      if (!follow) {
        feed.end();
        return () => {};
      }
      return log.subscribe((record) => {
        if (isWanted(record, level)) feed.send(encodeMessage(PB.Log.LogEntry, logEntry([record])));
      });
    },
  };
}

function operation<Request, Response>(
  method: Method<Request, Response>,
  grant: string,
  handle: (request: Request) => Response | Promise<Response>,
  objects: (request: Request) => readonly string[] = () => [],
): Operation<Request, Response> {
  return {
    method,
    audit: { action: grant, objects },
    handle(request, call) {
      requireGrant(call, grant);
      return handle(request);
    },
  };
}

function requireGrant({ principal }: Call, grant: string): void {
  if (principal.grants.allows(grant)) return;
  throw new GatewayError("PERMISSION_DENIED", `${principal.name} has no grant ${grant}.`);
}
