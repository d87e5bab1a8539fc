import { GatewayError } from "./errors.js";
import type { Principal } from "./principal.js";
import type { Witness } from "./witness.js";

/** How deep calls may nest: a check that queries a check that queries … */
export const maxDepth = 512;

/** Through how many gateways a call may go: configured targets can form a circle, and a call must come to an end in it. */
const maxHops = 8;

/** What a front end knows about a call when it comes in. */
export interface CallOrigin {
  readonly principal: Principal;
  /** Which door: `grpc`, `control`, `cli`, `script`, `scheduler`, … */
  readonly frontEnd: string;
  /** The module whose door it is, for policies: `WEBServer`. Without it they go by the name of the door. */
  readonly module?: string | undefined;
  /** Address of the peer, or empty for calls from inside. */
  readonly peer?: string;
  readonly traceId: string;
  /** Until when the caller waits, on the monotonic clock in milliseconds. */
  readonly deadline?: number | undefined;
  /** Whether the call came over a network, so that its header is not to be trusted. */
  readonly remote?: boolean;
  /** How many gateways it has come through before this one. */
  readonly hops?: number;
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
  readonly module: string | undefined;
  readonly peer: string;
  readonly traceId: string;
  readonly remote: boolean;
  readonly depth: number;
  readonly hops: number;
  /** The module instance that makes this call, if one does. */
  readonly caller: CallingModule | undefined;
  readonly deadline: number | undefined;
  /** Who can say where the work on this call stands, if anybody can. */
  witness: Witness | undefined;
  private reason: GatewayError | undefined;
  private controller: AbortController | undefined;
  /** A list and no Set: nearly every call of a script has two listeners, and Sets of two are mostly air. */
  private firstListener: Listener | undefined;
  private lastListener: Listener | undefined;
  private release: (() => void) | undefined;
  private finished = false;

  constructor(
    origin: CallOrigin,
    private readonly parent?: Call,
    caller?: CallingModule,
    depth = parent === undefined ? 0 : parent.depth + 1,
  ) {
    this.principal = origin.principal;
    this.frontEnd = origin.frontEnd;
    this.module = origin.module;
    this.peer = origin.peer ?? "";
    this.traceId = origin.traceId;
    this.remote = origin.remote ?? false;
    this.hops = origin.hops ?? 0;
    this.deadline = origin.deadline;
    this.caller = caller;
    this.depth = depth;
    this.witness = undefined;
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
    const listeners: Listener[] = [];
    for (let entry = this.firstListener; entry !== undefined; entry = entry.next) listeners.push(entry);
    this.firstListener = undefined;
    this.lastListener = undefined;
    this.controller?.abort(reason);
    for (const entry of listeners) if (!entry.stopped) entry.notify(reason);
  }

  /** Calls `listener` once when the call is aborted; at once if it already is. Returns how to stop listening. */
  onAbort(listener: (reason: GatewayError) => void): () => void {
    this.followParent();
    if (this.reason !== undefined) {
      listener(this.reason);
      return () => {};
    }
    const previous = this.lastListener;
    const entry: Listener = { notify: listener, previous, next: undefined, stopped: false };
    if (previous === undefined) this.firstListener = entry;
    else previous.next = entry;
    this.lastListener = entry;
    return () => this.stopListening(entry);
  }

  private stopListening(entry: Listener): void {
    if (entry.stopped) return;
    entry.stopped = true;
    const { previous, next } = entry;
    if (previous !== undefined) previous.next = next;
    if (next !== undefined) next.previous = previous;
    if (this.firstListener === entry) this.firstListener = next;
    if (this.lastListener === entry) this.lastListener = previous;
    // An old entry must not keep the younger ones alive.
    entry.previous = undefined;
    entry.next = undefined;
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
   * A call made on behalf of this one: an owner is asked for an answer.
   *
   * @throws GatewayError RESOURCE_EXHAUSTED when calls nest deeper than {@link maxDepth}
   */
  nested(): Call {
    if (this.depth >= maxDepth) {
      throw new GatewayError("RESOURCE_EXHAUSTED", `Calls are nested deeper than ${maxDepth}.`);
    }
    return new Call(this, this, this.caller);
  }

  /**
   * A call that a module makes while it answers this one, with its own grants. It is as deep as this one: the level is
   * counted when an owner is asked.
   */
  madeBy(caller: CallingModule, principal: Principal): Call {
    const { frontEnd, peer, traceId, deadline, hops } = this;
    return new Call({ principal, frontEnd, peer, traceId, deadline, hops }, this, caller, this.depth);
  }

  /** The same call with the grants of `principal`: the way it came in, its deadline and its depth stay. */
  withPrincipal(principal: Principal): Call {
    const { frontEnd, module, peer, traceId, deadline, remote, hops } = this;
    const origin = { principal, frontEnd, module, peer, traceId, deadline, remote, hops };
    return new Call(origin, this, this.caller, this.depth);
  }

  /**
   * The number of hops to tell another gateway that this call is passed on to.
   *
   * @throws GatewayError RESOURCE_EXHAUSTED when it has come through {@link maxHops} gateways
   */
  nextHop(): number {
    return hopAfter(this.hops);
  }
}

/**
 * The number of hops to tell another gateway of what has come through so many.
 *
 * @throws GatewayError RESOURCE_EXHAUSTED when it has come through {@link maxHops} gateways
 */
export function hopAfter(hops: number): number {
  if (hops < maxHops) return hops + 1;
  throw new GatewayError(
    "RESOURCE_EXHAUSTED",
    `The call came through ${maxHops} gateways already; they seem to pass it round in a circle.`,
  );
}

/** One of those who want to know that a call is aborted. */
interface Listener {
  readonly notify: (reason: GatewayError) => void;
  previous: Listener | undefined;
  next: Listener | undefined;
  stopped: boolean;
}

/** The module instance that makes a call. */
export interface CallingModule {
  readonly id: number;
  readonly name: string;
  readonly alias: string;
}
