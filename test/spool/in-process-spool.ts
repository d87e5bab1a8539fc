import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { GatewayError } from "../../src/kernel/errors.js";
import { Ballast } from "../../src/spool/ballast.js";
import { type Environment, openEnvironment } from "../../src/spool/environment.js";
import { LocalSpool } from "../../src/spool/local-spool.js";
import type { QueueOptions, SpoolEntry, SpoolQueue } from "../../src/spool/spool.js";
import { Store } from "../../src/spool/store.js";
import { storeFiles } from "../../src/spool/store-files.js";
import type { StoreThread } from "../../src/spool/store-worker.js";
import { FakeClock } from "../support/fake-clock.js";
import { RecordingLog } from "../support/recording-log.js";

const mapSize = 64 * 1024 * 1024;

/** A folder for one test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "nscp-spool-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A spool whose store lives in this thread, and what a test can do to it. */
export class InProcessSpool {
  readonly log = new RecordingLog();
  /** Transactions that fail before one succeeds, as on a full disk. */
  failures = 0;
  /** Stores that were opened, the first included. */
  starts = 0;
  private store: Store | undefined;
  private onLost: ((error: GatewayError) => void) | undefined;
  private opened: LocalSpool | undefined;

  constructor(
    readonly folder = temporaryFolder(),
    private readonly limits: {
      maximumCount?: number;
      maximumBytes?: number;
      deadLetterAgeMs?: number;
      ballastBytes?: number;
    } = {},
    readonly clock = new FakeClock(),
  ) {}

  get spool(): LocalSpool {
    if (this.opened === undefined) throw new Error("The spool is not open");
    return this.opened;
  }

  async open(): Promise<LocalSpool> {
    const { maximumCount = Infinity, maximumBytes = Infinity, deadLetterAgeMs = Infinity } = this.limits;
    const { folder, clock, log } = this;
    const options = { folder, maximumCount, maximumBytes, deadLetterAgeMs, clock, log };
    this.opened = await LocalSpool.open({
      ...options,
      start: async (onLost) => this.start(onLost),
      damagedStores: () => [],
      leave: async () => undefined,
    });
    return this.opened;
  }

  /** The process ends without a farewell, and another one opens the folder. */
  async crash(): Promise<LocalSpool> {
    await this.store?.close();
    this.store = undefined;
    return await this.open();
  }

  /** The store's thread ends by itself. */
  async loseThread(error: GatewayError): Promise<void> {
    await this.store?.close();
    this.store = undefined;
    this.onLost?.(error);
  }

  /** Changes what is stored of a record, behind the spool's back. */
  async tamper(change: (environment: Environment) => void): Promise<void> {
    const environment = openEnvironment(storeFiles(this.folder).store, mapSize);
    environment.root.transactionSync(() => change(environment));
    await environment.root.close();
  }

  private start(onLost: (error: GatewayError) => void): StoreThread {
    this.starts += 1;
    this.onLost = onLost;
    const files = storeFiles(this.folder);
    const store = new Store({
      folder: this.folder,
      open: () => this.withFailures(openEnvironment(files.store, mapSize)),
      ballast: new Ballast(files.ballast, this.limits.ballastBytes ?? 0),
      nowMs: this.clock.now(),
    });
    this.store = store;
    return {
      figures: store.figures(),
      refusing: "",
      notes: [],
      execute: async (batch) => await store.execute(batch),
      close: async () => await store.close(),
    };
  }

  private withFailures(environment: Environment): Environment {
    const root: Environment["root"] = Object.create(environment.root, {
      transactionSync: {
        value: <Result>(action: () => Result) =>
          environment.root.transactionSync(() => {
            const result = action();
            if (this.failures === 0) return result;
            this.failures -= 1;
            throw Object.assign(new Error("Input/output error"), { code: 5 });
          }),
      },
    });
    return { ...environment, root };
  }
}

/** Everything in its order and without limits, except for what is given. */
export function queueOptions(options: Partial<QueueOptions> = {}): QueueOptions {
  const none = { maximumAgeMs: Infinity, maximumCount: Infinity, maximumBytes: Infinity };
  return { replay: { kind: "all-in-order" }, ...none, ...options };
}

/** A result for some queues. */
export function entry(queues: string | readonly string[], text: string, more: Partial<SpoolEntry> = {}): SpoolEntry {
  const bytes = Buffer.from(text);
  return {
    queues: typeof queues === "string" ? [queues] : queues,
    subject: "host;service",
    timeMs: 1000,
    bytes,
    ...more,
  };
}

/** The texts of records. */
export function texts(records: readonly { readonly bytes: Uint8Array }[]): string[] {
  return records.map(({ bytes }) => Buffer.from(bytes).toString());
}

/** What waits in a queue, or is dead. */
export async function contentOf(
  spool: LocalSpool,
  queue: string,
  part: "waiting" | "dead" = "waiting",
): Promise<string[]> {
  return texts(await spool.list({ queue, part, limit: 10_000 }));
}

/** Claims a number of records. */
export async function claimTexts(queue: SpoolQueue, count = 100): Promise<string[]> {
  return texts(await queue.claim({ count, bytes: Infinity }));
}
