import type { Duplex } from "node:stream";
import { type ConnectionInjector, Server, ServerCredentials, type UntypedHandleCall } from "@grpc/grpc-js";
import { AuditTrail } from "../../front-end/audit-trail.js";
import { executeOperation, queryOperation, submitOperation } from "../../front-end/gateway-operations.js";
import type { Operation } from "../../front-end/operation.js";
import { settingsOperation } from "../../front-end/settings-operation.js";
import type { GatewayControl } from "../../kernel/control.js";
import type { RegistryScope } from "../../kernel/scope.js";
import type { Audit } from "../../security/audit.js";
import type { Spool } from "../../spool/spool.js";
import type { LogService } from "../../telemetry/log.js";
import { adminMethods, gatewayMethods, type MethodShape } from "../../wire/services.js";
import {
  logsOperation,
  metricsOperation,
  registryOperation,
  reloadOperation,
  statusOperation,
} from "./admin-operations.js";
import type { Door } from "./door.js";
import { duplexRpc } from "./duplex.js";
import { feedRpc } from "./feed-rpc.js";
import { Health, shuttingDown } from "./health.js";
import { acceptLongDeadlines } from "./long-deadlines.js";
import { OpenStreams } from "./open-streams.js";
import { queueOperation } from "./queue-operation.js";
import { addReflection } from "./reflection.js";
import { rawMethod, unaryRpc } from "./rpc.js";
import type { ServerSettings } from "./settings.js";
import { subscribeOperation } from "./subscribe-operation.js";

/** What the rpcs work with. */
export interface RpcServerParts {
  readonly gateway: GatewayControl;
  readonly registry: RegistryScope;
  readonly audit: Audit;
  readonly log: LogService;
  /** Opens what waits for receivers; nothing where this gateway has no spool. */
  readonly spool: () => Promise<Spool | undefined>;
  readonly door: Door;
}

/** The settings that a server is made with; other limits need another server. */
export type RpcLimits = Pick<
  ServerSettings,
  | "maxMessageSize"
  | "maxConcurrentStreams"
  | "streamWindow"
  | "subscriberLimit"
  | "connectionIdle"
  | "connectionAge"
  | "connectionAgeGrace"
  | "keepalive"
  | "reflection"
>;

/** So many messages of the largest size may wait in one stream, whatever the limit by number says. */
const largestWaiting = 8;

const keepaliveAnswerMs = 20_000;

/** The library's word for never: timers count no further. */
const neverMs = 2 ** 31 - 1;
/** The library adds up to a tenth to an age, and what is later than never comes at once. */
const longestMs = 0.9 * neverMs;

/** Gateway, Admin, health and reflection on connections that somebody else has accepted. */
export class RpcServer {
  readonly health = new Health();
  private readonly streams = new OpenStreams();
  private readonly server: Server;
  private readonly injector: ConnectionInjector;
  private readonly sockets = new Set<Duplex>();
  private drained: (() => void) | undefined;

  constructor(
    private readonly parts: RpcServerParts,
    readonly limits: RpcLimits,
  ) {
    this.server = new Server({
      "grpc.enable_channelz": 0,
      "grpc.max_receive_message_length": limits.maxMessageSize,
      "grpc.max_send_message_length": limits.maxMessageSize,
      "grpc.max_concurrent_streams": limits.maxConcurrentStreams,
      "grpc.max_connection_idle_ms": timer(limits.connectionIdle),
      "grpc.max_connection_age_ms": timer(limits.connectionAge),
      "grpc.max_connection_age_grace_ms": timer(limits.connectionAgeGrace),
      "grpc.keepalive_time_ms": timer(limits.keepalive),
      "grpc.keepalive_timeout_ms": keepaliveAnswerMs,
    });
    acceptLongDeadlines(this.server);
    this.addServices();
    this.health.addTo(this.server, this.streams);
    if (limits.reflection) addReflection(this.server);
    // TLS is done before, so that addresses are refused and silent connections dropped without its cost.
    this.injector = this.server.createConnectionInjector(ServerCredentials.createInsecure());
  }

