import { once } from "node:events";
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type TLSSocket, type TlsOptions, type Server as TlsServer } from "node:tls";
import { GatewayError } from "../kernel/errors.js";
import type { Logger } from "../kernel/log.js";
import type { AllowedHosts } from "../security/allowed-hosts.js";
import type { TlsMaterial } from "../security/tls.js";
import type { PeerLog } from "./peer-log.js";
import type { Seat, Seats } from "./seats.js";
import type { TlsStrength } from "./tls-strength.js";

/** What decides over a connection that comes in; read anew for each, so that a reload changes it at once. */
export interface AcceptPolicy {
  readonly allowedHosts: AllowedHosts;
  /** Milliseconds for TLS and the first bytes of the protocol together. */
  readonly handshakeTimeoutMs: number;
}

/** How connections are secured. */
export interface ListenerTls {
  readonly material: TlsMaterial;
  /** Whether clients are asked for a certificate: not at all, without obligation, or as a condition. */
  readonly verifyMode: "none" | "peer" | "peer-cert";
  /** Versions and ciphers; TLS 1.2 and newer unless given. */
  readonly strength?: TlsStrength | undefined;
}

/** Hosts that are let in with TLS of their own, beside those that the policy allows. */
export interface ExceptionalTls {
  readonly hosts: AllowedHosts;
  readonly options: TlsOptions;
  /** Gets their connections. */
  readonly accept: (socket: TLSSocket, seat: Seat) => void;
}

export interface TcpListenerParts {
  readonly policy: () => AcceptPolicy;
  readonly log: Logger;
  readonly protocol: ListenerProtocol;
  /** What is said of the same peer over and over. */
  readonly peers: PeerLog;
  /** Who may be connected at once; a seat is taken before TLS, and free again when the connection is closed. */
  readonly seats: Seats;
  /** Gets every connection that is let in, after TLS, and says of its seat when the peer is worth it. */
  readonly accept: (socket: Socket | TLSSocket, seat: Seat) => void;
}

/** What the connections of a port speak. */
export interface ListenerProtocol {
  /** What TLS offers to clients that ask (RFC 7301), such as `h2`; none asks nobody. */
  readonly alpn: readonly string[];
  /** Whoever has sent fewer bytes when the handshake timeout is over is no client. */
  readonly firstBytes: number;
  /** What is missing then, for the log: `no call began`. */
  readonly silence: string;
  /** Whether peers without TLS may close their side and still wait for what comes. Else a connection ends when one side does. */
  readonly allowHalfOpen?: boolean;
}

/**
 * A port. Peers that are not allowed are cut off before TLS, and those that say nothing after the handshake timeout.
 * Closing it takes no more connections and leaves those that are open alone.
 */
export class TcpListener {
  private readonly server: Server;
  /** Never listens itself: connections are handed to it, so it can be replaced between two of them. */
  private tls: TlsServer | undefined;
  private exception: { readonly hosts: AllowedHosts; readonly tls: TlsServer } | undefined;
  /** What came of the TLS of young connections, by both ends of the connection. */
  private readonly secured = new Map<string, TLSSocket>();
  /** Seats of connections whose TLS is under way, by both ends of the connection. */
  private readonly securing = new Map<string, Seat>();

  constructor(private readonly parts: TcpListenerParts) {
    this.server = createTcpServer({ noDelay: true, allowHalfOpen: parts.protocol.allowHalfOpen ?? false }, (socket) =>
      this.meet(socket),
    );
  }

