import { clientTlsKeys } from "../../security/client-tls.js";
import type { ObjectSpec, ValueCheck } from "../../settings/schema.js";
import { wordsOf } from "../../wire/graphite.js";

/** Keys of a target beside those that the targets of all relays have. */
export const targetKeys = {
  path: {
    type: "string",
    default: "nsclient.${hostname}.${check_alias}.${perf_alias}",
    title: "Path",
    description: "Where a value of the performance data goes: ${hostname}, ${check_alias} (the service), ${perf_alias}",
    check: knows("hostname", "check_alias", "perf_alias"),
  },
  statusPath: {
    type: "string",
    default: "nsclient.${hostname}.${check_alias}.status",
    title: "Status path",
    description: "Where the state goes, as a number from 0 to 3: ${hostname}, ${check_alias}",
    check: knows("hostname", "check_alias"),
  },
  metricPath: {
    type: "string",
    default: "nsclient.${hostname}.${metric}",
    title: "Metric path",
    description: "Where the gateway's own metrics go: ${hostname} (the gateway's), ${metric}",
    check: knows("hostname", "metric"),
  },
  sendPerfdata: { type: "bool", default: true, title: "Send perfdata", description: "Send performance data" },
  sendStatus: { type: "bool", default: true, title: "Send status", description: "Send the states of checks" },
  sendMetrics: {
    type: "bool",
    default: true,
    title: "Send metrics",
    description: "Send the gateway's own metrics after each cycle; they are not kept when the receiver is down",
  },
  ssl: { type: "bool", default: false, title: "SSL", description: "Connect with TLS" },
  ...clientTlsKeys,
} as const satisfies ObjectSpec["keys"];

export type GraphiteKeys = typeof targetKeys;

/** A misspelt word must not become an empty level of every path. */
function knows(...known: string[]): ValueCheck {
  return (template) => {
    const unknown = wordsOf(template).find((word) => !known.includes(word));
    return unknown === undefined
      ? undefined
      : `there is no \${${unknown}} here (there are ${known.map((word) => `\${${word}}`).join(", ")})`;
  };
}
