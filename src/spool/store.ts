import { type ErrorCode, errorText, GatewayError } from "../kernel/errors.js";
import { type Ballast, freeBytes } from "./ballast.js";
import { crashPoint } from "./crash-points.js";
import { closeEnvironment, codeOf, type Environment, isDamage } from "./environment.js";
import type {
  Batch,
  Operation,
  Outcome,
  Progress,
  QueueChanges,
  QueueFigures,
  ReadOperation,
  RecordBlock,
  Reply,
  SettleOperation,
  WriteOperation,
} from "./messages.js";
import { perform } from "./operations.js";
import { figuresOf, QueueTable } from "./queue-table.js";
import { readClaim, readList } from "./reading.js";
import { TakenRecords } from "./taken-records.js";
import { Work } from "./work.js";

/** Free bytes below which a write that failed is put down to a full disk. */
const fullBelow = 1024 * 1024;

export interface StoreOptions {
  /** Folder of the store, for its room and for messages. */
  readonly folder: string;
  /** Opens the environment, at the start and after a write that failed. */
  readonly open: () => Environment;
  readonly ballast: Ballast;
  readonly nowMs: number;
}

/** The store can't go on with what it has open. */
export class StoreFailed extends GatewayError {
  constructor(
    message: string,
    readonly isDamaged: boolean,
    cause: unknown,
  ) {
    super("UNAVAILABLE", message, { cause });
  }
}

/**
 * The queues on disk. Does batches, one at a time: what writes in one transaction with one flush, then what reads.
 *
 * When a transaction fails, none of it is visible: LMDB writes its pages, flushes them, and only then the page that makes
 * them valid. The environment is opened anew after each failure, because LMDB may refuse to go on with the old one. Then
 * removals are tried without what is new, with the ballast's room if need be, and are kept in memory at the worst.
 */
export class Store {
  private environment: Environment;
  private readonly table: QueueTable;
  private readonly taken = new TakenRecords();
  /** Removals that the disk had no room for, in order. */
  private putOff: SettleOperation[] = [];
  private refusing = "";

  /** @throws Error when the store's entries are damaged */
  constructor(private readonly options: StoreOptions) {
    this.environment = options.open();
    this.table = QueueTable.load(this.environment, options.nowMs);
    if (!options.ballast.make()) this.refusing = this.fullDisk();
  }

  figures(): QueueFigures[] {
    return this.table.figures();
  }

  get isRefusing(): string {
    return this.refusing;
  }

  /** @throws StoreFailed when the store can't be used any more */
  async execute(batch: Batch): Promise<Reply> {
    const round = new Round(batch);
    if (round.writes.length > 0) await this.write(round);
    for (const [index, operation] of batch.operations.entries()) {
      if (isRead(operation)) round.outcomes[index] = await this.read(operation, round);
    }
    this.environment.root.resetReadTxn();
    const figures = [...round.touched].flatMap((name) => this.table.get(name) ?? []).map(figuresOf);
    return { outcomes: round.outcomes, figures, changes: round.changes, refusing: this.refusing };
  }

  async close(): Promise<void> {
    await closeEnvironment(this.environment);
  }

  private async write(round: Round): Promise<void> {
    if (this.refusing !== "" && round.writes.some(takesRoom)) {
      if (this.options.ballast.make() && freeBytes(this.options.folder) >= fullBelow) this.refusing = "";
      else this.refuse(round);
    }
    if (round.writes.length === 0) return;
    try {
      this.commit(round, round.writes);
    } catch (error) {
      await this.reopen(error);
      if (codeOf(error) === undefined) await this.writeSingly(round);
      else await this.writeWithoutRoom(round, error);
    }
  }

