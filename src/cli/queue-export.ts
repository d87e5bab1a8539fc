import { type nscp, SubmitRequestMessage } from "../wire/messages.js";
import { renderNagiosText } from "../wire/nagios-text.js";
import { headerWithCheckTime } from "../wire/passive-result.js";
import { codeName } from "../wire/result-code.js";

type QueueRecord = nscp.gateway.v1.QueueRecord;

export const exportFormats = ["json", "text"] as const;
export type ExportFormat = (typeof exportFormats)[number];

/**
 * A record as a line that `nscp client --submit --batch` takes; undefined for one that can't be read and has no such line.
 *
 * `text`: host, service, state and plugin text with tabs between, line breaks as `\n`. `json`: an object with what the queue
 * knows of it, and the whole submission.
 */
export function exportLine(queue: string, record: QueueRecord, format: ExportFormat): string | undefined {
  if (format === "json") return `${JSON.stringify(exportObject(queue, record))}\n`;
  const response = record.result?.result;
  if (response === null || response === undefined) return undefined;
  const text = renderNagiosText(response).replaceAll("\n", "\\n");
  const name = record.service === "" ? [record.host] : [record.host, record.service];
  return `${[...name, String(record.state), text].join("\t")}\n`;
}

function exportObject(queue: string, record: QueueRecord) {
  const { sequence, acceptedMs, buriedMs, reason, host, service, state, text, channel, unreadable } = record;
  return {
    queue,
    sequence: Number(sequence),
    accepted: timeText(Number(acceptedMs)),
    ...(Number(buriedMs) === 0 ? {} : { buried: timeText(Number(buriedMs)), reason }),
    ...{ host, service },
    ...(unreadable ? { unreadable } : { state: codeName(state), text, channel, submission: submissionOf(record) }),
  };
}

/** What was submitted, with the time of the check. */
function submissionOf({ result }: QueueRecord): Record<string, unknown> {
  const response = result?.result;
  const message = SubmitRequestMessage.create({
    header: Number(result?.timeMs ?? 0) > 0 ? headerWithCheckTime(Number(result?.timeMs)) : null,
    channel: result?.channel ?? "",
    payload: response === null || response === undefined ? [] : [response],
  });
  return SubmitRequestMessage.toObject(message, { longs: String, enums: String, bytes: String, json: true });
}

function timeText(ms: number): string {
  return new Date(ms).toISOString();
}
