import type { Clock } from "../kernel/clock.js";
import { GatewayError } from "../kernel/errors.js";
import type { Logger } from "../kernel/log.js";
import { maximumText } from "./format.js";
import { GroupCommit } from "./group-commit.js";
import { LocalQueue } from "./local-queue.js";
import type { Batch, Operation, Progress, QueueFigures, RecordBlock, Reply, SequenceRange } from "./messages.js";
import { QueueView } from "./queue-view.js";
import { Quota } from "./quota.js";
import { deadLettersOf, recordsOf } from "./record-blocks.js";
import type {
  DeadLetter,
  QueueOptions,
  RecordChoice,
  RecordQuery,
  Spool,
  SpoolEntry,
  SpoolQueue,
  SpoolRecord,
  SpoolStatus,
} from "./spool.js";
import type { StoreThread } from "./store-worker.js";

export interface LocalSpoolOptions {
  readonly folder: string;
  readonly maximumBytes: number;
  readonly maximumCount: number;
  /** Dead letters that were buried longer ago are dropped; Infinity: none. */
  readonly deadLetterAgeMs: number;
  readonly clock: Clock;
  readonly log: Logger;
  /** Checks the store and starts a thread that owns it. `onLost` is called when the thread ends by itself. */
  readonly start: (onLost: (error: GatewayError) => void) => Promise<StoreThread>;
  /** Names of the stores that were set aside. */
  readonly damagedStores: () => readonly string[];
  /** Gives the folder back. @param isClean whether the store was closed in order */
  readonly leave: (isClean: boolean) => Promise<void>;
}

/** Sequence numbers of one operation, at most. */
const chunk = 2000;
const restartMs = { first: 1000, longest: 60_000 };
const tickMs = { refusing: 1000, usual: 60_000 };

type Simple = Exclude<Operation, { kind: "append" }>;

/** The spool on this machine's disk. */
export class LocalSpool implements Spool {
  private readonly views = new Map<string, QueueView>();
  private readonly queues = new Map<string, LocalQueue>();
  private readonly quota: Quota;
  private readonly commits: GroupCommit;
  private thread: StoreThread | undefined;
  /** Settled when a thread runs, or the spool is closed. */
  private started: Promise<void> = Promise.resolve();
  private refusing = "";
  private damagedStores: readonly string[] = [];
  private closing: Promise<void> | undefined;
  private tellClosed = (): void => undefined;
  private readonly closed = new Promise<undefined>((resolve) => {
    this.tellClosed = () => resolve(undefined);
  });
  private stopTicks = (): void => undefined;

  private constructor(private readonly options: LocalSpoolOptions) {
    this.quota = new Quota(this.views, options.maximumCount, options.maximumBytes);
    this.commits = new GroupCommit(
      (batch) => this.execute(batch),
      (reply) => this.take(reply),
    );
  }

  /** @throws GatewayError when the store can't be opened */
  static async open(options: LocalSpoolOptions): Promise<LocalSpool> {
    const spool = new LocalSpool(options);
    await spool.startThread();
    spool.tickLater();
    return spool;
  }

  async append(entries: readonly SpoolEntry[]): Promise<void> {
    this.refuseWhenClosed();
    const valid = entries.map(validEntry).filter(({ queues }) => queues.length > 0);
    if (valid.length === 0) return;
    const giveBack = this.quota.reserve(valid, (queue) => this.view(queue));
    await this.commits.append(valid, giveBack);
  }

  async open(queue: string, options: QueueOptions): Promise<SpoolQueue> {
    this.refuseWhenClosed();
    const view = this.view(checkName(queue));
    const turn = view.enter();
    const leave = (await Promise.race([turn, this.closed])) ?? (() => void turn.then((leaveLater) => leaveLater()));
    try {
      this.refuseWhenClosed();
      const isIndexed = options.replay.kind === "latest-per-service";
      await this.stepwise(0, (after) => ({ kind: "open", queue, isIndexed, after: Number(after) }));
    } catch (error) {
      leave();
      throw error;
    }
    view.limits = options;
    view.hasConsumer = true;
    const consumer = new LocalQueue(
      { now: () => this.options.clock.now(), persist: (operation) => this.persist(operation) },
      view,
      options,
      () => {
        view.hasConsumer = false;
        this.queues.delete(queue);
        // Whoever enters next finds no claim: this joins a batch before anything of theirs does.
        this.persist({ kind: "hold", queue, range: undefined }).catch(() => undefined);
        leave();
      },
    );
    this.queues.set(queue, consumer);
    return consumer;
  }