  /** One transaction, one flush. Removals that were put off come first. */
  private commit(round: Round, writes: readonly Placed[]): void {
    if (writes.some(({ operation }) => operation.kind === "settle")) crashPoint("before-settle");
    const work = new Work(this.environment, this.table, this.taken);
    const values = this.environment.root.transactionSync(() => {
      for (const operation of this.putOff) perform(work, operation, round.batch);
      const done = writes.map(({ operation }) => perform(work, operation, round.batch));
      work.finish();
      crashPoint("before-commit");
      return done;
    });
    crashPoint("after-commit");
    if (writes.some(({ operation }) => operation.kind === "settle")) crashPoint("after-settle");
    this.putOff = [];
    this.taken.allSaved();
    round.add(work);
    for (const [place, { index }] of writes.entries()) round.settleOutcome(index, { value: values[place] });
  }

  /** Something in the batch is wrong in itself: each operation gets a transaction of its own. */
  private async writeSingly(round: Round): Promise<void> {
    for (const write of round.writes) {
      try {
        this.commit(round, [write]);
      } catch (error) {
        await this.reopen(error);
        if (codeOf(error) !== undefined) await this.writeWithoutRoom(round, error, [write]);
        else round.settleOutcome(write.index, failure("INTERNAL", `The spool failed: ${errorText(error)}`));
      }
    }
  }

  /** The disk takes no more: what is new is refused, removals go on. */
  private async writeWithoutRoom(
    round: Round,
    error: unknown,
    writes: readonly Placed[] = round.writes,
  ): Promise<void> {
    const isFull = freeBytes(this.options.folder) < fullBelow + 4 * round.batch.bytes.length;
    this.refusing = isFull
      ? this.fullDisk()
      : `the spool in ${this.options.folder} can't be written: ${errorText(error)}`;
    const removals = writes.filter((write) => !takesRoom(write));
    this.refuse(round, writes);
    if (removals.length === 0) return;
    try {
      this.commit(round, removals);
      return;
    } catch (second) {
      await this.reopen(second);
    }
    if (this.options.ballast.release()) {
      try {
        this.commit(round, removals);
        return;
      } catch (third) {
        await this.reopen(third);
      }
    }
    for (const { index, operation } of removals) {
      if (operation.kind === "settle") {
        this.keepForLater(operation);
        round.settleOutcome(index, { value: undefined });
      } else round.settleOutcome(index, this.refusal());
    }
  }

  private keepForLater(operation: SettleOperation): void {
    this.putOff.push(operation);
    const id = this.table.get(operation.queue)?.id;
    if (id === undefined) return;
    this.taken.putOff(id, [...operation.remove, ...operation.drop, ...operation.bury.map(({ sequence }) => sequence)]);
  }

  private refuse(round: Round, writes: readonly Placed[] = round.writes): void {
    for (const write of writes.filter(takesRoom)) round.settleOutcome(write.index, this.refusal());
    round.writes = round.writes.filter((write) => !takesRoom(write));
  }

  private refusal(): Outcome {
    const code = this.refusing === this.fullDisk() ? "RESOURCE_EXHAUSTED" : "UNAVAILABLE";
    return failure(code, `Nothing is accepted: ${this.refusing}`);
  }

  private fullDisk(): string {
    return `disk full: the spool in ${this.options.folder} has no room to grow`;
  }

  /** @throws StoreFailed when what happened is no passing trouble */
  private async reopen(error: unknown): Promise<void> {
    if (isDamage(error)) throw new StoreFailed(`The spool's store is damaged: ${errorText(error)}`, true, error);
    try {
      await closeEnvironment(this.environment);
      this.environment = this.options.open();
    } catch (second) {
      throw new StoreFailed(`The spool's store can't be opened again: ${errorText(second)}`, isDamage(second), error);
    }
  }

  private async read(operation: ReadOperation, round: Round): Promise<Outcome> {
    try {
      return { value: await this.readOne(operation, round) };
    } catch (error) {
      if (error instanceof StoreFailed) throw error;
      if (isDamage(error)) throw new StoreFailed(`The spool's store is damaged: ${errorText(error)}`, true, error);
      return failure("INTERNAL", `The spool failed: ${errorText(error)}`);
    }
  }

