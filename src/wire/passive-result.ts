/**
 * How a passive result travels in a `SubmitRequestMessage`: every payload names its host in `source` and its service in
 * `alias`. Intakes write it with {@link passiveResult}; relays read it with the functions below.
 */
import { Header, KeyValue, QueryResponse, type SubmitRequestMessage } from "./messages.js";
import { parseNagiosText } from "./nagios-text.js";
import { toResultCode } from "./result-code.js";

/** The service name that means the state of the host itself. */
export const hostCheck = "host_check";

/** Key of header metadata with the time at which the checks of a submission ran, in milliseconds since 1970. */
const checkTimeKey = "check.time";

/** Keys of header metadata with the times at which the checks began and ended, likewise. */
const executionStartKey = "execution.start";
const executionEndKey = "execution.end";

export interface ReceivedResult {
  readonly host: string;
  /** Empty for the state of the host itself. */
  readonly service: string;
  /** State as the sender gave it; anything but 0 to 3 is UNKNOWN. */
  readonly code: number;
  /** Plugin text with performance data. */
  readonly text: string;
}

/** A result that came in over another protocol, as a payload of a submission. */
export function passiveResult({ host, service, code, text }: ReceivedResult): QueryResponse {
  const name = service === "" ? hostCheck : service;
  return QueryResponse.create({
    command: name,
    alias: name,
    source: host,
    result: toResultCode(code),
    lines: [parseNagiosText(text)],
  });
}

/** The header of a submission whose checks ran at the given time. */
export function headerWithCheckTime(timeMs: number): Header {
  return Header.create({ metadata: [KeyValue.create({ key: checkTimeKey, value: String(timeMs) })] });
}

/**
 * The header of a submission in which each check has a time of its own: one entry with a time for each payload and commas
 * between them, empty where the sender did not say. Null when none is known.
 */
export function headerWithCheckTimes(timesMs: readonly (number | undefined)[]): Header | null {
  const metadata = timesEntry(checkTimeKey, timesMs);
  return metadata.length === 0 ? null : Header.create({ metadata });
}

/** The header of a submission that is passed on, with all times of its checks. */
export function headerWithTimes(
  times: readonly { readonly timeMs: number; readonly executionMs: { start: number; end: number } | undefined }[],
): Header {
  return Header.create({
    metadata: [
      ...timesEntry(
        checkTimeKey,
        times.map(({ timeMs }) => timeMs),
      ),
      ...timesEntry(
        executionStartKey,
        times.map(({ executionMs }) => executionMs?.start),
      ),
      ...timesEntry(
        executionEndKey,
        times.map(({ executionMs }) => executionMs?.end),
      ),
    ],
  });
}

/** One time when it is the same for all payloads, otherwise one for each; nothing when none is known. */
function timesEntry(key: string, timesMs: readonly (number | undefined)[]): KeyValue[] {
  const [first] = timesMs;
  if (!timesMs.every((time) => time === first)) return [KeyValue.create({ key, value: timesMs.join(",") })];
  return first === undefined ? [] : [KeyValue.create({ key, value: String(first) })];
}

/**
 * When the check of a payload ran, in milliseconds since 1970; undefined when the sender did not say.
 *
 * @returns a function of the payload's index
 */
export function checkTimesOf(header: Header | null): (index: number) => number | undefined {
  return timesOf(header, checkTimeKey);
}

/**
 * When the check of a payload began and ended, in milliseconds since 1970; undefined unless the sender said both and the
 * end does not come before the beginning.
 *
 * @returns a function of the payload's index
 */
export function executionTimesOf(header: Header | null): (index: number) => { start: number; end: number } | undefined {
  const starts = timesOf(header, executionStartKey);
  const ends = timesOf(header, executionEndKey);
  return (index) => {
    const [start, end] = [starts(index), ends(index)];
    return start === undefined || end === undefined || end < start ? undefined : { start, end };
  };
}

/** One time counts for all payloads, otherwise there is one for each, with commas between. */
function timesOf(header: Header | null, wanted: string): (index: number) => number | undefined {
  const times = (header?.metadata.find(({ key }) => key === wanted)?.value ?? "").split(",").map(timeOf);
  return times.length === 1 ? () => times[0] : (index) => times[index];
}

function timeOf(text: string): number | undefined {
  const time = text === "" ? Number.NaN : Number(text);
  return Number.isSafeInteger(time) && time > 0 ? time : undefined;
}

/**
 * The host that a result is about: the payload's own, else what the header says of its sender, else the sender's id.
 * Empty when nobody said.
 */
export function hostOfResult({ source }: QueryResponse, { header }: SubmitRequestMessage): string {
  if (source !== "") return source;
  const sender = header?.senderId ?? "";
  if (sender === "") return "";
  const entry = header?.hosts.find(({ id }) => id === sender);
  return entry?.host || entry?.address || sender;
}

/** The service that a result is about; empty for the state of the host itself. */
export function serviceOfResult({ alias, command }: QueryResponse): string {
  const name = alias === "" ? command : alias;
  return name === hostCheck ? "" : name;
}
