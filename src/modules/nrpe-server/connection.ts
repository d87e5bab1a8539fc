import type { Socket } from "node:net";
import { callerGone } from "../../front-end/operation.js";
import type { PeerLog } from "../../front-end/peer-log.js";
import type { Seat } from "../../front-end/seats.js";
import type { Call } from "../../kernel/call.js";
import type { Clock } from "../../kernel/clock.js";
import type { Deadlines } from "../../kernel/deadlines.js";
import { GatewayError } from "../../kernel/errors.js";
import type { Principal } from "../../kernel/principal.js";
import type { NrpeAnswer, NrpePacket } from "../../wire/nrpe/packet.js";
import { NrpeReader } from "../../wire/nrpe/reader.js";
import type { Desk } from "./desk.js";
import type { Figures } from "./figures.js";
import { encodeReply, type ReplyForm } from "./reply.js";

export interface ConnectionParts {
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly seat: Seat;
  readonly desk: Desk;
  readonly figures: Figures;
  readonly peers: PeerLog;
  readonly form: ReplyForm;
  readonly payloadLength: number;
  /** Who the connection belongs to, asked when there is a query. */
  readonly identify: () => Principal | Promise<Principal>;
  /** Milliseconds that the rest of a query may take. */
  readonly queryTimeoutMs: number;
  /** Milliseconds that an answer may take to be read. */
  readonly answerTimeoutMs: number;
}

const noTimer = () => {};
/** How long a query that looks whole and is not may take to get longer, in milliseconds. */
const doubtMs = 1000;
/** How long a client that has its answer may take to close, in milliseconds. */
const lingerMs = 2000;

/**
 * A client's connection: one query, one answer. It works without a promise of its own, and without a timer when the query
 * comes in one piece and its check answers at once.
 *
 * What comes behind the query is read and thrown away until the client closes. Otherwise closing would reset the connection
 * and destroy the answer.
 */
export class PollerConnection {
  private readonly reader: NrpeReader;
  private state: "reading" | "answering" | "closing" = "reading";
  private call: Call | undefined;
  private stopTimer: () => void = noTimer;
  private isDoubted = false;

  constructor(
    private readonly socket: Socket,
    private readonly address: string,
    private readonly parts: ConnectionParts,
  ) {
    this.reader = new NrpeReader("query", { payloadLength: parts.payloadLength });
    socket.on("data", (chunk: Buffer) => this.read(chunk));
    socket.on("end", () => this.ended());
    socket.on("close", () => this.closed());
  }

  /** Ends a connection on which no query has come; one that is being answered goes on. */
  cutIfSilent(): void {
    if (this.state === "reading") this.socket.destroy();
  }

  /** Has the check answer now that it was ended. */
  cutShort(): void {
    this.call?.abort(new GatewayError("UNAVAILABLE", "The gateway is shutting down."));
  }

  private read(chunk: Buffer): void {
    if (this.state !== "reading") return;
    const { reader } = this;
    reader.push(chunk);
    const query = reader.next();
    if (query !== undefined) this.take(query);
    else if (reader.problem !== undefined) this.refuse(reader.problem.kind, reader.problem.text);
    else this.expectMore();
  }

  private take(query: NrpePacket): void {
    this.state = "answering";
    this.parts.seat.keep();
    this.stopTimer();
    try {
      const principal = this.parts.identify();
      if (!(principal instanceof Promise)) this.run(query, principal);
      else principal.then((known) => this.run(query, known)).catch((thrown: unknown) => this.turnAway(query, thrown));
    } catch (thrown) {
      this.turnAway(query, thrown);
    }
  }

  private turnAway(query: NrpePacket, thrown: unknown): void {
    this.send(query, this.parts.desk.turnAway(thrown));
  }

  private run(query: NrpePacket, principal: Principal): void {
    const { desk, form } = this.parts;
    const call = desk.open(principal, this.address);
    this.call = call;
    if (this.socket.destroyed) call.abort(callerGone());
    const answer = desk.answer(form.charset.read(query.text), call);
    if (!(answer instanceof Promise)) this.send(query, answer);
    else answer.then((late) => this.send(query, late)).catch((thrown: unknown) => this.turnAway(query, thrown));
  }

  private send(query: NrpePacket, answer: NrpeAnswer): void {
    this.call?.finish();
    this.call = undefined;
    if (this.socket.destroyed) {
      this.parts.figures.abandoned++;
      return;
    }
    const { bytes, cut } = encodeReply(answer, query, this.parts.form);
    if (cut !== undefined) {
      this.parts.peers.warn(this.address, "cut", `Cut an answer for ${this.address} ${cut}: version ${query.version}`);
    }
    this.close(bytes);
  }

  private close(bytes?: Buffer): void {
    const { clock, deadlines, answerTimeoutMs } = this.parts;
    const { socket } = this;
    this.state = "closing";
    this.stopTimer();
    if (bytes === undefined) socket.end();
    else socket.end(bytes);
    const readUntil = clock.monotonic() + answerTimeoutMs;
    const wait = () => {
      this.stopTimer = deadlines.add(clock.monotonic() + lingerMs, () => {
        if (socket.writableFinished || clock.monotonic() >= readUntil) socket.destroy();
        else wait();
      });
    };
    wait();
  }

  /** The peer says no more. Without TLS it may still wait for its answer; nobody who speaks TLS here closes one side only. */
  private ended(): void {
    if (this.state === "answering" && "encrypted" in this.socket) this.socket.destroy();
    if (this.state !== "reading") return;
    this.reader.end();
    const { problem } = this.reader;
    if (problem !== undefined) this.unreadable(problem.kind, problem.text);
    this.socket.destroy();
  }

  private closed(): void {
    this.stopTimer();
    if (this.state === "answering") this.call?.abort(callerGone());
  }

  private refuse(kind: string, reason: string): void {
    this.unreadable(kind, reason);
    this.close();
  }

  private unreadable(kind: string, reason: string): void {
    this.parts.figures.unreadable++;
    this.parts.peers.warn(this.address, kind, `Closed the connection of ${this.address}: ${reason}`);
  }

  /** Bytes that come one by one don't begin the time anew. */
  private expectMore(): void {
    const { clock, deadlines, queryTimeoutMs } = this.parts;
    const isFirst = this.stopTimer === noTimer;
    if (!isFirst && (this.isDoubted || !this.reader.isDoubtful)) return;
    this.isDoubted = this.reader.isDoubtful;
    this.stopTimer();
    const wait = this.isDoubted ? Math.min(doubtMs, queryTimeoutMs) : queryTimeoutMs;
    this.stopTimer = deadlines.add(clock.monotonic() + wait, () => {
      this.unreadable(
        "incomplete",
        this.isDoubted ? "a packet has a wrong CRC" : `no whole packet came within ${wait / 1000} s`,
      );
      this.socket.destroy();
    });
  }
}
