import type { OutgoingResult } from "../../relay/relay.js";
import type { NagiosCheckResult } from "../../wire/nagios-check-result.js";
import { nagiosHostState, nagiosNameProblem } from "../../wire/nagios-command.js";
import { renderNagiosText } from "../../wire/nagios-text.js";
import { toResultCode } from "../../wire/result-code.js";

/** Why Nagios can't be told of a result; nothing when it can. */
export function resultProblem({ host, service }: OutgoingResult): string | undefined {
  return nagiosNameProblem("host", host) ?? (service === "" ? undefined : nagiosNameProblem("service", service));
}

/** The result as Nagios knows it. */
export function nagiosResult({ host, service, result, timeMs, executionMs }: OutgoingResult): NagiosCheckResult {
  const state = toResultCode(result.result);
  return {
    host,
    service,
    time: timeMs / 1000,
    code: service === "" ? nagiosHostState(state) : state,
    output: renderNagiosText(result),
    execution: executionMs && { start: executionMs.start / 1000, end: executionMs.end / 1000 },
  };
}
