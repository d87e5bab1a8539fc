import type { handleBidiStreamingCall, ServerDuplexStream } from "@grpc/grpc-js";
import type { Call } from "../../kernel/call.js";
import { GatewayError } from "../../kernel/errors.js";
import { streamError } from "./call-status.js";
import type { OpenStreams } from "./open-streams.js";
import { callerGone, decodeMessage, encodeMessage, type Operation, type RpcParts } from "./rpc.js";

/** How much of a stream may be under way at once; reading stops beyond it. */
export interface StreamLimits {
  /** Messages that wait for their answer, or whose answer waits for the reader. */
  readonly messages: number;
  /** Bytes of those messages. */
  readonly bytes: number;
}

export interface DuplexParts extends RpcParts {
  readonly limits: StreamLimits;
  readonly streams: OpenStreams;
}

/**
 * An rpc with a stream of requests and a stream of answers that come as they are ready.
 *
 * A request is under way from the moment it is read until its answer has left for the reader. Reading stops while too
 * many are, so a reader that does not read stops its own requests, and nothing piles up here.
 */
export function duplexRpc<Request, Response>(
  parts: DuplexParts,
  operation: Operation<Request, Response>,
): handleBidiStreamingCall<Buffer, Buffer> {
  return (surface) => {
    const open = (call: Call) => new Duplex(parts, operation, surface, call).start();
    const refuse = (thrown: unknown) => surface.emit("error", streamError(thrown));
    try {
      const admitted = parts.door.admit(surface);
      if (admitted instanceof Promise) admitted.then(open).catch(refuse);
      else open(admitted);
    } catch (thrown) {
      refuse(thrown);
    }
  };
}

class Duplex<Request, Response> {
  private messages = 0;
  private bytes = 0;
  private paused = false;
  private readAll = false;
  private over: unknown;
  /** A message that the gateway was too busy for; it is tried again when an answer of this stream has left. */
  private held: Buffer | undefined;

  constructor(
    private readonly parts: DuplexParts,
    private readonly operation: Operation<Request, Response>,
    private readonly surface: ServerDuplexStream<Buffer, Buffer>,
    private readonly call: Call,
  ) {}

  start(): void {
    const { surface } = this;
    const forget = this.parts.streams.add((reason) => this.finish(reason));
    surface.on("cancelled", () => {
      forget();
      this.call.abort(callerGone());
    });
    surface.on("data", (bytes: Buffer) => this.take(bytes));
    surface.on("end", () => {
      this.readAll = true;
      this.endWhenDone();
    });
  }

  private take(bytes: Buffer): void {
    if (this.over !== undefined) return;
    this.messages++;
    this.bytes += bytes.length;
    this.dispatch(bytes);
    this.steer();
  }

  private dispatch(bytes: Buffer): void {
    let request: Request | undefined;
    try {
      const asked = decodeMessage(this.operation.method.request, bytes);
      request = asked;
      const answer = this.operation.handle(asked, this.call);
      if (answer instanceof Promise) {
        answer
          .then((late) => this.answer(asked, late, bytes))
          .catch((thrown: unknown) => this.fail(thrown, asked, bytes));
      } else {
        this.answer(asked, answer, bytes);
      }
    } catch (thrown) {
      this.fail(thrown, request, bytes);
    }
  }

  private answer(request: Request, answer: Response, bytes: Buffer): void {
    if (this.surface.destroyed || this.surface.writableEnded) return;
    const encoded = encodeMessage(this.operation.method.response, answer);
    this.parts.audit.done(this.operation.audit, request, this.call);
    this.operation.answered?.(request, answer, this.call);
    this.surface.write(encoded, () => this.leave(bytes));
    this.steer();
  }

  /** Called when an answer has left for the reader. */
  private leave(bytes: Buffer): void {
    this.messages--;
    this.bytes -= bytes.length;
    const { held } = this;
    this.held = undefined;
    if (held !== undefined) this.dispatch(held);
    this.steer();
    this.endWhenDone();
  }

  private fail(thrown: unknown, request: Request | undefined, bytes: Buffer): void {
    const busy = thrown instanceof GatewayError && thrown.code === "RESOURCE_EXHAUSTED";
    if (busy && this.held === undefined && this.messages > 1) {
      this.held = bytes;
      this.steer();
      return;
    }
    this.parts.audit.failed(this.operation.audit, request, this.call, thrown);
    this.messages--;
    this.bytes -= bytes.length;
    this.finish(thrown);
  }

  private steer(): void {
    const full =
      this.messages >= this.parts.limits.messages ||
      this.bytes >= this.parts.limits.bytes ||
      this.held !== undefined ||
      this.surface.writableNeedDrain;
    if (full === this.paused || this.over !== undefined) return;
    this.paused = full;
    if (full) this.surface.pause();
    else this.surface.resume();
  }

  /** Reads no more; what is under way is answered, then the stream ends with the reason. */
  private finish(reason: unknown): void {
    if (this.over !== undefined) return;
    this.over = reason;
    this.surface.pause();
    this.endWhenDone();
  }

  private endWhenDone(): void {
    if (this.messages > 0 || this.surface.writableEnded) return;
    if (this.over !== undefined) this.surface.emit("error", streamError(this.over));
    else if (this.readAll) this.surface.end();
  }
}