  /**
   * Begins to listen. Without an address: on all of them, IPv4 and IPv6, as far as the machine has both.
   *
   * @returns the port, which matters when 0 was asked for
   * @throws GatewayError CONFIGURATION when the port is taken, may not be used, or the address is not here
   */
  async listen(port: number, address: string): Promise<number> {
    this.server.listen({ port, backlog, ...(address === "" ? {} : { host: address }) });
    try {
      await once(this.server, "listening");
    } catch (thrown) {
      const code = thrown instanceof Error && "code" in thrown ? String(thrown.code) : "";
      const place = `${address === "" ? "port " : `${address}:`}${port}`;
      const reason = listenProblems[code] ?? String(thrown);
      throw new GatewayError("CONFIGURATION", `Cannot listen on ${place}: ${reason}.`, { cause: thrown });
    }
    this.server.on("error", (error) => this.parts.log.error(`A connection could not be accepted: ${error.message}`));
    return (this.server.address() as AddressInfo).port;
  }

  /** Secures connections from now on in another way; `undefined`: not at all. Open ones stay as they are. */
  setTls(tls: ListenerTls | undefined): void {
    this.tls = tls === undefined ? undefined : this.createTls(this.optionsOf(tls), this.parts.accept);
  }

  /** Secures connections of some hosts in a way that is not good enough for the others; `undefined`: none. */
  setException(exception: ExceptionalTls | undefined): void {
    this.exception =
      exception === undefined
        ? undefined
        : { hosts: exception.hosts, tls: this.createTls(exception.options, exception.accept) };
  }

  close(): void {
    this.server.close();
  }

  private async meet(socket: Socket): Promise<void> {
    const { log, peers } = this.parts;
    const { exception } = this;
    let { tls } = this;
    const { allowedHosts, handshakeTimeoutMs } = this.parts.policy();
    const address = addressOf(socket);
    socket.on("error", (error) => log.debug(`The connection of ${address} failed: ${error.message}`));
    // Whether the connection was ended from here.
    let isDropped = false;
    const drop = () => {
      isDropped = true;
      socket.destroy();
    };
    const seat = this.parts.seats.take(address, drop);
    if (seat === undefined) {
      socket.destroy();
      return;
    }
    const peer = keyOf(socket);
    const talker = () => (tls === undefined ? socket : this.secured.get(peer));
    const timer = setTimeout(() => {
      isDropped = true;
      this.checkProgress(socket, talker(), handshakeTimeoutMs);
      this.secured.delete(peer);
    }, handshakeTimeoutMs);
    timer.unref();
    socket.once("close", () => {
      clearTimeout(timer);
      seat.leave();
      this.secured.delete(peer);
      if (this.securing.get(peer) !== seat) return;
      this.securing.delete(peer);
      if (isDropped) return;
      peers.info(address, "TLS", `TLS with ${address} failed: the client closed the connection`);
    });
    let allowed = false;
    try {
      if (exception !== undefined && (await exception.hosts.allows(address))) {
        allowed = true;
        tls = exception.tls;
      } else {
        allowed = await allowedHosts.allows(address);
      }
    } catch (thrown) {
      log.error(`Whether ${address} may connect could not be found out: ${String(thrown)}`, { error: thrown });
    }
    if (socket.destroyed) return;
    if (!allowed) {
      const text = `Refused the connection of ${address}: it is not one of the allowed hosts`;
      peers.warn(address, "host", text);
      socket.destroy();
      return;
    }
    if (tls === undefined) {
      this.parts.accept(socket, seat);
      return;
    }
    this.securing.set(peer, seat);
    // TLS has no use for it, and a peer that goes away within its handshake would be waited for.
    socket.allowHalfOpen = false;
    tls.emit("connection", socket);
  }

  private optionsOf({ material, verifyMode, strength }: ListenerTls): TlsOptions {
    return {
      ...contextOf(material),
      ...strength,
      ...(this.parts.protocol.alpn.length === 0 ? {} : { ALPNProtocols: [...this.parts.protocol.alpn] }),
      requestCert: verifyMode !== "none",
      rejectUnauthorized: verifyMode === "peer-cert",
    };
  }

