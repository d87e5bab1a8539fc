/**
 * What an operator can do with the queues: one function for the rpc of a running gateway and for the command line when none
 * runs. It works page by page, so that an order about a million records neither holds up the others nor fills memory: who
 * gets a `next` asks again from there.
 */
import { GatewayError } from "../kernel/errors.js";
import { globMatcher } from "../kernel/principal.js";
import type { RelayTargetStatus } from "../kernel/relay-status.js";
import { closest } from "../settings/did-you-mean.js";
import type { DeadLetter, QueuePart, QueueStatus, Spool, SpoolRecord } from "../spool/spool.js";
import { nscp } from "../wire/messages.js";
import { type ReadRecord, readRecord, subjectFilter } from "./queue-filter.js";

const v1 = nscp.gateway.v1;
type QueueRequest = nscp.gateway.v1.QueueRequest;
type QueueChoice = nscp.gateway.v1.QueueChoice;
type QueueResponse = nscp.gateway.v1.QueueResponse;
type QueueRecord = nscp.gateway.v1.QueueRecord;

/** What the orders work on. */
export interface QueueDesk {
  /** Undefined when this gateway has none. */
  readonly spool: Spool | undefined;
  /** How the target fares that drains it. */
  deliveryOf(queue: string): RelayTargetStatus | undefined;
  /** Whether the caller may do this with the queue: `queue.list`, `queue.show`, `queue.retry`, `queue.drop`. */
  allows(grant: string, queue?: string): boolean;
  /** Named in a refusal. */
  readonly caller: string;
}

/** Records that one order looks at before it answers. */
const scanLimit = 20_000;
/** Records that are in memory at once. */
const chunkLimit = 256;
/** Records of a page. */
const pageLimit = 1000;
/** Bytes of records after which a page ends; the largest message is at least four times as long. */
const pageBytes = 1024 * 1024;
/** Characters of the text that people see in a list. */
const textLimit = 1000;

/**
 * Carries out one order.
 * @throws GatewayError PERMISSION_DENIED, NOT_FOUND for a queue that is not there, INVALID_ARGUMENT
 */
export async function carryOut({ list, show, retry, drop }: QueueRequest, desk: QueueDesk): Promise<QueueResponse> {
  if (list !== null) return listQueues(list.queue, desk);
  if (show !== null) return showRecords(show.choice, show.limit, show.complete, desk);
  if (retry !== null) return retryLetters(retry, desk);
  if (drop !== null) return dropRecords(drop, desk);
  throw new GatewayError("INVALID_ARGUMENT", "The order is none of list, show, retry and drop.");
}

/** Name and queue of an order, for the audit. */
export function describeOrder({ list, show, retry, drop }: QueueRequest): { grant: string; queues: readonly string[] } {
  if (show !== null) return { grant: "queue.show", queues: [show.choice?.queue ?? ""] };
  if (retry !== null) return { grant: "queue.retry", queues: [retry.queue] };
  if (drop !== null) return { grant: "queue.drop", queues: [drop.queue] };
  return { grant: "queue.list", queues: list?.queue ?? [] };
}

function listQueues(globs: readonly string[], desk: QueueDesk): QueueResponse {
  requireGrant(desk, "queue.list");
  const status = desk.spool?.status();
  if (status === undefined) return v1.QueueResponse.create();
  const visible = status.queues.filter(({ name }) => desk.allows("queue.list", name));
  for (const name of globs) {
    if (!/[*?]/.test(name) && !visible.some((queue) => queue.name === name)) throw noQueue(desk, name);
  }
  const wanted = globs.map(globMatcher);
  const queues = visible
    .filter(({ name }) => wanted.length === 0 || wanted.some((fits) => fits(name)))
    .sort((left, right) => (left.name < right.name ? -1 : 1));
  const { folder, bytes, count, maximumBytes, maximumCount, refusing, damagedStores, damagedRecords } = status;
  return v1.QueueResponse.create({
    queue: queues.map((queue) => queueMessage(queue, desk.deliveryOf(queue.name))),
    spool: v1.QueueResponse.Spool.create({
      ...{ folder, bytes, count, refusing, damagedRecords },
      maximumBytes: limitOf(maximumBytes),
      maximumCount: limitOf(maximumCount),
      damagedStore: [...damagedStores],
    }),
  });
}

