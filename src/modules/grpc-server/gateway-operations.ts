import type { GatewayControl } from "../../kernel/control.js";
import { GatewayError } from "../../kernel/errors.js";
import { splitNames } from "../../kernel/registry.js";
import type { RegistryScope } from "../../kernel/scope.js";
import {
  type ExecuteRequestMessage,
  type ExecuteResponseMessage,
  Header,
  PB,
  type QueryRequestMessage,
  type QueryResponseMessage,
  ResultCode,
  StatusCode,
  SubmitRequestMessage,
  SubmitResponse,
  type SubmitResponseMessage,
} from "../../wire/messages.js";
import { gatewayMethods, type Method } from "../../wire/services.js";
import { type AuditRule, refusalsAmong } from "./audit-trail.js";
import type { FeedOperation } from "./feed-rpc.js";
import { encodeMessage, type Operation } from "./rpc.js";

/** Queries; the unary rpc and the stream differ only in how messages travel. */
export function queryOperation(
  { core }: GatewayControl,
  method: Method<QueryRequestMessage, QueryResponseMessage>,
): Operation<QueryRequestMessage, QueryResponseMessage> {
  return {
    method,
    audit: {
      action: "queries.execute",
      objects: ({ header, payload }) => [
        ...(header?.command ? [header.command] : []),
        ...payload.map((p) => p.command),
      ],
      refusals: ({ payload }, answer) =>
        refusalsAmong(
          answer.payload,
          ({ result, lines }) => (result === ResultCode.UNKNOWN ? (lines[0]?.message ?? "") : ""),
          (index) => payload[index]?.command ?? "",
        ),
    },
    handle: (request, call) => core.query(request, call),
  };
}

export function executeOperation({ core }: GatewayControl): Operation<ExecuteRequestMessage, ExecuteResponseMessage> {
  return {
    method: gatewayMethods.execute,
    audit: {
      action: "commands.execute",
      objects: ({ payload }) => payload.map(({ command }) => command),
      refusals: (_request, { payload }) =>
        refusalsAmong(
          payload,
          ({ result, message }) => (result === ResultCode.OK ? "" : message),
          (index) => payload[index]?.command ?? "",
        ),
    },
    handle: async (request, call) => {
      const target = request.header?.recipientId || request.header?.destinationId || "";
      return (await core.execute(target, request, call)).message;
    },
  };
}

export function submitOperation(
  { core }: GatewayControl,
  method: Method<SubmitRequestMessage, SubmitResponseMessage>,
): Operation<SubmitRequestMessage, SubmitResponseMessage> {
  return {
    method,
    audit: {
      action: "submit",
      objects: ({ channel }) => splitNames(channel),
      refusals: ({ channel }, { payload }) => refusedChannels(splitNames(channel), payload[0]?.result?.message ?? ""),
    },
    handle: async (request, call) => (await core.submit(request.channel, request, call)).message,
  };
}

/** A channel is refused for all results of a submission alike. */
function refusedChannels(channels: readonly string[], text: string) {
  const texts = text.split("; ");
  return channels.flatMap((object) => {
    const reason = texts.find((one) => one.startsWith("Permission denied:") && one.endsWith(` to ${object}`));
    return reason === undefined ? [] : [{ object, reason }];
  });
}

/** A remote consumer of channels. It is subscribed like any module, as long as its stream is open. */
export function subscribeOperation(registry: RegistryScope): FeedOperation<{ channel: string[] }> {
  const audit: AuditRule<{ channel: string[] }> = {
    action: "channels.subscribe",
    objects: ({ channel }) => channel.flatMap(splitNames),
  };
  return {
    request: gatewayMethods.subscribe.request,
    audit,
    authorise(request, { principal }) {
      const channels = audit.objects(request);
      if (channels.length === 0) throw new GatewayError("INVALID_ARGUMENT", "No channel is given.");
      const refused = channels.find((channel) => !principal.grants.allows("channels.subscribe", channel));
      if (refused !== undefined) {
        throw new GatewayError("PERMISSION_DENIED", `${principal.name} is not allowed to subscribe to ${refused}.`);
      }
    },
    open(request, { principal }, feed) {
      const channels = audit.objects(request);
      return registry.channel(channels.join(","), (submission) => [
        feed.send(encodeMessage(SubmitRequestMessage, withoutHosts(submission))) ? taken() : lost(principal.name),
      ]);
    },
  };
}

/** Addresses and options of targets, passwords among them, are for who sends a result on from here. */
function withoutHosts(submission: SubmitRequestMessage): SubmitRequestMessage {
  const { header } = submission;
  if (header === null || header.hosts.length === 0) return submission;
  return SubmitRequestMessage.create({ ...submission, header: Header.create({ ...header, hosts: [] }) });
}

function taken(): SubmitResponse {
  const result = PB.Common.Result.create({ code: StatusCode.STATUS_OK, message: "Submission successful" });
  return SubmitResponse.create({ result });
}

function lost(subscriber: string): SubmitResponse {
  const message = `The subscriber ${subscriber} fell behind and was ended`;
  return SubmitResponse.create({ result: PB.Common.Result.create({ code: StatusCode.STATUS_ERROR, message }) });
}
