import type { Call } from "../kernel/call.js";
import type { Clock } from "../kernel/clock.js";
import { GatewayError } from "../kernel/errors.js";
import type { Logger } from "../kernel/log.js";
import type { Admission, QueryOptions } from "../kernel/registry.js";
import type { RegistryScope } from "../kernel/scope.js";
import { explain, explainMs } from "../kernel/witness.js";
import { Callbacks } from "./callbacks.js";
import { HangWatch, type TimeoutAction } from "./hang-watch.js";
import type { HostApi } from "./host-api.js";
import { LineLimit } from "./output-lines.js";
import type { CallbackKind, RegisterOptions } from "./protocol.js";
import { type Registrant, Registrations } from "./registrations.js";
import { HangPolicy, RestartPolicy } from "./restart-policy.js";
import { type Answer, ScriptSession, ScriptUnavailable, type SessionPort } from "./script-session.js";

/** A script as the settings name it. */
export interface ScriptConfig {
  /** Key in the scripts section, or the file's name where there is none; names the script in logs. */
  readonly name: string;
  /** What `init` gets as its script alias. */
  readonly alias: string;
  /** What `init` gets as its plugin alias. */
  readonly pluginAlias: string;
  readonly file: string;
  /** How long its queries may take unless a setting for the command says otherwise, in milliseconds. */
  readonly timeoutMs: number | undefined;
  readonly timeoutAction: TimeoutAction;
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

/** Metrics are collected for everybody at once, and everybody waits for the last. */
const metricsLimitMs = 10_000;

/**
 * A host that cuts floods does so at 200 lines in a second of its own clock, and says how many it left out. Two of its
 * seconds may fall into one here; what is more comes from a host that does not.
 */
const linesOfHost = 500;

/** How long a script may take for passive results and events unless it has a time limit of its own. */
const deliveryLimitMs = 60_000;

/** What the host of a script does for it. */
export interface ScriptKeeper {
  /** The script can do nothing any more. */
  hangs(script: HostedScript, reason: string): void;
  /** The process of the script does not react at all. */
  isStuck(script: HostedScript, reason: string): void;
}

/**
 * One configured script through all its lives: what it registered stays known while it is restarted, and is answered
 * with the reason meanwhile; what it does not register again is taken back.
 */
export class HostedScript implements Registrant {
  crashes: RestartPolicy;
  hangs: HangPolicy;
  readonly callbacks: Callbacks;
  private readonly registrations = new Registrations(this);
  private readonly logLimit: LineLimit;
  private readonly admission: Admission;
  private session: ScriptSession | undefined;
  private held: (() => void)[] | undefined;
  private watch: HangWatch | undefined;
  private paused = false;
  private downBecause = "";
  private initFailure = "";

  constructor(
    public config: ScriptConfig,
    private around: ScriptSurroundings,
    private keeper: ScriptKeeper,
  ) {
    const { alias, clock, log } = around;
    this.crashes = new RestartPolicy(clock);
    this.hangs = new HangPolicy(clock);
    this.callbacks = new Callbacks(log);
    this.downBecause = `${alias}: ${config.name} is starting`;
    const tell = (dropped: number) => log.warn(`${config.name}: ${dropped} lines of output were left out`);
    this.logLimit = new LineLimit(clock, tell, linesOfHost);
    this.admission = {
      name: `${alias}/${config.name}`,
      isFull: () => (this.session?.inFlight ?? 0) + (this.held?.length ?? 0) >= this.around.callsInFlight,
    };
  }

