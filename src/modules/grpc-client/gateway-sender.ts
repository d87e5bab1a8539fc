import { hopAfter } from "../../kernel/call.js";
import { errorText, GatewayError } from "../../kernel/errors.js";
import { nobodyListensText } from "../../kernel/submit.js";
import {
  BatchRefused,
  type OutgoingResult,
  type RelayTarget,
  type Sender,
  type SenderEnvironment,
  type Verdict,
} from "../../relay/relay.js";
import { QueryResponse, StatusCode, type SubmitResponse } from "../../wire/messages.js";
import { headerWithTimes, hostCheck } from "../../wire/passive-result.js";
import { hopsKey } from "../../wire/services.js";
import { GatewayLink } from "./gateway-link.js";
import type { GatewayKeys } from "./settings.js";

/** Room for the results of one message; messages may have 4 MiB, and a part of that is the header's. */
const messageBytes = 3 * 1024 * 1024;

/**
 * Submits results to another gateway, as many in one message as go together: those for one channel that came through as
 * many gateways. Host, service and times stay what they are. The answer for each result is what becomes of it here.
 */
export class GatewaySender implements Sender {
  private readonly link: GatewayLink;

  constructor(
    private readonly target: RelayTarget<GatewayKeys>,
    environment: SenderEnvironment,
  ) {
    this.link = new GatewayLink(target, environment.clock);
  }

  async send(batch: readonly OutgoingResult[], signal: AbortSignal): Promise<readonly Verdict[]> {
    const verdicts: Verdict[] = [];
    for (const part of this.partsOf(batch)) {
      try {
        verdicts.push(...(await this.submit(part, signal)));
      } catch (thrown) {
        // What came before has its answers; the next batch begins with this part.
        if (verdicts.length === 0) throw thrown;
        return batch.map((_result, index) => verdicts[index] ?? { kind: "failed", reason: errorText(thrown) });
      }
    }
    return verdicts;
  }

  close(): void {
    this.link.close();
  }

  private async submit({ results, channel, hops }: Part, signal: AbortSignal): Promise<readonly Verdict[]> {
    let nextHop: number;
    try {
      nextHop = hopAfter(hops);
    } catch (thrown) {
      return results.map(() => ({ kind: "refused", reason: errorText(thrown) }));
    }
    const client = this.link.client();
    try {
      const { payload } = await client.submit(
        { header: headerWithTimes(results), channel, payload: results.map(payloadOf) },
        { signal, timeoutMs: this.target.settings.timeout, metadata: { [hopsKey]: String(nextHop) } },
      );
      if (payload.length === results.length) return payload.map(verdictOf);
      const counts = `${payload.length} of ${results.length} results`;
      throw new GatewayError("INTERNAL", `${client.place} answered ${counts}; it may be a gateway of another kind`);
    } catch (thrown) {
      this.link.failed(client, thrown);
      throw isAboutTheMessage(thrown) ? new BatchRefused(errorText(thrown), { cause: thrown }) : thrown;
    }
  }

  private *partsOf(batch: readonly OutgoingResult[]): Generator<Part> {
    const { remoteChannel } = this.target.settings;
    let part: { results: OutgoingResult[]; channel: string; hops: number } | undefined;
    let bytes = 0;
    for (const result of batch) {
      const channel = remoteChannel === "" ? result.channel : remoteChannel;
      const hops = result.hops ?? 0;
      const size =
        QueryResponse.encode(result.result).finish().length + result.host.length + 2 * result.service.length + 100;
      const fits = part?.channel === channel && part.hops === hops && bytes + size <= messageBytes;
      if (part !== undefined && fits) {
        part.results.push(result);
        bytes += size;
        continue;
      }
      if (part !== undefined) yield part;
      part = { results: [result], channel, hops };
      bytes = size;
    }
    if (part !== undefined) yield part;
  }
}

/** Results that go in one message. */
interface Part {
  readonly results: readonly OutgoingResult[];
  readonly channel: string;
  readonly hops: number;
}

function payloadOf({ result, host, service }: OutgoingResult, index: number): QueryResponse {
  const alias = service === "" ? hostCheck : service;
  return QueryResponse.create({ ...result, id: index + 1, source: host, alias, command: result.command || alias });
}

/** That nobody is there for the channel, or that we may not use it, says nothing about the result. */
const aboutTheGateway = [nobodyListensText(""), "Permission denied: "];

function verdictOf({ result }: SubmitResponse): Verdict {
  const text = result?.message ?? "";
  if (result === null || result.code === StatusCode.STATUS_OK) {
    return { kind: "delivered", text: text === "" ? "Submission successful" : text };
  }
  const isOurs = !aboutTheGateway.some((beginning) => text.startsWith(beginning));
  return { kind: isOurs ? "refused" : "failed", reason: text === "" ? "Submission failed" : text };
}

/** A message that is too large or can't be read fails whenever it is sent. */
function isAboutTheMessage(thrown: unknown): boolean {
  if (!(thrown instanceof GatewayError)) return false;
  if (thrown.code === "RESOURCE_EXHAUSTED") return /larger than/i.test(thrown.message);
  return thrown.code === "INVALID_ARGUMENT";
}
