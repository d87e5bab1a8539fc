import type { handleServerStreamingCall } from "@grpc/grpc-js";
import type { AuditRule } from "../../front-end/audit-trail.js";
import { decodeMessage } from "../../front-end/operation.js";
import type { Call } from "../../kernel/call.js";
import type { MessageType } from "../../wire/messages.js";
import { streamError } from "./call-status.js";
import { Feed, type FeedLimits } from "./feed.js";
import type { OpenStreams } from "./open-streams.js";
import type { RpcParts } from "./rpc.js";

/** What an rpc sends to a reader for as long as the reader is there. */
export interface FeedOperation<Request> {
  readonly request: MessageType<Request>;
  readonly audit: AuditRule<Request>;
  /** @throws GatewayError PERMISSION_DENIED, INVALID_ARGUMENT when the caller may not have this feed */
  authorise(request: Request, call: Call): void;
  /**
   * Begins to send to the feed.
   * @returns how to stop, called when the stream is over
   */
  open(request: Request, call: Call, feed: Feed): () => void;
}

/** How often a feed looks again at who reads it and what they may do. Milliseconds. */
const recheckMs = 5000;

export interface FeedParts extends RpcParts {
  readonly limits: FeedLimits;
  readonly streams: OpenStreams;
}

/**
 * An rpc with one request and a stream of messages. It may stay open for hours: whoever is let in no more (a token that was
 * taken back or has expired, a role that lost the grant) is sent away within {@link recheckMs}.
 */
export function feedRpc<Request>(
  { door, audit, limits, streams }: FeedParts,
  operation: FeedOperation<Request>,
): handleServerStreamingCall<Buffer, Buffer> {
  return (surface) => {
    const recheck = (request: Request, first: Call, feed: Feed) => {
      let { principal } = first;
      const check = async () => {
        try {
          const call = await door.admit(surface);
          if (call.principal === principal) return;
          operation.authorise(request, call);
          principal = call.principal;
        } catch (thrown) {
          feed.fail(thrown);
        }
      };
      const timer = setInterval(check, recheckMs).unref();
      const forget = streams.addCheck(check);
      return () => {
        clearInterval(timer);
        forget();
      };
    };
    const open = (call: Call) => {
      if (surface.cancelled) return;
      let request: Request | undefined;
      let stop = () => {};
      const feed = new Feed(surface, limits, streams, () => stop());
      try {
        const asked = decodeMessage(operation.request, surface.request);
        request = asked;
        operation.authorise(asked, call);
        const close = operation.open(asked, call, feed);
        const stopChecking = recheck(asked, call, feed);
        stop = () => {
          stopChecking();
          close();
        };
        if (!feed.isOpen) stop();
        feed.announce();
        audit.done(operation.audit, asked, call, undefined);
      } catch (thrown) {
        audit.failed(operation.audit, request, call, thrown);
        feed.fail(thrown);
      }
    };
    const refuse = (thrown: unknown) => surface.emit("error", streamError(thrown));
    try {
      const admitted = door.admit(surface);
      if (admitted instanceof Promise) admitted.then(open).catch(refuse);
      else open(admitted);
    } catch (thrown) {
      refuse(thrown);
    }
  };
}
