import {
  type CallOptions,
  Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  type ClientUnaryCall,
  Metadata,
} from "@grpc/grpc-js";
import { GatewayError } from "../../kernel/errors.js";
import type {
  ExecuteRequestMessage,
  ExecuteResponseMessage,
  Init,
  nscp,
  PB,
  QueryRequestMessage,
  QueryResponseMessage,
  RegistryRequestMessage,
  RegistryResponseMessage,
  SettingsRequestMessage,
  SettingsResponseMessage,
  SubmitRequestMessage,
  SubmitResponseMessage,
} from "../../wire/messages.js";
import { adminMethods, gatewayMethods, type Method } from "../../wire/services.js";
import { callError } from "./client-errors.js";
import { type GatewayAddress, resolveEndpoint } from "./gateway-address.js";

type V1 = typeof nscp.gateway.v1;
type MessageOf<Name extends keyof V1> = V1[Name] extends { decode(bytes: Uint8Array): infer Message } ? Message : never;

export interface GatewayClientOptions extends GatewayAddress {
  /** How long a call may take in milliseconds unless it says itself; as long as it takes unless given. */
  readonly timeoutMs?: number | undefined;
  /** Largest message in either direction, in bytes; 4 MiB unless given. */
  readonly maxMessageBytes?: number | undefined;
}

export interface GatewayCallOptions {
  /** How long the call may take, in milliseconds; Infinity: as long as it takes. */
  readonly timeoutMs?: number | undefined;
  /** Cancels the call. */
  readonly signal?: AbortSignal | undefined;
  /** Metadata of this call besides that of the client. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  /** For streams: the gateway has accepted the call; a subscription is in force from then on. */
  readonly onOpen?: (() => void) | undefined;
}

/** Deadlines further away than a timer can count are none at all: servers take them for past ones. */
const longestTimeoutMs = 2 ** 31 - 1;

/**
 * A connection to a gateway. Nothing is sent before the first call.
 *
 * Every call rejects with a {@link GatewayError} whose message is one line: `Cannot reach host:port: connection
 * refused.`, or what the gateway said.
 *
 * @throws GatewayError CONFIGURATION for an address or a file that can't be used
 */
export function connectGateway(options: GatewayClientOptions): GatewayClient {
  return new GatewayClient(options);
}

export class GatewayClient {
  /** Whom this is connected to, as messages name it. */
  readonly place: string;
  private readonly client: Client;
  private readonly metadata = new Metadata();
  private readonly timeoutMs: number | undefined;

  constructor(options: GatewayClientOptions) {
    const endpoint = resolveEndpoint(options);
    const limit = options.maxMessageBytes ?? 4 * 1024 * 1024;
    this.place = endpoint.place;
    this.timeoutMs = options.timeoutMs;
    if (endpoint.token !== undefined) this.metadata.set("authorization", `Bearer ${endpoint.token}`);
    this.client = new Client(endpoint.target, endpoint.credentials, {
      "grpc.enable_channelz": 0,
      "grpc.enable_http_proxy": 0,
      "grpc.service_config_disable_resolution": 1,
      "grpc.max_receive_message_length": limit,
      "grpc.max_send_message_length": limit,
      ...endpoint.options,
    });
  }

  query(message: Init<QueryRequestMessage>, options?: GatewayCallOptions): Promise<QueryResponseMessage> {
    return this.unary(gatewayMethods.query, message, options);
  }

  /** `header.recipientId` names the target. */
  execute(message: Init<ExecuteRequestMessage>, options?: GatewayCallOptions): Promise<ExecuteResponseMessage> {
    return this.unary(gatewayMethods.execute, message, options);
  }

  submit(message: Init<SubmitRequestMessage>, options?: GatewayCallOptions): Promise<SubmitResponseMessage> {
    return this.unary(gatewayMethods.submit, message, options);
  }

  /** Sends the requests as fast as the gateway takes them; answers come as they are ready, tied by `message_id`. */
  queryStream(
    requests: AsyncIterable<Init<QueryRequestMessage>> | Iterable<Init<QueryRequestMessage>>,
    options?: GatewayCallOptions,
  ): AsyncIterable<QueryResponseMessage> {
    return this.bidi(gatewayMethods.queryStream, requests, options);
  }

  submitStream(
    requests: AsyncIterable<Init<SubmitRequestMessage>> | Iterable<Init<SubmitRequestMessage>>,
    options?: GatewayCallOptions,
  ): AsyncIterable<SubmitResponseMessage> {
    return this.bidi(gatewayMethods.submitStream, requests, options);
  }

  /** What is submitted to the channels, until the loop over it ends; `*` is every channel. */
  subscribe(channels: readonly string[], options?: GatewayCallOptions): AsyncIterable<SubmitRequestMessage> {
    return this.feed(gatewayMethods.subscribe, { channel: [...channels] }, options);
  }

  registry(message: Init<RegistryRequestMessage>, options?: GatewayCallOptions): Promise<RegistryResponseMessage> {
    return this.unary(adminMethods.registry, message, options);
  }

  settings(message: Init<SettingsRequestMessage>, options?: GatewayCallOptions): Promise<SettingsResponseMessage> {
    return this.unary(adminMethods.settings, message, options);
  }

  metrics(
    message: Init<MessageOf<"MetricsRequest">> = {},
    options?: GatewayCallOptions,
  ): Promise<MessageOf<"MetricsResponse">> {
    return this.unary(adminMethods.metrics, message, options);
  }

