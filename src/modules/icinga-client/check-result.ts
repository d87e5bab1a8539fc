import type { OutgoingResult } from "../../relay/relay.js";
import type { QueryResponse } from "../../wire/messages.js";
import { renderPerfdata } from "../../wire/perfdata.js";
import { toResultCode } from "../../wire/result-code.js";

/** The object that a result is about, as Icinga names it. */
export interface IcingaObject {
  readonly type: "Host" | "Service";
  readonly host: string;
  /** Empty for a host. */
  readonly service: string;
  /** Its full name: `host` or `host!service`. */
  readonly name: string;
}

export function objectOf({ host, service }: Pick<OutgoingResult, "host" | "service">): IcingaObject {
  return service === ""
    ? { type: "Host", host, service, name: host }
    : { type: "Service", host, service, name: `${host}!${service}` };
}

export interface CheckResultOptions {
  readonly checkSource: string;
  /** Seconds; undefined: the object's check interval decides. */
  readonly ttl: number | undefined;
}

/**
 * The body of `POST /v1/actions/process-check-result`; times are seconds since 1970.
 *
 * The object is given by its name. A filter would find the same one, but Icinga evaluates it for every object there is, and
 * newer releases ask for a permission of its own for it.
 *
 * Source: the documentation of Icinga 2, "REST API", action process-check-result.
 */
export function checkResultBody(outgoing: OutgoingResult, options: CheckResultOptions): Record<string, unknown> {
  const { type, name } = objectOf(outgoing);
  const { result, timeMs, executionMs } = outgoing;
  const state = toResultCode(result.result);
  const body: Record<string, unknown> = {
    type,
    [type === "Host" ? "host" : "service"]: name,
    // A host is up or down.
    exit_status: type === "Host" ? Math.min(state, 1) : state,
    plugin_output: pluginOutput(result),
    performance_data: performanceData(result),
    check_source: options.checkSource,
    execution_start: (executionMs?.start ?? timeMs) / 1000,
    execution_end: (executionMs?.end ?? timeMs) / 1000,
  };
  if (options.ttl !== undefined) body["ttl"] = options.ttl;
  return body;
}

/** All messages as rows. Icinga gets measurements beside the text and splits it at no `|`, so that one may stand in it. */
function pluginOutput({ lines }: QueryResponse): string {
  const [first, ...rest] = lines.map(({ message }) => message.replace(/\r\n?/g, "\n"));
  return [first ?? "", ...rest.filter((message) => message !== "")].join("\n");
}

/** Measurements as a list of texts, one each. */
function performanceData({ lines }: QueryResponse): string[] {
  return lines.flatMap(({ perf }) => perf.map((item) => renderPerfdata([item]))).filter((text) => text !== "");
}
