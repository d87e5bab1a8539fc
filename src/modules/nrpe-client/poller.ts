import type { Clock } from "../../kernel/clock.js";
import { GatewayError } from "../../kernel/errors.js";
import type { NrpeVersion } from "../../wire/nrpe/packet.js";
import { AddressBook } from "./address-book.js";
import type { Agent } from "./agent.js";
import { AgentTls } from "./agent-tls.js";
import { ConnectionSlots } from "./connection-slots.js";
import { type Endpoint, exchange, type NrpeReply } from "./exchange.js";
import { ExchangeFailure } from "./exchange-failure.js";
import { type Caller, ResultCache } from "./result-cache.js";
import { VersionMemory } from "./version-memory.js";

/** The longest answer that is taken, in bytes: what NSClient++ sends at most. */
const maxAnswer = 1 << 20;
/** The break before a query is sent again; it grows with each attempt. */
const pauseMs = 100;
/** How much longer a query waits in line than a connection may take. */
const lineGraceMs = 100;
/** Agents that are remembered as unreachable. */
const maxUnreachable = 20_000;

/** A query on its way. */
interface Attempt {
  readonly agent: Agent;
  readonly query: string;
  readonly signal: AbortSignal;
  /** Until when the agent has time, on the monotonic clock. */
  readonly until: number;
  /** When its last connection is gone, which counts until then. */
  closed: Promise<void>;
}

/** How a query is to be treated. */
interface AskOptions {
  /** Whether the answer of an equal query will do: for checks, and never for what changes something. */
  readonly isShared: boolean;
}

interface PollerParts {
  readonly clock: Clock;
  readonly totalConnections: number;
  /** Bytes. */
  readonly cacheSize: number;
}

/**
 * Asks agents. Equal checks become one, connections are counted, versions found out, and one agent that hangs or is gone keeps
 * nobody from the others.
 */
export class Poller {
  private readonly clock: Clock;
  private readonly cache: ResultCache<NrpeReply>;
  private readonly slots: ConnectionSlots;
  private readonly versions: VersionMemory;
  private readonly tls: AgentTls;
  private readonly addresses: AddressBook;
  /** Agents that took no connection, by their key: until when, and why. */
  private readonly unreachable = new Map<string, { readonly until: number; readonly failure: ExchangeFailure }>();
  private readonly stopped = new AbortController();

  constructor({ clock, totalConnections, cacheSize }: PollerParts) {
    this.clock = clock;
    this.cache = new ResultCache({
      clock,
      maxBytes: cacheSize,
      sizeOf: (key, { text }) => 2 * (key.length + text.length) + 200,
    });
    this.slots = new ConnectionSlots(clock, totalConnections);
    this.versions = new VersionMemory(clock);
    this.tls = new AgentTls(clock);
    this.addresses = new AddressBook(clock);
  }

  /** What it does at this moment. */
  get figures() {
    return { connections: this.slots.figures, cache: this.cache.figures };
  }

  /** Takes changed limits. What was answered with other settings is not answered again. */
  configure({ totalConnections, cacheSize }: Omit<PollerParts, "clock">): void {
    this.slots.setTotal(totalConnections);
    this.cache.setMaxBytes(cacheSize);
    this.cache.clear();
    this.unreachable.clear();
  }

  /** @throws GatewayError CONFIGURATION when the agent can't be connected to with its settings, beginning with the key */
  check(agent: Agent): void {
    this.tls.options(agent);
  }

  /**
   * What the agent answers.
   *
   * @param query `command` or `command!argument!argument`
   * @throws Error with a text that names host, port and reason; GatewayError with the reason for which the caller has gone
   */
  ask(agent: Agent, query: string, caller: Caller, { isShared }: AskOptions): Promise<NrpeReply> {
    const keepMs = isShared ? agent.values.cacheTime : 0;
    const key = `${agent.key}\n${query}`;
    return this.cache.answer(key, keepMs, caller, (signal) => this.send(agent, query, signal, isShared));
  }

  /** Ends what is on its way. */
  stop(): void {
    this.stopped.abort(new GatewayError("UNAVAILABLE", "The NRPE client was stopped."));
    this.cache.clear();
  }

  private async send(agent: Agent, query: string, left: AbortSignal, mayRepeat: boolean): Promise<NrpeReply> {
    const signal = AbortSignal.any([left, this.stopped.signal]);
    const { key, place, values } = agent;
    this.refuseUnreachable(key);
    const { maxConnections, maxWaiting, timeout } = values;
    const request = { key, place, maxConnections, maxWaiting, timeoutMs: timeout, graceMs: lineGraceMs };
    const release = await this.slots.acquire(request, signal);
    const attempt: Attempt = {
      agent,
      query,
      signal,
      until: this.clock.monotonic() + timeout,
      closed: Promise.resolve(),
    };
    try {
      this.refuseUnreachable(key);
      return await this.attempts(attempt, mayRepeat);
    } catch (thrown) {
      if (isUnreachable(thrown) && values.unreachableTime > 0) this.remember(agent, thrown);
      throw thrown;
    } finally {
      void attempt.closed.then(release);
    }
  }

