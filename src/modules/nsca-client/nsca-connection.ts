import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { Clock } from "../../kernel/clock.js";
import { secondsText } from "../../kernel/deadlines.js";
import { errorText } from "../../kernel/errors.js";
import type { ClientTls } from "../../security/client-tls.js";
import { decodeNscaInit, NSCA_INIT_SIZE, type NscaInit } from "../../wire/nsca/init-packet.js";

export interface NscaConnectionOptions {
  readonly host: string;
  readonly port: number;
  /** Undefined without TLS. */
  readonly tls: ClientTls | undefined;
  /** Milliseconds for each phase: connecting, the TLS handshake, the init packet, each stop while writing, closing. */
  readonly timeoutMs: number;
  readonly clock: Clock;
}

/** What a daemon closes a connection for, as far as it lets a sender know. */
const earlyClose =
  "closed the connection before all was sent: encryption, password or payload length may be others than its own, or it takes one result per connection";

/**
 * One connection to an NSCA daemon. The daemon speaks first and never answers; that it took what was sent shows in nothing but
 * the way it closes: after our end, with its own end, and not with a reset.
 */
export class NscaConnection {
  /** What is called when something has changed. */
  readonly #lookers = new Set<() => void>();
  readonly #place: string;
  #socket: Socket;
  #received = Buffer.alloc(0);
  #failure: Error | undefined;
  #isConnected = false;
  #isSecured = false;
  #isEnding = false;
  #hasEnded = false;

  private constructor(private readonly options: NscaConnectionOptions) {
    const { host, port } = options;
    this.#place = `${host.includes(":") ? `[${host}]` : host}:${port}`;
    this.#socket = connectTcp({ host, port, noDelay: true });
    this.#watch(this.#socket);
    this.#socket.once("connect", () => {
      this.#isConnected = true;
      this.#wake();
    });
  }

  /**
   * Connects and waits for the init packet.
   * @throws Error that says which phase failed and why
   */
  static async open(
    options: NscaConnectionOptions,
    signal: AbortSignal,
  ): Promise<{ readonly connection: NscaConnection; readonly init: NscaInit }> {
    const connection = new NscaConnection(options);
    const abort = () => connection.#fail(`was given up: ${errorText(signal.reason)}`);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    connection.#socket.once("close", () => signal.removeEventListener("abort", abort));
    try {
      await connection.#until(() => connection.#isConnected, "did not take the connection");
      if (options.tls !== undefined) await connection.#secure(options.tls);
      else connection.#listen();
      return { connection, init: await connection.#readInit() };
    } catch (error) {
      connection.destroy();
      throw error;
    }
  }

  /** Resolves when there is room for more. The socket takes the bytes over. */
  async write(bytes: Uint8Array): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#socket.write(bytes)) return;
    await this.#until(() => !this.#socket.writableNeedDrain, "took no more of what was sent");
  }

  /** Resolves after so many milliseconds, or half of the time-out, in which the daemon did not close the connection. */
  async staysOpen(ms: number): Promise<void> {
    let isOver = false;
    const { clock, timeoutMs } = this.options;
    const cancel = clock.after(Math.min(ms, timeoutMs / 2), () => {
      isOver = true;
      this.#wake();
    });
    try {
      await this.#until(() => isOver, "took no more of what was sent");
    } finally {
      cancel();
    }
  }

  /** Sends the last bytes with our end of the connection, and resolves when the daemon has closed its end in an orderly way. */
  async finish(bytes: Uint8Array): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    // In one go: whatever the daemon ends after this it has ended knowing all of it, as far as a sender can see.
    this.#isEnding = true;
    this.#socket.end(bytes);
    await this.#until(() => this.#hasEnded && this.#socket.writableFinished, "did not close the connection");
    this.#socket.destroy();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  async #secure(tls: ClientTls): Promise<void> {
    const { host } = this.options;
    const name = isIP(host) === 0 ? { servername: host } : {};
    const secured = connectTls({ ...name, ...tls.options(), socket: this.#socket, host });
    this.#socket = secured;
    this.#watch(secured);
    secured.once("secureConnect", () => {
      this.#isSecured = true;
      this.#wake();
    });
    await this.#until(() => this.#isSecured, "did not finish the TLS handshake");
    this.#listen();
  }

  #watch(socket: Socket): void {
    socket.on("error", (error) => this.#fail(`can't be reached or broke off: ${errorText(error)}`));
    socket.on("drain", () => this.#wake());
    socket.on("finish", () => this.#wake());
    socket.on("end", () => {
      if (socket !== this.#socket) return;
      this.#hasEnded = true;
      if (!this.#isEnding) this.#fail(this.#received.length < NSCA_INIT_SIZE ? this.#shortInit() : earlyClose);
      this.#wake();
    });
    socket.on("close", () => {
      if (socket === this.#socket && !this.#hasEnded) this.#fail("broke the connection off");
    });
  }

  #listen(): void {
    this.#socket.on("data", (chunk: Buffer) => {
      if (this.#received.length <= NSCA_INIT_SIZE) this.#received = Buffer.concat([this.#received, chunk]);
      if (this.#received.length > NSCA_INIT_SIZE || isText(this.#received))
        this.#fail(`is no NSCA daemon: it says ${quoted(this.#received)}`);
      this.#wake();
    });
  }

  async #readInit(): Promise<NscaInit> {
    await this.#until(() => this.#received.length >= NSCA_INIT_SIZE, "sent no init packet");
    return decodeNscaInit(this.#received);
  }

  #shortInit(): string {
    const { length } = this.#received;
    if (length === 0) return "closed the connection at once: it may not allow this host, or not have the encryption";
    return `closed the connection after ${length} of the ${NSCA_INIT_SIZE} bytes of an init packet`;
  }

  #until(isDone: () => boolean, late: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const { clock, timeoutMs } = this.options;
      const look = () => {
        if (this.#failure === undefined && !isDone()) return;
        cancel();
        this.#lookers.delete(look);
        if (this.#failure === undefined) resolve();
        else reject(this.#failure);
      };
      const cancel = clock.after(timeoutMs, () => this.#fail(`${late} within ${secondsText(timeoutMs)} s`));
      this.#lookers.add(look);
      look();
    });
  }

  #fail(text: string): void {
    if (this.#failure !== undefined || (this.#isEnding && this.#hasEnded && this.#socket.writableFinished)) return;
    this.#failure = new Error(`${this.#place} ${text}`);
    this.#socket.destroy();
    this.#wake();
  }

  #wake(): void {
    for (const look of [...this.#lookers]) look();
  }
}

/** The first bytes of an init packet are random: so many characters of text in a row are none. */
const enoughText = 16;

function isText(bytes: Buffer): boolean {
  return bytes.length >= enoughText && bytes.subarray(0, NSCA_INIT_SIZE).every(isTextByte);
}

function isTextByte(byte: number): boolean {
  return (byte >= 0x20 && byte < 0x7f) || byte === 0x09 || byte === 0x0a || byte === 0x0d;
}

const shownBytes = 40;

function quoted(bytes: Buffer): string {
  return JSON.stringify(bytes.subarray(0, shownBytes).toString("latin1"));
}
