import type { Clock } from "../../kernel/clock.js";
import { secondsText } from "../../kernel/deadlines.js";
import { GatewayError } from "../../kernel/errors.js";

/** Who wants a connection, and how long to wait for it. */
export interface SlotRequest {
  /** Host and port: connections to the same place are counted together. */
  readonly place: string;
  /** Who asks for it, see {@link ConnectionSlots.refuseAll}. */
  readonly key: string;
  readonly maxConnections: number;
  readonly maxWaiting: number;
  /** Milliseconds. */
  readonly timeoutMs: number;
  /**
   * Milliseconds to wait beyond that. Who waits for connections that began in the same moment then hears what became of them:
   * that the agent can't be reached, and not that there was no room.
   */
  readonly graceMs?: number;
}

interface Line {
  /** Connections that are open, or may be as soon as there is room for one more in total. */
  admitted: number;
  readonly waiting: Set<Waiter>;
}

interface Waiter {
  readonly line: Line;
  readonly key: string;
  enter(): void;
  refuse(reason: Error): void;
}

/**
 * Counts connections: those to each agent, and all of them. Who finds no room waits, first at the agent's own line and then
 * at that for all agents, so that a line before an agent that hangs keeps nobody from the others.
 */
export class ConnectionSlots {
  private readonly lines = new Map<string, Line>();
  /** Those that their agent has room for. */
  private readonly ready = new Set<Waiter>();
  private open = 0;
  private inLine = 0;

  constructor(
    private readonly clock: Clock,
    private total: number,
  ) {}

  /** Connections in use, and queries that wait for one. */
  get figures(): { readonly open: number; readonly waiting: number } {
    return { open: this.open, waiting: this.inLine + this.ready.size };
  }

  setTotal(total: number): void {
    this.total = total;
    this.admit();
  }

  /**
   * Waits for room. @returns what gives it back
   * @throws GatewayError RESOURCE_EXHAUSTED when the line is full, DEADLINE_EXCEEDED when the time-out comes first, or the
   * reason that the signal has
   */
  acquire(request: SlotRequest, signal: AbortSignal): Promise<() => void> {
    const { key, place, maxConnections, maxWaiting, timeoutMs, graceMs = 0 } = request;
    const line = this.lines.get(place) ?? { admitted: 0, waiting: new Set() };
    this.lines.set(place, line);
    const isRoom = line.admitted < maxConnections;
    if (!isRoom && line.waiting.size >= maxWaiting) {
      return Promise.reject(
        new GatewayError(
          "RESOURCE_EXHAUSTED",
          `${place}: ${maxConnections} connections are in use and ${maxWaiting} queries wait already (max connections, max waiting)`,
        ),
      );
    }
    return new Promise((resolve, reject) => {
      const cancel = this.clock.after(timeoutMs + graceMs, () => {
        const what = this.ready.has(waiter)
          ? `${this.total} connections to agents (total connections)`
          : `${maxConnections} connections (max connections)`;
        waiter.refuse(
          new GatewayError(
            "DEADLINE_EXCEEDED",
            `${place}: none of ${what} came free within ${secondsText(timeoutMs)} s`,
          ),
        );
      });
      const done = () => {
        cancel();
        signal.removeEventListener("abort", abort);
      };
      const waiter: Waiter = {
        ...{ line, key },
        enter: () => {
          done();
          this.open++;
          resolve(this.releaser(place, line));
        },
        refuse: (reason) => {
          done();
          this.leave(place, waiter);
          reject(reason);
        },
      };
      const abort = () => waiter.refuse(asError(signal.reason));
      signal.addEventListener("abort", abort, { once: true });
      if (isRoom) {
        line.admitted++;
        this.ready.add(waiter);
      } else {
        line.waiting.add(waiter);
        this.inLine++;
      }
      if (signal.aborted) abort();
      else this.admit();
    });
  }

  /** The agent can't be reached: those who would reach it in the same way need not wait for it. */
  refuseAll(place: string, key: string, reason: Error): void {
    for (const waiter of [...(this.lines.get(place)?.waiting ?? [])]) if (waiter.key === key) waiter.refuse(reason);
  }

  private admit(): void {
    for (const waiter of this.ready) {
      if (this.open >= this.total) return;
      this.ready.delete(waiter);
      waiter.enter();
    }
  }

  private releaser(place: string, line: Line): () => void {
    let isReleased = false;
    return () => {
      if (isReleased) return;
      isReleased = true;
      this.open--;
      this.pass(place, line);
      this.admit();
    };
  }

  /** A place at the agent is free for the next in its line. */
  private pass(place: string, line: Line): void {
    const [next] = line.waiting;
    if (next !== undefined) {
      line.waiting.delete(next);
      this.inLine--;
      this.ready.add(next);
      return;
    }
    line.admitted--;
    if (line.admitted === 0) this.lines.delete(place);
  }

  private leave(place: string, waiter: Waiter): void {
    if (waiter.line.waiting.delete(waiter)) this.inLine--;
    else if (this.ready.delete(waiter)) this.pass(place, waiter.line);
  }
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new GatewayError("CANCELLED", "The call was ended.");
}
