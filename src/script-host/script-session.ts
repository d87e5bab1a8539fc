import type { Call } from "../kernel/call.js";
import { errorText } from "../kernel/errors.js";
import type { Witness } from "../kernel/witness.js";
import type {
  CallFacts,
  Failed,
  Call as HostCall,
  Log,
  Ok,
  Output,
  Register,
  Run,
  ToGateway,
  ToScript,
  TurnOfAnother,
  Unregister,
} from "./protocol.js";

/** Calls that a script may have made and not got an answer to. */
const maxCallsFromScript = 4096;

/** Callbacks that nobody waits for and that go on: of more the oldest are forgotten, as those that never end would add up. */
const maxAbandoned = 1024;

/** A place is for people, and goes into an answer. */
const longestPlace = 300;

/** What a script answered. */
export interface Answer {
  readonly value: unknown;
  readonly raw: Uint8Array | undefined;
}

/** The script threw. */
export class ScriptException extends Error {
  override readonly name = "ScriptException";

  /** @param trace what was thrown and where, in lines of the script's source: for the log */
  constructor(
    message: string,
    readonly trace: string,
  ) {
    super(message);
  }
}

/** The script can't answer: its thread or process is gone. The message says so to whoever asked. */
export class ScriptUnavailable extends Error {
  override readonly name = "ScriptUnavailable";
}

/** Where a session's messages go: a lane of its own, or the channel that the scripts of a process share. */
export interface SessionPort {
  /** The host can say where a script stands with a request. */
  readonly tellsWhere: boolean;
  /** The script's number, which its messages carry on a channel that it shares. */
  readonly s: number | undefined;
  send(message: ToScript, raw?: Uint8Array): void;
  close(): void;
}

export interface SessionEvents {
  /** Name of the script. */
  readonly name: string;
  register(message: Register): void;
  unregister(message: Unregister): void;
  /** Runs what the script asks of the gateway. */
  call(message: HostCall, raw: Uint8Array | undefined, during: RunningCallback | undefined): Promise<Answer>;
  log(message: Log, traceId: string | undefined): void;
  output(message: Output): void;
  /** A callback's caller went away or its deadline passed. */
  overdue(callback: Overdue): void;
}

/** A callback that nobody waits for any more. */
export interface Overdue {
  readonly id: number;
  /** Name of the command, channel or event. */
  readonly what: string;
}

/** Where a script stands with a request. */
export interface Whereabouts {
  readonly place: string | undefined;
  /** The request is not running: at the place is another callback, which keeps it from running. */
  readonly waits: boolean;
}

/** Something that a script does. */
export interface Activity {
  /** A callback by its name, or `load`, `init`, `main`, `shutdown`. */
  readonly what: string;
  /** The script is not running now: it waits for an answer of the gateway. */
  readonly waits: boolean;
}

/** A callback that the script has not answered. */
export interface RunningCallback {
  readonly call: Call;
  /** Does the work when the callback has returned. */
  afterwards(work: () => void): void;
}

interface Pending {
  readonly what: string;
  resolve: (answer: Answer) => void;
  reject: (reason: Error) => void;
  call: Call | undefined;
  /** The call was aborted; kept so that calls made during it are known to be in vain. */
  abandoned: boolean;
  /** Calls of the script that were made during it and have no answer yet. */
  waitsFor: number;
  afterwards: (() => void)[] | undefined;
}

function open(what: string, resolve: Pending["resolve"], reject: Pending["reject"], call: Call | undefined): Pending {
  return { what, resolve, reject, call, abandoned: false, waitsFor: 0, afterwards: undefined };
}

/**
 * Lets go of all that an answered call held. A Map leaves its old tables to the garbage with what was once in them, and
 * those that have grown old keep it: half of everything that calls allocate would survive.
 */
function empty(entry: Pending | undefined): void {
  if (entry === undefined) return;
  entry.resolve = nobody;
  entry.reject = nobody;
  entry.call = undefined;
}

function nobody(): void {}

