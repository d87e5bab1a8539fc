import type { handleBidiStreamingCall, ServerDuplexStream } from "@grpc/grpc-js";
import { callerGone, decodeMessage, encodeMessage, type Operation } from "../../front-end/operation.js";
import type { Call } from "../../kernel/call.js";
import { GatewayError } from "../../kernel/errors.js";
import { streamError } from "./call-status.js";
import type { OpenStreams } from "./open-streams.js";
import type { RpcParts } from "./rpc.js";

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
    const open = () => {
      if (!surface.cancelled) new Duplex(parts, operation, surface).start();
    };
    const refuse = (thrown: unknown) => surface.emit("error", streamError(thrown));
    try {
      const admitted = parts.door.admit(surface);
      if (admitted instanceof Promise) admitted.then(open).catch(refuse);
      else open();
    } catch (thrown) {
      refuse(thrown);
    }
  };
}

/** A message of a stream from its arrival until its answer has left. */
interface Task<Request> {
  readonly message: Buffer;
  /** What it keeps in memory: its own bytes, then those of its answer. */
  bytes: number;
  call: Call | undefined;
  request: Request | undefined;
}

class Duplex<Request, Response> {
  private readonly tasks = new Set<Task<Request>>();
  private bytes = 0;
  private paused = false;
  private readAll = false;
  private over: unknown;
  /** A message that the gateway was too busy for; it is tried again when an answer of this stream has left. */
  private held: Task<Request> | undefined;

  constructor(
    private readonly parts: DuplexParts,
    private readonly operation: Operation<Request, Response>,
    private readonly surface: ServerDuplexStream<Buffer, Buffer>,
  ) {}

  start(): void {
    const { surface } = this;
    const forget = this.parts.streams.add((reason) => this.finish(reason));
    surface.on("cancelled", () => {
      forget();
      for (const { call } of this.tasks) call?.abort(callerGone());
    });
    surface.on("data", (message: Buffer) => this.take(message));
    surface.on("end", () => {
      this.readAll = true;
      this.endWhenDone();
    });
  }

  /** Every message is a call of its own: who sends it is looked at again, in case a token was taken back meanwhile. */
  private take(message: Buffer): void {
    if (this.over !== undefined) return;
    const task: Task<Request> = { message, bytes: message.length, call: undefined, request: undefined };
    this.tasks.add(task);
    this.bytes += task.bytes;
    try {
      const admitted = this.parts.door.admit(this.surface);
      if (admitted instanceof Promise) {
        admitted.then((call) => this.dispatch(task, call)).catch((thrown: unknown) => this.fail(task, thrown));
      } else {
        this.dispatch(task, admitted);
      }
    } catch (thrown) {
      this.fail(task, thrown);
    }
    this.steer();
  }

  private dispatch(task: Task<Request>, call: Call): void {
    task.call = call;
    try {
      const request = decodeMessage(this.operation.method.request, task.message);
      task.request = request;
      const answer = this.operation.handle(request, call);
      if (answer instanceof Promise) {
        answer
          .then((late) => this.answer(task, request, late, call))
          .catch((thrown: unknown) => this.fail(task, thrown));
      } else {
        this.answer(task, request, answer, call);
      }
    } catch (thrown) {
      this.fail(task, thrown);
    }
  }

  private answer(task: Task<Request>, request: Request, answer: Response, call: Call): void {
    if (this.surface.destroyed || this.surface.writableEnded) return;
    const encoded = encodeMessage(this.operation.method.response, answer);
    this.parts.audit.done(this.operation.audit, request, call, answer);
    this.bytes += encoded.length - task.bytes;
    task.bytes = encoded.length;
    this.surface.write(encoded, () => this.leave(task));
    this.steer();
  }

  /** Called when an answer has left for the reader. */
  private leave(task: Task<Request>): void {
    this.forget(task);
    const { held } = this;
    this.held = undefined;
    if (held?.call !== undefined) this.dispatch(held, held.call);
    this.steer();
    this.endWhenDone();
  }

  private fail(task: Task<Request>, thrown: unknown): void {
    const busy = thrown instanceof GatewayError && thrown.code === "RESOURCE_EXHAUSTED";
    if (busy && this.held === undefined && this.tasks.size > 1) {
      this.held = task;
      this.steer();
      return;
    }
    if (task.call !== undefined) this.parts.audit.failed(this.operation.audit, task.request, task.call, thrown);
    this.forget(task);
    this.finish(thrown);
  }

  private forget(task: Task<Request>): void {
    if (this.tasks.delete(task)) this.bytes -= task.bytes;
  }

  private steer(): void {
    const full =
      this.tasks.size >= this.parts.limits.messages ||
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
    this.over ??= reason;
    this.surface.pause();
    this.endWhenDone();
  }

  private endWhenDone(): void {
    if (this.tasks.size > 0 || this.surface.writableEnded) return;
    if (this.over !== undefined) this.surface.emit("error", streamError(this.over));
    else if (this.readAll) this.surface.end();
  }
}