  /** Takes changed settings; they count from its next life on. */
  reconfigure(config: ScriptConfig, around: ScriptSurroundings, keeper: ScriptKeeper): void {
    this.config = config;
    this.around = around;
    this.keeper = keeper;
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

  /** What the status says beside its name, in one line; empty when all is well. */
  get remark(): string {
    return (this.trouble || this.watch?.report || this.initFailure).replaceAll(/\s*\n\s*/g, " ");
  }

  get registry(): RegistryScope {
    return this.around.registry;
  }

  /** Begins a life: whatever comes through the port is to be given to the session. */
  begin(port: SessionPort): ScriptSession {
    const { around, config } = this;
    const session: ScriptSession = new ScriptSession(port, {
      name: config.name,
      register: (message) => {
        if (this.session === session) this.registrations.add(session, message);
      },
      unregister: (message) => this.registrations.remove(message),
      call: (message, raw, during) => around.api.run(message.op, message.args, raw, during),
      log: ({ level, text }, traceId) => {
        const fields = { script: config.name, ...(traceId === undefined ? {} : { traceId }) };
        if (around.onOutput !== undefined || this.logLimit.admit())
          around.log[logMethods.has(level) ? level : "info"](String(text), fields);
      },
      output: ({ stream, text }) => this.print(stream, String(text)),
      overdue: (callback) => {
        if (this.session === session) watch.overdue(callback);
      },
    });
    const { name, timeoutAction: action } = config;
    const watch = new HangWatch({ name, action, clock: around.clock, log: around.log }, session, {
      hold: () => {
        this.held ??= [];
      },
      release: () => {
        if (this.session === session && !this.paused) this.release();
      },
      hangs: (reason) => {
        if (this.session === session) this.keeper.hangs(this, reason);
      },
      isStuck: (reason) => {
        if (this.session === session) this.keeper.isStuck(this, reason);
      },
    });
    this.watch = watch;
    this.session = session;
    this.paused = false;
    return session;
  }

  /**
   * Its code ran and `init` is done: what an earlier life registered and this one did not is taken back.
   *
   * @param initFailure why `init` did not come to its end
   */
  settled(session: ScriptSession, initFailure = ""): void {
    if (this.session !== session) return;
    this.initFailure = initFailure;
    this.registrations.keepOnly(session);
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
    const { session } = this;
    this.session = undefined;
    session?.end(reason);
    this.watch = undefined;
    this.logLimit.flush();
    if (!hold) this.release();
    else this.held ??= [];
  }

  /** Takes back all that it registered. */
  dispose(reason: string): void {
    this.lost(reason, reason);
    this.registrations.clear();
  }

  /** A line that the script printed. */
  print(stream: "stdout" | "stderr", text: string): void {
    const { onOutput, log } = this.around;
    if (onOutput !== undefined) onOutput(stream, text);
    else if (this.logLimit.admit())
      log[stream === "stderr" ? "error" : "info"](`${this.config.name}: ${text}`, { script: this.config.name });
  }

  private release(): void {
    const waiting = this.held;
    this.held = undefined;
    if (waiting !== undefined) for (const go of waiting) go();
  }

  /** What a host sends need not be what its types say. */
  queryOptions({ description, aliases, timeout, handlesHelp }: RegisterOptions): QueryOptions {
    const asked = typeof timeout === "number" && timeout > 0 ? timeout : undefined;
    const timeoutMs = this.config.timeoutMs ?? asked;
    return {
      description: String(description ?? ""),
      admission: this.admission,
      helpFromDescription: handlesHelp !== true,
      // Only a script that is run by hand has none; the settings may have the same one.
      replacesOwn: this.config.alias === "",
      ...(Array.isArray(aliases) ? { aliases: aliases.map(String) } : {}),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    };
  }

  /** Asks the script, now or when it is back; what registered the key in this life answers. */
  invoke(key: string, args: unknown[], call: Call | undefined, raw?: Uint8Array): Promise<Answer> {
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
    if (limitMs === undefined) return session.run(registration, args, call, raw, facts);
    const own = this.around.api.ownCall(call);
    const stop = this.endAfter(own, limitMs, registration.what);
    return session.run(registration, args, own, raw, facts).finally(stop);
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
    let over = false;
    const cancel = clock.after(ms, () => {
      const plain = `${alias}: ${this.config.name} took longer than ${ms / 1000} s for ${what}`;
      explain(clock, call, plain, explainMs, (text) => {
        if (over) return;
        log.warn(text, { traceId: call.traceId });
        call.abort(new GatewayError("DEADLINE_EXCEEDED", text));
      });
    });
    return () => {
      over = true;
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
