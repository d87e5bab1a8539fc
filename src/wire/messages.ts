/**
 * The gateway's currency: the messages of proto/ under the names that the rest of the code uses.
 *
 * A name is both the type of a message and the codec for it (`create`, `encode`, `decode`). `PB` has all of them under
 * the names of the wire contract.
 */
import { nscp, PB } from "./generated/messages.js";

export type { Init, MessageType } from "./generated/messages.js";
export { nscp, PB };

export type Header = PB.Common.Header;
export const Header = PB.Common.Header;
export type KeyValue = PB.Common.KeyValue;
export const KeyValue = PB.Common.KeyValue;
export type PerformanceData = PB.Common.PerformanceData;
export const PerformanceData = PB.Common.PerformanceData;
export type ResultCode = PB.Common.ResultCode;
export const ResultCode = PB.Common.ResultCode;
export type StatusCode = PB.Common.Result.StatusCodeType;
export const StatusCode = PB.Common.Result.StatusCodeType;

export type QueryRequestMessage = PB.Commands.QueryRequestMessage;
export const QueryRequestMessage = PB.Commands.QueryRequestMessage;
export type QueryRequest = PB.Commands.QueryRequestMessage.Request;
export const QueryRequest = PB.Commands.QueryRequestMessage.Request;
export type QueryResponseMessage = PB.Commands.QueryResponseMessage;
export const QueryResponseMessage = PB.Commands.QueryResponseMessage;
export type QueryResponse = PB.Commands.QueryResponseMessage.Response;
export const QueryResponse = PB.Commands.QueryResponseMessage.Response;
export type Line = PB.Commands.QueryResponseMessage.Response.Line;
export const Line = PB.Commands.QueryResponseMessage.Response.Line;

export type ExecuteRequestMessage = PB.Commands.ExecuteRequestMessage;
export const ExecuteRequestMessage = PB.Commands.ExecuteRequestMessage;
export type ExecuteRequest = PB.Commands.ExecuteRequestMessage.Request;
export const ExecuteRequest = PB.Commands.ExecuteRequestMessage.Request;
export type ExecuteResponseMessage = PB.Commands.ExecuteResponseMessage;
export const ExecuteResponseMessage = PB.Commands.ExecuteResponseMessage;
export type ExecuteResponse = PB.Commands.ExecuteResponseMessage.Response;
export const ExecuteResponse = PB.Commands.ExecuteResponseMessage.Response;

export type SubmitRequestMessage = PB.Commands.SubmitRequestMessage;
export const SubmitRequestMessage = PB.Commands.SubmitRequestMessage;
export type SubmitResponseMessage = PB.Commands.SubmitResponseMessage;
export const SubmitResponseMessage = PB.Commands.SubmitResponseMessage;
export type SubmitResponse = PB.Commands.SubmitResponseMessage.Response;
export const SubmitResponse = PB.Commands.SubmitResponseMessage.Response;

export type EventMessage = PB.Commands.EventMessage;
export const EventMessage = PB.Commands.EventMessage;
export type Event = PB.Commands.EventMessage.Request;
export const Event = PB.Commands.EventMessage.Request;

export type MetricsMessage = PB.Metrics.MetricsMessage;
export const MetricsMessage = PB.Metrics.MetricsMessage;
export type MetricsBundle = PB.Metrics.MetricsBundle;
export const MetricsBundle = PB.Metrics.MetricsBundle;
export type Metric = PB.Metrics.Metric;
export const Metric = PB.Metrics.Metric;

export type RegistryRequestMessage = PB.Registry.RegistryRequestMessage;
export const RegistryRequestMessage = PB.Registry.RegistryRequestMessage;
export type RegistryResponseMessage = PB.Registry.RegistryResponseMessage;
export const RegistryResponseMessage = PB.Registry.RegistryResponseMessage;
export type SettingsRequestMessage = PB.Settings.SettingsRequestMessage;
export const SettingsRequestMessage = PB.Settings.SettingsRequestMessage;
export type SettingsResponseMessage = PB.Settings.SettingsResponseMessage;
export const SettingsResponseMessage = PB.Settings.SettingsResponseMessage;
