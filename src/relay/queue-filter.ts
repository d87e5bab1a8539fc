import { globMatcher } from "../kernel/principal.js";
import type { SpoolRecord } from "../spool/spool.js";
import { nscp, type QueryResponse, ResultCode } from "../wire/messages.js";
import { renderNagiosText } from "../wire/nagios-text.js";
import { hostCheck, serviceOfResult } from "../wire/passive-result.js";

type SpooledResult = nscp.gateway.v1.SpooledResult;
const { SpooledResult } = nscp.gateway.v1;

/** What a record of the spool says, as far as it can be read. */
export interface ReadRecord {
  readonly host: string;
  /** Empty for the state of the host itself. */
  readonly service: string;
  readonly state: ResultCode;
  readonly text: string;
  readonly channel: string;
  /** Undefined when the bytes are no result. */
  readonly result: SpooledResult | undefined;
}

/** Reads a record for a person. What it is about is known also of one whose bytes are no result. */
export function readRecord({ bytes, subject }: Pick<SpoolRecord, "bytes" | "subject">): ReadRecord {
  const result = decode(bytes);
  const response: QueryResponse | null | undefined = result?.result;
  if (result === undefined || response === null || response === undefined) {
    const [host = "", ...service] = subject.split(";");
    return { host, service: service.join(";"), state: ResultCode.UNKNOWN, text: "", channel: "", result: undefined };
  }
  return {
    host: result.host,
    service: serviceOfResult(response),
    state: response.result,
    text: renderNagiosText(response),
    channel: result.channel,
    result,
  };
}

/** Whether records are about a host and service; globs, empty means any. The service `host_check` is the host itself. */
export function subjectFilter(host: string, service: string): ((record: ReadRecord) => boolean) | undefined {
  if (host === "" && service === "") return undefined;
  const fitsHost = host === "" ? undefined : globMatcher(host);
  const fitsService = service === "" ? undefined : globMatcher(service);
  return (record) =>
    fitsHost?.(record.host) !== false && fitsService?.(record.service === "" ? hostCheck : record.service) !== false;
}

function decode(bytes: Uint8Array): SpooledResult | undefined {
  try {
    return SpooledResult.decode(bytes);
  } catch {
    return undefined;
  }
}
