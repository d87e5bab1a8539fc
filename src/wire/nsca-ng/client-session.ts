/**
 * The client's side of an NSCA-ng session, without a socket: it is fed with the server's lines and says what to write.
 *
 *     client  MOIN 1 <session>           server  MOIN 1
 *     client  PUSH <bytes>               server  OKAY | FAIL <reason>
 *     client  <the command's bytes>      server  OKAY | FAIL <reason>
 *     client  QUIT                       server  OKAY
 *
 * One request is open at a time: NSCA-ng 1.6 reads a command and a request that arrive together as one and loses its place,
 * so nothing is sent ahead. NOOP is never sent, because that server does not read on after it. A FAIL refuses one
 * command, the session goes on; after a BAIL, or an answer that is none, nothing more can be said.
 *
 * Source: the protocol document of NSCA-ng 1.6; behaviour of its server where the document is silent.
 */
import type { ServerLine } from "./lines.js";

/** What became of a command. */
export type CommandOutcome =
  | { readonly kind: "accepted" }
  /** With the server's words. */
  | { readonly kind: "refused"; readonly reason: string };

/** What to do after an answer. */
export interface SessionStep {
  /** Bytes to send. */
  readonly write?: Buffer;
  /** What became of the command that was open; in the order of the commands. */
  readonly outcome?: CommandOutcome;
  /** The session is over: `finished` after the answer to QUIT, or why it can't go on. */
  readonly end?: "finished" | { readonly broken: string };
}

/** A command and, for a server that takes none of that length, a shorter form of it. */
export interface PushCommand {
  /** The line with its newline. */
  readonly line: Buffer;
  /** Called when the server refuses the length; undefined: there is no shorter form. */
  shorten?(): Buffer | undefined;
}

type Phase = "greeting" | "request" | "data" | "farewell" | "over";

/** What the client waits for in each phase, for error messages. */
const WAITS_FOR: Readonly<Record<Phase, string>> = {
  greeting: "the answer to MOIN",
  request: "the answer to PUSH",
  data: "the answer to a command",
  farewell: "the answer to QUIT",
  over: "nothing",
};

export class NscaNgSession {
  private phase: Phase = "greeting";
  private next = 0;
  private line: Buffer | undefined;
  private wasShortened = false;

  /** @param commands - in the order in which they are to be sent */
  constructor(private readonly commands: readonly PushCommand[]) {}

  /**
   * The first request.
   *
   * @param sessionId - 2 to 64 printable characters without blanks; the server writes it to its log
   */
  static greeting(sessionId: string): Buffer {
    return Buffer.from(`MOIN ${VERSION} ${sessionId}\r\n`);
  }

  /** What the server owes an answer to. */
  get waitsFor(): string {
    return WAITS_FOR[this.phase];
  }

  /**
   * Takes the lines that came together. Each request has one answer, so what comes behind it was not asked for: counted as
   * the answer to the next request it would confirm a command that the server has never seen.
   */
  receive(lines: readonly ServerLine[]): SessionStep {
    const [answer, ...unasked] = lines;
    if (answer === undefined || this.phase === "over") return {};
    if (this.phase === "farewell") {
      // Everything has its outcome: the server's last words change nothing.
      this.phase = "over";
      return { end: "finished" };
    }
    const { outcome, ...step } = this.answer(answer);
    const [surplus] = unasked;
    const rest = surplus === undefined || step.end !== undefined ? step : this.surplus(surplus);
    return outcome === undefined ? rest : { outcome, ...rest };
  }

  private answer(line: ServerLine): SessionStep {
    if (line.keyword === "BAIL") return this.ended(line);
    switch (this.phase) {
      case "greeting":
        if (line.keyword !== "MOIN") return this.broken(`The server did not greet back: ${shown(line)}`);
        if (line.text !== VERSION) return this.broken(`The server speaks another version: ${shown(line)}`);
        return this.request();
      case "request":
        if (line.keyword === "OKAY") return this.data();
        if (line.keyword === "FAIL") return this.shorter() ?? this.settled(line);
        return this.unexpected(line);
      default:
        if (line.keyword === "OKAY" || line.keyword === "FAIL") return this.settled(line);
        return this.unexpected(line);
    }
  }

  private request(): SessionStep {
    this.wasShortened = false;
    this.line = this.commands[this.next]?.line;
    return this.push();
  }

  private push(): SessionStep {
    if (this.line === undefined) {
      this.phase = "farewell";
      return { write: Buffer.from("QUIT\r\n") };
    }
    this.phase = "request";
    return { write: Buffer.from(`PUSH ${this.line.length}\r\n`) };
  }

  private data(): SessionStep {
    this.phase = "data";
    return this.line === undefined ? {} : { write: this.line };
  }

  /** A PUSH is refused before the server has seen the command, so it is about the length. */
  private shorter(): SessionStep | undefined {
    if (this.wasShortened) return undefined;
    const line = this.commands[this.next]?.shorten?.();
    if (line === undefined) return undefined;
    this.wasShortened = true;
    this.line = line;
    return this.push();
  }

  private settled(line: ServerLine): SessionStep {
    this.next++;
    const outcome: CommandOutcome =
      line.keyword === "OKAY" ? { kind: "accepted" } : { kind: "refused", reason: line.text || line.whole };
    return { outcome, ...this.request() };
  }

  private unexpected(line: ServerLine): SessionStep {
    return this.broken(`The server answered neither OKAY nor FAIL: ${shown(line)}`);
  }

  private surplus(line: ServerLine): SessionStep {
    if (line.keyword === "BAIL") return this.ended(line);
    return this.broken(`The server answered what it was not asked: ${shown(line)}`);
  }

  private ended(line: ServerLine): SessionStep {
    return this.broken(`The server ended the session: ${shown(line)}`);
  }

  private broken(reason: string): SessionStep {
    this.phase = "over";
    return { end: { broken: reason } };
  }
}

const VERSION = "1";
const SHOWN_LENGTH = 200;

function shown({ whole }: ServerLine): string {
  return whole.length > SHOWN_LENGTH ? `${whole.slice(0, SHOWN_LENGTH)}…` : whole;
}
