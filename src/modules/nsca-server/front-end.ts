import type { Socket } from "node:net";
import { isDoneWithin } from "../../front-end/done-within.js";
import { secureListener, watchCertificate } from "../../front-end/listener-tls.js";
import { PeerLog } from "../../front-end/peer-log.js";
import { type Seat, Seats } from "../../front-end/seats.js";
import { type AcceptPolicy, addressOf, placeOf, TcpListener } from "../../front-end/tcp-listener.js";
import { tlsStrength } from "../../front-end/tls-strength.js";
import { GatewayError } from "../../kernel/errors.js";
import type { ModuleStatus } from "../../kernel/modules.js";
import { AllowedHosts } from "../../security/allowed-hosts.js";
import type { TlsWatcher } from "../../security/tls-watcher.js";
import type { MetricsBundle } from "../../wire/messages.js";
import { type NscaMethod, parseNscaMethod } from "../../wire/nsca/methods.js";
import type { ModuleContext } from "../module.js";
import { SenderConnection } from "./connection.js";
import { Figures } from "./figures.js";
import { Intake } from "./intake.js";
import { Passwords } from "./passwords.js";
import { ReplayWindow } from "./replay-window.js";
import type { ServerSettings, settings } from "./settings.js";
import { Turns } from "./turns.js";

type Context = ModuleContext<typeof settings>;

/** What a reload changes in place; connections keep what they began with. */
interface Rules {
  readonly settings: ServerSettings;
  readonly policy: AcceptPolicy;
  readonly method: NscaMethod;
  readonly passwords: Passwords;
  readonly intake: Intake;
}

interface OpenConnection {
  readonly connection: SenderConnection;
  readonly done: Promise<void>;
}

/** The port with what stands behind it. */
export class NscaFrontEnd {
  private readonly figures = new Figures();
  private readonly window = new ReplayWindow();
  private readonly peers: PeerLog;
  private readonly seats: Seats;
  private readonly turns: Turns;
  private rules: Rules | undefined;
  private listener: TcpListener | undefined;
  private watcher: TlsWatcher | undefined;
  private port = 0;
  private readonly open = new Map<Socket, OpenConnection | undefined>();

  constructor(
    private readonly context: Context,
    private settings: ServerSettings,
  ) {
    this.peers = new PeerLog(context.log, context.gateway.clock);
    this.seats = new Seats(() => this.limits(), this.peers);
    this.turns = new Turns(context.gateway.clock);
  }

  /** @throws GatewayError CONFIGURATION for methods, certificates, passwords and ports that can't be used */
  async serve(): Promise<void> {
    const { settings, context } = this;
    this.rules = await this.rulesOf(settings);
    this.watcher = await watchCertificate(this.settings, { clock: this.context.gateway.clock, log: this.context.log });
    this.listener = new TcpListener({
      policy: () => this.current().policy,
      log: context.log,
      protocol: nsca,
      peers: this.peers,
      seats: this.seats,
      accept: (socket, seat) => this.accept(socket, seat),
    });
    const strength = this.watcher === undefined ? undefined : tlsStrength(settings);
    secureListener(this.listener, this.watcher, { verifyMode: settings.verifyMode, strength });
    this.port = await this.listener.listen(settings.port, settings.bindTo);
    context.log.info(`Listening on ${this.place()} (${this.security()})`);
    this.warn(this.rules);
  }

  /**
   * Takes changed settings. Hosts, encryption, passwords and what becomes of results change in place; for another port or
   * other TLS the server has to be made anew.
   *
   * @returns whether it could be done in place
   */
  async reload(settings: ServerSettings): Promise<boolean> {
    if (fixedKeys.some((key) => String(settings[key]) !== String(this.settings[key]))) return false;
    const problems = await this.watcher?.reload();
    if (problems !== undefined && problems.length > 0) {
      throw new GatewayError("CONFIGURATION", `${problems.join("\n")}.`);
    }
    if (this.rules !== undefined) {
      this.rules = await this.rulesOf(settings);
      this.warn(this.rules);
    }
    this.settings = settings;
    return true;
  }

