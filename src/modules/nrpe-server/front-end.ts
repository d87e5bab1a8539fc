import { existsSync } from "node:fs";
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
import { findCharset, utf8 } from "../../wire/charset.js";
import type { MetricsBundle } from "../../wire/messages.js";
import type { ModuleContext } from "../module.js";
import { type ArgumentRule, parseArgumentRule } from "./argument-rules.js";
import { PollerConnection } from "./connection.js";
import { Desk } from "./desk.js";
import { Door, frontEnd } from "./door.js";
import { Figures } from "./figures.js";
import { legacyTlsOptions } from "./legacy-tls.js";
import type { ReplyForm } from "./reply.js";
import type { ServerSettings, settings } from "./settings.js";
import { settingsWarnings } from "./warnings.js";

type Context = ModuleContext<typeof settings>;

/** What a reload changes in place; connections keep what they began with. */
interface Rules {
  readonly settings: ServerSettings;
  readonly policy: AcceptPolicy;
  /** Who may connect with legacy anonymous TLS; undefined when that is off. */
  readonly legacyHosts: AllowedHosts | undefined;
  readonly door: Door;
  readonly desk: Desk;
  readonly form: ReplyForm;
}

/** Each kind of trouble is said once an hour of each peer: pollers come back every minute. */
const quietMs = 3_600_000;

/** The port with what stands behind it. */
export class NrpeFrontEnd {
  private readonly figures = new Figures();
  private readonly peers: PeerLog;
  private readonly seats: Seats;
  private readonly open = new Map<Socket, PollerConnection>();
  private rules: Rules | undefined;
  private listener: TcpListener | undefined;
  private watcher: TlsWatcher | undefined;
  private port = 0;
  /** Called when the last connection is closed. */
  private onEmpty = () => {};

  constructor(
    private readonly context: Context,
    private settings: ServerSettings,
  ) {
    this.peers = new PeerLog(context.log, context.gateway.clock, quietMs);
    this.seats = new Seats(() => this.limits(), this.peers);
  }

  /** @throws GatewayError CONFIGURATION for certificates, hosts and ports that can't be used */
  async serve(): Promise<void> {
    const { settings, context } = this;
    const { log } = context;
    // In old files anonymous TLS may be all there is. A certificate that is there is used.
    if (!settings.insecure || existsSync(settings.certificate)) {
      this.watcher = await watchCertificate(settings, { clock: context.gateway.clock, log });
    }
    this.rules = await this.rulesOf(settings);
    this.listener = new TcpListener({
      policy: () => this.current().policy,
      log,
      protocol: nrpe,
      peers: this.peers,
      seats: this.seats,
      accept: (socket, seat) => this.accept(socket, seat, false),
    });
    // Who has no certificate, or a wrong one, is told so by an answer: clients of TLS 1.3 see nothing else of it.
    const verifyMode = settings.verifyMode === "none" ? "none" : "peer";
    const strength = settings.insecure || this.watcher === undefined ? undefined : tlsStrength(settings);
    secureListener(this.listener, this.watcher, { verifyMode, strength });
    this.admitLegacyHosts();
    this.watcher?.onChange(() => this.admitLegacyHosts());
    this.port = await this.listener.listen(settings.port, settings.bindTo);
    log.info(`Listening on ${this.place()} (${this.security()})`);
    this.warn(settings);
  }