  private async attempts(attempt: Attempt, mayRepeat: boolean): Promise<NrpeReply> {
    const { agent, until, signal } = attempt;
    for (let count = 1; ; count++) {
      try {
        return await this.negotiate(attempt);
      } catch (thrown) {
        const isOver = count > agent.values.retries || this.clock.monotonic() + count * pauseMs >= until;
        if (isOver || !isWorthRepeating(thrown, mayRepeat)) throw thrown;
        await this.pause(count * pauseMs, signal);
      }
    }
  }

  /** Tries the versions that the agent may take, each on a connection of its own. */
  private async negotiate(attempt: Attempt): Promise<NrpeReply> {
    const { agent } = attempt;
    const versions = this.versions.versionsFor(agent.place, agent.values.version);
    let first: unknown;
    for (const [index, version] of versions.entries()) {
      const isLast = index === versions.length - 1;
      try {
        const reply = await this.once(attempt, version);
        // An agent that does not know the version may say so in another one, or with a result that is none.
        if (!isLast && (reply.version !== version || reply.result === -1)) continue;
        if (reply.version === version) this.versions.worked(agent.place, version);
        return reply;
      } catch (thrown) {
        if (thrown instanceof RangeError) throw first ?? tooLong(agent, thrown);
        if (!isVersionTrouble(thrown)) throw thrown;
        first ??= thrown;
        if (!isLast) continue;
        this.versions.failed(agent.place);
        throw unanswered(thrown, versions, agent);
      }
    }
    throw new Error("There is no version to try.");
  }

  private once(attempt: Attempt, version: NrpeVersion): Promise<NrpeReply> {
    const { agent, query, signal, until } = attempt;
    const { host, port, place, charset, values } = agent;
    const endpoint: Endpoint = { host, port, place, tls: this.tls.options(agent), lookup: this.addresses.lookup };
    const { payloadLength, encoding, timeout } = values;
    const timeoutMs = Math.max(1, until - this.clock.monotonic());
    let onClose = () => {};
    const closed = new Promise<void>((resolve) => {
      onClose = resolve;
    });
    const reply = exchange(
      endpoint,
      { text: query, version, payloadLength, charset, encoding, maxAnswer },
      { clock: this.clock, timeoutMs, namedTimeoutMs: timeout, onClose },
      signal,
    );
    attempt.closed = closed;
    return reply;
  }

  private pause(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const abort = () => {
        cancel();
        reject(signal.reason);
      };
      const cancel = this.clock.after(ms, () => {
        signal.removeEventListener("abort", abort);
        resolve();
      });
      signal.addEventListener("abort", abort, { once: true });
    });
  }

  private refuseUnreachable(key: string): void {
    const known = this.unreachable.get(key);
    if (known === undefined) return;
    if (known.until > this.clock.monotonic()) throw known.failure;
    this.unreachable.delete(key);
  }

  /** Who waits for an agent that is gone would wait in vain, one time-out after the other. */
  private remember({ key, place, values }: Agent, failure: ExchangeFailure): void {
    this.unreachable.delete(key);
    this.unreachable.set(key, { until: this.clock.monotonic() + values.unreachableTime, failure });
    if (this.unreachable.size > maxUnreachable) {
      const [oldest] = this.unreachable.keys();
      if (oldest !== undefined) this.unreachable.delete(oldest);
    }
    this.slots.refuseAll(place, key, failure);
  }
}

/** It did not even take a connection in all that time; what refuses at once costs nobody anything. */
function isUnreachable(thrown: unknown): thrown is ExchangeFailure {
  return thrown instanceof ExchangeFailure && thrown.kind === "late" && thrown.phase !== "answer";
}

/** All that says "I don't know this version": check_nrpe takes the same for it. */
function isVersionTrouble(thrown: unknown): boolean {
  return thrown instanceof ExchangeFailure && (thrown.kind === "closed" || thrown.kind === "garbled");
}

/** Whether another attempt could end better. What the agent may have run already is not run again if that matters. */
function isWorthRepeating(thrown: unknown, mayRepeat: boolean): boolean {
  if (!(thrown instanceof ExchangeFailure)) return false;
  if (thrown.kind === "connect") return true;
  return mayRepeat && thrown.kind === "closed";
}

function tooLong({ place }: Agent, error: RangeError): GatewayError {
  return new GatewayError("INVALID_ARGUMENT", `${place}: the query is too long. ${error.message}`);
}

function unanswered(thrown: unknown, versions: readonly NrpeVersion[], { values }: Agent): unknown {
  if (!(thrown instanceof ExchangeFailure) || thrown.kind !== "closed" || thrown.received > 0) return thrown;
  const tried = versions.length === 1 ? `version ${versions[0]}` : `versions ${versions.join(" and ")}`;
  const plain = values.useSsl ? "" : "want TLS (use ssl = true), ";
  const why = `the agent may ${plain}not take packets of ${tried}, arguments or these characters, or not allow this host`;
  return new ExchangeFailure(`${thrown.message}: ${why}`, thrown, thrown.cause);
}
