import type { Call } from "../kernel/call.js";
import type { Clock } from "../kernel/clock.js";
import { GatewayError } from "../kernel/errors.js";
import type { Logger } from "../kernel/log.js";
import type { Admission, QueryOptions } from "../kernel/registry.js";
import { splitNames } from "../kernel/registry.js";
import type { RegistryScope } from "../kernel/scope.js";
import { Callbacks, type Invoke } from "./callbacks.js";
import type { HostApi } from "./host-api.js";
import { LineLimit } from "./output-lines.js";
import type { CallbackKind, Register, RegisterOptions, Unregister } from "./protocol.js";
import { HangPolicy, RestartPolicy } from "./restart-policy.js";
import { type Answer, ScriptSession, ScriptUnavailable, type SessionPort } from "./script-session.js";

/** A script as the settings name it. */
export interface ScriptConfig {
  /** Key in the scripts section, or the file's name where there is none; names the script in logs. */
  readonly name: string;
  /** What `init` gets as its script alias. */
  readonly alias: string;
  readonly file: string;
  /** How long its queries may take unless a setting for the command says otherwise, in milliseconds. */
  readonly timeoutMs: number | undefined;
  /** In bytes. */
  readonly memoryLimit: number | undefined;
}

/** What all scripts of a module instance share. */
export interface ScriptSurroundings {
  /** Alias of the module instance. */
  readonly alias: string;
  readonly pluginId: number;
  readonly clock: Clock;
  readonly log: Logger;
  readonly registry: RegistryScope;
  readonly api: HostApi;
  /** Outermost calls that a script may have in flight before new ones are refused. */
  readonly callsInFlight: number;
  /** Gets what scripts print instead of the log. */
  readonly onOutput?: (stream: "stdout" | "stderr", text: string) => void;
}

/** What a script that answered too late has to say whether it could do anything else meanwhile. */
const probeMs = 1_000;

/** Metrics are collected for everybody at once, and everybody waits for the last. */
const metricsLimitMs = 10_000;

/** How long a script may take for passive results and events unless it has a time limit of its own. */
const deliveryLimitMs = 60_000;

interface Registration {
  readonly kind: CallbackKind;
  readonly name: string;
  readonly h: number;
  readonly session: ScriptSession;
  readonly options: RegisterOptions;
  readonly unregister: () => void;
}

/**
 * One configured script through all its lives: what it registered stays known while it is restarted, and is answered
 * with the reason meanwhile; what it does not register again is taken back.
 */
export class HostedScript {
  crashes: RestartPolicy;
  hangs: HangPolicy;
  private readonly callbacks: Callbacks;
  private readonly registrations = new Map<string, Registration>();
  private readonly subscriptions = new Map<string, () => void>();
  private readonly logLimit: LineLimit;
  private readonly admission: Admission;
  private session: ScriptSession | undefined;
  private held: (() => void)[] | undefined;
  private probing = false;
  private paused = false;
  private downBecause = "";

  /** @param onHang called when the script is found to hang */
  constructor(
    public config: ScriptConfig,
    private around: ScriptSurroundings,
    private onHang: () => void,
  ) {
    const { alias, clock, log } = around;
    this.crashes = new RestartPolicy(clock);
    this.hangs = new HangPolicy(clock);
    this.callbacks = new Callbacks(log);
    this.downBecause = `${alias}: ${config.name} is starting`;
    this.logLimit = new LineLimit(clock, (dropped) => log.warn(`${config.name}: ${dropped} lines were left out`));
    this.admission = {
      name: `${alias}/${config.name}`,
      isFull: () => (this.session?.inFlight ?? 0) + (this.held?.length ?? 0) >= this.around.callsInFlight,
    };
  }

  /** Takes changed settings; they count from its next life on. */
  reconfigure(config: ScriptConfig, around: ScriptSurroundings, onHang: () => void): void {
    this.config = config;
    this.around = around;
    this.onHang = onHang;
    this.crashes = new RestartPolicy(around.clock);
    this.hangs = new HangPolicy(around.clock);
  }

  /** Lets those who come now wait for its next life, and resolves when those who are there have their answers. */
  async pause(): Promise<void> {
    this.paused = true;
    this.held ??= [];
    await this.session?.idle();
  }

  get isUp(): boolean {
    return this.session !== undefined;
  }

  /** Why it does not answer, for the status; empty when it does. */
  get trouble(): string {
    return this.session === undefined ? this.downBecause : "";
  }

