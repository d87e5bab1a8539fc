/**
 * The spool: passive results rest here until their receiver has them.
 *
 *     validate → reserve quota → join the batch → ONE transaction (sequence numbers, every target, next sequence) → fdatasync
 *        │                                                                                                       │
 *        └ refused, with the reason                              wake the worker ← acknowledge ←──────────────────┘
 *                                                                       │
 *     next ← ONE transaction (remove | dead letter) ← send ← claim a range
 *
 * What can go wrong on this path, and what holds it:
 *
 * - The next sequence number is stored. Derived from the last key it would begin again when a queue has run empty.
 * - All queues of an entry are written in one transaction, so that no target has what another one lacks.
 * - Quota is reserved before an entry joins the batch; checked alone it would be overshot.
 * - A caller that goes away after its entry joined the batch changes nothing: the entry is accepted.
 * - The removal is on disk before the worker of the same queue claims again: a crash repeats one batch and no more.
 * - `latest-per-service` never touches a claimed range, or an old state would overtake a new one.
 * - A record that the receiver refuses for good becomes a dead letter; it does not hold up those behind it.
 *
 * This file is the seam: nobody who uses a spool knows what is behind it.
 */
import type { QueueFigures, SpoolFigures } from "../kernel/relay-status.js";

/** One passive result on its way in. */
export interface SpoolEntry {
  /** The queues that it goes into, one for each target; all of them or none. */
  readonly queues: readonly string[];
  /** Whose state it is, `host` or `host;service`: what the policy `latest-per-service` compares. */
  readonly subject: string;
  /** When it was accepted, in milliseconds since 1970. */
  readonly timeMs: number;
  /** A serialized `SpooledResult`; the spool never looks inside. */
  readonly bytes: Uint8Array;
}

export interface SpoolRecord {
  /** Ascends within a queue and is never used again. */
  readonly sequence: number;
  readonly timeMs: number;
  readonly subject: string;
  readonly bytes: Uint8Array;
}

export interface DeadLetter extends SpoolRecord {
  /** The receiver's own words, or why the spool gave it up. */
  readonly reason: string;
  readonly buriedMs: number;
}

/** What becomes of records that wait behind others. */
export type ReplayPolicy =
  | { readonly kind: "all-in-order" }
  /** A newer result takes the place of one that waits and is about the same subject. */
  | { readonly kind: "latest-per-service" }
  /** What is older is dropped, counted and logged, when its turn comes. */
  | { readonly kind: "drop-older-than"; readonly ageMs: number };

export interface QueueOptions {
  readonly replay: ReplayPolicy;
  /** What is older becomes a dead letter. Infinity: nothing. */
  readonly maximumAgeMs: number;
  /** Limits of this queue beside those of the spool; Infinity: none. */
  readonly maximumCount: number;
  readonly maximumBytes: number;
}

export interface ClaimLimits {
  readonly count: number;
  /** The claim ends before the record that would exceed it; one record is always claimed. */
  readonly bytes: number;
}

export interface Settlement {
  /** What the receiver has. */
  readonly remove: readonly number[];
  /** What it refuses for good. */
  readonly bury: readonly { readonly sequence: number; readonly reason: string }[];
}

/** A queue as its one consumer uses it. */
export interface SpoolQueue {
  readonly name: string;
  /**
   * The oldest records, in order; empty when none wait. A claim replaces the one before it: what was not settled is
   * claimed again. Records that are too old or damaged are put aside on the way.
   */
  claim(limits: ClaimLimits): Promise<readonly SpoolRecord[]>;
  /**
   * Resolves when the removal is on disk. On a full disk it still takes effect in this process: what was removed is not
   * claimed again.
   */
  settle(settlement: Settlement): Promise<void>;
  /** Calls `listener` whenever something was appended, or is to be tried again. Returns how to stop. */
  onAppended(listener: () => void): () => void;
  /** The queue has no consumer from now on; its records stay. */
  release(): void;
}

export interface QueueStatus extends QueueFigures {
  /** Whether a target drains it; one that was configured once and is not any more keeps its records. */
  readonly hasConsumer: boolean;
}

export interface SpoolStatus extends SpoolFigures {
  readonly queues: readonly QueueStatus[];
}

/** The two parts of a queue. */
export type QueuePart = "waiting" | "dead";

export interface RecordQuery {
  readonly queue: string;
  readonly part: QueuePart;
  /** Only records behind this sequence number. */
  readonly after?: number;
  readonly limit: number;
}

/** Which records of a queue an operator means: these, or all of the part. */
export interface RecordChoice {
  readonly queue: string;
  readonly part: QueuePart;
  readonly sequences?: readonly number[];
}

export interface Spool {
  /**
   * Puts entries into their queues. Resolves when they are on disk (fdatasync), all or none of them.
   *
   * @throws GatewayError RESOURCE_EXHAUSTED when a quota is reached or the disk is full, naming which; UNAVAILABLE when the
   * spool is closed or failed
   */
  append(entries: readonly SpoolEntry[]): Promise<void>;

  /**
   * Becomes the consumer of a queue; there can be one. Waits until the former one has released it.
   */
  open(queue: string, options: QueueOptions): Promise<SpoolQueue>;

  /** What waits, without a read of the disk. */
  status(): SpoolStatus;

  list(query: RecordQuery): Promise<readonly DeadLetter[] | readonly SpoolRecord[]>;

  /** Puts dead letters back at the end of their queue. How many. */
  retry(choice: Omit<RecordChoice, "part">): Promise<number>;

  /** Removes records on the order of an operator. What is claimed can't be dropped. How many. */
  drop(choice: RecordChoice): Promise<number>;

  /** Waits for what has joined a batch, then closes the store. */
  close(): Promise<void>;
}
