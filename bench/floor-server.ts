/**
 * The floor: a bare grpc-js server that decodes every request with the generated codec and encodes an answer of the same
 * content as the gateway's. It runs in a process of its own, told over the channel to its parent what to listen with.
 */
import {
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type sendUnaryData,
} from "@grpc/grpc-js";
import { QueryRequestMessage, QueryResponse, QueryResponseMessage } from "../src/wire/messages.js";
import { gatewayMethods } from "../src/wire/services.js";

/** What the parent says first; texts so that it survives JSON. */
export interface FloorOrder {
  /** PEM, or nothing for a server without TLS. */
  readonly tls?: { readonly ca: string; readonly certificate: string; readonly key: string };
  readonly options: Readonly<Record<string, number>>;
  /** The gateway's answers by command, each a serialized QueryResponseMessage in base64. */
  readonly answers: Readonly<Record<string, string>>;
}

process.once("message", (order) => listen(order as FloorOrder));

function listen({ tls, options, answers }: FloorOrder): void {
  const known = new Map(
    Object.entries(answers).map(([command, bytes]) => [
      command,
      QueryResponseMessage.decode(Buffer.from(bytes, "base64")).payload[0] ?? QueryResponse.create(),
    ]),
  );
  const echo = ({ header, payload }: QueryRequestMessage): QueryResponseMessage =>
    QueryResponseMessage.create({
      header,
      payload: payload.map(({ id, command }) => {
        const answer = known.get(command);
        return QueryResponse.create({ id, command, result: answer?.result ?? 3, lines: answer?.lines ?? [] });
      }),
    });
  const server = new Server(options);
  server.addService(
    { query: definition(gatewayMethods.query), queryStream: definition(gatewayMethods.queryStream) },
    {
      query: (
        call: ServerUnaryCall<QueryRequestMessage, QueryResponseMessage>,
        answer: sendUnaryData<QueryResponseMessage>,
      ) => answer(null, echo(call.request)),
      queryStream: (call: ServerDuplexStream<QueryRequestMessage, QueryResponseMessage>) => {
        call.on("data", (request: QueryRequestMessage) => {
          if (call.write(echo(request))) return;
          call.pause();
          call.once("drain", () => call.resume());
        });
        call.on("end", () => call.end());
      },
    },
  );
  const credentials =
    tls === undefined
      ? ServerCredentials.createInsecure()
      : ServerCredentials.createSsl(
          Buffer.from(tls.ca),
          [{ cert_chain: Buffer.from(tls.certificate), private_key: Buffer.from(tls.key) }],
          true,
        );
  server.bindAsync("127.0.0.1:0", credentials, (error, port) => {
    if (error !== null) throw error;
    process.send?.({ port });
  });
}

function definition({ path, requestStream, responseStream }: typeof gatewayMethods.query) {
  return {
    ...{ path, requestStream, responseStream },
    requestDeserialize: (bytes: Buffer) => QueryRequestMessage.decode(bytes),
    requestSerialize: (message: QueryRequestMessage) => buffer(QueryRequestMessage.encode(message).finish()),
    responseDeserialize: (bytes: Buffer) => QueryResponseMessage.decode(bytes),
    responseSerialize: (message: QueryResponseMessage) => buffer(QueryResponseMessage.encode(message).finish()),
  };
}

function buffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
