/** Passive results between the message that brings them, the spool and the target. */
import type { Call } from "../kernel/call.js";
import { nscp, type SubmitRequestMessage } from "../wire/messages.js";
import { checkTimesOf, executionTimesOf, hostOfResult, serviceOfResult } from "../wire/passive-result.js";
import type { OutgoingResult } from "./relay.js";

const { SpooledResult } = nscp.gateway.v1;

/** A result with the names that its sender gave it. */
export type PendingResult = OutgoingResult;

/**
 * The results of a submission. The host is what the sender says; only where it says nothing it is `hostname`.
 *
 * @param nowMs when the checks ran, if the submission does not say so
 * @param hops through how many gateways the submission came
 */
export function incomingResults(
  submission: SubmitRequestMessage,
  hostname: string,
  nowMs: number,
  hops = 0,
): PendingResult[] {
  const { header, channel } = submission;
  const timeOf = checkTimesOf(header);
  const executionOf = executionTimesOf(header);
  return submission.payload.map((result, index) => ({
    host: hostOfResult(result, submission) || hostname,
    service: serviceOfResult(result),
    ...{ result, channel, hops },
    timeMs: timeOf(index) ?? nowMs,
    executionMs: executionOf(index),
  }));
}

/** Whose state it is, as the spool compares it. */
export function subjectOf({ host, service }: Pick<PendingResult, "host" | "service">): string {
  return service === "" ? host : `${host};${service}`;
}

/** The result as it rests in the spool. */
export function encodeResult(pending: PendingResult, { traceId }: Pick<Call, "traceId">): Uint8Array {
  const { host, channel, timeMs, executionMs, result, hops = 0 } = pending;
  return SpooledResult.encode({
    ...{ host, channel, timeMs, result, traceId, hops },
    executionStartMs: executionMs?.start ?? 0,
    executionEndMs: executionMs?.end ?? 0,
  }).finish();
}

/**
 * A result that rested in the spool.
 * @throws Error when the bytes are no result
 */
export function decodeResult(bytes: Uint8Array): PendingResult {
  const { host, channel, timeMs, executionStartMs, executionEndMs, result, hops } = SpooledResult.decode(bytes);
  if (result === null) throw new Error("the record has no result");
  const [start, end] = [Number(executionStartMs), Number(executionEndMs)];
  return {
    ...{ host, channel, result, hops },
    service: serviceOfResult(result),
    timeMs: Number(timeMs),
    executionMs: start > 0 && end > 0 ? { start, end } : undefined,
  };
}
