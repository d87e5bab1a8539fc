/** The messages of raw callbacks and raw calls. The classes are loaded with the first of them: most scripts need none. */

import type { RawOperation } from "../../../script-host/script-bridge.js";
import type { MessageType } from "../../../wire/messages.js";

type Messages = typeof import("../../../wire/messages.js");
type RawKind = "queryRaw" | "commandRaw" | "channelRaw" | "eventRaw";
type AnyType = MessageType<object>;

let loading: Promise<Messages> | undefined;

function messages(): Promise<Messages> {
  loading ??= import("../../../wire/messages.js");
  return loading;
}

/** The types of what comes in and what goes out; nothing goes out where there is none. */
function callbackTypes(all: Messages): Record<RawKind, readonly [AnyType, AnyType?]> {
  return {
    queryRaw: [all.QueryRequestMessage as AnyType, all.QueryResponseMessage as AnyType],
    commandRaw: [all.ExecuteRequestMessage as AnyType, all.ExecuteResponseMessage as AnyType],
    channelRaw: [all.SubmitRequestMessage as AnyType, all.SubmitResponseMessage as AnyType],
    eventRaw: [all.EventMessage as AnyType],
  };
}

function operationTypes(all: Messages): Record<RawOperation, readonly [AnyType, AnyType?]> {
  return {
    query: [all.QueryRequestMessage as AnyType, all.QueryResponseMessage as AnyType],
    exec: [all.ExecuteRequestMessage as AnyType, all.ExecuteResponseMessage as AnyType],
    submit: [all.SubmitRequestMessage as AnyType],
    emit: [all.EventMessage as AnyType],
    settingsQuery: [all.SettingsRequestMessage as AnyType, all.SettingsResponseMessage as AnyType],
    registryQuery: [all.RegistryRequestMessage as AnyType, all.RegistryResponseMessage as AnyType],
  };
}

export async function decodeCallback(kind: RawKind, raw: Uint8Array | undefined): Promise<object> {
  return callbackTypes(await messages())[kind][0].decode(raw ?? noBytes);
}

export async function encodeCallback(kind: RawKind, message: object): Promise<Uint8Array | undefined> {
  return callbackTypes(await messages())
    [kind][1]?.encode(message)
    .finish();
}

export async function encodeRequest(op: RawOperation, message: object): Promise<Uint8Array> {
  return operationTypes(await messages())
    [op][0].encode(message)
    .finish();
}

export async function decodeReply(op: RawOperation, raw: Uint8Array | undefined): Promise<unknown> {
  return operationTypes(await messages())[op][1]?.decode(raw ?? noBytes);
}

const noBytes = new Uint8Array(0);
