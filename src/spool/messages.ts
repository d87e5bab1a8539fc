/** What the spool and the thread that owns its store say to one another. */
import type { ErrorCode } from "../kernel/errors.js";
import type { QueuePart } from "./spool.js";

/** One thing to do. Those that write share the transaction of their batch; a claim and a list see what it left. */
export type Operation = WriteOperation | ReadOperation;

export type WriteOperation =
  /** The entries lie in the batch's bytes, from `start` up to `end`. */
  | { readonly kind: "append"; readonly start: number; readonly end: number }
  /** Makes a queue, and begins or ends to keep its index; by and by, from behind a sequence number. */
  | { readonly kind: "open"; readonly queue: string; readonly isIndexed: boolean; readonly after: number }
  | SettleOperation
  | { readonly kind: "drop"; readonly queue: string; readonly part: QueuePart; readonly range: SequenceRange }
  | { readonly kind: "retry"; readonly queue: string; readonly range: SequenceRange }
  /** Drops dead letters that were buried before a time; by and by, from behind a key. */
  | { readonly kind: "purge"; readonly buriedBeforeMs: number; readonly after: Uint8Array };

export interface SettleOperation {
  readonly kind: "settle";
  readonly queue: string;
  readonly nowMs: number;
  readonly remove: readonly number[];
  readonly bury: readonly { readonly sequence: number; readonly reason: string }[];
  /** Given up by `drop-older-than`. */
  readonly drop: readonly number[];
}

/** Sequence numbers: some, or all behind one, up to and with another. */
export type SequenceRange = readonly number[] | { readonly after: number; readonly through: number };

export interface ClaimOperation {
  readonly kind: "claim";
  readonly queue: string;
  readonly count: number;
  readonly bytes: number;
  readonly nowMs: number;
  /** Older ones become dead letters. */
  readonly maximumAgeMs: number;
  /** Older ones are dropped. */
  readonly dropOlderThanMs: number;
}

export type ReadOperation =
  | ClaimOperation
  | {
      readonly kind: "list";
      readonly queue: string;
      readonly part: QueuePart;
      readonly after: number;
      readonly limit: number;
    }
  /** What the queue's consumer has claimed, told anew to a new thread; undefined: nothing, or the consumer is gone. */
  | { readonly kind: "hold"; readonly queue: string; readonly range: ClaimedRange | undefined }
  /** Time for what was put off: removals that the disk had no room for, the ballast, readers that died. */
  | { readonly kind: "tick" };

/** From the first to the last record of a claim. */
export interface ClaimedRange {
  readonly first: number;
  readonly last: number;
}

/** What an operation that is done by and by has done, and where it goes on; undefined when it is done. */
export interface Progress {
  readonly count: number;
  readonly next: number | Uint8Array | undefined;
}

/** Records on their way out of the store; their payloads lie one behind the other in `bytes`. */
export interface RecordBlock {
  readonly heads: readonly RecordHead[];
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Nothing was found so far, but not all was looked at. */
  readonly isUnfinished: boolean;
}

export interface RecordHead {
  readonly sequence: number;
  readonly timeMs: number;
  readonly subject: string;
  readonly length: number;
  readonly reason?: string;
  readonly buriedMs?: number;
}

export type Outcome =
  | { readonly value: Progress | RecordBlock | undefined }
  | { readonly error: { readonly code: ErrorCode; readonly message: string } };

/** How a queue stands. */
export interface QueueFigures {
  readonly name: string;
  readonly nextSequence: number;
  readonly waiting: number;
  readonly waitingBytes: number;
  readonly oldestMs: number | undefined;
  readonly dead: number;
  readonly deadBytes: number;
}

/** What happened to a queue's records. */
export interface QueueChanges {
  accepted: number;
  removed: number;
  buried: number;
  dropped: number;
  damaged: number;
  retried: number;
}

export interface Batch {
  readonly operations: readonly Operation[];
  /** Names of queues that the entries refer to by their place in this list. */
  readonly names: readonly string[];
  /** Entries as `packEntries` wrote them. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export interface Reply {
  /** One for each operation. */
  readonly outcomes: readonly Outcome[];
  /** Of the queues that something happened to. */
  readonly figures: readonly QueueFigures[];
  readonly changes: ReadonlyMap<string, QueueChanges>;
  /** Why nothing is accepted; empty when it is. */
  readonly refusing: string;
}

/** What the thread is told as it starts. */
export interface ThreadOptions {
  readonly folder: string;
  readonly maximumBytes: number;
  readonly ballastBytes: number;
}

export type ToThread = { readonly kind: "batch"; readonly batch: Batch } | { readonly kind: "close" };

export type FromThread =
  | {
      readonly kind: "ready";
      readonly figures: readonly QueueFigures[];
      readonly refusing: string;
      readonly notes: readonly string[];
    }
  | { readonly kind: "reply"; readonly reply: Reply }
  | { readonly kind: "closed" }
  /** It can't go on; it ends by itself. */
  | { readonly kind: "failed"; readonly code: ErrorCode; readonly message: string; readonly isDamaged: boolean };
