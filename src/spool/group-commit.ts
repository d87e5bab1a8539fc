import { errorText, GatewayError } from "../kernel/errors.js";
import { crashPoint } from "./crash-points.js";
import type { Batch, Operation, Outcome, Progress, RecordBlock, Reply } from "./messages.js";
import { packEntry, packedSize } from "./packed-entries.js";
import type { SpoolEntry } from "./spool.js";

/** A larger batch is not done faster, and whoever comes next waits for it. */
const maximumOperations = 10_000;
const maximumBytes = 16 * 1024 * 1024;

type Value = Progress | RecordBlock | undefined;

/** What a caller wants: an operation, or entries to be appended. */
type Wish =
  | { readonly operation: Exclude<Operation, { kind: "append" }> }
  | { readonly entries: readonly SpoolEntry[] };

interface Joined {
  readonly wish: Wish;
  readonly bytes: number;
  /** Called right before the outcome, with what the store says beside it already known. */
  readonly onDone: () => void;
  readonly resolve: (value: Value) => void;
  readonly reject: (error: GatewayError) => void;
}

/**
 * Group commit: what arrives while a batch is being committed joins the next one, which is one message to the store's
 * thread, one transaction and one flush for all of them.
 */
export class GroupCommit {
  private joined: Joined[] = [];
  private isBusy = false;
  private readonly idlers: (() => void)[] = [];

  /**
   * @param execute does a batch
   * @param onReply is told what each batch changed before anyone hears of it
   */
  constructor(
    private readonly execute: (batch: Batch) => Promise<Reply>,
    private readonly onReply: (reply: Reply) => void,
  ) {}

  /** Joins the next batch. Resolves when that is on disk. */
  async do(operation: Exclude<Operation, { kind: "append" }>): Promise<Value> {
    return await this.join({ operation }, 0, () => undefined);
  }

  /** Joins the next batch with entries. @param onDone called when their fate is known, before the result is told */
  async append(entries: readonly SpoolEntry[], onDone: () => void): Promise<void> {
    await this.join(
      { entries },
      entries.reduce((sum, entry) => sum + packedSize(entry), 0),
      onDone,
    );
  }

  /** Resolves when nothing is on its way. */
  async idle(): Promise<void> {
    while (this.isBusy) await new Promise<void>((resolve) => this.idlers.push(resolve));
  }

  private join(wish: Wish, bytes: number, onDone: () => void): Promise<Value> {
    return new Promise((resolve, reject) => {
      this.joined.push({ wish, bytes, onDone, resolve, reject });
      if (this.isBusy) return;
      this.isBusy = true;
      // What else arrives in this turn of the loop, such as calls of other connections, is in the same batch.
      setImmediate(() => void this.run());
    });
  }

  private async run(): Promise<void> {
    while (this.joined.length > 0) await this.commit(this.nextGroup());
    this.isBusy = false;
    for (const idler of this.idlers.splice(0)) idler();
  }

  private nextGroup(): Joined[] {
    let bytes = 0;
    let count = 0;
    for (const { bytes: size } of this.joined) {
      bytes += size;
      if (count > 0 && (count >= maximumOperations || bytes > maximumBytes)) break;
      count += 1;
    }
    return this.joined.splice(0, count);
  }

  private async commit(group: readonly Joined[]): Promise<void> {
    let reply: Reply;
    try {
      reply = await this.execute(pack(group));
    } catch (error) {
      const failure = error instanceof GatewayError ? error : new GatewayError("INTERNAL", errorText(error));
      for (const { onDone, reject } of group) {
        onDone();
        reject(failure);
      }
      return;
    }
    crashPoint("before-acknowledge");
    for (const { onDone } of group) onDone();
    this.onReply(reply);
    for (const [index, { resolve, reject }] of group.entries()) {
      const outcome: Outcome | undefined = reply.outcomes[index];
      if (outcome === undefined) reject(new GatewayError("INTERNAL", "The spool's thread forgot an operation"));
      else if ("error" in outcome) reject(new GatewayError(outcome.error.code, outcome.error.message));
      else resolve(outcome.value);
    }
  }
}

/** All entries of a group in one piece of memory. */
function pack(group: readonly Joined[]): Batch {
  const bytes = new Uint8Array(group.reduce((sum, joined) => sum + joined.bytes, 0));
  const buffer = Buffer.from(bytes.buffer);
  const places = new Map<string, number>();
  const placeOf = (name: string): number => {
    const place = places.get(name) ?? places.size;
    places.set(name, place);
    return place;
  };
  let at = 0;
  const operations = group.map(({ wish }): Operation => {
    if ("operation" in wish) return wish.operation;
    const start = at;
    for (const entry of wish.entries) at = packEntry(buffer, at, entry, placeOf);
    return { kind: "append", start, end: at };
  });
  return { operations, names: [...places.keys()], bytes };
}