  status(): SpoolStatus {
    const { folder, maximumBytes, maximumCount } = this.options;
    const views = [...this.views.values()];
    const sum = (figure: (view: QueueView) => number): number => views.reduce((total, view) => total + figure(view), 0);
    return {
      folder,
      bytes: sum(({ figures }) => figures.waitingBytes + figures.deadBytes),
      count: sum(({ figures }) => figures.waiting + figures.dead),
      maximumBytes,
      maximumCount,
      refusing: this.refusing,
      damagedStores: this.damagedStores,
      damagedRecords: sum(({ damaged }) => damaged),
      queues: views.map((view) => view.status()).sort((a, b) => (a.name < b.name ? -1 : 1)),
    };
  }

  async list(query: RecordQuery): Promise<readonly DeadLetter[] | readonly SpoolRecord[]> {
    this.refuseWhenClosed();
    const { queue, part, after = 0, limit } = query;
    const block = await this.commits.do({ kind: "list", queue, part, after, limit });
    if (block === undefined || !("heads" in block)) return [];
    return part === "dead" ? deadLettersOf(block) : recordsOf(block);
  }

  async retry({ queue, sequences }: Omit<RecordChoice, "part">): Promise<number> {
    return await this.inRanges(queue, sequences, (range) => ({ kind: "retry", queue, range }));
  }

  async drop({ queue, part, sequences }: RecordChoice): Promise<number> {
    return await this.inRanges(queue, sequences, (range) => ({ kind: "drop", queue, part, range }));
  }

  async close(): Promise<void> {
    this.closing ??= this.closeOnce();
    await this.closing;
  }

  private async closeOnce(): Promise<void> {
    this.stopTicks();
    this.tellClosed();
    await this.started;
    await this.commits.idle();
    const thread = this.thread;
    this.thread = undefined;
    try {
      await thread?.close();
    } catch (error) {
      this.options.log.error("The spool's store was not closed in order", { error });
      await this.options.leave(false);
      return;
    }
    await this.options.leave(thread !== undefined);
  }

  /** Records of a queue as an operator means them: those that are named, or all that are there at this moment. */
  private async inRanges(
    queue: string,
    sequences: readonly number[] | undefined,
    operation: (range: SequenceRange) => Simple,
  ): Promise<number> {
    this.refuseWhenClosed();
    if (sequences === undefined) {
      const through = (this.views.get(queue)?.figures.nextSequence ?? 1) - 1;
      return await this.stepwise(0, (after) => operation({ after: Number(after), through }));
    }
    let count = 0;
    for (let at = 0; at < sequences.length; at += chunk) {
      const progress = await this.commits.do(operation(sequences.slice(at, at + chunk)));
      if (progress !== undefined && "count" in progress) count += progress.count;
    }
    return count;
  }

  /** Does by and by what is too much for one transaction. How many records it was done to. */
  private async stepwise(
    from: number | Uint8Array,
    operation: (after: number | Uint8Array) => Simple,
  ): Promise<number> {
    let count = 0;
    for (let after: number | Uint8Array | undefined = from; after !== undefined; ) {
      const progress: Progress | RecordBlock | undefined = await this.commits.do(operation(after));
      if (progress === undefined || !("count" in progress)) break;
      count += progress.count;
      after = progress.next;
    }
    return count;
  }

  /** See {@link LocalQueue}: what may be done twice survives the loss of a thread. */
  private async persist(operation: Simple): Promise<Progress | RecordBlock | undefined> {
    for (;;) {
      await this.started;
      this.refuseWhenClosed();
      const thread = this.thread;
      try {
        return await this.commits.do(operation);
      } catch (error) {
        if (thread === this.thread && thread !== undefined) throw error;
      }
    }
  }

  private async execute(batch: Batch): Promise<Reply> {
    if (this.thread === undefined) throw new GatewayError("UNAVAILABLE", this.refusing || "The spool is closed");
    return await this.thread.execute(batch);
  }

  /** What a batch has changed. */
  private take(reply: Reply): void {
    this.takeFigures(reply.figures);
    this.setRefusing(reply.refusing);
    for (const [name, changes] of reply.changes) {
      const view = this.view(name);
      view.addChanges(changes);
      if (changes.damaged > 0) {
        this.options.log.error(`${changes.damaged} records of the queue ${name} are damaged; they are dead letters`);
      }
      if (changes.accepted + changes.retried > 0) queueMicrotask(() => view.notify());
    }
  }

