/** The services of proto/gateway.proto: path and messages of every rpc, for servers and clients alike. */
import {
  ExecuteRequestMessage,
  ExecuteResponseMessage,
  type MessageType,
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
} from "./messages.js";

const { v1 } = nscp.gateway;

/**
 * Metadata that a gateway sends with a call that it passes on: through how many gateways the call has come, so that targets
 * which form a circle don't pass it round for ever.
 */
export const hopsKey = "nscp-hops";

/** How an rpc is called and what streams. */
export interface MethodShape {
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
}

/** One rpc: what stands in `:path` (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md) and what travels. */
export interface Method<Request, Response> extends MethodShape {
  readonly request: MessageType<Request>;
  readonly response: MessageType<Response>;
}

export const gatewayService = "nscp.gateway.v1.Gateway";
export const adminService = "nscp.gateway.v1.Admin";

export const gatewayMethods = {
  query: unary(gatewayService, "Query", QueryRequestMessage, QueryResponseMessage),
  execute: unary(gatewayService, "Execute", ExecuteRequestMessage, ExecuteResponseMessage),
  submit: unary(gatewayService, "Submit", SubmitRequestMessage, SubmitResponseMessage),
  queryStream: bidi(gatewayService, "QueryStream", QueryRequestMessage, QueryResponseMessage),
  submitStream: bidi(gatewayService, "SubmitStream", SubmitRequestMessage, SubmitResponseMessage),
  subscribe: feed(gatewayService, "Subscribe", v1.SubscribeRequest, SubmitRequestMessage),
};

export const adminMethods = {
  registry: unary(adminService, "Registry", RegistryRequestMessage, RegistryResponseMessage),
  settings: unary(adminService, "Settings", SettingsRequestMessage, SettingsResponseMessage),
  metrics: unary(adminService, "Metrics", v1.MetricsRequest, v1.MetricsResponse),
  logs: feed(adminService, "Logs", v1.LogsRequest, PB.Log.LogEntry),
  reload: unary(adminService, "Reload", v1.ReloadRequest, v1.ReloadResponse),
  status: unary(adminService, "Status", v1.StatusRequest, v1.StatusResponse),
  queue: unary(adminService, "Queue", v1.QueueRequest, v1.QueueResponse),
};

function unary<I, O>(service: string, name: string, request: MessageType<I>, response: MessageType<O>): Method<I, O> {
  return { path: `/${service}/${name}`, request, response, requestStream: false, responseStream: false };
}

function feed<I, O>(service: string, name: string, request: MessageType<I>, response: MessageType<O>): Method<I, O> {
  return { path: `/${service}/${name}`, request, response, requestStream: false, responseStream: true };
}

function bidi<I, O>(service: string, name: string, request: MessageType<I>, response: MessageType<O>): Method<I, O> {
  return { path: `/${service}/${name}`, request, response, requestStream: true, responseStream: true };
}