  /** Takes no more connections, lets those that are open send what they have begun, and cuts off what is left. */
  async stop(): Promise<void> {
    const { listener, watcher } = this;
    this.listener = undefined;
    this.watcher = undefined;
    listener?.close();
    watcher?.close();
    const running: Promise<void>[] = [];
    for (const [socket, entry] of this.open) {
      if (entry === undefined) {
        socket.destroy();
        continue;
      }
      entry.connection.drain();
      running.push(entry.done);
    }
    const done = Promise.all(running);
    const grace = Math.min(silentGraceMs, this.settings.drainTimeout);
    if (!(await isDoneWithin(done, grace))) {
      for (const entry of this.open.values()) entry?.connection.cutIfSilent();
      await isDoneWithin(done, this.settings.drainTimeout - grace);
    }
    for (const socket of this.open.keys()) socket.destroy();
  }

  status(): ModuleStatus {
    if (this.listener === undefined) return {};
    return { detail: [`${this.place()} (${this.security()}), ${this.open.size} connections`] };
  }

  metrics(): MetricsBundle {
    return this.figures.bundle(this.context.alias, this.open.size, this.seats.turnedAway);
  }

  private async rulesOf(settings: ServerSettings): Promise<Rules> {
    const { gateway, security, log } = this.context;
    const { figures, window, peers } = this;
    const { encryption, dialect, allowedHosts, cacheAllowedHosts, handshakeTimeout } = settings;
    const parsed = parseNscaMethod(encryption, dialect);
    if (parsed.problem !== undefined) throw new GatewayError("CONFIGURATION", `${parsed.problem}.`);
    const { method } = parsed;
    return {
      settings,
      method,
      passwords: await Passwords.create(settings, log),
      intake: new Intake({ gateway, security, settings, method, window, figures, peers }),
      policy: {
        allowedHosts: await AllowedHosts.create(allowedHosts, { cache: cacheAllowedHosts, log }),
        handshakeTimeoutMs: handshakeTimeout,
      },
    };
  }

  private warn({ method, passwords, settings }: Rules): void {
    const { log, security } = this.context;
    if (method.name === "none" || method.name === "xor") {
      log.warn(
        `With encryption ${method.name} whoever is among the allowed hosts can submit results, and read those of others`,
      );
    } else if (passwords.isAnyEmpty) {
      log.warn(
        "A password is empty: whoever is among the allowed hosts and has no password of its own can submit results",
      );
    }
    if (!security.principal("token", "nsca", settings.role).grants.allows("submit", settings.inbox)) {
      log.warn(`The role "${settings.role}" does not allow senders to submit to ${settings.inbox}`);
    }
  }

  private async accept(socket: Socket, seat: Seat): Promise<void> {
    if (this.listener === undefined) {
      socket.destroy();
      return;
    }
    const address = addressOf(socket);
    const { settings, passwords, intake, method } = this.current();
    const { figures, peers, turns } = this;
    const { payloadLength, timeout } = settings;
    this.open.set(socket, undefined);
    const password = await passwords.of(address);
    if (socket.destroyed) {
      this.open.delete(socket);
      return;
    }
    const { log, gateway } = this.context;
    const parts = {
      clock: gateway.clock,
      log,
      seat,
      intake,
      figures,
      peers,
      turns,
      method,
      password,
      payloadLength,
      timeoutMs: timeout,
    };
    const connection = new SenderConnection(socket, address, parts);
    // What came may still be on its way to the channel when the sender has long closed.
    this.open.set(socket, { connection, done: connection.run().finally(() => this.open.delete(socket)) });
  }

  private limits() {
    const { maxConnections, maxConnectionsPerPeer } = this.current().settings;
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

  private security(): string {
    return `encryption ${this.current().method.name}, ${this.settings.useSsl ? "TLS" : "without TLS"}`;
  }
}

/** A sender has nothing to say before its first packet. */
const nsca = { alpn: [], firstBytes: 1, silence: "no packet began" };

/** How long a stop waits for somebody who has just connected to begin. */
const silentGraceMs = 500;

/** What can't change while the server runs. */
const fixedKeys = [
  ...["port", "bindTo", "useSsl", "certificate", "certificateKey", "ca", "verifyMode"],
  ...["tlsVersion", "allowedCiphers", "sslOptions"],
] as (keyof ServerSettings)[];
