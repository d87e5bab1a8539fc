import type { Socket } from "node:net";
import { HttpFront, http1 } from "../../front-end/http-front.js";
import { secureListener, watchCertificate } from "../../front-end/listener-tls.js";
import { PeerLog } from "../../front-end/peer-log.js";
import { type Seat, Seats } from "../../front-end/seats.js";
import { addressOf, placeOf, TcpListener } from "../../front-end/tcp-listener.js";
import { GatewayError } from "../../kernel/errors.js";
import type { ModuleStatus } from "../../kernel/modules.js";
import type { TlsWatcher } from "../../security/tls-watcher.js";
import type { MetricsBundle } from "../../wire/messages.js";
import type { ModuleContext } from "../module.js";
import { certificateFiles } from "./certificate.js";
import { Dispatcher } from "./dispatcher.js";
import { Figures } from "./figures.js";
import { type Peer, peerOfSocket } from "./http/peer.js";
import type { RouteParts } from "./route-parts.js";
import { allRoutes } from "./routes/all-routes.js";
import { rulesOf, type ServerRules } from "./server-rules.js";
import { listeningPort, type ServerSettings, type settings } from "./settings.js";
import { EventRing } from "./state/event-ring.js";
import { LogView } from "./state/log-view.js";

type Context = ModuleContext<typeof settings>;

/** The port with what stands behind it. */
export class WebFrontEnd {
  private rules: ServerRules | undefined;
  private http: HttpFront<Peer> | undefined;
  private dispatcher: Dispatcher | undefined;
  private listener: TcpListener | undefined;
  private watcher: TlsWatcher | undefined;
  private port = 0;
  private readonly state = { isSecure: true, isReloading: false };
  private readonly open = new Set<Socket>();
  private readonly figures = new Figures();
  private readonly peers: PeerLog;
  private readonly seats: Seats;
  private readonly events: EventRing;
  private readonly logView: LogView;

  constructor(
    private readonly context: Context,
    private settings: ServerSettings,
  ) {
    this.peers = new PeerLog(context.log, context.gateway.clock);
    this.seats = new Seats(() => this.limits(), this.peers);
    this.events = new EventRing(() => context.gateway.clock.now());
    context.registry.event("*", (event) => this.events.add(event));
    this.logView = new LogView(context.logService);
    context.signal.addEventListener("abort", () => this.logView.close(), { once: true });
  }

  /** @throws GatewayError CONFIGURATION for certificates and ports that can't be used */
  async serve(): Promise<void> {
    const { settings, context, state } = this;
    const { log, gateway, security } = context;
    this.rules = await rulesOf(settings, log);
    const files = await certificateFiles(settings, log);
    state.isSecure = files !== undefined;
    const tls = { ...settings, ...files, useSsl: state.isSecure };
    this.watcher = await watchCertificate(tls, { clock: gateway.clock, log });
    this.dispatcher = new Dispatcher({
      ...{ gateway, security, log, limits: settings, isSecure: state.isSecure, figures: this.figures },
      routes: allRoutes(this.routeParts()),
      rules: () => this.current(),
    });
    this.http = await HttpFront.create(this.dispatcher, this.peers);
    this.listener = new TcpListener({
      policy: () => this.current().policy,
      log,
      protocol: http1,
      peers: this.peers,
      seats: this.seats,
      accept: (socket, seat) => void this.accept(socket, seat),
    });
    secureListener(this.listener, this.watcher, settings);
    this.port = await this.listener.listen(listeningPort(settings.port, state.isSecure), settings.bindTo);
    if (state.isSecure) log.info(`Listening on ${this.place()} (HTTPS)`);
    else log.warn(`Listening on ${this.place()} WITHOUT TLS (allow insecure): passwords can be read on the way`);
  }

  /**
   * Takes changed settings. Hosts, names and what belongs to single requests change in place; for another port, TLS or limit
   * of connections the server has to be made anew.
   *
   * @returns whether it could be done in place
   */
  async reload(settings: ServerSettings): Promise<boolean> {
    if (fixedKeys.some((key) => settings[key] !== this.settings[key])) return false;
    const problems = await this.watcher?.reload();
    if (problems !== undefined && problems.length > 0) {
      throw new GatewayError("CONFIGURATION", `${problems.join("\n")}.`);
    }
    if (this.rules !== undefined) this.rules = await rulesOf(settings, this.context.log);
    this.settings = settings;
    await this.dropStrangers();
    return true;
  }

  async stop(): Promise<void> {
    const { listener, watcher, http, dispatcher } = this;
    this.listener = undefined;
    this.watcher = undefined;
    this.http = undefined;
    this.dispatcher = undefined;
    listener?.close();
    watcher?.close();
    dispatcher?.streams.end();
    await http?.close(this.settings.drainTimeout);
    for (const socket of this.open) socket.destroy();
  }

  status(): ModuleStatus {
    const { listener, http, dispatcher } = this;
    if (listener === undefined || http === undefined || dispatcher === undefined) return {};
    const security = this.state.isSecure ? "HTTPS" : "HTTP without TLS";
    const figures = [
      `${this.open.size} connections`,
      `${http.requests} requests`,
      `${dispatcher.streams.count} streams`,
    ];
    return { detail: [`${this.place()} (${security}), ${figures.join(", ")}`] };
  }

  metrics(): MetricsBundle {
    const { http, dispatcher, figures, seats } = this;
    return figures.bundle(this.context.alias, {
      connections: this.open.size,
      requests: http?.requests ?? 0,
      streams: dispatcher?.streams.count ?? 0,
      turned_away: seats.turnedAway,
    });
  }

  /** Who was allowed and is not any more has no use for the connections that are open. */
  private async dropStrangers(): Promise<void> {
    const { allowedHosts } = this.current().policy;
    for (const socket of [...this.open]) {
      if (!(await allowedHosts.allows(addressOf(socket)))) socket.destroy();
    }
  }

  private async accept(socket: Socket, seat: Seat): Promise<void> {
    this.open.add(socket);
    socket.once("close", () => this.open.delete(socket));
    const { proxies } = this.current();
    const isProxy = proxies !== undefined && (await proxies.allows(addressOf(socket)));
    if (this.http === undefined) socket.destroy();
    else this.http.serve(socket, peerOfSocket(socket, seat, isProxy));
  }

  private limits() {
    const { maxConnections, maxConnectionsPerPeer } = this.settings;
    return { total: maxConnections, perPeer: maxConnectionsPerPeer };
  }

  private routeParts(): RouteParts {
    const { gateway, security, store, log, logService } = this.context;
    const { state, events, logView, context: self } = this;
    const current = () => this.settings;
    return {
      ...{ gateway, security, store, log, logService, state, self, events, logView },
      get settings() {
        return current();
      },
    };
  }

  private current(): ServerRules {
    if (this.rules === undefined) {
      throw new GatewayError("INTERNAL", "A connection came before the settings were read.");
    }
    return this.rules;
  }

  private place(): string {
    return placeOf(this.settings.bindTo, this.port);
  }
}

/** What can't change while the server runs. */
const fixedKeys = [
  ...["port", "bindTo", "certificate", "certificateKey", "ca", "verifyMode", "allowInsecure"],
  ...["bodyLimit", "maxHeaderSize", "maxRequests", "handshakeTimeout", "timeout", "connectionIdle"],
] as (keyof ServerSettings)[];