  private async readOne(operation: ReadOperation, round: Round): Promise<RecordBlock | Progress | undefined> {
    if (operation.kind === "tick") return await this.tick(round);
    const queue = this.table.get(operation.queue);
    if (queue === undefined) return operation.kind === "hold" ? undefined : noRecords();
    if (operation.kind === "hold") {
      this.taken.claim(queue.id, operation.range);
      return undefined;
    }
    if (operation.kind === "list") {
      return readList(this.environment, queue, operation.part, operation.after, operation.limit);
    }
    const claimed = readClaim(this.environment, queue, this.taken, operation);
    this.taken.claim(queue.id, claimed.range);
    if (claimed.aside !== undefined) await this.writeAside(claimed.aside, round);
    crashPoint("after-claim");
    return claimed.block;
  }

  /** What a claim puts aside is a batch of its own. */
  private async writeAside(operation: SettleOperation, round: Round): Promise<void> {
    const aside = new Round({ ...round.batch, operations: [operation] });
    await this.write(aside);
    round.join(aside);
  }

  private async tick(round: Round): Promise<undefined> {
    this.environment.root.readerCheck();
    if (this.putOff.length > 0) {
      const later = new Round({ ...round.batch, operations: [] });
      try {
        this.commit(later, []);
      } catch (error) {
        await this.reopen(error);
      }
      round.join(later);
    }
    if (this.refusing === "" || this.putOff.length > 0) return;
    if (this.options.ballast.make() && freeBytes(this.options.folder) >= fullBelow) this.refusing = "";
  }
}

/** An operation and its place in the batch. */
interface Placed {
  readonly index: number;
  readonly operation: WriteOperation;
}

/** What becomes of one batch. */
class Round {
  readonly outcomes: Outcome[];
  readonly touched = new Set<string>();
  readonly changes = new Map<string, QueueChanges>();
  /** What is still to be written. */
  writes: readonly Placed[];

  constructor(readonly batch: Batch) {
    this.outcomes = batch.operations.map(() => ({ value: undefined }));
    this.writes = batch.operations.flatMap((operation, index) => (isRead(operation) ? [] : { index, operation }));
  }

  settleOutcome(index: number, outcome: Outcome): void {
    this.outcomes[index] = outcome;
  }

  /** A transaction is on disk. */
  add(work: Work): void {
    for (const queue of work.adopt()) this.touched.add(queue.name);
    for (const [name, changes] of work.changes) this.addChanges(name, changes);
  }

  join(other: Round): void {
    for (const name of other.touched) this.touched.add(name);
    for (const [name, changes] of other.changes) this.addChanges(name, changes);
  }

  private addChanges(name: string, changes: QueueChanges): void {
    const sum = this.changes.get(name);
    if (sum === undefined) {
      this.changes.set(name, { ...changes });
      return;
    }
    sum.accepted += changes.accepted;
    sum.removed += changes.removed;
    sum.buried += changes.buried;
    sum.dropped += changes.dropped;
    sum.damaged += changes.damaged;
    sum.retried += changes.retried;
  }
}

/** Bytes of its own each time: they change the thread with the reply, and no buffer can do that twice. */
function noRecords(): RecordBlock {
  return { heads: [], bytes: new Uint8Array(0), isUnfinished: false };
}

function isRead(operation: Operation): operation is ReadOperation {
  return ["claim", "list", "hold", "tick"].includes(operation.kind);
}

/** Whether an operation adds to the store. Opening a queue may, and must not fail because of a full disk if it need not. */
function takesRoom({ operation }: Placed): boolean {
  return operation.kind === "append" || operation.kind === "retry";
}

function failure(code: ErrorCode, message: string): Outcome {
  return { error: { code, message } };
}