  /** Serves a connection. */
  serve(socket: Duplex): void {
    this.sockets.add(socket);
    socket.once("close", () => {
      this.sockets.delete(socket);
      if (this.sockets.size === 0) this.drained?.();
    });
    this.injector.injectConnection(socket);
  }

  /** Looks again at who reads feeds and whether they still may. */
  checkReaders(): void {
    this.streams.checkAll();
  }

  /** Answers calls from now on with UNAVAILABLE, those of open connections too. */
  refuse(): void {
    this.parts.door.close();
  }

  /**
   * Ends well what runs: open-ended streams get UNAVAILABLE, other calls their answers.
   *
   * @param graceMs what still runs then is cut off
   */
  async drain(graceMs: number): Promise<void> {
    this.streams.endAll(shuttingDown());
    await new Promise<void>((resolve) => {
      const cutOff = setTimeout(() => {
        // Without channelz `forceShutdown` knows of no sessions and leaves them open.
        this.injector.drain(0);
        this.server.forceShutdown();
        resolve();
      }, graceMs);
      this.drained = () => {
        clearTimeout(cutOff);
        resolve();
      };
      // Its callback comes at once since Node.js 24, so the end of the connections counts.
      this.server.tryShutdown(() => {});
      if (this.sockets.size === 0) this.drained();
    });
  }

  private addServices(): void {
    const { gateway, registry, audit, log, spool, door } = this.parts;
    const { streamWindow, subscriberLimit, maxMessageSize } = this.limits;
    const bytes = largestWaiting * maxMessageSize;
    const rpc = { door, audit: new AuditTrail(audit) };
    const duplex = { ...rpc, streams: this.streams, limits: { messages: streamWindow, bytes } };
    const feed = { ...rpc, streams: this.streams, limits: { messages: subscriberLimit, bytes } };
    this.add(gatewayMethods, {
      query: unaryRpc(rpc, queryOperation(gateway, gatewayMethods.query)),
      execute: unaryRpc(rpc, executeOperation(gateway)),
      submit: unaryRpc(rpc, submitOperation(gateway, gatewayMethods.submit)),
      queryStream: duplexRpc(duplex, queryOperation(gateway, gatewayMethods.queryStream)),
      submitStream: duplexRpc(duplex, submitOperation(gateway, gatewayMethods.submitStream)),
      subscribe: feedRpc(feed, subscribeOperation(registry)),
    });
    this.add(adminMethods, {
      registry: unaryRpc(rpc, endedByDrain(registryOperation(gateway), this.streams)),
      settings: unaryRpc(rpc, settingsOperation(gateway)),
      metrics: unaryRpc(rpc, metricsOperation(gateway)),
      logs: feedRpc(feed, logsOperation(log)),
      reload: unaryRpc(rpc, endedByDrain(reloadOperation(gateway), this.streams)),
      status: unaryRpc(rpc, statusOperation(gateway)),
      queue: unaryRpc(rpc, queueOperation(gateway, spool)),
    });
  }

  private add<Methods extends Record<string, MethodShape>>(
    methods: Methods,
    handlers: Record<keyof Methods, UntypedHandleCall>,
  ): void {
    const definitions = Object.entries(methods).map(([name, method]) => [name, rawMethod(method)]);
    this.server.addService(Object.fromEntries(definitions), handlers);
  }
}

/** An order that stops this server would wait for itself: whoever gives one is told when the drain begins. */
function endedByDrain<Request, Response>(
  operation: Operation<Request, Response>,
  streams: OpenStreams,
): Operation<Request, Response> {
  return {
    ...operation,
    handle(request, call) {
      const answer = operation.handle(request, call);
      if (!(answer instanceof Promise)) return answer;
      return new Promise((resolve, reject) => {
        const forget = streams.add(reject);
        answer.then(resolve, reject).finally(forget);
      });
    },
  };
}

function timer(ms: number): number {
  return ms > longestMs ? neverMs : ms;
}