  /**
   * Takes changed settings. Hosts, switches, rules, roles and limits change in place; for another port or other TLS the
   * server has to be made anew.
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
      this.admitLegacyHosts();
      this.warn(settings);
    }
    this.settings = settings;
    return true;
  }

  /** Takes no more connections, lets commands that run answer, and cuts off what is left. */
  async stop(): Promise<void> {
    const { listener, watcher } = this;
    this.listener = undefined;
    this.watcher = undefined;
    listener?.close();
    watcher?.close();
    const empty = new Promise<void>((resolve) => {
      this.onEmpty = resolve;
    });
    if (this.open.size === 0) return;
    const { drainTimeout } = this.settings;
    const grace = Math.min(silentGraceMs, drainTimeout);
    if (await isDoneWithin(empty, grace)) return;
    for (const connection of this.open.values()) connection.cutIfSilent();
    if (await isDoneWithin(empty, drainTimeout - grace)) return;
    for (const connection of this.open.values()) connection.cutShort();
    await isDoneWithin(empty, silentGraceMs);
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
    const options = { cache: settings.cacheAllowedHosts, log };
    const allowedHosts = await AllowedHosts.create(settings.allowedHosts, options);
    const { insecure, useSsl, legacyAnonymousTls } = settings;
    const isLegacy = useSsl && (insecure || legacyAnonymousTls);
    const legacyNames = insecure ? [] : settings.legacyAllowedHosts;
    return {
      settings,
      policy: {
        // Where there is no certificate nobody gets TLS but the legacy one, and nobody goes without.
        allowedHosts: useSsl && this.watcher === undefined ? await AllowedHosts.create([], options) : allowedHosts,
        handshakeTimeoutMs: settings.handshakeTimeout,
      },
      legacyHosts: !isLegacy ? undefined : insecure ? allowedHosts : await AllowedHosts.create(legacyNames, options),
      door: new Door(security, settings),
      desk: new Desk({
        ...{ gateway, security, figures: this.figures, timeoutMs: settings.timeout },
        withPerfdata: settings.performanceData,
        rules: { ...settings, argumentRules: readRules(settings.argumentRules) },
      }),
      form: {
        charset: findCharset(settings.encoding) ?? utf8,
        maxLength: settings.maxAnswerLength,
        isExtended: settings.extendedResponse,
      },
    };
  }

  private admitLegacyHosts(): void {
    const { legacyHosts } = this.current();
    this.listener?.setException(
      legacyHosts === undefined
        ? undefined
        : {
            hosts: legacyHosts,
            options: legacyTlsOptions(this.watcher?.current(), this.current().settings),
            accept: (socket, seat) => this.accept(socket, seat, true),
          },
    );
  }

  private accept(socket: Socket, seat: Seat, isLegacy: boolean): void {
    const address = addressOf(socket);
    const { settings, desk, door, form } = this.current();
    const { figures, peers } = this;
    const { clock, core } = this.context.gateway;
    if (this.listener === undefined) {
      socket.destroy();
      return;
    }
    const connection = new PollerConnection(socket, address, {
      ...{ clock, deadlines: core.deadlines, seat, desk, figures, peers, form, payloadLength: settings.payloadLength },
      queryTimeoutMs: settings.handshakeTimeout,
      answerTimeoutMs: settings.timeout,
      identify: () => door.identify(socket, address, isLegacy),
    });
    this.open.set(socket, connection);
    socket.once("close", () => {
      this.open.delete(socket);
      if (this.open.size === 0) this.onEmpty();
    });
  }

  private warn(settings: ServerSettings): void {
    const { log, security } = this.context;
    const { grants } = security.principal("anonymous", frontEnd, settings.role);
    for (const text of settingsWarnings(settings, grants.allows("queries.execute"))) log.warn(text);
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
    const { useSsl, insecure, verifyMode } = this.current().settings;
    if (!useSsl) return "without TLS";
    if (insecure) return "insecure TLS";
    return { none: "TLS", peer: "TLS, certificates asked for", "peer-cert": "TLS, certificates required" }[verifyMode];
  }
}

/** A client has the first word, and may close its side when it has said it. */
const nrpe = { alpn: [], firstBytes: 1, silence: "no query began", allowHalfOpen: true };

/** How long a stop waits for a query that is on its way, and for the answers of commands that were ended. */
const silentGraceMs = 500;

/** The settings were checked when they were read. */
function readRules(texts: ReadonlyMap<string, string>): ReadonlyMap<string, ArgumentRule> {
  const rules = new Map<string, ArgumentRule>();
  for (const [command, text] of texts) {
    const { rule, problem } = { rule: undefined, ...parseArgumentRule(text) };
    if (rule === undefined) throw new GatewayError("CONFIGURATION", `The arguments of ${command}: ${problem}.`);
    rules.set(command.trim().toLowerCase(), rule);
  }
  return rules;
}

/** What can't change while the server runs. */
const fixedKeys = [
  ...["port", "bindTo", "useSsl", "certificate", "certificateKey", "ca", "verifyMode", "insecure"],
  ...["tlsVersion", "allowedCiphers", "sslOptions"],
] as (keyof ServerSettings)[];
