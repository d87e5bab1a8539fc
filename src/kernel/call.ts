import { GatewayError } from "./errors.js";
import type { Principal } from "./principal.js";

/** How deep calls may nest: a check that queries a check that queries … */
export const maxDepth = 512;

/** What a front end knows about a call when it comes in. */
export interface CallOrigin {
  readonly principal: Principal;
  /** Which door: `grpc`, `control`, `cli`, `script`, `scheduler`, … */
  readonly frontEnd: string;
  /** Address of the peer, or empty for calls from inside. */
  readonly peer?: string;
  readonly traceId: string;
  /** Until when the caller waits, on the monotonic clock in milliseconds. */
  readonly deadline?: number;
  /** Whether the call came over a network, so that its header is not to be trusted. */
  readonly remote?: boolean;
}

/**
 * The context of a call: who, until when, from where, and whether the caller is still there.
 *
 * A call has children (one per payload, and one per nested call); aborting it aborts them. The AbortSignal is made only
 * when somebody asks for it, because most checks answer at once and never do.
 */
export class Call {
  readonly principal: Principal;
  readonly frontEnd: string;
  readonly peer: string;
  readonly traceId: string;
  readonly remote: boolean;
  readonly depth: number;
  /** The module instance that makes this call, if one does. */
  readonly caller: CallingModule | undefined;
  readonly deadline: number | undefined;
  private reason: GatewayError | undefined;
  private controller: AbortController | undefined;
  private listeners: Set<(reason: GatewayError) => void> | undefined;
  private release: (() => void) | undefined;
  private finished = false;

  constructor(
    origin: CallOrigin,
    private readonly parent?: Call,
    caller?: CallingModule,
  ) {
    this.principal = origin.principal;
    this.frontEnd = origin.frontEnd;
    this.peer = origin.peer ?? "";
    this.traceId = origin.traceId;
    this.remote = origin.remote ?? false;
    this.deadline = origin.deadline;
    this.caller = caller;
    this.depth = parent === undefined ? 0 : parent.depth + 1;
  }

  /** Aborted when the caller goes away, the deadline passes or the owner is unloaded. */
  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController();
      this.followParent();
      if (this.reason !== undefined) this.controller.abort(this.reason);
    }
    return this.controller.signal;
  }

  /** Why the call was aborted, if it was. */
  get aborted(): GatewayError | undefined {
    return this.reason ?? this.parent?.aborted;
  }

  abort(reason: GatewayError): void {
    if (this.reason !== undefined) return;
    this.reason = reason;
    const listeners = this.listeners;
    this.listeners = undefined;
    this.controller?.abort(reason);
    if (listeners !== undefined) for (const listener of listeners) listener(reason);
  }

  /** Calls `listener` once when the call is aborted; at once if it already is. Returns how to stop listening. */
  onAbort(listener: (reason: GatewayError) => void): () => void {
    this.followParent();
    if (this.reason !== undefined) {
      listener(this.reason);
      return () => {};
    }
    this.listeners ??= new Set();
    const listeners = this.listeners;
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  /** A call that nobody listens to needs no place among its parent's listeners. */
  private followParent(): void {
    if (this.parent === undefined || this.release !== undefined || this.finished || this.reason !== undefined) return;
    this.release = this.parent.onAbort((reason) => this.abort(reason));
  }

  /** Must be called when the call has its answer, so that a long-lived parent does not keep it. */
  finish(): void {
    this.finished = true;
    this.release?.();
    this.release = undefined;
  }

  /**
   * A call made on behalf of this one.
   *
   * @param caller the module instance that makes it
   * @param principal whose grants count: the same principal's unless given
   * @throws GatewayError RESOURCE_EXHAUSTED when calls nest deeper than {@link maxDepth}
   */
  nested(caller?: CallingModule, principal: Principal = this.principal): Call {
    if (this.depth >= maxDepth) {
      throw new GatewayError("RESOURCE_EXHAUSTED", `Calls are nested deeper than ${maxDepth}.`);
    }
    const origin = {
      principal,
      frontEnd: this.frontEnd,
      peer: this.peer,
      traceId: this.traceId,
      remote: this.remote && principal === this.principal,
      ...(this.deadline === undefined ? {} : { deadline: this.deadline }),
    };
    return new Call(origin, this, caller ?? this.caller);
  }
}

/** The module instance that makes a call. */
export interface CallingModule {
  readonly id: number;
  readonly name: string;
  readonly alias: string;
}
