import type { Clock } from "../../kernel/clock.js";
import type { GatewayError } from "../../kernel/errors.js";

/** Somebody who waits for an answer and may go away; a Call is one. */
export interface Caller {
  onAbort(listener: (reason: GatewayError) => void): () => void;
}

interface Flight<Value> {
  readonly answer: Promise<Value>;
  readonly controller: AbortController;
  callers: number;
}

interface Stored<Value> {
  readonly value: Value;
  readonly bytes: number;
  readonly until: number;
}

interface ResultCacheParts<Value> {
  readonly clock: Clock;
  /** Memory for answers, in bytes. */
  readonly maxBytes: number;
  sizeOf(key: string, value: Value): number;
}

/**
 * Makes one of equal queries: those that come while the first is on its way wait for its answer, and those that come shortly
 * after get it again. The query goes on while one of its callers is there. A failure is not kept.
 */
export class ResultCache<Value> {
  private readonly flights = new Map<string, Flight<Value>>();
  /** Oldest first. */
  private readonly stored = new Map<string, Stored<Value>>();
  private bytes = 0;
  private sweeping: (() => void) | undefined;
  private served = 0;
  private maxBytes: number;

  constructor(private readonly parts: ResultCacheParts<Value>) {
    this.maxBytes = parts.maxBytes;
  }

  /** Answers that are kept, their size in bytes, and how many queries needed none of their own. */
  get figures(): { readonly answers: number; readonly bytes: number; readonly served: number } {
    return { answers: this.stored.size, bytes: this.bytes, served: this.served };
  }

  setMaxBytes(maxBytes: number): void {
    this.maxBytes = maxBytes;
    this.shrink();
  }

  /** Forgets all answers; queries on their way go on. */
  clear(): void {
    this.stored.clear();
    this.bytes = 0;
    this.sweeping?.();
    this.sweeping = undefined;
  }

  /**
   * The answer of an equal query, or that of `run`.
   *
   * @param keepMs for how long the answer serves others; 0: for nobody, and nobody waits for it with this caller
   * @param run gets a signal that is aborted when the last caller has gone
   * @throws GatewayError the reason for which the caller has gone, and whatever `run` throws
   */
  answer(key: string, keepMs: number, caller: Caller, run: (signal: AbortSignal) => Promise<Value>): Promise<Value> {
    if (keepMs <= 0) return this.join(this.fly(run), caller);
    const stored = this.stored.get(key);
    if (stored !== undefined && stored.until > this.parts.clock.monotonic()) {
      this.served++;
      return Promise.resolve(stored.value);
    }
    const known = this.flights.get(key);
    if (known !== undefined) {
      this.served++;
      return this.join(known, caller);
    }
    const flight = this.fly(run);
    this.flights.set(key, flight);
    const landed = () => {
      if (this.flights.get(key) === flight) this.flights.delete(key);
    };
    flight.controller.signal.addEventListener("abort", landed, { once: true });
    flight.answer.then(
      (value) => {
        landed();
        this.store(key, value, keepMs);
      },
      () => landed(),
    );
    return this.join(flight, caller);
  }

  private fly(run: (signal: AbortSignal) => Promise<Value>): Flight<Value> {
    const controller = new AbortController();
    return { answer: run(controller.signal), controller, callers: 0 };
  }

  private join(flight: Flight<Value>, caller: Caller): Promise<Value> {
    flight.callers++;
    return new Promise((resolve, reject) => {
      let hasLeft = false;
      const leave = () => {
        if (hasLeft) return;
        hasLeft = true;
        flight.callers--;
      };
      const stop = caller.onAbort((reason) => {
        leave();
        reject(reason);
        if (flight.callers === 0) flight.controller.abort(reason);
      });
      flight.answer.then(resolve, reject).finally(() => {
        leave();
        stop();
      });
    });
  }

  private store(key: string, value: Value, keepMs: number): void {
    const bytes = this.parts.sizeOf(key, value);
    this.drop(key);
    this.stored.set(key, { value, bytes, until: this.parts.clock.monotonic() + keepMs });
    this.bytes += bytes;
    this.shrink();
    this.sweepLater();
  }

  private drop(key: string): void {
    const stored = this.stored.get(key);
    if (stored === undefined) return;
    this.stored.delete(key);
    this.bytes -= stored.bytes;
  }

  private shrink(): void {
    for (const key of this.stored.keys()) {
      if (this.bytes <= this.maxBytes) return;
      this.drop(key);
    }
  }

  /** Answers that nobody asked for again must not stay in memory. */
  private sweepLater(): void {
    if (this.sweeping !== undefined || this.stored.size === 0) return;
    this.sweeping = this.parts.clock.after(sweepMs, () => {
      this.sweeping = undefined;
      const now = this.parts.clock.monotonic();
      for (const [key, { until }] of this.stored) if (until <= now) this.drop(key);
      this.sweepLater();
    });
  }
}

const sweepMs = 5_000;
