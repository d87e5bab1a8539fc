import type { GatewayControl } from "../kernel/control.js";
import { GatewayError } from "../kernel/errors.js";
import { splitNames } from "../kernel/registry.js";
import {
  type ExecuteRequestMessage,
  type ExecuteResponseMessage,
  type QueryRequestMessage,
  type QueryResponseMessage,
  ResultCode,
  type SubmitRequestMessage,
  type SubmitResponseMessage,
} from "../wire/messages.js";
import { gatewayMethods, type Method } from "../wire/services.js";
import { refusalsAmong } from "./audit-trail.js";
import { checkPayloads, type Operation } from "./operation.js";

/** So many channels a submission may go to: each of them gets every result of it. */
const maxChannels = 100;

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
    handle(request, call) {
      checkPayloads(request);
      return core.query(request, call);
    },
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
      checkPayloads(request);
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
    handle: async (request, call) => {
      checkPayloads(request);
      const channels = splitNames(request.channel).length;
      if (channels > maxChannels) {
        throw new GatewayError(
          "INVALID_ARGUMENT",
          `A message may name ${maxChannels} channels; this one names ${channels}.`,
        );
      }
      return (await core.submit(request.channel, request, call)).message;
    },
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