function queueMessage(queue: QueueStatus, target: RelayTargetStatus | undefined) {
  const { name, hasConsumer, waiting, waitingBytes, oldestMs, dead, deadBytes } = queue;
  const { accepted, removed, buried, dropped, refused } = queue;
  return v1.QueueResponse.Queue.create({
    ...{ name, hasConsumer, waiting, waitingBytes, dead, deadBytes, accepted, buried, dropped, refused },
    oldestMs: oldestMs ?? 0,
    delivered: removed,
    delivery: target === undefined ? null : deliveryMessage(target),
  });
}

function deliveryMessage(target: RelayTargetStatus) {
  const { grade, breaker, lastError, lastErrorMs, nextTryMs, retried, takenOverBy } = target;
  return v1.QueueResponse.Delivery.create({
    ...{ grade, breaker, lastError, lastErrorMs, nextTryMs, retried, takenOverBy },
  });
}

/** No limit travels as 0. */
function limitOf(limit: number): number {
  return Number.isFinite(limit) ? limit : 0;
}

async function showRecords(
  choice: QueueChoice | null,
  limit: number,
  complete: boolean,
  desk: QueueDesk,
): Promise<QueueResponse> {
  if (choice === null) throw new GatewayError("INVALID_ARGUMENT", "Show names no queue.");
  checkChoice(choice, "show");
  const spool = spoolFor(desk, "queue.show", choice.queue);
  const wanted = limit === 0 ? pageLimit : Math.min(limit, pageLimit);
  const record: QueueRecord[] = [];
  let size = 0;
  let next = 0;
  for await (const chunk of scan(spool, partOf(choice), choice)) {
    for (const match of chunk.matches) {
      const { sequence, bytes } = match.record;
      if (record.length === wanted || (record.length > 0 && size + bytes.length > pageBytes)) {
        return v1.QueueResponse.create({ record, next });
      }
      record.push(recordMessage(match, complete));
      size += bytes.length;
      next = sequence;
    }
    next = chunk.next;
  }
  return v1.QueueResponse.create({ record, next });
}

async function retryLetters(choice: QueueChoice, desk: QueueDesk): Promise<QueueResponse> {
  checkChoice(choice, "retry");
  const { queue } = choice;
  const spool = spoolFor(desk, "queue.retry", queue);
  return change(spool, "dead", choice, (sequences) =>
    spool.retry({ queue, ...(sequences === undefined ? {} : { sequences }) }),
  );
}

async function dropRecords(choice: QueueChoice, desk: QueueDesk): Promise<QueueResponse> {
  checkChoice(choice, "drop");
  const { queue } = choice;
  const part = partOf(choice);
  const spool = spoolFor(desk, "queue.drop", queue);
  return change(spool, part, choice, (sequences) =>
    spool.drop({ queue, part, ...(sequences === undefined ? {} : { sequences }) }),
  );
}

/** @param work for these sequence numbers, or for all of the part; how many it was */
async function change(
  spool: Spool,
  part: QueuePart,
  choice: QueueChoice,
  work: (sequences: readonly number[] | undefined) => Promise<number>,
): Promise<QueueResponse> {
  if (choice.all) return v1.QueueResponse.create({ count: await work(undefined) });
  if (choice.sequence.length > 0) return v1.QueueResponse.create({ count: await work(choice.sequence.map(Number)) });
  let count = 0;
  let next = 0;
  for await (const chunk of scan(spool, part, choice)) {
    const sequences = chunk.matches.map(({ record }) => record.sequence);
    if (sequences.length > 0) count += await work(sequences);
    next = chunk.next;
  }
  return v1.QueueResponse.create({ count, next });
}

interface Match {
  readonly record: SpoolRecord | DeadLetter;
  readonly read: ReadRecord;
}

interface Chunk {
  readonly matches: readonly Match[];
  /** Where to go on; 0: there is no more. */
  readonly next: number;
}

