import { connect as connectPlain, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { Clock } from "../../kernel/clock.js";
import { errorText, GatewayError } from "../../kernel/errors.js";
import type { RelayTarget, SenderEnvironment } from "../../relay/relay.js";
import { ClientTls } from "../../security/client-tls.js";
import type { GraphiteKeys } from "./settings.js";

/** Connections over which nothing comes back: one for each text. */
export interface OneWayConnections {
  /**
   * Writes the text, ends our side and waits until the receiver has ended its own, which it does once it has read the
   * end of the text. Rejects when it does not get that far.
   */
  write(text: string, signal: AbortSignal): Promise<void>;
}

/** @throws GatewayError CONFIGURATION for certificates that can't be used */
export function oneWayConnections(
  { host, port, path, settings }: RelayTarget<GraphiteKeys>,
  { clock, log }: Pick<SenderEnvironment, "clock" | "log">,
): OneWayConnections {
  const place = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  const tls = settings.ssl ? new ClientTls(settings, path) : undefined;
  if (tls?.warning !== undefined) log.warn(tls.warning);
  const open = (): Opening => {
    if (tls === undefined) return { socket: connectPlain({ host, port }), ready: "connect" };
    // TLS has no server name for an address (RFC 6066 3).
    const serverName = isIP(host) === 0 ? { servername: host } : {};
    return { socket: connectTls({ ...serverName, host, port, ...tls.options() }), ready: "secureConnect" };
  };
  return {
    write: async (text, signal) => writeAndClose(open(), text, { place, timeoutMs: settings.timeout, clock, signal }),
  };
}

/** A socket that is being connected, and the event that says that it is. */
interface Opening {
  readonly socket: Socket;
  readonly ready: "connect" | "secureConnect";
}

interface Terms {
  readonly place: string;
  /** For each phase: connecting, writing, closing. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

function writeAndClose({ socket, ready }: Opening, text: string, terms: Terms): Promise<void> {
  const { place, timeoutMs, clock, signal } = terms;
  return new Promise((resolve, reject) => {
    let stopTimer = () => {};
    const settle = (problem?: string) => {
      stopTimer();
      signal.removeEventListener("abort", onAbort);
      socket.destroy();
      if (problem === undefined) resolve();
      else reject(new GatewayError("UNAVAILABLE", problem));
    };
    const phase = (what: string) => {
      stopTimer();
      stopTimer = clock.after(timeoutMs, () => settle(`${place} ${what} within ${timeoutMs / 1000} s`));
    };
    const onAbort = () => settle(`The connection to ${place} was ended: ${errorText(signal.reason)}`);

    signal.addEventListener("abort", onAbort, { once: true });
    socket.on("error", (error) => settle(`${place}: ${errorText(error)}`));
    // A receiver has nothing to say; what it says is read so that its end is seen.
    socket.resume();
    phase("did not take the connection");
    socket.once(ready, () => {
      phase("did not read what was written");
      socket.end(text, () => phase("did not close the connection"));
    });
    const onEnd = () => {
      const isWhole = socket.writableFinished;
      settle(isWhole ? undefined : `${place} closed the connection before everything was written`);
    };
    socket.once("end", onEnd);
    socket.once("close", onEnd);
    if (signal.aborted) onAbort();
  });
}
