/** How the deliveries to one target fare, since its module was loaded. */
export interface RelayTargetStatus {
  readonly name: string;
  /** The queue of the spool that it drains; empty when results go out at once. */
  readonly queue: string;
  /** How sure it can be that the receiver has a result: `written` or `confirmed`. */
  readonly grade: string;
  /** `closed`: all is well; `open`: it waits before it tries again; `half-open`: a single result is tried. */
  readonly breaker: string;
  readonly delivered: number;
  /** Refused by the receiver for good. */
  readonly refused: number;
  /** Results that were sent again, because they got no answer the time before. */
  readonly retried: number;
  /** Batches that failed, as a whole or in part. */
  readonly failures: number;
  /** Why the last one failed; empty when none has. */
  readonly lastError: string;
  /** In milliseconds since 1970; 0 when there was none. */
  readonly lastErrorMs: number;
  /** When it is tried next, in milliseconds since 1970; 0 when it does not wait. */
  readonly nextTryMs: number;
  /** The target that takes the results while this one can't be reached; empty when it takes them itself. */
  readonly takenOverBy: string;
}

/** What rests on disk. */
export interface SpoolFigures {
  readonly folder: string;
  readonly bytes: number;
  readonly count: number;
  /** Infinity: no limit. */
  readonly maximumBytes: number;
  readonly maximumCount: number;
  /** Why submissions are refused though there is quota, such as a full disk; empty when they are not. */
  readonly refusing: string;
  /** Stores that were found damaged and set aside since the folder was made. */
  readonly damagedStores: readonly string[];
  /** Records found damaged since the spool was opened; they are dead letters. */
  readonly damagedRecords: number;
  readonly queues: readonly QueueFigures[];
}

export interface QueueFigures {
  readonly name: string;
  readonly waiting: number;
  readonly waitingBytes: number;
  /** When the oldest that waits was accepted. */
  readonly oldestMs: number | undefined;
  readonly dead: number;
  readonly deadBytes: number;
  /** Since the spool was opened: */
  readonly accepted: number;
  readonly removed: number;
  readonly buried: number;
  /** Dropped by `drop-older-than`, by a newer result, or by hand. */
  readonly dropped: number;
  /** Not taken because a limit was reached. */
  readonly refused: number;
}
