import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { secureListener, watchCertificate } from "../../front-end/listener-tls.js";
import { PeerLog } from "../../front-end/peer-log.js";
import { type Seat, Seats } from "../../front-end/seats.js";
import { type AcceptPolicy, placeOf, TcpListener } from "../../front-end/tcp-listener.js";
import { GatewayError } from "../../kernel/errors.js";
import type { Logger } from "../../kernel/log.js";
import type { ModuleStatus } from "../../kernel/modules.js";
import { AllowedHosts } from "../../security/allowed-hosts.js";
import type { TlsWatcher } from "../../security/tls-watcher.js";
import type { ModuleContext } from "../module.js";
import { Connections } from "./connections.js";
import { ControlSocket } from "./control-socket.js";
import { ControlDoor, NetworkDoor } from "./door.js";
import { type RpcLimits, RpcServer } from "./rpc-server.js";
import type { ServerSettings, settings } from "./settings.js";

type Context = ModuleContext<typeof settings>;

/** A port with what stands behind it. */
interface NetworkSide {
  readonly listener: TcpListener;
  readonly port: number;
  readonly watcher: TlsWatcher | undefined;
}

interface ControlSide {
  readonly socket: ControlSocket;
  readonly rpc: RpcServer;
}

/**
 * The front end as a whole: the port, the control socket, and the servers behind them.
 *
 * Listeners and servers are made apart, so that a reload changes each by itself: another port leaves connections alone,
 * other limits count for new connections while old ones are served to their end.
 */
export class GrpcFrontEnd {
  private readonly log: Logger;
  private readonly connections = new Connections();
  private readonly peers: PeerLog;
  private readonly seats: Seats;
  private policy: AcceptPolicy | undefined;
  private rpc: RpcServer | undefined;
  private network: NetworkSide | undefined;
  private control: ControlSide | undefined;
  private readonly retired = new Set<Promise<void>>();

  constructor(
    private readonly context: Context,
    private settings: ServerSettings,
  ) {
    this.log = context.logService.child("grpc");
    this.peers = new PeerLog(this.log, context.gateway.clock);
    this.seats = new Seats(() => this.limits(), this.peers);
  }

  /** @throws GatewayError CONFIGURATION for certificates, ports and sockets that can't be used */
  async serve(): Promise<void> {
    const { settings } = this;
    this.policy = await this.policyOf(settings);
    this.rpc = this.networkServer(settings);
    try {
      this.network = await this.openNetwork(settings);
      this.control = await this.openControl(settings);
    } catch (thrown) {
      await this.stop();
      throw thrown;
    }
    this.setServing(true);
  }

  /** Takes changed settings. When something about them can't be, everything stays as it was. */
  async reload(settings: ServerSettings): Promise<void> {
    const before = this.settings;
    if (this.rpc === undefined || this.network === undefined) {
      this.settings = settings;
      return;
    }
    const policy = await this.policyOf(settings);
    const control = await this.renewControl(this.control, settings, before);
    try {
      this.network = await this.renewNetwork(this.network, settings, before);
    } catch (thrown) {
      if (control !== this.control) await control?.socket.close();
      throw thrown;
    }
    this.policy = policy;
    this.settings = settings;
    this.connections.forgetIdentities();
    this.rpc.checkReaders();
    if (control !== this.control) await this.replaceControl(control);
    if (limitKeys.some((key) => settings[key] !== before[key])) this.renewServers(settings);
  }

  /** NOT_SERVING, then calls are still taken for the drain delay, then what runs is ended well or at last cut off. */
  async stop(): Promise<void> {
    const { drainDelay, drainTimeout } = this.settings;
    const { rpc, network, control } = this;
    this.setServing(false);
    if (network !== undefined && drainDelay > 0) await new Promise((resolve) => setTimeout(resolve, drainDelay));
    this.network = undefined;
    this.control = undefined;
    this.rpc = undefined;
    network?.listener.close();
    network?.watcher?.close();
    rpc?.refuse();
    control?.rpc.refuse();
    const grace = Math.max(0, drainTimeout - drainDelay);
    await Promise.all([control?.socket.close(), rpc?.drain(grace), control?.rpc.drain(grace), ...this.retired]);
  }

  status(): ModuleStatus {
    const detail: string[] = [];
    if (this.network !== undefined) {
      const security = this.network.watcher === undefined ? "without TLS" : "TLS";
      const place = placeOf(this.settings.bindTo, this.network.port);
      detail.push(`${place} (${security}), ${this.connections.count} connections`);
    }
    if (this.control !== undefined) detail.push(this.control.socket.path);
    return { detail };
  }

  private async policyOf(settings: ServerSettings): Promise<AcceptPolicy> {
    const { allowedHosts, cacheAllowedHosts, handshakeTimeout } = settings;
    return {
      allowedHosts: await AllowedHosts.create(allowedHosts, { cache: cacheAllowedHosts, log: this.log }),
      handshakeTimeoutMs: handshakeTimeout,
    };
  }

  private networkServer(limits: RpcLimits): RpcServer {
    const { gateway, security } = this.context;
    return this.server(new NetworkDoor(gateway, security, this.connections), limits);
  }

  private server(door: NetworkDoor | ControlDoor, limits: RpcLimits): RpcServer {
    const { gateway, registry, security, logService, spool } = this.context;
    return new RpcServer({ gateway, registry, audit: security.audit, log: logService, spool, door }, limits);
  }

  private async openNetwork(settings: ServerSettings): Promise<NetworkSide> {
    const watcher = await watchCertificate(settings, { clock: this.context.gateway.clock, log: this.log });
    try {
      return { ...(await this.openPort(settings, watcher)), watcher };
    } catch (thrown) {
      watcher?.close();
      throw thrown;
    }
  }

