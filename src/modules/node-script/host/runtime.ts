import { AsyncLocalStorage } from "node:async_hooks";
import type { Channel } from "../../../script-host/channel.js";
import type {
  Call,
  CallbackKind,
  CallFacts,
  Cancel,
  Failed,
  HostOperation,
  HostOperations,
  Ok,
  RegisterOptions,
  Run,
  ToGateway,
  ToScript,
} from "../../../script-host/protocol.js";
import type { RawOperation, ScriptBridge } from "../../../script-host/script-bridge.js";
import { type Callback, callersOf, type Result } from "./callbacks.js";
import { decodeReply, encodeRequest } from "./messages.js";
import type { OutputGate } from "./output.js";
import { failure } from "./stack.js";

interface Waiting {
  resolve(answer: Ok, raw: Uint8Array | undefined): void;
  reject(reason: Error): void;
}

/** The script's side of the conversation: runs its callbacks, sends its calls. */
export class ScriptRuntime implements ScriptBridge {
  private readonly handlers = new Map<number, { kind: CallbackKind; callback: Callback }>();
  private readonly waiting = new Map<number, Waiting>();
  private readonly aborts = new Map<number, AbortController>();
  private readonly current = new AsyncLocalStorage<number>();
  private nextHandler = 1;
  private nextCall = 1;

  constructor(
    private readonly channel: Channel<ToScript, ToGateway>,
    private readonly gate: OutputGate,
  ) {}

  register(kind: CallbackKind, name: string, callback: Callback, options: Omit<RegisterOptions, "context"> = {}): void {
    if (typeof callback !== "function") throw new TypeError(`The callback for ${name || kind} is no function.`);
    const h = this.nextHandler++;
    this.handlers.set(h, { kind, callback });
    const context = callback.length > callersOf[kind].parameters;
    this.channel.send({ t: "register", kind, name, h, options: context ? { ...options, context } : options });
  }

  call<Op extends HostOperation>(op: Op, args: HostOperations[Op]["args"]): Promise<HostOperations[Op]["value"]> {
    return new Promise((resolve, reject) => {
      this.ask(op, args, undefined, { resolve: (answer) => resolve(answer.value as never), reject });
    });
  }

  async callRaw<Op extends RawOperation>(
    op: Op,
    args: HostOperations[Op]["args"],
    message: object,
  ): Promise<{ value: HostOperations[Op]["value"]; message: unknown }> {
    const request = await encodeRequest(op, message);
    const { answer, raw } = await new Promise<{ answer: Ok; raw: Uint8Array | undefined }>((resolve, reject) => {
      this.ask(op, args, request, { resolve: (answer, raw) => resolve({ answer, raw }), reject });
    });
    return { value: answer.value as HostOperations[Op]["value"], message: await decodeReply(op, raw) };
  }

  log(level: "error" | "info" | "debug", text: string): void {
    const during = this.current.getStore();
    this.gate.log(during === undefined ? { t: "log", level, text } : { t: "log", level, text, in: during });
  }

  /** Calls a handler and sends what it returned. A callback that is not async is answered without a promise. */
  run(message: Run, raw: Uint8Array | undefined): void {
    const { id, h } = message;
    const handler = this.handlers.get(h);
    if (handler === undefined) {
      this.channel.send({ t: "failed", id, error: `There is no handler ${h}.` });
      return;
    }
    const { kind, callback } = handler;
    const context = message.call === undefined ? undefined : new CallContext(message.call, () => this.signalOf(id));
    try {
      const pending = this.current.run(id, callersOf[kind].run, callback, message.args, raw, context);
      if (pending instanceof Promise) {
        pending.then(
          (result) => this.answer(id, result),
          (thrown: unknown) => this.fail(id, thrown),
        );
      } else this.answer(id, pending);
    } catch (thrown) {
      this.fail(id, thrown);
    }
  }

  answered(message: Ok | Failed, raw: Uint8Array | undefined): void {
    const waiting = this.waiting.get(message.id);
    if (waiting === undefined) return;
    this.waiting.delete(message.id);
    if (message.t === "ok") waiting.resolve(message, raw);
    else waiting.reject(new Error(message.error));
  }

  /** Nobody waits for the callback any more; it learns so when it asked for a signal. */
  cancel({ id, reason }: Cancel): void {
    this.aborts.get(id)?.abort(new Error(reason));
  }

  private ask(op: HostOperation, args: unknown[], raw: Uint8Array | undefined, waiting: Waiting): void {
    const id = this.nextCall++;
    const during = this.current.getStore();
    const message: Call = during === undefined ? { t: "call", id, op, args } : { t: "call", id, op, args, in: during };
    this.channel.send(message, raw);
    this.waiting.set(id, waiting);
  }

  private answer(id: number, { value, raw }: Result): void {
    this.aborts.delete(id);
    try {
      this.channel.send({ t: "ok", id, value }, raw);
    } catch (thrown) {
      this.fail(id, thrown);
    }
  }

  private fail(id: number, thrown: unknown): void {
    this.aborts.delete(id);
    this.channel.send({ t: "failed", id, ...failure(thrown) });
  }

  private signalOf(id: number): AbortSignal {
    let controller = this.aborts.get(id);
    if (controller === undefined) {
      controller = new AbortController();
      this.aborts.set(id, controller);
    }
    return controller.signal;
  }
}

/** What a callback may know of its call; the signal is made when it is asked for. */
class CallContext {
  readonly command: string;
  readonly principal: string;
  readonly frontEnd: string;
  readonly peer: string;
  readonly traceId: string;
  readonly remainingMs: number | undefined;
  readonly #signal: () => AbortSignal;

  constructor(facts: CallFacts, signal: () => AbortSignal) {
    this.command = facts.command;
    this.principal = facts.principal;
    this.frontEnd = facts.frontEnd;
    this.peer = facts.peer;
    this.traceId = facts.traceId;
    this.remainingMs = facts.remainingMs;
    this.#signal = signal;
  }

  get signal(): AbortSignal {
    return this.#signal();
  }
}