  /** Begins a life: whatever comes through the port is to be given to the session. */
  begin(port: SessionPort): ScriptSession {
    const { around, config } = this;
    const session: ScriptSession = new ScriptSession(port, {
      register: (message) => this.register(session, message),
      unregister: (message) => this.unregister(message),
      call: (message, raw, during) => around.api.run(message.op, message.args, raw, during),
      log: ({ level, text }, traceId) => {
        const fields = { script: config.name, ...(traceId === undefined ? {} : { traceId }) };
        if (around.onOutput !== undefined || this.logLimit.admit())
          around.log[logMethods.has(level) ? level : "info"](String(text), fields);
      },
      output: ({ stream, text }) => this.print(stream, String(text)),
      overdue: () => this.probe(session),
    });
    this.session = session;
    this.paused = false;
    return session;
  }

  /** Its code ran and `init` is done: what an earlier life registered and this one did not is taken back. */
  settled(session: ScriptSession): void {
    if (this.session !== session) return;
    for (const [key, registration] of this.registrations) {
      if (registration.session !== session) this.forget(key);
    }
    this.release();
  }

  /**
   * Its thread or process is gone.
   *
   * @param reason goes to those who wait for an answer
   * @param meanwhile goes to those who ask until it is back
   * @param hold it is back in a moment: who asks meanwhile waits for it
   */
  lost(reason: string, meanwhile: string, hold = false): void {
    this.downBecause = meanwhile;
    this.probing = false;
    const { session } = this;
    this.session = undefined;
    session?.end(reason);
    this.logLimit.flush();
    if (!hold) this.release();
    else this.held ??= [];
  }

  /** Takes back all that it registered. */
  dispose(reason: string): void {
    this.lost(reason, reason);
    for (const key of [...this.registrations.keys()]) this.forget(key);
  }

  /** A line that the script printed. */
  print(stream: "stdout" | "stderr", text: string): void {
    const { onOutput, log } = this.around;
    if (onOutput !== undefined) onOutput(stream, text);
    else if (this.logLimit.admit())
      log[stream === "stderr" ? "error" : "info"](`${this.config.name}: ${text}`, { script: this.config.name });
  }

  /** A late answer may mean a slow callback or a script that can do nothing any more; the one who can't answer hangs. */
  private probe(session: ScriptSession): void {
    if (this.probing || this.session !== session) return;
    this.probing = true;
    this.held ??= [];
    const cancel = this.around.clock.after(probeMs, () => {
      if (this.session === session && this.probing) this.onHang();
    });
    session.request({ t: "ping" }).then(() => {
      cancel();
      if (this.session !== session) return;
      this.probing = false;
      if (!this.paused) this.release();
    }, cancel);
  }

  private release(): void {
    const waiting = this.held;
    this.held = undefined;
    if (waiting !== undefined) for (const go of waiting) go();
  }

  private register(session: ScriptSession, message: Register): void {
    if (this.session !== session) return;
    const names =
      message.kind === "channel" || message.kind === "channelRaw"
        ? splitNames(String(message.name))
        : [String(message.name)];
    for (const name of names) {
      const key = keyOf(message.kind, name, message.h);
      this.forget(key);
      const registration: Registration = {
        kind: message.kind,
        name,
        h: message.h,
        session,
        options: message.options ?? {},
        unregister: this.publish(message.kind, name, message.options ?? {}, (args, call, raw) =>
          this.invoke(key, args, call, raw),
        ),
      };
      this.registrations.set(key, registration);
    }
  }

  private unregister({ kind, name }: Unregister): void {
    for (const one of splitNames(String(name))) this.forget(keyOf(kind, one, 0));
  }

  private forget(key: string): void {
    const known = this.registrations.get(key);
    if (known === undefined) return;
    this.registrations.delete(key);
    known.unregister();
  }

  private publish(kind: CallbackKind, name: string, options: RegisterOptions, invoke: Invoke): () => void {
    const { callbacks } = this;
    const { registry } = this.around;
    switch (kind) {
      case "query":
        return registry.query(name, callbacks.query(invoke), this.queryOptions(options));
      case "queryRaw":
        return registry.query(name, callbacks.queryRaw(invoke), this.queryOptions(options));
      case "command":
        return registry.command(name, callbacks.command(invoke));
      case "commandRaw":
        return registry.command(name, callbacks.commandRaw(invoke));
      case "channel":
      case "channelRaw":
        return this.subscribe(name);
      case "event":
        return registry.event(name, callbacks.event(invoke));
      case "eventRaw":
        return registry.event(name === "$$event$$" ? "*" : name, callbacks.eventRaw(invoke));
      case "metricsSink":
        return registry.metricsSink(callbacks.metricsSink(invoke));
      case "metricsSource":
        return registry.metricsSource(callbacks.metricsSource(invoke));
      default:
        throw new Error(`There is nothing to register as ${String(kind)}.`);
    }
  }

