import type { Gateway } from "../gateway/gateway.js";
import { GatewayError } from "../kernel/errors.js";
import { localPrincipal } from "../kernel/principal.js";
import { connectGateway } from "../modules/grpc-client/gateway-client.js";
import {
  type ExecuteRequest,
  ExecuteRequestMessage,
  type ExecuteResponse,
  Header,
  type QueryRequest,
  QueryRequestMessage,
  type QueryResponse,
  type SubmitRequestMessage,
  type SubmitResponse,
} from "../wire/messages.js";
import type { RemoteTarget } from "./client-target.js";

/** Who answers `nscp client`: a gateway in this process, or one over the network. */
export interface ClientBackend {
  /** One answer per request, in order. */
  query(requests: QueryRequest[]): Promise<QueryResponse[]>;
  /** @param target a module, or empty for whoever has the command. `undefined`: nobody has it. */
  execute(target: string, request: ExecuteRequest): Promise<ExecuteResponse[] | undefined>;
  submit(message: SubmitRequestMessage): Promise<SubmitResponse[]>;
  close(): Promise<void>;
}

/** @param timeoutMs for each call; without it none ends before its answer */
export function localBackend(gateway: Gateway, timeoutMs: number | undefined): ClientBackend {
  const call = () =>
    gateway.call({
      principal: localPrincipal,
      frontEnd: "cli",
      ...(timeoutMs === undefined ? {} : { deadline: gateway.clock.monotonic() + timeoutMs }),
    });
  return {
    async query(requests) {
      const { payload } = await gateway.core.query(QueryRequestMessage.create({ payload: requests }), call());
      for (const answer of payload) {
        if (gateway.registry.findQuery(answer.command) !== undefined) continue;
        for (const line of answer.lines) line.message = `No handler for command: ${answer.command}`;
      }
      return payload;
    },
    async execute(target, request) {
      const message = ExecuteRequestMessage.create({ payload: [request] });
      const outcome = await gateway.core.execute(target, message, call());
      return outcome.handled ? outcome.message.payload : undefined;
    },
    async submit(message) {
      return (await gateway.core.submit(message.channel, message, call())).message.payload;
    },
    close: () => gateway.stop(),
  };
}

export function remoteBackend({ timeoutMs, ...address }: RemoteTarget): ClientBackend {
  const client = connectGateway({ ...address, timeoutMs });
  return {
    async query(requests) {
      const { payload } = await client.query({ payload: requests });
      if (payload.length !== requests.length) {
        throw new GatewayError(
          "INTERNAL",
          `${client.place} answered ${payload.length} of ${requests.length} checks; it may be a gateway of another kind`,
        );
      }
      return payload;
    },
    async execute(target, request) {
      const header = Header.create({ recipientId: target });
      return (await client.execute({ header, payload: [request] })).payload;
    },
    async submit(message) {
      return (await client.submit(message)).payload;
    },
    close: async () => client.close(),
  };
}
