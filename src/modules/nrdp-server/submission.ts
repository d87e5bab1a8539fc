import type { Call } from "../../kernel/call.js";
import type { GatewayControl } from "../../kernel/control.js";
import { GatewayError } from "../../kernel/errors.js";
import { StatusCode, SubmitRequestMessage } from "../../wire/messages.js";
import type { NagiosResult } from "../../wire/nagios-command.js";
import type { NrdpResult } from "../../wire/nrdp/check-result.js";
import { headerWithCheckTimes, passiveResult, type ReceivedResult } from "../../wire/passive-result.js";

/** A result with the time at which its check ran, in milliseconds since 1970. */
export interface TimedResult extends ReceivedResult {
  readonly timeMs: number | undefined;
}

export function fromDocument({ hostname, servicename, state, output, time }: NrdpResult): TimedResult {
  const timeMs = time === undefined ? undefined : time * 1000;
  return { host: hostname, service: servicename, code: state, text: output, timeMs };
}

export function fromCommand({ host, service, code, output, time }: NagiosResult): TimedResult {
  return { host, service, code, text: output, timeMs: time > 0 ? time * 1000 : undefined };
}

/**
 * Submits all results of a request as one submission. Resolves when all of them are accepted: with a relay behind the
 * channel, when they are on disk.
 *
 * @throws GatewayError PERMISSION_DENIED when the sender may not submit to the channel; DEADLINE_EXCEEDED when it takes
 * longer than `timeoutMs`; UNAVAILABLE with the reasons when they, or some of them, were not accepted
 */
export async function submitResults(
  gateway: GatewayControl,
  channel: string,
  results: readonly TimedResult[],
  call: Call,
  timeoutMs: number,
): Promise<void> {
  const now = gateway.clock.now();
  const message = SubmitRequestMessage.create({
    channel,
    // A clock that is ahead of ours must not make results that are newer than all that follow.
    header: headerWithCheckTimes(
      results.map(({ timeMs }) => (timeMs === undefined ? undefined : Math.min(timeMs, now))),
    ),
    payload: results.map((result, index) => Object.assign(passiveResult(result), { id: index + 1 })),
  });
  const { message: answer } = await withinTime(gateway, gateway.core.submit(channel, message, call), timeoutMs);
  const refused = answer.payload.flatMap(({ result }) =>
    result === null || result.code === StatusCode.STATUS_OK ? [] : [result.message],
  );
  if (refused.length === 0) return;
  const reasons = [...new Set(refused)].slice(0, 5).join("; ");
  const isDenied = refused.every((reason) => reason.startsWith("Permission denied:"));
  throw new GatewayError(isDenied ? "PERMISSION_DENIED" : "UNAVAILABLE", reasons);
}

function withinTime<Value>({ clock }: GatewayControl, work: Promise<Value>, timeoutMs: number): Promise<Value> {
  return new Promise((resolve, reject) => {
    const stop = clock.after(timeoutMs, () =>
      reject(new GatewayError("DEADLINE_EXCEEDED", `The results were not accepted within ${timeoutMs / 1000} s.`)),
    );
    work.then(resolve, reject).finally(stop);
  });
}