  private async openPort(
    settings: ServerSettings,
    watcher: TlsWatcher | undefined,
  ): Promise<Omit<NetworkSide, "watcher">> {
    const listener = new TcpListener({
      policy: () => this.currentPolicy(),
      log: this.log,
      protocol: http2,
      peers: this.peers,
      seats: this.seats,
      accept: (socket, seat) => this.accept(socket, seat),
    });
    secureListener(listener, watcher, settings);
    const port = await listener.listen(settings.port, settings.bindTo);
    const place = placeOf(settings.bindTo, port);
    if (watcher !== undefined) this.log.info(`Listening on ${place} (TLS)`);
    else
      this.log.warn(`Listening on ${place} WITHOUT TLS (use ssl = false): tokens and results can be read on the way`);
    return { listener, port };
  }

  /**
   * Makes what changed anew before it gives anything up, so that no connection is refused and a failure changes nothing.
   * Only for another address of the same port is there a moment in which nothing listens.
   */
  private async renewNetwork(old: NetworkSide, settings: ServerSettings, before: ServerSettings): Promise<NetworkSide> {
    const otherTls = tlsKeys.some((key) => settings[key] !== before[key]);
    const otherPort = settings.port !== before.port && settings.port !== old.port;
    const otherPlace = otherPort || settings.bindTo !== before.bindTo;
    if (!otherTls) {
      const problems = await old.watcher?.reload();
      if (problems !== undefined && problems.length > 0) throw configurationError(problems.join("\n"));
    }
    const watcher = otherTls
      ? await watchCertificate(settings, { clock: this.context.gateway.clock, log: this.log })
      : old.watcher;
    let network: NetworkSide = { ...old, watcher };
    if (otherPlace) {
      // The same port at another address may be the same place; then the old socket is in the way of the new one.
      if (!otherPort) old.listener.close();
      try {
        network = { ...(await this.openPort(settings, watcher)), watcher };
      } catch (thrown) {
        if (otherTls) watcher?.close();
        if (!otherPort) this.network = { ...old, ...(await this.openPort({ ...before, port: old.port }, old.watcher)) };
        throw thrown;
      }
      if (otherPort) old.listener.close();
    } else if (otherTls) {
      secureListener(old.listener, watcher, settings);
    }
    if (otherTls) old.watcher?.close();
    return network;
  }

  private async openControl({ controlSocket, ...limits }: ServerSettings): Promise<ControlSide | undefined> {
    if (controlSocket === "" || controlSocket.toLowerCase() === "none") return undefined;
    const { gateway } = this.context;
    const rpc = this.server(new ControlDoor(gateway), { ...limits, ...controlLimits });
    const socket = new ControlSocket(gateway.expandPath(controlSocket), (connection) => rpc.serve(connection));
    await socket.listen();
    return { socket, rpc };
  }

  private renewControl(
    old: ControlSide | undefined,
    settings: ServerSettings,
    before: ServerSettings,
  ): Promise<ControlSide | undefined> {
    return settings.controlSocket === before.controlSocket ? Promise.resolve(old) : this.openControl(settings);
  }

  private async replaceControl(control: ControlSide | undefined): Promise<void> {
    const old = this.control;
    this.control = control;
    control?.rpc.health.setServing(true);
    if (old === undefined) return;
    await old.socket.close();
    this.retire(old.rpc);
  }

  /** New connections get a server with the new limits; old connections are asked to make way and served until then. */
  private renewServers(settings: ServerSettings): void {
    const old = this.rpc;
    this.rpc = this.networkServer(settings);
    this.rpc.health.setServing(true);
    if (old !== undefined) this.retire(old);
  }

  private retire(rpc: RpcServer): void {
    const done = rpc.drain(this.settings.drainTimeout).finally(() => this.retired.delete(done));
    this.retired.add(done);
  }

  private accept(socket: Socket | TLSSocket, seat: Seat): void {
    if (this.rpc !== undefined && this.connections.add(socket, seat)) this.rpc.serve(socket);
    else socket.destroy();
  }

  private limits() {
    const { maxConnections, maxConnectionsPerPeer } = this.settings;
    return { total: maxConnections, perPeer: maxConnectionsPerPeer };
  }

  private currentPolicy(): AcceptPolicy {
    if (this.policy === undefined)
      throw new GatewayError("INTERNAL", "A connection came before the settings were read.");
    return this.policy;
  }

  private setServing(serving: boolean): void {
    this.rpc?.health.setServing(serving);
    this.control?.rpc.health.setServing(serving);
  }
}

/** A client of HTTP/2 begins with a preface of 24 bytes (RFC 9113 3.4). */
const http2 = { alpn: ["h2"], firstBytes: 24, silence: "no call began" };

/** What TLS is made of. */
const tlsKeys = ["useSsl", "certificate", "certificateKey", "ca", "verifyMode"] as const;

/** What needs another server. */
const limitKeys = [
  "maxMessageSize",
  "maxConcurrentStreams",
  "streamWindow",
  "subscriberLimit",
  "connectionIdle",
  "connectionAge",
  "connectionAgeGrace",
  "keepalive",
  "reflection",
] as const satisfies readonly (keyof RpcLimits)[];

/** Connections of this machine don't get lost on the way and are not many. */
const controlLimits = {
  connectionAge: Number.POSITIVE_INFINITY,
  connectionIdle: Number.POSITIVE_INFINITY,
  keepalive: Number.POSITIVE_INFINITY,
};

function configurationError(message: string, cause?: unknown): GatewayError {
  return new GatewayError("CONFIGURATION", message, { cause });
}
