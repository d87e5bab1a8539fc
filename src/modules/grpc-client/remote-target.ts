import type { Call } from "../../kernel/call.js";
import type { Clock } from "../../kernel/clock.js";
import { hostOf, responseHeader } from "../../kernel/header.js";
import type { RelayTarget } from "../../relay/relay.js";
import {
  type ExecuteRequestMessage,
  type ExecuteResponseMessage,
  Header,
  type QueryRequestMessage,
  type QueryResponseMessage,
} from "../../wire/messages.js";
import { hopsKey } from "../../wire/services.js";
import type { GatewayCallOptions, GatewayClient } from "./gateway-client.js";
import { GatewayLink } from "./gateway-link.js";
import type { GatewayKeys } from "./settings.js";

/** Another gateway: queries and commands for it are passed on as they are, and run there as if they were asked there. */
export class RemoteTarget {
  readonly name: string;
  private readonly link: GatewayLink;
  private readonly timeoutMs: number;

  constructor(
    target: RelayTarget<GatewayKeys>,
    private readonly clock: Clock,
  ) {
    this.name = target.name;
    this.timeoutMs = target.settings.timeout;
    this.link = new GatewayLink(target, clock);
  }

  query(message: QueryRequestMessage, call: Call): Promise<QueryResponseMessage> {
    return this.pass(message, call, (client, passed, options) => client.query(passed, options));
  }

  execute(message: ExecuteRequestMessage, call: Call): Promise<ExecuteResponseMessage> {
    return this.pass(message, call, (client, passed, options) => client.execute(passed, options));
  }

  close(): void {
    this.link.close();
  }

  private async pass<Message extends { header: Header | null }, Answer extends { header: Header | null }>(
    message: Message,
    call: Call,
    send: (client: GatewayClient, message: Message, options: GatewayCallOptions) => Promise<Answer>,
  ): Promise<Answer> {
    const { header } = message;
    const left = (call.deadline ?? Number.POSITIVE_INFINITY) - this.clock.monotonic();
    const options = {
      timeoutMs: Math.min(this.timeoutMs, Math.max(1, left)),
      signal: call.signal,
      metadata: { [hopsKey]: String(call.nextHop()), ...traceParent(call.traceId) },
    };
    const elsewhere = hostOf(header, header?.recipientId || header?.destinationId || "")?.address ?? "";
    const client = elsewhere === "" ? this.link.client() : this.link.clientElsewhere(elsewhere);
    try {
      // The name of the target means nothing over there, and addresses are this gateway's own business.
      const passedHeader = header === null ? null : Header.create({ ...header, ...atHome });
      const answer = await send(client, { ...message, header: passedHeader }, options);
      return { ...answer, header: header === null ? null : responseHeader(header) };
    } catch (thrown) {
      this.link.failed(client, thrown);
      throw thrown;
    } finally {
      this.link.release(client);
    }
  }
}

const atHome: Partial<Header> = { recipientId: "", destinationId: "", hosts: [] };

/** The trace goes on over there (https://www.w3.org/TR/trace-context/ 3.2); ids of this gateway are half as long as those. */
function traceParent(traceId: string): Record<string, string> {
  if (!/^(?:[\da-f]{16}){1,2}$/.test(traceId)) return {};
  return { traceparent: `00-${traceId.padStart(32, "0")}-${traceId.slice(-16)}-01` };
}
