import type { AuditRule } from "../../front-end/audit-trail.js";
import { encodeMessage } from "../../front-end/operation.js";
import { GatewayError } from "../../kernel/errors.js";
import { splitNames } from "../../kernel/registry.js";
import type { RegistryScope } from "../../kernel/scope.js";
import { Header, PB, StatusCode, SubmitRequestMessage, SubmitResponse } from "../../wire/messages.js";
import { gatewayMethods } from "../../wire/services.js";
import type { FeedOperation } from "./feed-rpc.js";

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