  private takeFigures(figures: readonly QueueFigures[]): void {
    for (const figure of figures) this.view(figure.name).figures = figure;
  }

  private setRefusing(reason: string): void {
    if (reason === this.refusing) return;
    if (reason === "") this.options.log.info("The spool accepts again");
    else this.options.log.critical(`The spool refuses: ${reason}`);
    this.refusing = reason;
    this.tickLater();
  }

  private async startThread(): Promise<void> {
    const thread = await this.options.start((error) => this.lost(error));
    this.damagedStores = this.options.damagedStores();
    // A salvaged store may have less than the one before.
    for (const view of this.views.values()) view.figures = new QueueView(view.name).figures;
    this.takeFigures(thread.figures);
    for (const note of thread.notes) this.options.log.info(note);
    const operations = [...this.queues.values()].map(
      ({ name, claimed }): Operation => ({ kind: "hold", queue: name, range: claimed }),
    );
    // Before anything else: what a consumer holds must not be replaced under its hands.
    await thread.execute({ operations, names: [], bytes: new Uint8Array(0) });
    this.thread = thread;
    this.setRefusing(thread.refusing);
  }

  /** What was on its way is refused; another thread is started when the store is sound. */
  private lost(error: GatewayError): void {
    this.thread = undefined;
    this.setRefusing(error.message);
    this.started = this.restart();
  }

  private async restart(): Promise<void> {
    for (let pauseMs = restartMs.first; ; pauseMs = Math.min(2 * pauseMs, restartMs.longest)) {
      await this.pause(pauseMs);
      if (this.closing !== undefined) return;
      try {
        await this.startThread();
        for (const view of this.views.values()) view.notify();
        return;
      } catch (error) {
        this.options.log.error("The spool's store can't be opened again", { error });
      }
    }
  }

  /** Waits so long, or until the spool is closed. */
  private async pause(ms: number): Promise<void> {
    let stop = (): void => undefined;
    const over = new Promise<void>((resolve) => {
      stop = this.options.clock.after(ms, resolve);
    });
    await Promise.race([over, this.closed]);
    stop();
  }

  private tickLater(): void {
    this.stopTicks();
    if (this.closing !== undefined) return;
    const pauseMs = this.refusing === "" ? tickMs.usual : tickMs.refusing;
    this.stopTicks = this.options.clock.after(pauseMs, () => {
      this.tick()
        .catch((error) => this.options.log.debug("The spool could not tidy up", { error }))
        .finally(() => this.tickLater());
    });
  }

  private async tick(): Promise<void> {
    if (this.thread === undefined) return;
    await this.commits.do({ kind: "tick" });
    const buriedBeforeMs = this.options.clock.now() - this.options.deadLetterAgeMs;
    if (!Number.isFinite(buriedBeforeMs) || this.status().queues.every(({ dead }) => dead === 0)) return;
    const count = await this.stepwise(Buffer.of(0), (after) => ({
      kind: "purge",
      buriedBeforeMs,
      after: typeof after === "number" ? Buffer.of(0) : after,
    }));
    if (count > 0) this.options.log.warn(`${count} dead letters were dropped because of their age`);
  }

  private view(queue: string): QueueView {
    const view = this.views.get(queue) ?? new QueueView(queue);
    this.views.set(queue, view);
    return view;
  }

  private refuseWhenClosed(): void {
    if (this.closing !== undefined) throw new GatewayError("UNAVAILABLE", "The spool is closed");
  }
}

/** An entry as the store can hold it; a queue that is named twice gets it once. */
function validEntry(entry: SpoolEntry): SpoolEntry {
  const { subject, timeMs, bytes } = entry;
  const queues = [...new Set(entry.queues.map(checkName))];
  if (queues.length > maximumText) throw invalid(`An entry has ${queues.length} queues`);
  const length = Buffer.byteLength(subject);
  if (length > maximumText) throw invalid(`A subject of ${length} bytes is longer than ${maximumText}`);
  if (!Number.isSafeInteger(timeMs) || timeMs < 0) throw invalid(`${timeMs} is no time in milliseconds since 1970`);
  return { queues, subject, timeMs, bytes };
}

function checkName(queue: string): string {
  const length = Buffer.byteLength(queue);
  if (length === 0) throw invalid("A queue has no name");
  if (length > maximumText) throw invalid(`The name of a queue has ${length} bytes, more than ${maximumText}`);
  return queue;
}

function invalid(text: string): GatewayError {
  return new GatewayError("INVALID_ARGUMENT", text);
}
