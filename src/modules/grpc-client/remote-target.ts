import type { Call } from "../../kernel/call.js";
import type { Clock } from "../../kernel/clock.js";
import { GatewayError } from "../../kernel/errors.js";
import { hostOf, responseHeader } from "../../kernel/header.js";
import {
  type ExecuteRequestMessage,
  type ExecuteResponseMessage,
  Header,
  type QueryRequestMessage,
  type QueryResponseMessage,
} from "../../wire/messages.js";
import { hopsKey } from "../../wire/services.js";
import { connectGateway, type GatewayCallOptions, type GatewayClient } from "./gateway-client.js";
import type { TargetSettings } from "./settings.js";

/** How old a client must be before a failed connection makes the next call read certificates and token again. */
const freshMs = 30_000;

/** Another gateway: queries and commands for it are passed on as they are, and run there as if they were asked there. */
export class RemoteTarget {
  private client: GatewayClient | undefined;
  private madeAt = 0;

  constructor(
    readonly name: string,
    private readonly settings: TargetSettings,
    private readonly clock: Clock,
  ) {}

  query(message: QueryRequestMessage, call: Call): Promise<QueryResponseMessage> {
    return this.pass(message, call, (client, passed, options) => client.query(passed, options));
  }

  execute(message: ExecuteRequestMessage, call: Call): Promise<ExecuteResponseMessage> {
    return this.pass(message, call, (client, passed, options) => client.execute(passed, options));
  }

  close(): void {
    this.client?.close();
    this.client = undefined;
  }

  private async pass<Message extends { header: Header | null }, Answer extends { header: Header | null }>(
    message: Message,
    call: Call,
    send: (client: GatewayClient, message: Message, options: GatewayCallOptions) => Promise<Answer>,
  ): Promise<Answer> {
    const { header } = message;
    const left = (call.deadline ?? Number.POSITIVE_INFINITY) - this.clock.monotonic();
    const options = {
      timeoutMs: Math.min(this.settings.timeout, Math.max(1, left)),
      signal: call.signal,
      metadata: { [hopsKey]: String(call.nextHop()), ...traceParent(call.traceId) },
    };
    const elsewhere = hostOf(header, header?.recipientId || header?.destinationId || "")?.address ?? "";
    const client = elsewhere === "" ? this.connect() : this.connectElsewhere(elsewhere);
    try {
      // The name of the target means nothing over there, and addresses are this gateway's own business.
      const passedHeader = header === null ? null : Header.create({ ...header, ...atHome });
      const answer = await send(client, { ...message, header: passedHeader }, options);
      return { ...answer, header: header === null ? null : responseHeader(header) };
    } catch (thrown) {
      this.forget(client, thrown);
      throw thrown;
    } finally {
      if (client !== this.client) client.close();
    }
  }

  private connect(): GatewayClient {
    if (this.client !== undefined) return this.client;
    const { address, timeout: _timeout, ...rest } = this.settings;
    this.client = connectGateway({ address, ...rest });
    this.madeAt = this.clock.monotonic();
    return this.client;
  }

  /** The caller named an address of its own: it must not be shown the secrets that are for the configured one. */
  private connectElsewhere(address: string): GatewayClient {
    const { ca, insecure } = this.settings;
    return connectGateway({ address, ca, insecure });
  }

  /** Certificates and tokens on disk may be others by now: the next call reads them. */
  private forget(client: GatewayClient, thrown: unknown): void {
    if (client !== this.client || !(thrown instanceof GatewayError)) return;
    const stale = this.clock.monotonic() - this.madeAt > freshMs;
    if (thrown.code === "UNAUTHENTICATED" || (thrown.code === "UNAVAILABLE" && stale)) this.client = undefined;
  }
}

const atHome: Partial<Header> = { recipientId: "", destinationId: "", hosts: [] };

/** The trace goes on over there (https://www.w3.org/TR/trace-context/ 3.2); ids of this gateway are half as long as those. */
function traceParent(traceId: string): Record<string, string> {
  if (!/^(?:[\da-f]{16}){1,2}$/.test(traceId)) return {};
  return { traceparent: `00-${traceId.padStart(32, "0")}-${traceId.slice(-16)}-01` };
}
