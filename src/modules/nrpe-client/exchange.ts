import { connect as connectTcp, type LookupFunction, type Socket } from "node:net";
import { type ConnectionOptions, connect as connectTls } from "node:tls";
import { TextDecoder } from "node:util";
import type { Clock } from "../../kernel/clock.js";
import { secondsText } from "../../kernel/deadlines.js";
import type { Charset } from "../../wire/charset.js";
import { encodeNrpeQuery, NRPE_MORE, type NrpePacket, type NrpeVersion } from "../../wire/nrpe/packet.js";
import { NrpeReader } from "../../wire/nrpe/reader.js";
import { ExchangeFailure, type Phase, systemErrorText, tlsFailure } from "./exchange-failure.js";

/** Where to connect to, and how. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
  /** Host and port as people write them. */
  readonly place: string;
  /** Without it in plain. */
  readonly tls?: ConnectionOptions | undefined;
  readonly localAddress?: string | undefined;
  /** Only addresses of this kind. */
  readonly family?: 4 | 6 | undefined;
  readonly lookup?: LookupFunction | undefined;
}

export interface NrpeQuery {
  /** `command` or `command!argument!argument`. */
  readonly text: string;
  readonly version: NrpeVersion;
  /** P of version 2. */
  readonly payloadLength: number;
  readonly charset: Charset;
  /** Its name, for the answer. */
  readonly encoding: string;
  /** The longest answer, in bytes. */
  readonly maxAnswer: number;
}

export interface ExchangeLimits {
  readonly clock: Clock;
  /** Milliseconds for all of it. */
  readonly timeoutMs: number;
  /** The time that messages name: that of all attempts together. */
  readonly namedTimeoutMs: number;
  /** Called when the connection is gone, which is a moment after the answer. */
  onClose?(): void;
}

/** What an agent answered. */
export interface NrpeReply {
  readonly version: NrpeVersion;
  /** As the agent sent it, -32768 to 32767. */
  readonly result: number;
  readonly text: string;
}

/** How long to wait for the rest of what may be a whole packet and has a wrong CRC. */
const doubtMs = 1_000;

/**
 * One query on a connection of its own, as NRPE has it.
 *
 * @param signal gives up
 * @throws ExchangeFailure saying how far it came and why it failed, {@link RangeError} when version 2 has no room for the
 * query, or the reason of the signal
 */
export function exchange(
  endpoint: Endpoint,
  query: NrpeQuery,
  limits: ExchangeLimits,
  signal: AbortSignal,
): Promise<NrpeReply> {
  const { version, payloadLength, charset } = query;
  const packet = encodeNrpeQuery(query.text, { version, payloadLength, charset });
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      limits.onClose?.();
      reject(signal.reason);
      return;
    }
    let connection: Connection;
    try {
      connection = new Connection(endpoint, query, packet);
    } catch (error) {
      limits.onClose?.();
      throw error;
    }
    const cancel = limits.clock.after(limits.timeoutMs, () => connection.late(limits.namedTimeoutMs));
    const abort = () => connection.finish(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    connection.onClose(() => limits.onClose?.());
    connection.start(limits.clock, (outcome) => {
      cancel();
      signal.removeEventListener("abort", abort);
      if ("reply" in outcome) resolve(outcome.reply);
      else reject(outcome.failure);
    });
  });
}

type Outcome = { readonly reply: NrpeReply } | { readonly failure: unknown };

class Connection {
  private readonly socket: Socket;
  private readonly reader: NrpeReader;
  private readonly texts: Buffer[] = [];
  private size = 0;
  private received = 0;
  private phase: Phase = "connect";
  private peer: string;
  private settle: ((outcome: Outcome) => void) | undefined;
  private cancelDoubt: (() => void) | undefined;

  constructor(
    private readonly endpoint: Endpoint,
    private readonly query: NrpeQuery,
    private readonly packet: Buffer,
  ) {
    const { host, port, tls, localAddress, family, lookup } = endpoint;
    const where = {
      ...{ host, port, noDelay: true },
      ...(localAddress === undefined ? {} : { localAddress }),
      ...(family === undefined ? {} : { family }),
      ...(lookup === undefined ? {} : { lookup }),
    };
    this.socket = tls === undefined ? connectTcp(where) : connectTls({ ...tls, ...where });
    this.peer = host;
    this.reader = new NrpeReader("response", { payloadLength: query.payloadLength, maxLength: query.maxAnswer });
  }

