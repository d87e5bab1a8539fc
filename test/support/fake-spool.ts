import type {
  ClaimLimits,
  QueueOptions,
  Settlement,
  SpoolEntry,
  SpoolQueue,
  SpoolRecord,
} from "../../src/spool/spool.js";
import { MemorySpool } from "./memory-spool.js";

/** A spool on lists in memory that keeps what was asked of it. */
export class FakeSpool extends MemorySpool {
  /** What was done, such as `append a,b: web;load` and `settle a: -1 -2 !3`. */
  readonly deeds: string[] = [];
  readonly options = new Map<string, QueueOptions>();
  /** Thrown by every append while it is set. */
  refusal: Error | undefined;
  private readonly consumers = new Map<string, FakeQueue>();
  private readonly released = new Map<string, () => void>();

  override async append(entries: readonly SpoolEntry[]): Promise<void> {
    if (this.refusal !== undefined) throw this.refusal;
    const subjects = entries.map(({ subject }) => subject).join(" ");
    this.deeds.push(`append ${[...new Set(entries.flatMap(({ queues }) => queues))].join(",")}: ${subjects}`);
    for (const { queues, subject, bytes } of entries) for (const queue of queues) this.putBytes(queue, subject, bytes);
    for (const queue of new Set(entries.flatMap(({ queues }) => queues))) this.consumers.get(queue)?.tell();
  }

  override async open(name: string, options: QueueOptions): Promise<SpoolQueue> {
    if (this.consumers.has(name)) {
      this.deeds.push(`wait for ${name}`);
      await new Promise<void>((resolve) => this.released.set(name, resolve));
    }
    this.options.set(name, options);
    this.deeds.push(`open ${name}`);
    const queue = new FakeQueue(name, this, () => {
      this.deeds.push(`release ${name}`);
      this.consumers.delete(name);
      this.released.get(name)?.();
      this.released.delete(name);
    });
    this.consumers.set(name, queue);
    return queue;
  }

  /** The subjects of what waits in a queue. */
  subjects(queue: string): string[] {
    return (this.waiting.get(queue) ?? []).map(({ subject }) => subject);
  }

  /** The dead letters of a queue as `subject: reason`. */
  letters(queue: string): string[] {
    return (this.dead.get(queue) ?? []).map(({ subject, reason }) => `${subject}: ${reason}`);
  }
}

class FakeQueue implements SpoolQueue {
  private readonly listeners = new Set<() => void>();

  constructor(
    readonly name: string,
    private readonly spool: FakeSpool,
    readonly release: () => void,
  ) {}

  async claim({ count }: ClaimLimits): Promise<readonly SpoolRecord[]> {
    return (this.spool.waiting.get(this.name) ?? []).slice(0, count);
  }

  async settle({ remove, bury }: Settlement): Promise<void> {
    const parts = [...remove.map((one) => `-${one}`), ...bury.map(({ sequence }) => `!${sequence}`)];
    this.spool.deeds.push(`settle ${this.name}: ${parts.join(" ")}`);
    for (const { sequence, reason } of bury) this.spool.bury(this.name, sequence, reason);
    await this.spool.drop({ queue: this.name, part: "waiting", sequences: remove });
  }

  onAppended(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  tell(): void {
    for (const listener of this.listeners) listener();
  }
}
