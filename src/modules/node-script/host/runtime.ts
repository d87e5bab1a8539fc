import { AsyncLocalStorage } from "node:async_hooks";
import { inspect } from "node:util";
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
  /** What callbacks that run know of their calls, as far as they asked. */
  private readonly contexts = new Map<number, CallContext>();
  private readonly current = new AsyncLocalStorage<number>();
  private nextHandler = 1;
  private nextCall = 1;

  constructor(
    private readonly channel: Channel<ToScript, ToGateway>,
    private readonly gate: OutputGate,
  ) {}

  register(kind: CallbackKind, name: string, callback: Callback, options: Omit<RegisterOptions, "context"> = {}): void {
    const fault = registrationFault(kind, name, callback, options);
    if (fault !== undefined) throw new TypeError(fault);
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

  log(level: "error" | "info" | "debug", message: unknown): void {
    const text = shown(message);
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
    const context = message.call === undefined ? undefined : new CallContext(message.call);
    if (context !== undefined) this.contexts.set(id, context);
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

  /** Nobody waits for the callback any more, which it can see by its signal. */
  cancel({ id, reason }: Cancel): void {
    this.contexts.get(id)?.abort(new Error(reason));
    this.contexts.delete(id);
  }

  private ask(op: HostOperation, args: unknown[], raw: Uint8Array | undefined, waiting: Waiting): void {
    const id = this.nextCall++;
    const during = this.current.getStore();
    const message: Call = during === undefined ? { t: "call", id, op, args } : { t: "call", id, op, args, in: during };
    this.channel.send(message, raw);
    this.waiting.set(id, waiting);
  }

  private answer(id: number, { value, raw }: Result): void {
    this.contexts.delete(id);
    try {
      this.channel.send({ t: "ok", id, value }, raw);
    } catch (thrown) {
      this.fail(id, thrown);
    }
  }

  private fail(id: number, thrown: unknown): void {
    this.contexts.delete(id);
    this.channel.send({ t: "failed", id, ...failure(thrown) });
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
  #controller: AbortController | undefined;
  #reason: Error | undefined;

  constructor(facts: CallFacts) {
    this.command = facts.command;
    this.principal = facts.principal;
    this.frontEnd = facts.frontEnd;
    this.peer = facts.peer;
    this.traceId = facts.traceId;
    this.remainingMs = facts.remainingMs;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  abort(reason: Error): void {
    this.#reason = reason;
    this.#controller?.abort(reason);
  }
}

function shown(message: unknown): string {
  if (message instanceof Error) return failure(message).stack ?? String(message);
  return typeof message === "object" && message !== null ? inspect(message) : String(message);
}

/** What is wrong with a registration. Scripts in JavaScript are told where they make it, and not by what comes of it. */
function registrationFault(
  kind: CallbackKind,
  name: unknown,
  callback: unknown,
  { description, aliases, timeout }: Omit<RegisterOptions, "context">,
): string | undefined {
  if (typeof name !== "string") return `The name of a ${kind} is ${typeof name} instead of a text.`;
  if (typeof callback !== "function") return `The callback for ${name || kind} is no function.`;
  if (name.trim() === "" && !kind.startsWith("metrics")) return `A ${kind} needs a name.`;
  if (description !== undefined && typeof description !== "string") return `The description of ${name} is no text.`;
  const isTexts = Array.isArray(aliases) && aliases.every((alias) => typeof alias === "string");
  if (aliases !== undefined && !isTexts) return `The aliases of ${name} are no array of texts.`;
  if (timeout !== undefined && !(timeout > 0)) return `The timeout of ${name} is no number of milliseconds above 0.`;
  return undefined;
}