  private createTls(options: TlsOptions, accept: (socket: TLSSocket, seat: Seat) => void): TlsServer {
    const { log, peers } = this.parts;
    const server = createTlsServer(options);
    server.on("secureConnection", (socket: TLSSocket) => {
      socket.on("error", (error) => log.debug(`The connection of ${addressOf(socket)} failed: ${error.message}`));
      const peer = keyOf(socket);
      const seat = this.securing.get(peer);
      this.securing.delete(peer);
      if (seat === undefined) {
        socket.destroy();
        return;
      }
      this.secured.set(peer, socket);
      accept(socket, seat);
    });
    server.on("tlsClientError", (error: TlsError, socket) => {
      const address = addressOf(socket);
      // Who has closed the connection has no address any more; its close says who it was.
      if (address !== "") {
        this.securing.delete(keyOf(socket));
        peers.info(address, `TLS ${error.code}`, `TLS with ${address} failed: ${tlsReason(error)}`);
      }
      socket.destroy();
    });
    return server;
  }

  /** Whoever has not sent the first bytes of the protocol by now is no client. */
  private checkProgress(socket: Socket, talker: Socket | undefined, waitedMs: number): void {
    const { firstBytes, silence } = this.parts.protocol;
    if (talker !== undefined && talker.bytesRead >= firstBytes) return;
    const missing = talker === undefined ? "TLS was not completed" : silence;
    const address = addressOf(socket);
    const text = `Dropped the connection of ${address}: ${missing} within ${waitedMs / 1000} s`;
    this.parts.peers.info(address, "silence", text);
    socket.destroy();
  }
}

/** Connections that the system holds until they are met: a poller that comes in a flood waits less than it takes to try again. */
const backlog = 4096;

const listenProblems: Readonly<Record<string, string>> = {
  EADDRINUSE: "another program listens there already",
  EADDRNOTAVAIL: "this machine does not have the address",
  EACCES: "ports below 1024 need a privilege",
  ENOTFOUND: "the name does not resolve",
};

function contextOf({ certificate, privateKey, ca }: TlsMaterial) {
  return { cert: certificate, key: privateKey, minVersion: "TLSv1.2" as const, ...(ca === undefined ? {} : { ca }) };
}

/** What OpenSSL adds to its errors: `wrong version number`. */
type TlsError = Error & { readonly code?: string; readonly reason?: string };

/** What lies behind the reasons of OpenSSL that people meet. */
const tlsHints: readonly (readonly [RegExp, string])[] = [
  [/WRONG_VERSION_NUMBER|HTTP_REQUEST|PACKET_LENGTH_TOO_LONG/, " (the client does not speak TLS)"],
  [/UNSUPPORTED_PROTOCOL|VERSION_TOO_LOW/, " (the client speaks no version of TLS that is taken here)"],
  [/NO_SHARED_CIPHER/, " (the client offers no cipher that is taken here; old ones want anonymous Diffie-Hellman)"],
  [/ALERT_UNKNOWN_CA|ALERT_BAD_CERTIFICATE|ALERT_CERTIFICATE/, " (the client does not trust this certificate)"],
];

function tlsReason({ code = "", reason, message }: TlsError): string {
  const hint = tlsHints.find(([match]) => match.test(code))?.[1] ?? "";
  return `${reason ?? message.split("\n")[0]}${hint}`;
}

/** Address and port of the other side, spelled as calls spell it. */
export function peerOf(socket: Socket): string {
  return `${socket.remoteAddress}:${socket.remotePort}`;
}

/** Tells connections apart, raw and after TLS: a peer may use the same port for two of our addresses. */
function keyOf(socket: Socket): string {
  return `${peerOf(socket)} ${socket.localAddress}`;
}

/** IPv4 in IPv6, as sockets that listen on both have it, is IPv4. */
export function addressOf(socket: Socket): string {
  return (socket.remoteAddress ?? "").replace(/^::ffff:(?=\d+\.)/i, "");
}

/** Where a front end listens, for people; without an address it is all of them. */
export function placeOf(address: string, port: number): string {
  return `${address === "" ? "" : `${address} `}port ${port}`;
}