  start(clock: Clock, settle: (outcome: Outcome) => void): void {
    this.settle = settle;
    const { socket } = this;
    const send = () => {
      this.phase = "answer";
      socket.write(this.packet);
    };
    socket.once("connect", () => {
      this.peer = socket.remoteAddress ?? this.peer;
      if (this.endpoint.tls === undefined) send();
      else this.phase = "handshake";
    });
    socket.once("secureConnect", send);
    socket.on("data", (chunk: Buffer) => this.take(chunk, clock));
    socket.once("end", () => this.ended());
    socket.on("error", (error) => this.broken(error));
    socket.once("close", () => this.ended());
  }

  onClose(listener: () => void): void {
    this.socket.once("close", listener);
  }

  /** Nothing more is waited for. */
  late(timeoutMs: number): void {
    this.fail("late", `${lateTexts[this.phase]} within ${secondsText(timeoutMs)} s`);
  }

  finish(reason: unknown): void {
    this.done({ failure: reason });
    this.socket.destroy();
  }

  private take(chunk: Buffer, clock: Clock): void {
    if (this.settle === undefined) return;
    this.received += chunk.length;
    this.reader.push(chunk);
    for (let packet = this.reader.next(); packet !== undefined; packet = this.reader.next()) {
      if (this.part(packet)) return;
    }
    if (this.reader.problem !== undefined) this.garbled();
    else if (this.reader.isDoubtful) this.doubt(clock);
  }

  /** Whether the answer is complete. */
  private part({ type, result, version, text }: NrpePacket): boolean {
    this.cancelDoubt?.();
    this.cancelDoubt = undefined;
    this.texts.push(text);
    this.size += text.length;
    if (this.size > this.query.maxAnswer) {
      this.fail("garbled", `answered with more than ${this.query.maxAnswer} bytes`);
      return true;
    }
    if (type === NRPE_MORE) return false;
    const [only] = this.texts;
    const bytes = this.texts.length === 1 && only !== undefined ? only : Buffer.concat(this.texts);
    this.done({ reply: { version, result, text: decode(bytes, this.query.encoding) } });
    // The agent has said all: it need not wait for our end, and neither do we for its.
    this.socket.end();
    this.socket.destroySoon();
    return true;
  }

  private doubt(clock: Clock): void {
    this.cancelDoubt ??= clock.after(doubtMs, () => {
      this.reader.end();
      this.garbled();
    });
  }

  private ended(): void {
    if (this.settle === undefined) return;
    this.reader.end();
    if (this.reader.problem !== undefined) this.garbled();
    else if (this.phase === "answer") this.fail("closed", "closed the connection without an answer");
    else this.fail(this.phase, this.phase === "connect" ? "can't be reached" : handshakeClosed);
  }

  private garbled(): void {
    const { problem } = this.reader;
    const kind = problem?.kind === "crc" ? "damaged" : "garbled";
    this.fail(kind, `answered with what is no answer of NRPE: ${problem?.text ?? "it is not whole"}`);
  }

  private broken(error: Error): void {
    if (this.settle === undefined) return;
    const tls = tlsFailure(error);
    if (this.phase === "connect") this.fail("connect", `can't be reached: ${systemErrorText(error)}`, error);
    else if (tls !== undefined) this.fail(tls.kind, tls.text, error);
    else if (this.phase === "handshake") this.fail("handshake", handshakeClosed, error);
    else this.fail("closed", `broke the connection off without an answer: ${systemErrorText(error)}`, error);
  }

  private fail(kind: ExchangeFailure["kind"], text: string, cause?: Error): void {
    const { endpoint, query, received, phase, peer, reader } = this;
    const { place } = endpoint;
    const facts = { ...{ kind, phase, received, place, peer }, version: query.version, problem: reader.problem?.kind };
    this.done({ failure: new ExchangeFailure(`${endpoint.place} ${text}`, facts, cause) });
    this.socket.destroy();
  }

  private done(outcome: Outcome): void {
    this.cancelDoubt?.();
    this.settle?.(outcome);
    this.settle = undefined;
  }
}

const lateTexts: Readonly<Record<Phase, string>> = {
  connect: "did not take the connection",
  handshake: "did not finish the TLS handshake",
  answer: "did not answer",
};

const handshakeClosed =
  "closed the connection in the TLS handshake: it may not allow this host, speak plain NRPE (use ssl = false), or have no certificate (insecure = true)";

function decode(bytes: Buffer, encoding: string): string {
  const label = encoding.trim().toLowerCase();
  return label === "utf-8" || label === "utf8" ? bytes.toString("utf8") : new TextDecoder(label).decode(bytes);
}
