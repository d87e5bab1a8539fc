import type { ServerResponse } from "node:http";
import { GatewayError } from "../../../kernel/errors.js";
import type { ReplyStream, StreamSink, WebReply } from "../route.js";

/** So many bytes may wait for a reader; who falls further behind is cut off. */
const maxWaiting = 1024 * 1024;

/** The answers without an end that are open. */
export class OpenStreams {
  private readonly open = new Set<ServerResponse>();

  constructor(private readonly limit: () => number) {}

  get count(): number {
    return this.open.size;
  }

  /**
   * Begins one.
   * @param whenOver says when it has ended, or its connection
   * @throws GatewayError RESOURCE_EXHAUSTED when there are too many
   */
  send(response: ServerResponse, { status, headers = {}, body }: WebReply, whenOver: (over: () => void) => void): void {
    if (this.open.size >= this.limit()) {
      throw new GatewayError("RESOURCE_EXHAUSTED", `${this.open.size} streams are open already.`);
    }
    const stream = body as ReplyStream;
    response.writeHead(status, { ...headers, "X-Content-Type-Options": "nosniff" });
    // HEAD asks for no more, and an answer to it would never end.
    if (response.req.method === "HEAD") {
      response.end();
      return;
    }
    response.flushHeaders();
    this.open.add(response);
    let close: (() => void) | undefined;
    let isOver = false;
    whenOver(() => {
      isOver = true;
      this.open.delete(response);
      close?.();
    });
    close = stream.open(sinkOf(response));
    // Its client was gone before it began.
    if (isOver) close();
  }

  /** Ends all of them. */
  end(): void {
    for (const response of this.open) response.end();
  }
}

function sinkOf(response: ServerResponse): StreamSink {
  return {
    write(text) {
      if (response.destroyed || response.writableEnded) return false;
      response.write(text);
      if (response.writableLength <= maxWaiting) return true;
      response.destroy();
      return false;
    },
    end: () => void response.end(),
  };
}
