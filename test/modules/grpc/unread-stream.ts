import { connect } from "node:http2";
import { status } from "@grpc/grpc-js";
import type { Init } from "../../../src/wire/messages.js";
import type { Method } from "../../../src/wire/services.js";

/**
 * Calls an rpc by HTTP/2 alone and reads nothing of the answer before it is asked to: the library's own client reads on
 * by itself, so it can't be a slow reader.
 *
 * @param requests messages, or the bytes of one that is malformed
 */
export async function unreadStream<Request, Response>(
  port: number,
  method: Method<Request, Response>,
  requests: readonly (Init<Request> | Buffer)[],
) {
  const session = connect(`http://127.0.0.1:${port}`);
  session.on("error", () => {});
  const stream = session.request({
    ":method": "POST",
    ":path": method.path,
    "content-type": "application/grpc",
    te: "trailers",
  });
  stream.on("error", () => {});
  let trailers: Record<string, unknown> = {};
  const response = new Promise<void>((resolve) => {
    stream.once("response", (headers) => {
      trailers = headers;
      resolve();
    });
  });
  stream.once("trailers", (headers) => {
    trailers = headers;
  });
  for (const request of requests) {
    stream.write(frame(Buffer.isBuffer(request) ? request : method.request.encode(request).finish()));
  }
  stream.end();
  return {
    /** The gateway has accepted the call. */
    response,
    /** Reads all that comes and the status at its end. */
    async read(): Promise<{ messages: Response[]; status: string }> {
      const chunks: Buffer[] = [];
      for await (const chunk of stream) chunks.push(chunk);
      const code = Number(trailers["grpc-status"]);
      const text = decodeURIComponent(String(trailers["grpc-message"] ?? ""));
      return {
        messages: unframe(Buffer.concat(chunks)).map((bytes) => method.response.decode(bytes)),
        status: `${status[code]}: ${text}`,
      };
    },
    close: () => session.destroy(),
  };
}

/** A flag and the length before each message (gRPC over HTTP/2, Length-Prefixed-Message). */
function frame(message: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

function unframe(bytes: Buffer): Buffer[] {
  const messages: Buffer[] = [];
  for (let at = 0; at + 5 <= bytes.length; ) {
    const length = bytes.readUInt32BE(at + 1);
    messages.push(bytes.subarray(at + 5, at + 5 + length));
    at += 5 + length;
  }
  return messages;
}
