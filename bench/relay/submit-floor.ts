/**
 * The floor of submissions: a bare grpc-js server that decodes each one with the generated codec and encodes an answer of
 * the same content as the gateway's, without keeping anything. It runs in a process of its own.
 */
import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData } from "@grpc/grpc-js";
import { SubmitRequestMessage, SubmitResponse, SubmitResponseMessage } from "../../src/wire/messages.js";
import { gatewayMethods } from "../../src/wire/services.js";

/** What the parent says first. */
export interface SubmitFloorOrder {
  readonly options: Readonly<Record<string, number>>;
  /** One payload of the gateway's answer, serialized, in base64. */
  readonly answer: string;
}

process.once("message", (order) => listen(order as SubmitFloorOrder));

function listen({ options, answer }: SubmitFloorOrder): void {
  const { result } = SubmitResponse.decode(Buffer.from(answer, "base64"));
  const { path, requestStream, responseStream } = gatewayMethods.submit;
  const server = new Server(options);
  server.addService(
    {
      submit: {
        ...{ path, requestStream, responseStream },
        requestDeserialize: (bytes: Buffer) => SubmitRequestMessage.decode(bytes),
        requestSerialize: (message: SubmitRequestMessage) => Buffer.from(SubmitRequestMessage.encode(message).finish()),
        responseDeserialize: (bytes: Buffer) => SubmitResponseMessage.decode(bytes),
        responseSerialize: (message: SubmitResponseMessage) =>
          Buffer.from(SubmitResponseMessage.encode(message).finish()),
      },
    },
    {
      submit: (
        { request }: ServerUnaryCall<SubmitRequestMessage, SubmitResponseMessage>,
        reply: sendUnaryData<SubmitResponseMessage>,
      ) => {
        const payload = request.payload.map(({ id, command }) => SubmitResponse.create({ id, command, result }));
        reply(null, SubmitResponseMessage.create({ header: request.header, payload }));
      },
    },
  );
  server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
    if (error !== null) throw error;
    process.send?.({ port });
  });
}