  /** One subscription for the raw and the simple handler of a channel, because one of them decides for both. */
  private subscribe(name: string): () => void {
    const channel = name.toLowerCase();
    if (!this.subscriptions.has(channel)) {
      const rawKey = keyOf("channelRaw", name, 0);
      const simpleKey = keyOf("channel", name, 0);
      const invoker = (key: string): Invoke | undefined =>
        this.registrations.has(key) ? (args, call, raw) => this.invoke(key, args, call, raw) : undefined;
      this.subscriptions.set(
        channel,
        this.around.registry.channel(name, (submission, call) =>
          this.callbacks.submission({ raw: invoker(rawKey), simple: invoker(simpleKey) }, submission, call),
        ),
      );
    }
    return () => {
      if (this.registrations.has(keyOf("channelRaw", name, 0))) return;
      if (this.registrations.has(keyOf("channel", name, 0))) return;
      this.subscriptions.get(channel)?.();
      this.subscriptions.delete(channel);
    };
  }

  /** What a host sends need not be what its types say. */
  private queryOptions({ description, aliases, timeout, handlesHelp }: RegisterOptions): QueryOptions {
    const asked = typeof timeout === "number" && timeout > 0 ? timeout : undefined;
    const timeoutMs = this.config.timeoutMs ?? asked;
    return {
      description: String(description ?? ""),
      admission: this.admission,
      helpFromDescription: handlesHelp !== true,
      ...(Array.isArray(aliases) ? { aliases: aliases.map(String) } : {}),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    };
  }

  private invoke(key: string, args: unknown[], call: Call | undefined, raw?: Uint8Array): Promise<Answer> {
    const { held } = this;
    // Whoever is part of what must end first may not wait for what comes after it.
    const mayWait = call === undefined || (call.depth <= 1 && call.caller?.id !== this.around.pluginId);
    if (held !== undefined && mayWait) {
      return new Promise((resolve) => held.push(() => resolve(this.invoke(key, args, call, raw))));
    }
    const registration = this.registrations.get(key);
    const { session } = this;
    if (session === undefined || registration?.session !== session || call?.aborted !== undefined) {
      return Promise.reject(new ScriptUnavailable(this.downBecause));
    }
    const facts =
      registration.options.context === true && call !== undefined ? this.facts(registration.name, call) : undefined;
    const limitMs = this.limitOf(registration.kind);
    if (limitMs === undefined) return session.run(registration.h, args, call, raw, facts);
    const own = this.around.api.ownCall(call);
    const stop = this.endAfter(own, limitMs, registration.name || "metrics");
    return session.run(registration.h, args, own, raw, facts).finally(stop);
  }

  /** Queries have their time limit from the core, and commands have none. */
  private limitOf(kind: CallbackKind): number | undefined {
    const isCalled = kind === "query" || kind === "queryRaw" || kind === "command" || kind === "commandRaw";
    if (isCalled) return undefined;
    const isMetrics = kind === "metricsSource" || kind === "metricsSink";
    return Math.min(this.config.timeoutMs ?? deliveryLimitMs, isMetrics ? metricsLimitMs : Number.POSITIVE_INFINITY);
  }

  /** Aborts the call when it has not ended in time. Returns what says that it has. */
  private endAfter(call: Call, ms: number, what: string): () => void {
    const { alias, clock, log } = this.around;
    const cancel = clock.after(ms, () => {
      const text = `${alias}: ${this.config.name} took longer than ${ms / 1000} s for ${what}`;
      log.warn(text, { traceId: call.traceId });
      call.abort(new GatewayError("DEADLINE_EXCEEDED", text));
    });
    return () => {
      cancel();
      call.finish();
    };
  }

  private facts(command: string, call: Call) {
    const { principal, frontEnd, peer, traceId, deadline } = call;
    const known = { command, principal: principal.name, frontEnd, peer, traceId };
    if (deadline === undefined) return known;
    return { ...known, remainingMs: Math.max(0, deadline - this.around.clock.monotonic()) };
  }
}

const logMethods = new Set(["error", "info", "debug"]);

/** Metrics have no names: every handler is its own registration. */
function keyOf(kind: CallbackKind, name: string, h: number): string {
  const isMetrics = kind === "metricsSink" || kind === "metricsSource";
  return `${kind} ${isMetrics ? h : name.toLowerCase()}`;
}
