import type { GatewayError } from "../../kernel/errors.js";

/** The streams that stay open until somebody ends them, so that a shutdown can. */
export class OpenStreams {
  private readonly streams = new Set<(reason: GatewayError) => void>();
  private readonly checks = new Set<() => void>();

  get count(): number {
    return this.streams.size;
  }

  /** @returns how to forget the stream, when it has ended by itself */
  add(end: (reason: GatewayError) => void): () => void {
    this.streams.add(end);
    return () => this.streams.delete(end);
  }

  /** @returns how to forget what looks again at the reader of a stream */
  addCheck(check: () => void): () => void {
    this.checks.add(check);
    return () => this.checks.delete(check);
  }

  /** Who may do what is not as it was. */
  checkAll(): void {
    for (const check of [...this.checks]) check();
  }

  endAll(reason: GatewayError): void {
    for (const end of [...this.streams]) end(reason);
    this.streams.clear();
  }
}
