import { Metadata, type ServerWritableStream } from "@grpc/grpc-js";
import { GatewayError } from "../../kernel/errors.js";
import { streamError } from "./call-status.js";
import type { OpenStreams } from "./open-streams.js";

/** How much may wait for a reader of a feed. */
export interface FeedLimits {
  readonly messages: number;
  readonly bytes: number;
}

/**
 * A stream from the gateway to one reader. It never waits for the reader, and it never lets more than so much pile up.
 *
 * The library gets one message at a time; the others wait here, where they can be dropped when the stream is ended.
 */
export class Feed {
  private readonly waiting: Buffer[] = [];
  private waitingBytes = 0;
  private writing = false;
  private open = true;
  private ending = false;
  private readonly forget: () => void;

  /** @param closed called once when the stream is over, whoever ended it */
  constructor(
    private readonly surface: ServerWritableStream<Buffer, Buffer>,
    private readonly limits: FeedLimits,
    streams: OpenStreams,
    private readonly closed: () => void,
  ) {
    this.forget = streams.add((reason) => this.fail(reason));
    surface.on("cancelled", () => this.close());
  }

  get isOpen(): boolean {
    return this.open;
  }

  /** Tells the reader that the stream is in force, before there is anything to send. */
  announce(): void {
    if (this.open && !this.ending) this.surface.sendMetadata(new Metadata());
  }

  /** Whether the message was taken. One too many ends the stream with RESOURCE_EXHAUSTED. */
  send(message: Buffer): boolean {
    if (!this.open || this.ending) return false;
    if (this.waiting.length >= this.limits.messages || this.waitingBytes + message.length > this.limits.bytes) {
      this.fail(new GatewayError("RESOURCE_EXHAUSTED", `The reader fell ${this.waiting.length} messages behind.`));
      return false;
    }
    this.waiting.push(message);
    this.waitingBytes += message.length;
    this.pump();
    return true;
  }

  /** Ends the stream well, after what is waiting. */
  end(): void {
    this.ending = true;
    this.pump();
  }

  /** Ends the stream with an error; what is waiting is dropped. */
  fail(reason: unknown): void {
    if (!this.open) return;
    this.close();
    this.surface.emit("error", streamError(reason));
  }

  private pump(): void {
    if (this.writing || !this.open) return;
    const message = this.waiting.shift();
    if (message === undefined) {
      if (!this.ending) return;
      this.close();
      this.surface.end();
      return;
    }
    this.waitingBytes -= message.length;
    this.writing = true;
    this.surface.write(message, () => {
      this.writing = false;
      this.pump();
    });
  }

  private close(): void {
    if (!this.open) return;
    this.open = false;
    this.waiting.length = 0;
    this.waitingBytes = 0;
    this.forget();
    this.closed();
  }
}
