import { connect as connectTcp, isIP, type Socket } from "node:net";
import { type ConnectionOptions, connect as connectTls } from "node:tls";
import type { Clock } from "../../kernel/clock.js";
import { errorText } from "../../kernel/errors.js";
import { connectionFailure } from "./connection-failure.js";

export interface ConnectTarget {
  readonly host: string;
  readonly port: number;
  /** For the connection, and again for the handshake. */
  readonly timeoutMs: number;
  readonly tls: ConnectionOptions;
}

/**
 * A TLS connection whose handshake is done.
 *
 * @throws Error that says what could not be done and why
 */
export async function connect(target: ConnectTarget, clock: Clock, signal: AbortSignal): Promise<Socket> {
  const { host, port, timeoutMs } = target;
  const place = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  const tcp = connectTcp({ host, port, noDelay: true });
  await ready(tcp, "connect", timeoutMs, clock, signal, `Cannot reach ${place}`);
  const tls = connectTls({ ...target.tls, ...serverName(target), socket: tcp, host });
  await ready(tls, "secureConnect", timeoutMs, clock, signal, `No TLS with ${place}`);
  return tls;
}

/** TLS names no addresses to a server. */
function serverName({ host, tls }: ConnectTarget): ConnectionOptions {
  return tls.servername !== undefined || isIP(host) !== 0 ? {} : { servername: host };
}

/** Waits for an event of a socket; destroys it when something else comes first. */
function ready(
  socket: Socket,
  event: "connect" | "secureConnect",
  timeoutMs: number,
  clock: Clock,
  signal: AbortSignal,
  what: string,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (problem?: string) => {
      cancel();
      signal.removeEventListener("abort", aborted);
      socket.off(event, done);
      socket.off("close", closed);
      if (problem === undefined) return resolve();
      socket.destroy();
      reject(new Error(`${what}: ${problem}`));
    };
    const done = () => settle();
    const closed = () => settle("it closed the connection");
    const aborted = () => settle(errorText(signal.reason));
    const cancel = clock.after(timeoutMs, () => settle(`nothing within ${timeoutMs / 1000} s`));
    socket.on(event, done);
    // Stays: a socket can report an error at any time, and one that nobody listens to ends the process.
    socket.on("error", (error) => settle(connectionFailure(error)));
    socket.on("close", closed);
    signal.addEventListener("abort", aborted);
    if (signal.aborted) aborted();
  });
}
