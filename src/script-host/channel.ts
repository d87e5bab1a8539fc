import type { Duplex } from "node:stream";
import { encodeFrame, FrameDecoder, maxMessageBytes } from "./frame.js";
import { longForm, shortForm, shortSize } from "./short-form.js";

/** Frames are closed at about this length of JSON, so that a burst of long messages stays below the limit of a frame. */
const frameTarget = 1024 * 1024;

/** So many calls or answers leave without waiting for the turn's end: the other side works on them meanwhile. */
const shortTarget = 25;

export interface ChannelEvents<Incoming> {
  onMessage(message: Incoming, raw: Uint8Array | undefined): void;
  /** Once, when the other side is gone; with a reason when it is there but not understood. */
  onClose(reason: Error | undefined): void;
}

/**
 * One end of the connection between the gateway and a host, or one script of it.
 *
 * It always reads, so that the other side never waits with a full pipe, and it never waits for a write. All messages of
 * one turn of the event loop leave in one write, or in a few when they are many.
 */
export class Channel<Incoming, Outgoing extends object> {
  private readonly decoder = new FrameDecoder();
  private texts: string[] = [];
  /** Messages in short form that come after the texts, written as one text when the frame is. */
  private short: unknown[] = [];
  private blocks: Uint8Array[] = [];
  private size = 0;
  private scheduled = false;
  private closed = false;
  private closing = false;

  constructor(
    private readonly stream: Duplex,
    private readonly events: ChannelEvents<Incoming>,
  ) {
    stream.on("data", (chunk: Buffer) => this.receive(chunk));
    stream.on("error", () => this.end(undefined));
    stream.on("close", () => this.end(undefined));
    stream.on("end", () => this.end(undefined));
  }

  /**
   * Sends when this turn of the event loop ends. A channel that is closed drops the message.
   *
   * @param raw the block that goes with the message
   * @throws RangeError when the message is longer than 16 MiB
   */
  send(message: Outgoing, raw?: Uint8Array): void {
    const short = raw === undefined ? shortSize(message) : 0;
    if (short > 0) {
      if (this.closed || this.closing) return;
      this.short.push(shortForm(message));
      if (this.short.length >= shortTarget) this.flush();
      this.grow(short);
      return;
    }
    const text = JSON.stringify(raw === undefined ? message : { ...message, raw: raw.byteLength });
    const size = text.length + (raw?.byteLength ?? 0);
    if (size > maxMessageBytes) {
      throw new RangeError(`A message of ${size} bytes is longer than the limit of ${maxMessageBytes}.`);
    }
    if (this.closed || this.closing) return;
    this.writeShort();
    this.texts.push(text);
    if (raw !== undefined) this.blocks.push(raw);
    this.grow(size);
  }

  private writeShort(): void {
    if (this.short.length === 0) return;
    this.texts.push(JSON.stringify(this.short).slice(1, -1));
    this.short = [];
  }

  private grow(size: number): void {
    this.size += size;
    if (this.size > frameTarget) this.flush();
    else if (!this.scheduled) {
      this.scheduled = true;
      setImmediate(() => {
        this.scheduled = false;
        this.flush();
      });
    }
  }

  /** Writes what is waiting. */
  flush(): void {
    if (this.closed) return;
    this.writeShort();
    if (this.texts.length === 0) return;
    const frame = encodeFrame(this.texts, this.blocks);
    this.texts = [];
    this.blocks = [];
    this.size = 0;
    this.stream.write(frame);
  }

  /** Sends what is waiting and ends the connection. */
  close(): void {
    this.flush();
    this.closing = true;
    this.stream.end();
  }

  /** Ends the connection at once. */
  destroy(): void {
    this.stream.destroy();
  }

  private receive(chunk: Buffer): void {
    if (this.closed) return;
    try {
      for (const { message, raw } of this.decoder.push(chunk)) {
        this.events.onMessage(longForm(message as object) as Incoming, raw);
        if (this.closed) return;
      }
    } catch (thrown) {
      this.end(thrown instanceof Error ? thrown : new Error(String(thrown)));
    }
  }

  private end(reason: Error | undefined): void {
    if (this.closed) return;
    this.closed = true;
    this.stream.destroy();
    this.events.onClose(reason);
  }
}
