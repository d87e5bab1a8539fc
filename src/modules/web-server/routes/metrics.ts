import { Type } from "typebox";
import { bundlesOf } from "../../../telemetry/metric-families.js";
import { flatMetrics, nestedMetrics } from "../../../telemetry/metrics-json.js";
import { openMetricsText } from "../../../telemetry/open-metrics-text.js";
import { prometheusText } from "../../../telemetry/prometheus-text.js";
import { preferredType } from "../http/accept.js";
import { jsonReply } from "../http/replies.js";
import type { Route } from "../route.js";
import type { RouteParts } from "../route-parts.js";
import { granted } from "./granted-route.js";

const tag = "metrics";

/** With what Prometheus wants to know beside the type. */
const textTypes = {
  "text/plain": "text/plain; version=0.0.4; charset=utf-8",
  "application/openmetrics-text": "application/openmetrics-text; version=1.0.0; charset=utf-8",
} as const;

/** The metrics of the last cycle: one flat object, text for Prometheus, and for older clients objects in objects. */
export function metricRoutes({ gateway }: Pick<RouteParts, "gateway">): readonly Route[] {
  const bundles = () => bundlesOf(gateway.core.metrics);
  const flat = Type.Record(Type.String(), Type.Union([Type.Number(), Type.String()]));
  return [
    granted({
      methods: ["GET"],
      path: "/api/v2/metrics",
      version: 2,
      grants: ["metrics.list"],
      description: {
        tag,
        summary: "Metrics by their names with dots; nothing before they were collected for the first time",
        answers: { 200: { "application/json": flat } },
      },
      handle: () => jsonReply(Object.fromEntries(flatMetrics(bundles()))),
    }),
    granted({
      methods: ["GET"],
      path: "/api/v2/openmetrics",
      version: 2,
      grants: ["openmetrics.list"],
      description: {
        tag,
        summary: "Metrics for Prometheus, in its own format or as OpenMetrics",
        answers: { 200: { "text/plain": Type.String(), "application/openmetrics-text": Type.String() } },
      },
      handle({ headers }) {
        const type = preferredType(headers.accept, ["text/plain", "application/openmetrics-text"]);
        const body = type === "text/plain" ? prometheusText(bundles()) : openMetricsText(bundles());
        return { status: 200, headers: { "content-type": textTypes[type] }, body };
      },
    }),
    granted({
      methods: ["GET"],
      path: "/metrics",
      version: 0,
      grants: ["legacy"],
      isPageForBrowsers: true,
      description: {
        tag,
        summary: "Metrics by bundle",
        answers: { 200: { "application/json": Type.Record(Type.String(), Type.Unknown()) } },
        deprecated: true,
      },
      handle: () => jsonReply(nestedMetrics(bundles())),
    }),
  ];
}
