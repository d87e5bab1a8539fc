import type { Socket } from "node:net";
import type { Clock } from "../../kernel/clock.js";
import { LineReader, type ServerLine } from "../../wire/nsca-ng/lines.js";
import { connectionFailure } from "./connection-failure.js";

/** Who waits for lines. */
interface Waiter {
  resolve(lines: readonly ServerLine[]): void;
  reject(error: Error): void;
}

/** A connection that answers lines to what is written, one exchange at a time, each with its own time. */
export class LineConnection {
  private readonly reader = new LineReader();
  private waiter: Waiter | undefined;
  private problem: Error | undefined;

  constructor(
    private readonly socket: Socket,
    private readonly clock: Clock,
  ) {
    socket.on("data", (bytes: Buffer) => this.receive(bytes));
    socket.on("error", (error) => this.fail(new Error(connectionFailure(error))));
    socket.on("end", () => this.fail(new Error("The server closed the connection")));
    socket.on("close", () => this.fail(new Error("The server closed the connection")));
  }

  /**
   * Writes, and answers the lines that come next.
   *
   * @throws Error when none comes within the time, or the connection ends; `waitsFor` says in it what for
   */
  async exchange(bytes: Buffer, timeoutMs: number, waitsFor: string): Promise<readonly ServerLine[]> {
    if (this.problem !== undefined) throw this.problem;
    const late = () => this.fail(new Error(`The server did not send ${waitsFor} within ${timeoutMs / 1000} s`));
    const cancel = this.clock.after(timeoutMs, late);
    try {
      return await new Promise<readonly ServerLine[]>((resolve, reject) => {
        this.waiter = { resolve, reject };
        this.socket.write(bytes);
      });
    } finally {
      this.waiter = undefined;
      cancel();
    }
  }

  /** Ends the connection and waits until the server has ended it too, but no longer than the time. */
  async close(timeoutMs: number): Promise<void> {
    if (!this.socket.destroyed) {
      const closed = new Promise<void>((resolve) => this.socket.once("close", () => resolve()));
      const cancel = this.clock.after(timeoutMs, () => this.socket.destroy());
      this.socket.end();
      await closed;
      cancel();
    }
  }

  /** Ends the connection at once; an exchange that runs fails with this reason. */
  destroy(reason: Error): void {
    this.fail(reason);
  }

  private receive(bytes: Buffer): void {
    if (this.problem !== undefined) return;
    try {
      const lines = this.reader.feed(bytes);
      if (lines.length === 0) return;
      if (this.waiter !== undefined) this.waiter.resolve(lines);
      // The server talks without being asked: what it says now would be taken for the answer to the next request.
      else this.fail(new Error(`The server sent ${JSON.stringify(lines[0]?.whole)} without being asked`));
    } catch (thrown) {
      this.fail(thrown instanceof Error ? thrown : new Error(String(thrown)));
    }
  }

  private fail(error: Error): void {
    if (this.problem !== undefined) return;
    this.problem = error;
    this.waiter?.reject(error);
    this.socket.destroy();
  }
}
