import type { GatewayError } from "../../kernel/errors.js";

/** The streams that stay open until somebody ends them, so that a shutdown can. */
export class OpenStreams {
  private readonly streams = new Set<(reason: GatewayError) => void>();

  get count(): number {
    return this.streams.size;
  }

  /** @returns how to forget the stream, when it has ended by itself */
  add(end: (reason: GatewayError) => void): () => void {
    this.streams.add(end);
    return () => this.streams.delete(end);
  }

  endAll(reason: GatewayError): void {
    for (const end of [...this.streams]) end(reason);
    this.streams.clear();
  }
}
