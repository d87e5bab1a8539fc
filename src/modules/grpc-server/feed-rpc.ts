import type { handleServerStreamingCall } from "@grpc/grpc-js";
import type { Call } from "../../kernel/call.js";
import type { MessageType } from "../../wire/messages.js";
import type { AuditRule } from "./audit-trail.js";
import { streamError } from "./call-status.js";
import { Feed, type FeedLimits } from "./feed.js";
import type { OpenStreams } from "./open-streams.js";
import { decodeMessage, type RpcParts } from "./rpc.js";

/** What an rpc sends to a reader for as long as the reader is there. */
export interface FeedOperation<Request> {
  readonly request: MessageType<Request>;
  readonly audit: AuditRule<Request>;
  /**
   * Begins to send to the feed.
   * @returns how to stop, called when the stream is over
   */
  open(request: Request, call: Call, feed: Feed): () => void;
}

export interface FeedParts extends RpcParts {
  readonly limits: FeedLimits;
  readonly streams: OpenStreams;
}

/** An rpc with one request and a stream of messages. */
export function feedRpc<Request>(
  { door, audit, limits, streams }: FeedParts,
  operation: FeedOperation<Request>,
): handleServerStreamingCall<Buffer, Buffer> {
  return (surface) => {
    const open = (call: Call) => {
      if (surface.cancelled) return;
      let request: Request | undefined;
      let stop = () => {};
      const feed = new Feed(surface, limits, streams, () => stop());
      try {
        request = decodeMessage(operation.request, surface.request);
        stop = operation.open(request, call, feed);
        if (!feed.isOpen) stop();
        feed.announce();
        audit.done(operation.audit, request, call);
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
