import type { QueueChanges, QueueFigures } from "./messages.js";
import type { QueueOptions, QueueStatus } from "./spool.js";

/** A queue as the main thread knows it: the store's figures, what is reserved, what has happened since the start. */
export class QueueView {
  figures: QueueFigures;
  /** Of its last consumer; a queue without one has no limits of its own. */
  limits: Pick<QueueOptions, "maximumCount" | "maximumBytes"> = { maximumCount: Infinity, maximumBytes: Infinity };
  /** Room that entries on their way will take. */
  reservedCount = 0;
  reservedBytes = 0;
  hasConsumer = false;
  refused = 0;
  readonly listeners = new Set<() => void>();
  private readonly sum: QueueChanges = { accepted: 0, removed: 0, buried: 0, dropped: 0, damaged: 0, retried: 0 };
  private lastTurn: Promise<void> = Promise.resolve();

  constructor(readonly name: string) {
    const none = { waiting: 0, waitingBytes: 0, oldestMs: undefined, dead: 0, deadBytes: 0 };
    this.figures = { name, nextSequence: 1, ...none };
  }

  /** Records of both parts, and those on their way. */
  get count(): number {
    return this.figures.waiting + this.figures.dead + this.reservedCount;
  }

  get bytes(): number {
    return this.figures.waitingBytes + this.figures.deadBytes + this.reservedBytes;
  }

  get damaged(): number {
    return this.sum.damaged;
  }

  /** Waits until the consumers before have left. Returns how to leave. */
  async enter(): Promise<() => void> {
    const before = this.lastTurn;
    let leave = (): void => undefined;
    this.lastTurn = new Promise((resolve) => {
      leave = resolve;
    });
    await before;
    return leave;
  }

  addChanges(changes: QueueChanges): void {
    this.sum.accepted += changes.accepted;
    this.sum.removed += changes.removed;
    this.sum.buried += changes.buried;
    this.sum.dropped += changes.dropped;
    this.sum.damaged += changes.damaged;
    this.sum.retried += changes.retried;
  }

  notify(): void {
    for (const listener of [...this.listeners]) listener();
  }

  status(): QueueStatus {
    const { name, waiting, waitingBytes, oldestMs, dead, deadBytes } = this.figures;
    const { accepted, removed, buried, dropped } = this.sum;
    const { hasConsumer, refused } = this;
    return {
      name,
      hasConsumer,
      waiting,
      waitingBytes,
      oldestMs,
      dead,
      deadBytes,
      accepted,
      removed,
      buried,
      dropped,
      refused,
    };
  }
}
