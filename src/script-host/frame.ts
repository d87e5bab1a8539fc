/**
 * What travels between the gateway and a script host.
 *
 *     offset  size  field
 *     0       4     length of all that follows, unsigned, big-endian
 *     4       4     length of the head
 *     8       head  JSON in UTF-8: an array of messages
 *     …       rest  raw blocks one after the other, in the order of the messages that have one
 *
 * A message with a block names its size in `raw`. Whoever has many messages to send at once puts them in one frame: one
 * JSON text and one system call for all of them.
 */

/** The longest frame that is read. Whoever sends a longer one is not understood any more. */
export const maxFrameBytes = 64 * 1024 * 1024;

/** The longest message that is sent, head and block together, so that a frame always has room for it. */
export const maxMessageBytes = 16 * 1024 * 1024;

const prefixBytes = 8;

/** A message of a frame, and its raw block if it has one. */
export interface Received {
  readonly message: unknown;
  readonly raw: Uint8Array | undefined;
}

/** The frame for messages that are JSON texts already. */
export function encodeFrame(messages: readonly string[], blocks: readonly Uint8Array[]): Buffer {
  const head = `[${messages.join(",")}]`;
  const headBytes = Buffer.byteLength(head);
  let total = prefixBytes + headBytes;
  for (const block of blocks) total += block.byteLength;
  const frame = Buffer.allocUnsafe(total);
  frame.writeUInt32BE(total - 4, 0);
  frame.writeUInt32BE(headBytes, 4);
  frame.write(head, prefixBytes);
  let offset = prefixBytes + headBytes;
  for (const block of blocks) {
    frame.set(block, offset);
    offset += block.byteLength;
  }
  return frame;
}

/** Takes frames out of a stream of bytes that is cut anywhere. */
export class FrameDecoder {
  private chunks: Buffer[] = [];
  private buffered = 0;

  /**
   * @returns the messages of every frame that is complete now, in order
   * @throws Error for what is no frame; nothing after it can be read
   */
  push(chunk: Buffer): Received[] {
    this.chunks.push(chunk);
    this.buffered += chunk.length;
    const messages: Received[] = [];
    for (let frame = this.nextFrame(); frame !== undefined; frame = this.nextFrame()) decodeFrame(frame, messages);
    return messages;
  }

  /** Whether a frame has begun that is not complete. */
  get isPartial(): boolean {
    return this.buffered > 0;
  }

  private nextFrame(): Buffer | undefined {
    if (this.buffered < prefixBytes) return undefined;
    let first = this.chunks[0];
    if (first === undefined) return undefined;
    if (first.length < prefixBytes) first = this.merge();
    const total = first.readUInt32BE(0) + 4;
    if (total > maxFrameBytes || total < prefixBytes) throw new Error(`A frame of ${total} bytes is out of bounds.`);
    if (this.buffered < total) return undefined;
    if (first.length < total) first = this.merge();
    const frame = first.subarray(0, total);
    this.buffered -= total;
    if (first.length === total) this.chunks.shift();
    else this.chunks[0] = first.subarray(total);
    return frame;
  }

  /** Only called when the bytes are needed in one piece, so that a long frame is copied once and not for every chunk. */
  private merge(): Buffer {
    const merged = Buffer.concat(this.chunks);
    this.chunks = [merged];
    return merged;
  }
}

function decodeFrame(frame: Buffer, messages: Received[]): void {
  const headEnd = prefixBytes + frame.readUInt32BE(4);
  if (headEnd > frame.length) throw new Error("The head of a frame is longer than the frame.");
  const head: unknown = JSON.parse(frame.toString("utf8", prefixBytes, headEnd));
  if (!Array.isArray(head)) throw new Error("The head of a frame is no array of messages.");
  let offset = headEnd;
  for (const message of head as unknown[]) {
    if (typeof message !== "object" || message === null) throw new Error("A message is no object.");
    const size = "raw" in message ? message.raw : undefined;
    if (size === undefined) {
      messages.push({ message, raw: undefined });
      continue;
    }
    if (typeof size !== "number" || !Number.isInteger(size) || size < 0 || offset + size > frame.length) {
      throw new Error(`A raw block of ${String(size)} bytes is not in the frame.`);
    }
    messages.push({ message, raw: frame.subarray(offset, offset + size) });
    offset += size;
  }
  if (offset !== frame.length) throw new Error("A frame has bytes that belong to no message.");
}