/** One life of a script in a host, from load to the end of its thread or process. */
export class ScriptSession implements Witness {
  /** What is said when the host does not say where a callback is. */
  readonly silence: string;
  private readonly pending = new Map<number, Pending>();
  private readonly abandoned = new Set<number>();
  private nextId = 1;
  private callsFromScript = 0;
  private outermost = 0;
  private over: Error | undefined;
  private whenIdle: (() => void)[] = [];

  constructor(
    private readonly port: SessionPort,
    private readonly events: SessionEvents,
  ) {
    this.silence = `the process of ${events.name} does not react`;
  }

  /** Outermost callbacks that the script has not answered; those that are called on behalf of another don't count. */
  get inFlight(): number {
    return this.outermost;
  }

  /** Resolves when no outermost callback waits for its answer. */
  idle(): Promise<void> {
    if (this.outermost === 0) return Promise.resolve();
    return new Promise((resolve) => this.whenIdle.push(resolve));
  }

  /** Lifecycle requests; `id` is filled in. */
  request(message: LifecycleMessage): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.over !== undefined) return reject(this.over);
      const id = this.nextId++;
      const { t: what } = message;
      this.pending.set(id, open(what, resolve, reject, undefined));
      this.port.send({ ...message, id, s: this.port.s });
    });
  }

  get tellsWhere(): boolean {
    return this.port.tellsWhere;
  }

  /** Where the script stands with a request, as the host says it; undefined when it does not know. */
  async where(id: number): Promise<Whereabouts | undefined> {
    const { value } = await this.request({ t: "where", run: id });
    if (typeof value === "string") return { place: value.slice(0, longestPlace), waits: false };
    if (typeof value !== "object" || value === null || !("turn" in value)) return undefined;
    const { turn } = value as TurnOfAnother;
    return { place: typeof turn === "string" ? turn.slice(0, longestPlace) : undefined, waits: true };
  }

  /** Where the script stands with `load` or `init`; undefined when nobody can tell. */
  async whereIs(what: "load" | "init"): Promise<string | undefined> {
    if (!this.port.tellsWhere) return undefined;
    for (const [id, entry] of this.pending) {
      if (entry.what === what && entry.call === undefined) return (await this.where(id))?.place;
    }
    return undefined;
  }

  async locate(call: Call): Promise<string | undefined> {
    for (const [id, entry] of this.pending) {
      if (entry.call !== call) continue;
      const found = await this.where(id);
      if (found === undefined) return undefined;
      const parts = [
        ...(found.waits ? ["its turn has not come"] : []),
        ...(found.place === undefined ? [] : [`${this.events.name} is at ${found.place}`]),
      ];
      return parts.join(": ");
    }
    return undefined;
  }

  /** What the script does now, each thing once. */
  get activities(): Activity[] {
    const found = new Map<string, Activity>();
    for (const { what, call, waitsFor } of this.pending.values()) {
      if (call === undefined && (what === "ping" || what === "where")) continue;
      const waits = waitsFor > 0 && (found.get(what)?.waits ?? true);
      found.set(what, { what, waits });
    }
    return [...found.values()];
  }

  /** Calls a handler of the script. Rejects with ScriptException or ScriptUnavailable, at once when the call is aborted. */
  run(
    { h, what }: { readonly h: number; readonly what: string },
    args: unknown[],
    call: Call | undefined,
    raw?: Uint8Array,
    facts?: CallFacts,
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.over !== undefined) return reject(this.over);
      const id = this.nextId++;
      const { s } = this.port;
      // One shape for nearly all: what handles objects of two is slower, and a copy of each is slower still.
      const message: Run =
        facts === undefined ? { t: "run", id, h, args, s } : { t: "run", id, h, args, s, call: facts };
      this.port.send(message, raw);
      const pending: Pending = open(what, resolve, reject, call);
      this.pending.set(id, pending);
      if (call === undefined) return;
      if (this.port.tellsWhere) call.witness = this;
      if (call.depth <= 1) this.outermost++;
      call.onAbort((reason) => this.abandon(id, pending, reason.message));
    });
  }

  receive(message: ToGateway, raw: Uint8Array | undefined): void {
    switch (message.t) {
      case "ok": {
        const entry = this.take(message);
        entry?.resolve({ value: message.value, raw });
        empty(entry);
        return;
      }
      case "failed": {
        const entry = this.take(message);
        entry?.reject(new ScriptException(String(message.error), String(message.stack ?? message.error)));
        empty(entry);
        return;
      }
      case "call":
        void this.answerCall(message, raw);
        return;
      case "log":
        this.events.log(message, this.during(message.in)?.call?.traceId);
        return;
      case "output":
        this.events.output(message);
        return;
      case "register":
        this.events.register(message);
        return;
      case "unregister":
        this.events.unregister(message);
        return;
      default:
        throw new Error(`The host sent a message of an unknown kind: ${JSON.stringify(message).slice(0, 100)}`);
    }
  }

  /** Ends the session: whoever waits gets the reason. */
  end(reason: string): void {
    if (this.over !== undefined) return;
    this.over = new ScriptUnavailable(reason);
    for (const entry of this.pending.values()) {
      entry.reject(this.over);
      for (const work of entry.afterwards ?? []) work();
    }
    this.pending.clear();
    this.abandoned.clear();
    this.outermost = 0;
    this.tellIdle();
    this.port.close();
  }

  private take({ id }: Ok | Failed): Pending | undefined {
    const entry = this.pending.get(id);
    if (entry === undefined) return undefined;
    this.pending.delete(id);
    if (entry.abandoned) this.abandoned.delete(id);
    else this.countDown(entry);
    if (entry.afterwards !== undefined) for (const work of entry.afterwards) setImmediate(work);
    return entry;
  }

  private countDown(entry: Pending): void {
    if (entry.call === undefined || entry.call.depth > 1) return;
    this.outermost--;
    if (this.outermost === 0) this.tellIdle();
  }

  private tellIdle(): void {
    const { whenIdle } = this;
    this.whenIdle = [];
    for (const resolve of whenIdle) resolve();
  }

  private abandon(id: number, entry: Pending, reason: string): void {
    if (entry.abandoned || this.pending.get(id) !== entry) return;
    entry.abandoned = true;
    this.countDown(entry);
    this.abandoned.add(id);
    if (this.abandoned.size > maxAbandoned) this.forgetOldest();
    this.port.send({ t: "cancel", id, reason, s: this.port.s });
    entry.reject(new ScriptUnavailable(reason));
    this.events.overdue({ id, what: entry.what });
  }

  private forgetOldest(): void {
    const [oldest] = this.abandoned;
    if (oldest === undefined) return;
    this.abandoned.delete(oldest);
    const entry = this.pending.get(oldest);
    this.pending.delete(oldest);
    for (const work of entry?.afterwards ?? []) setImmediate(work);
    empty(entry);
  }

  private during(id: number | undefined): Pending | undefined {
    return id === undefined ? undefined : this.pending.get(id);
  }

  private async answerCall(message: HostCall, raw: Uint8Array | undefined): Promise<void> {
    const { id } = message;
    if (this.callsFromScript >= maxCallsFromScript) {
      this.fail(id, `More than ${maxCallsFromScript} calls wait for an answer.`);
      return;
    }
    this.callsFromScript++;
    const during = this.during(message.in);
    if (during !== undefined) during.waitsFor++;
    try {
      const answer = await this.events.call(message, raw, this.runningCallback(message.in));
      if (this.over === undefined) this.port.send({ t: "ok", id, value: answer.value, s: this.port.s }, answer.raw);
    } catch (thrown) {
      if (this.over === undefined) this.fail(id, errorText(thrown));
    } finally {
      this.callsFromScript--;
      if (during !== undefined) during.waitsFor--;
    }
  }

  private fail(id: number, error: string): void {
    this.port.send({ t: "failed", id, error, s: this.port.s });
  }

  private runningCallback(id: number | undefined): RunningCallback | undefined {
    const entry = this.during(id);
    if (entry?.call === undefined) return undefined;
    return {
      call: entry.call,
      afterwards(work) {
        entry.afterwards ??= [];
        entry.afterwards.push(work);
      },
    };
  }
}

type WithoutId<Message> = Message extends { id: number } ? Omit<Message, "id"> : never;
type LifecycleMessage = WithoutId<Extract<ToScript, { t: "load" | "init" | "main" | "shutdown" | "ping" | "where" }>>;
