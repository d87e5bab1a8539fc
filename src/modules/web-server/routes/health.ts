import { Type } from "typebox";
import { errorText } from "../../../kernel/errors.js";
import type { OpenRoute, Route } from "../route.js";
import type { RouteParts } from "../route-parts.js";

const statusSchema = Type.Object({ status: Type.String() });

/** Whether the gateway is well: for programs that watch over it, and for clients of NSClient++. */
export function healthRoutes(parts: RouteParts): readonly Route[] {
  const { gateway, state, log } = parts;

  const alive: Omit<OpenRoute, "path" | "description" | "handle"> = { methods: ["GET"], version: 0, access: "open" };

  function ready() {
    // Which modules there are is nothing for strangers; /api/v2/modules has them with their states.
    const isWhole = gateway.modules().every((module) => module.state === "running");
    const status = gateway.serving ? (isWhole ? "ready" : "degraded") : "not ready";
    const headers = { "Content-Type": "application/json", "Cache-Control": "no-store" };
    return { status: gateway.serving ? 200 : 503, headers, body: JSON.stringify({ status }) };
  }

  /** The answer is out before the reload begins, which may end this server. */
  function reload() {
    state.isReloading = true;
    setImmediate(() => {
      gateway
        .reload("service")
        .catch((thrown: unknown) => log.error(`The reload failed: ${errorText(thrown)}`, { error: thrown }))
        .finally(() => {
          state.isReloading = false;
        });
    });
    return { status: 200, body: '{"status" : "reload"}' };
  }

  return [
    {
      ...alive,
      path: "/core/isalive",
      description: {
        tag: "health",
        summary: "Whether the program runs: ok, or reload while it takes new settings",
        answers: { 200: { "application/json": statusSchema } },
      },
      handle: () => ({ status: 200, body: `{"status" : "${state.isReloading ? "reload" : "ok"}"}` }),
    },
    {
      methods: ["POST"],
      path: "/core/reload",
      version: 0,
      access: "granted",
      grants: ["legacy"],
      audit: { action: "admin.reload", objects: () => ["service"] },
      description: {
        tag: "health",
        summary: "Read the settings anew and give them to all modules",
        answers: { 200: { "application/json": statusSchema } },
        deprecated: true,
      },
      handle: reload,
    },
    {
      ...alive,
      path: "/health/live",
      description: {
        tag: "health",
        summary: "Whether the program answers",
        answers: { 200: { "application/json": statusSchema } },
      },
      handle: () => ({ status: 200, headers: { "Cache-Control": "no-store" }, body: '{"status":"live"}' }),
    },
    {
      ...alive,
      path: "/health/ready",
      description: {
        tag: "health",
        summary: "Whether all front ends are open: ready, degraded when a module does not run, or not ready",
        answers: { 200: { "application/json": statusSchema }, 503: { "application/json": statusSchema } },
      },
      handle: ready,
    },
  ];
}