  /** Log records: those that are kept, and with `follow` new ones until the loop ends. */
  logs(message: Init<MessageOf<"LogsRequest">>, options?: GatewayCallOptions): AsyncIterable<PB.Log.LogEntry> {
    return this.feed(adminMethods.logs, message, options);
  }

  reload(
    message: Init<MessageOf<"ReloadRequest">> = {},
    options?: GatewayCallOptions,
  ): Promise<MessageOf<"ReloadResponse">> {
    return this.unary(adminMethods.reload, message, options);
  }

  status(options?: GatewayCallOptions): Promise<MessageOf<"StatusResponse">> {
    return this.unary(adminMethods.status, {}, options);
  }

  /** One order about what waits for receivers; pages go on with `next`. */
  queue(message: Init<MessageOf<"QueueRequest">>, options?: GatewayCallOptions): Promise<MessageOf<"QueueResponse">> {
    return this.unary(adminMethods.queue, message, options);
  }

  /** Ends the connection once the calls that run have their answers. */
  close(): void {
    this.client.close();
  }

  private unary<Request, Response>(
    { path, request, response }: Method<Request, Response>,
    message: Init<Request>,
    options?: GatewayCallOptions,
  ): Promise<Response> {
    return new Promise((resolve, reject) => {
      let stopListening = () => {};
      const call = this.client.makeUnaryRequest(
        path,
        encoder(request),
        response.decode,
        message,
        this.metadataOf(options),
        this.callOptions(options),
        (error, answer) => {
          stopListening();
          if (error !== null)
            reject(options?.signal?.aborted === true ? cancelled(options.signal) : this.failure(error));
          else if (answer === undefined) reject(new GatewayError("INTERNAL", `${this.place} answered nothing.`));
          else resolve(answer);
        },
      );
      stopListening = cancelOnAbort(call, options?.signal);
    });
  }

  private async *feed<Request, Response>(
    { path, request, response }: Method<Request, Response>,
    message: Init<Request>,
    options?: GatewayCallOptions,
  ): AsyncGenerator<Response, void, undefined> {
    const call = this.client.makeServerStreamRequest(
      path,
      encoder(request),
      response.decode,
      message,
      this.metadataOf(options),
      this.callOptions(options),
    );
    yield* this.messagesOf(call, options);
  }

  private async *bidi<Request, Response>(
    { path, request, response }: Method<Request, Response>,
    requests: AsyncIterable<Init<Request>> | Iterable<Init<Request>>,
    options?: GatewayCallOptions,
  ): AsyncGenerator<Response, void, undefined> {
    const call = this.client.makeBidiStreamRequest(
      path,
      encoder(request),
      response.decode,
      this.metadataOf(options),
      this.callOptions(options),
    );
    const sending = send(call, requests);
    sending.catch((thrown: unknown) => call.destroy(thrown instanceof Error ? thrown : new Error(String(thrown))));
    yield* this.messagesOf(call, options);
  }

  private async *messagesOf<Response>(
    call: ClientReadableStream<Response> | ClientDuplexStream<never, Response>,
    options: GatewayCallOptions | undefined,
  ): AsyncGenerator<Response, void, undefined> {
    const stopListening = cancelOnAbort(call, options?.signal);
    if (options?.onOpen !== undefined) call.once("metadata", options.onOpen);
    try {
      for await (const message of call) yield message;
    } catch (thrown) {
      throw options?.signal?.aborted === true ? cancelled(options.signal) : this.failure(thrown);
    } finally {
      stopListening();
      call.on("error", () => {});
      call.cancel();
    }
  }

  private metadataOf(options: GatewayCallOptions | undefined): Metadata {
    if (options?.metadata === undefined) return this.metadata;
    const metadata = this.metadata.clone();
    for (const [key, value] of Object.entries(options.metadata)) metadata.set(key, value);
    return metadata;
  }

  private callOptions(options: GatewayCallOptions | undefined): CallOptions {
    const timeout = options?.timeoutMs ?? this.timeoutMs;
    return timeout === undefined || timeout > longestTimeoutMs ? {} : { deadline: Date.now() + timeout };
  }

  private failure(thrown: unknown): GatewayError {
    return callError(thrown, this.place);
  }
}

function encoder<Message>(type: { encode(message: Init<Message>): { finish(): Uint8Array } }) {
  return (message: Init<Message>): Buffer => {
    const bytes = type.encode(message).finish();
    return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  };
}

/** Writes the requests one by one, and waits whenever the other side has not taken what was written. */
async function send<Message>(
  call: ClientDuplexStream<Message, unknown>,
  requests: AsyncIterable<Message> | Iterable<Message>,
): Promise<void> {
  for await (const request of requests) {
    if (call.destroyed || call.writableEnded) return;
    if (!call.write(request)) await writable(call);
  }
  call.end();
}

function writable(call: ClientDuplexStream<never, unknown>): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      for (const event of ["drain", "close", "error"]) call.off(event, done);
      resolve();
    };
    for (const event of ["drain", "close", "error"]) call.on(event, done);
  });
}

function cancelOnAbort(
  call: ClientUnaryCall | ClientReadableStream<unknown> | ClientDuplexStream<never, unknown>,
  signal: AbortSignal | undefined,
): () => void {
  if (signal === undefined) return () => {};
  const cancel = () => call.cancel();
  if (signal.aborted) cancel();
  signal.addEventListener("abort", cancel, { once: true });
  return () => signal.removeEventListener("abort", cancel);
}

function cancelled(signal: AbortSignal): GatewayError {
  return signal.reason instanceof GatewayError
    ? signal.reason
    : new GatewayError("CANCELLED", "The call was cancelled.");
}
