import type { Socket } from "node:net";
import { HttpFront, http1 } from "../../front-end/http-front.js";
import { secureListener, watchCertificate } from "../../front-end/listener-tls.js";
import { PeerLog } from "../../front-end/peer-log.js";
import { type Seat, Seats } from "../../front-end/seats.js";
import { type AcceptPolicy, addressOf, placeOf, TcpListener } from "../../front-end/tcp-listener.js";
import { GatewayError } from "../../kernel/errors.js";
import type { ModuleStatus } from "../../kernel/modules.js";
import { AllowedHosts } from "../../security/allowed-hosts.js";
import type { TlsWatcher } from "../../security/tls-watcher.js";
import type { ModuleContext } from "../module.js";
import { Desk } from "./desk.js";
import { type NrdpRules, NrdpService, normalPath } from "./nrdp-service.js";
import { Senders } from "./senders.js";
import type { ServerSettings, settings } from "./settings.js";

type Context = ModuleContext<typeof settings>;

/** What a reload changes in place. */
interface Rules extends NrdpRules {
  readonly policy: AcceptPolicy;
}

/** The port with what stands behind it. */
export class NrdpFrontEnd {
  private rules: Rules | undefined;
  private http: HttpFront | undefined;
  private listener: TcpListener | undefined;
  private watcher: TlsWatcher | undefined;
  private port = 0;
  private readonly open = new Set<Socket>();
  private readonly peers: PeerLog;
  private readonly seats: Seats;

  constructor(
    private readonly context: Context,
    private settings: ServerSettings,
  ) {
    this.peers = new PeerLog(context.log, context.gateway.clock);
    this.seats = new Seats(() => this.limits(), this.peers);
  }

  /** @throws GatewayError CONFIGURATION for certificates, tokens and ports that can't be used */
  async serve(): Promise<void> {
    const { settings, context } = this;
    const { log } = context;
    this.rules = await this.rulesOf(settings);
    const service = new NrdpService(settings, () => this.current(), log);
    this.http = await HttpFront.create(service, this.peers);
    this.watcher = await watchCertificate(this.settings, { clock: this.context.gateway.clock, log: this.context.log });
    this.listener = new TcpListener({
      policy: () => this.current().policy,
      log,
      protocol: http1,
      peers: this.peers,
      seats: this.seats,
      accept: (socket, seat) => this.accept(socket, seat),
    });
    secureListener(this.listener, this.watcher, this.settings);
    this.port = await this.listener.listen(settings.port, settings.bindTo);
    const place = this.place();
    if (settings.useSsl) log.info(`Listening on ${place} (HTTPS)`);
    else log.warn(`Listening on ${place} WITHOUT TLS (use ssl = false): tokens and results can be read on the way`);
  }

  /**
   * Takes changed settings. Tokens, hosts, paths and what becomes of results change in place; for another port, TLS or limit
   * the server has to be made anew.
   *
   * @returns whether it could be done in place
   */
  async reload(settings: ServerSettings): Promise<boolean> {
    if (fixedKeys.some((key) => settings[key] !== this.settings[key])) return false;
    const problems = await this.watcher?.reload();
    if (problems !== undefined && problems.length > 0) {
      throw new GatewayError("CONFIGURATION", `${problems.join("\n")}.`);
    }
    if (this.rules !== undefined) this.rules = await this.rulesOf(settings);
    this.settings = settings;
    return true;
  }

  async stop(): Promise<void> {
    const { listener, watcher, http } = this;
    this.listener = undefined;
    this.watcher = undefined;
    this.http = undefined;
    listener?.close();
    watcher?.close();
    await http?.close(this.settings.drainTimeout);
    for (const socket of this.open) socket.destroy();
  }

  status(): ModuleStatus {
    if (this.listener === undefined) return {};
    const security = this.settings.useSsl ? "HTTPS" : "HTTP without TLS";
    return { detail: [`${this.place()} (${security}), ${this.open.size} connections`] };
  }

  private async rulesOf(settings: ServerSettings): Promise<Rules> {
    const { gateway, security, log } = this.context;
    const { allowedHosts, cacheAllowedHosts, handshakeTimeout } = settings;
    const senders = await Senders.create(settings, security, log);
    return {
      desk: new Desk({ gateway, security, log, settings, senders }),
      paths: new Set(settings.path.map(normalPath)),
      policy: {
        allowedHosts: await AllowedHosts.create(allowedHosts, { cache: cacheAllowedHosts, log }),
        handshakeTimeoutMs: handshakeTimeout,
      },
    };
  }

  private accept(socket: Socket, seat: Seat): void {
    const { http } = this;
    if (http === undefined) {
      socket.destroy();
      return;
    }
    this.open.add(socket);
    socket.once("close", () => this.open.delete(socket));
    http.serve(socket, { address: addressOf(socket), seat });
  }

  private limits() {
    const { maxConnections, maxConnectionsPerPeer } = this.settings;
    return { total: maxConnections, perPeer: maxConnectionsPerPeer };
  }

  private current(): Rules {
    if (this.rules === undefined)
      throw new GatewayError("INTERNAL", "A connection came before the settings were read.");
    return this.rules;
  }

  private place(): string {
    return placeOf(this.settings.bindTo, this.port);
  }
}

/** What can't change while the server runs. */
const fixedKeys = [
  ...["port", "bindTo", "useSsl", "certificate", "certificateKey", "ca", "verifyMode"],
  ...["bodyLimit", "maxHeaderSize", "maxRequests", "handshakeTimeout", "timeout", "connectionIdle"],
] as (keyof ServerSettings)[];
