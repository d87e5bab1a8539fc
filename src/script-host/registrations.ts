import type { Call } from "../kernel/call.js";
import type { QueryOptions } from "../kernel/registry.js";
import { splitNames } from "../kernel/registry.js";
import type { RegistryScope } from "../kernel/scope.js";
import type { Callbacks, Invoke } from "./callbacks.js";
import type { CallbackKind, Register, RegisterOptions, Unregister } from "./protocol.js";
import type { Answer, ScriptSession } from "./script-session.js";

/** A handler of a script, under a name. */
export interface Registration {
  readonly kind: CallbackKind;
  readonly name: string;
  /** What it is called in messages: metrics have no name. */
  readonly what: string;
  readonly h: number;
  /** The life of the script that it belongs to. */
  readonly session: ScriptSession;
  readonly options: RegisterOptions;
  readonly unregister: () => void;
}

/** What a script's registrations need of the script. */
export interface Registrant {
  readonly registry: RegistryScope;
  readonly callbacks: Callbacks;
  queryOptions(options: RegisterOptions): QueryOptions;
  invoke(key: string, args: unknown[], call: Call | undefined, raw?: Uint8Array): Promise<Answer>;
}

/** What a script has registered, in this life or an earlier one, and how the kernel reaches it. */
export class Registrations {
  private readonly known = new Map<string, Registration>();
  private readonly subscriptions = new Map<string, () => void>();

  constructor(private readonly script: Registrant) {}

  get(key: string): Registration | undefined {
    return this.known.get(key);
  }

  /** The same kind and name again replaces the earlier one. */
  add(session: ScriptSession, { kind, name, h, options = {} }: Register): void {
    const names = kind === "channel" || kind === "channelRaw" ? splitNames(String(name)) : [String(name)];
    for (const one of names) {
      const key = keyOf(kind, one, h);
      this.forget(key);
      const unregister = this.publish(kind, one, options, (args, call, raw) =>
        this.script.invoke(key, args, call, raw),
      );
      this.known.set(key, { kind, name: one, what: one || "metrics", h, session, options, unregister });
    }
  }

  remove({ kind, name }: Unregister): void {
    for (const one of splitNames(String(name))) this.forget(keyOf(kind, one, 0));
  }

  /** Takes back what was not registered in this life. */
  keepOnly(session: ScriptSession): void {
    for (const [key, registration] of this.known) if (registration.session !== session) this.forget(key);
  }

  clear(): void {
    for (const key of [...this.known.keys()]) this.forget(key);
  }

  private forget(key: string): void {
    const registration = this.known.get(key);
    if (registration === undefined) return;
    this.known.delete(key);
    registration.unregister();
  }

  private publish(kind: CallbackKind, name: string, options: RegisterOptions, invoke: Invoke): () => void {
    const { registry, callbacks } = this.script;
    switch (kind) {
      case "query":
        return registry.query(name, callbacks.query(invoke), this.script.queryOptions(options));
      case "queryRaw":
        return registry.query(name, callbacks.queryRaw(invoke), this.script.queryOptions(options));
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
    const { script } = this;
    const channel = name.toLowerCase();
    const rawKey = keyOf("channelRaw", name, 0);
    const simpleKey = keyOf("channel", name, 0);
    if (!this.subscriptions.has(channel)) {
      const invoker = (key: string): Invoke | undefined =>
        this.known.has(key) ? (args, call, raw) => script.invoke(key, args, call, raw) : undefined;
      this.subscriptions.set(
        channel,
        script.registry.channel(name, (submission, call) =>
          script.callbacks.submission({ raw: invoker(rawKey), simple: invoker(simpleKey) }, submission, call),
        ),
      );
    }
    return () => {
      if (this.known.has(rawKey) || this.known.has(simpleKey)) return;
      this.subscriptions.get(channel)?.();
      this.subscriptions.delete(channel);
    };
  }
}

/** Metrics have no names: every handler is its own registration. */
function keyOf(kind: CallbackKind, name: string, h: number): string {
  const isMetrics = kind === "metricsSink" || kind === "metricsSource";
  return `${kind} ${isMetrics ? h : name.toLowerCase()}`;
}