/** The records that are meant, in order, as far as one order looks. */
async function* scan(spool: Spool, part: QueuePart, choice: QueueChoice): AsyncGenerator<Chunk, void, undefined> {
  const { queue, host, service } = choice;
  if (choice.sequence.length > 0) {
    yield { matches: await pick(spool, queue, part, choice.sequence.map(Number)), next: 0 };
    return;
  }
  const fits = subjectFilter(host, service);
  let after = Number(choice.after);
  for (let scanned = 0; scanned < scanLimit; scanned += chunkLimit) {
    const records = await spool.list({ queue, part, after, limit: chunkLimit });
    const matches = records.map((record) => ({ record, read: readRecord(record) }));
    const last = records.length < chunkLimit ? undefined : records.at(-1);
    after = last?.sequence ?? 0;
    yield { matches: fits === undefined ? matches : matches.filter(({ read }) => fits(read)), next: after };
    if (last === undefined) return;
  }
}

async function pick(spool: Spool, queue: string, part: QueuePart, sequences: readonly number[]): Promise<Match[]> {
  const matches: Match[] = [];
  for (const sequence of [...new Set(sequences)].sort((left, right) => left - right)) {
    const [record] = await spool.list({ queue, part, after: sequence - 1, limit: 1 });
    if (record?.sequence === sequence) matches.push({ record, read: readRecord(record) });
  }
  return matches;
}

function recordMessage({ record, read }: Match, complete: boolean): QueueRecord {
  const { host, service, state, text, channel, result } = read;
  return v1.QueueRecord.create({
    ...{ sequence: record.sequence, acceptedMs: record.timeMs, host, service, state, channel },
    ...("reason" in record ? { reason: record.reason, buriedMs: record.buriedMs } : {}),
    text: cut(text),
    unreadable: result === undefined,
    result: complete ? (result ?? null) : null,
  });
}

/** Never in the middle of a character. */
function cut(text: string): string {
  if (text.length <= textLimit) return text;
  const end = /[\ud800-\udbff]/.test(text.charAt(textLimit - 1)) ? textLimit - 1 : textLimit;
  return text.slice(0, end);
}

function partOf({ dead }: QueueChoice): QueuePart {
  return dead ? "dead" : "waiting";
}

function checkChoice(choice: QueueChoice, order: "show" | "retry" | "drop"): void {
  const { sequence, host, service, all } = choice;
  const ways = [sequence.length > 0, host !== "" || service !== "", all].filter(Boolean).length;
  if (ways > 1) {
    throw new GatewayError("INVALID_ARGUMENT", "Sequence numbers, a host or service, and all exclude one another.");
  }
  if (ways === 0 && order !== "show") {
    throw new GatewayError("INVALID_ARGUMENT", `Say what to ${order}: sequence numbers, a host or service, or all.`);
  }
  if (sequence.length > pageLimit) {
    throw new GatewayError(
      "INVALID_ARGUMENT",
      `There are ${sequence.length} sequence numbers; one order takes at most ${pageLimit}.`,
    );
  }
}

/** @throws GatewayError PERMISSION_DENIED before it says whether there is such a queue */
function spoolFor(desk: QueueDesk, grant: string, queue: string): Spool {
  requireGrant(desk, grant, queue);
  const names = desk.spool?.status().queues.map(({ name }) => name) ?? [];
  if (desk.spool !== undefined && names.includes(queue)) return desk.spool;
  if (queue === "") throw new GatewayError("INVALID_ARGUMENT", "The order names no queue.");
  throw noQueue(desk, queue);
}

/** Names the queue that may have been meant, of those that the caller may see. */
function noQueue(desk: QueueDesk, queue: string): GatewayError {
  const names = desk.spool?.status().queues.map(({ name }) => name) ?? [];
  const visible = names.filter((name) => desk.allows("queue.list", name));
  const meant = closest(queue, visible);
  const hint = meant === undefined ? "" : ` (did you mean "${meant}"?)`;
  return new GatewayError("NOT_FOUND", `There is no queue ${queue}${hint}.`);
}

function requireGrant(desk: QueueDesk, grant: string, queue?: string): void {
  if (desk.allows(grant, queue)) return;
  const object = queue === undefined || queue === "" ? "" : ` for ${queue}`;
  throw new GatewayError("PERMISSION_DENIED", `${desk.caller} has no grant ${grant}${object}.`);
}
