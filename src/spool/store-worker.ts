import { Worker } from "node:worker_threads";
import { GatewayError } from "../kernel/errors.js";
import type { Batch, FromThread, QueueFigures, Reply, ThreadOptions, ToThread } from "./messages.js";

/** The store's thread as its one user sees it. */
export interface StoreThread {
  /** How the store stood when it was opened. */
  readonly figures: readonly QueueFigures[];
  /** Why nothing was accepted then; empty when it was. */
  readonly refusing: string;
  /** What was done to the store before it was opened. */
  readonly notes: readonly string[];
  /** Does a batch; one at a time. @throws GatewayError UNAVAILABLE when the thread ends meanwhile */
  execute(batch: Batch): Promise<Reply>;
  /** Closes the store. @throws GatewayError UNAVAILABLE when the thread ends otherwise */
  close(): Promise<void>;
}

/** Beyond this the thread is ended by Node; payloads don't count, they lie outside of its heap. */
const heapMiB = 512;

/**
 * Starts the thread and waits until it has opened the store.
 *
 * @param onLost called when it ends without having been closed
 * @throws GatewayError when the store can't be opened
 */
export async function startStoreThread(
  options: ThreadOptions,
  onLost: (error: GatewayError) => void,
  script = new URL("./store-thread.js", import.meta.url),
): Promise<StoreThread> {
  const worker = new Worker(script, {
    name: "spool",
    workerData: options,
    // Options that are meant for the program, such as how to read it, would keep the thread from starting.
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: heapMiB },
  });
  const conversation = new Conversation(worker);
  const ready = await conversation.ask((message) => (message.kind === "ready" ? message : undefined));
  conversation.onLost = onLost;
  return {
    figures: ready.figures,
    refusing: ready.refusing,
    notes: ready.notes,
    execute: async (batch) => {
      const answer = conversation.ask((message) => (message.kind === "reply" ? message.reply : undefined));
      conversation.tell({ kind: "batch", batch }, [batch.bytes.buffer]);
      return await answer;
    },
    close: async () => {
      conversation.onLost = undefined;
      const answer = conversation.ask((message) => (message.kind === "closed" ? message : undefined));
      conversation.tell({ kind: "close" });
      await answer;
      await conversation.ended;
    },
  };
}

/** One question at a time; every question is answered, by the thread's end at the latest. */
class Conversation {
  onLost: ((error: GatewayError) => void) | undefined;
  readonly ended: Promise<void>;
  private waiting: { take(message: FromThread): void; reject(error: GatewayError): void } | undefined;
  private failure: GatewayError | undefined;

  constructor(private readonly worker: Worker) {
    worker.on("message", (message: FromThread) => {
      if (message.kind === "failed") this.failure ??= new GatewayError(message.code, message.message);
      else this.waiting?.take(message);
    });
    worker.on("error", (error) => {
      this.failure ??= new GatewayError("UNAVAILABLE", `The spool's thread failed: ${error.message}`, { cause: error });
    });
    this.ended = new Promise((resolve) => {
      worker.on("exit", () => {
        this.failure ??= new GatewayError("UNAVAILABLE", "The spool's thread ended");
        const { waiting, failure } = this;
        this.waiting = undefined;
        resolve();
        waiting?.reject(failure);
        this.onLost?.(failure);
      });
    });
  }

  /** The answer that `pick` recognises. */
  ask<Answer>(pick: (message: FromThread) => Answer | undefined): Promise<Answer> {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    return new Promise((resolve, reject) => {
      this.waiting = {
        reject,
        take: (message) => {
          const answer = pick(message);
          if (answer === undefined) return;
          this.waiting = undefined;
          resolve(answer);
        },
      };
    });
  }

  tell(message: ToThread, transfer: ArrayBuffer[] = []): void {
    this.worker.postMessage(message, transfer);
  }
}
