import type { nscp } from "../wire/messages.js";
import { codeName } from "../wire/result-code.js";
import { duration } from "./status-text.js";
import { table } from "./table.js";

type QueueResponse = nscp.gateway.v1.QueueResponse;
type Queue = nscp.gateway.v1.QueueResponse.Queue;
type QueueRecord = nscp.gateway.v1.QueueRecord;

/** Characters of a text or reason in a table. */
const cellLimit = 80;

/**
 * The queues as people read them.
 * @param now milliseconds since 1970
 * @param isRunning whether a gateway has answered, and not just the spool of one that is stopped
 */
export function queuesText({ queue: queues, spool }: QueueResponse, now: number, isRunning: boolean): string {
  const rows = queues.map((queue) => [
    ...[queue.name, queue.delivery?.grade ?? "", String(queue.waiting), sizeText(Number(queue.waitingBytes))],
    ...[
      age(Number(queue.oldestMs), now),
      String(queue.dead),
      isRunning ? stateOf(queue, now) : "stopped",
      oneLine(lastErrorOf(queue)),
    ],
  ]);
  const head = ["QUEUE", "GRADE", "WAITING", "SIZE", "OLDEST", "DEAD", "STATE", "LAST ERROR"];
  const list = rows.length === 0 ? "There are no queues.\n" : table([head, ...rows], [2, 3, 4, 5]);
  return `${list}${notes(spool)}`;
}

/** `closed` is a word for people who build circuits; everybody else wants to know whether results go out. */
function stateOf(queue: Queue, now: number): string {
  const { hasConsumer, delivery } = queue;
  if (delivery === null) return hasConsumer ? "drained" : "no target";
  const { breaker, nextTryMs, takenOverBy } = delivery;
  if (takenOverBy !== "") return `taken over by ${takenOverBy}`;
  if (breaker === "closed") return isFailing(queue) ? "retrying" : "delivering";
  const waitMs = Number(nextTryMs) - now;
  return waitMs > 0 ? `${breaker}, tries in ${duration(waitMs + 999)}` : breaker;
}

/** An error from before anything of what waits came in is no news. */
function isFailing({ delivery, waiting, oldestMs }: Queue): boolean {
  if (delivery === null || delivery.lastError === "") return false;
  return delivery.breaker !== "closed" || (Number(waiting) > 0 && Number(delivery.lastErrorMs) >= Number(oldestMs));
}

function lastErrorOf(queue: Queue): string {
  return isFailing(queue) ? (queue.delivery?.lastError ?? "") : "";
}

function notes(spool: nscp.gateway.v1.QueueResponse.Spool | null): string {
  if (spool === null) return "";
  const lines = [
    ...(spool.refusing === "" ? [] : [`Nothing is accepted: ${spool.refusing}`]),
    ...(Number(spool.damagedRecords) === 0 ? [] : [`${count(Number(spool.damagedRecords), "record")} found damaged`]),
    ...(spool.damagedStore.length === 0
      ? []
      : [`Damaged stores that were set aside in ${spool.folder}: ${spool.damagedStore.join(", ")}`]),
  ];
  return lines.length === 0 ? "" : `\n${lines.join("\n")}\n`;
}

/** What `queue show` begins with: how sure a delivery is, and where the queue stands. */
export function headText(queue: Queue, now: number): string {
  const grade = queue.delivery === null ? "" : ` (${queue.delivery.grade})`;
  const { name, waiting, dead } = queue;
  return `${name}${grade}: ${waiting} waiting, ${count(Number(dead), "dead letter")}, ${stateOf(queue, now)}\n`;
}

/** Records as people read them; dead letters with the receiver's words. */
export function recordsText(records: readonly QueueRecord[], dead: boolean, now: number): string {
  if (records.length === 0) return dead ? "There are no dead letters.\n" : "Nothing waits.\n";
  const rows = records.map((record) => [
    ...[String(record.sequence), age(Number(record.acceptedMs), now), record.host, record.service || "(host)"],
    ...[record.unreadable ? "" : codeName(record.state), record.channel],
    ...(dead ? [oneLine(record.reason)] : []),
    record.unreadable ? "(damaged)" : oneLine(record.text),
  ]);
  const head = ["NUMBER", "AGE", "HOST", "SERVICE", "STATE", "CHANNEL", ...(dead ? ["REASON"] : []), "TEXT"];
  return table([head, ...rows], [0, 1]);
}

/** `1 result`, `2 results`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

function age(ms: number, now: number): string {
  return ms === 0 ? "" : duration(now - ms);
}

const units = ["B", "KiB", "MiB", "GiB", "TiB"] as const;

function sizeText(bytes: number): string {
  let size = bytes;
  let unit = 0;
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit++;
  }
  return `${unit === 0 || size >= 100 ? Math.round(size) : size.toFixed(1)} ${units[unit]}`;
}

function oneLine(text: string): string {
  const line = text.replace(/\s+/g, " ").trim();
  return [...line].length <= cellLimit ? line : `${[...line].slice(0, cellLimit - 1).join("")}…`;
}
