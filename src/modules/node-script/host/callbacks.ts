/** How a callback of each kind is called, and what the gateway is told of what it returned. */
import type { CallbackKind, CallbackKinds } from "../../../script-host/protocol.js";
import { decodeCallback, encodeCallback } from "./messages.js";

export type Callback = (...args: never[]) => unknown;
type AnyCallback = (...args: unknown[]) => unknown;

/** What goes back to the gateway. */
export interface Result {
  readonly value: unknown;
  readonly raw?: Uint8Array | undefined;
}

interface Caller {
  /** How many parameters the callback has without the context of the call. */
  readonly parameters: number;
  run(
    callback: Callback,
    args: readonly unknown[],
    raw: Uint8Array | undefined,
    context: object | undefined,
  ): Result | Promise<Result>;
}

const nothing: Result = { value: null };

export const callersOf: Readonly<Record<CallbackKind, Caller>> = {
  query: {
    parameters: 1,
    run: (callback, [command, args], _raw, context) =>
      when((callback as AnyCallback)(args, context), (returned) => ({ value: queryResult(returned, command) })),
  },
  queryRaw: raw("queryRaw", (returned) => codeAndMessage(returned)),
  command: {
    parameters: 1,
    run: (callback, [command, args], _raw, context) =>
      when((callback as AnyCallback)(args, context), (returned) => {
        const [code, message] = queryResult(returned, command);
        return { value: [code, message] };
      }),
  },
  commandRaw: raw("commandRaw", (returned) => codeAndMessage(returned)),
  channel: {
    parameters: 6,
    run: (callback, args, _raw, context) =>
      when((callback as AnyCallback)(...args, context), (returned) => ({ value: isSuccess(returned) })),
  },
  channelRaw: raw("channelRaw", (returned) => {
    const [success, message] = Array.isArray(returned) ? (returned as unknown[]) : [returned];
    return { value: success === true, message };
  }),
  event: {
    parameters: 2,
    run: (callback, args, _raw, context) => when((callback as AnyCallback)(...args, context), () => nothing),
  },
  eventRaw: raw("eventRaw", () => ({ value: null, message: undefined })),
  metricsSink: {
    parameters: 1,
    run: (callback, [metrics]) => when((callback as AnyCallback)(metrics), () => nothing),
  },
  metricsSource: {
    parameters: 0,
    run: (callback) => when((callback as AnyCallback)(), (returned) => ({ value: metricValues(returned) })),
  },
};

/** A raw callback gets the decoded message and returns one that is encoded for it. */
function raw(
  kind: "queryRaw" | "commandRaw" | "channelRaw" | "eventRaw",
  read: (returned: unknown) => { value: unknown; message: unknown },
): Caller {
  return {
    parameters: 2,
    async run(callback, [name], bytes, context) {
      const request = await decodeCallback(kind, bytes);
      const { value, message } = read(await (callback as AnyCallback)(name, request, context));
      if (typeof message !== "object" || message === null) return { value };
      return { value, raw: await encodeCallback(kind, message) };
    },
  };
}

/** Goes on at once unless there is something to wait for. */
function when(returned: unknown, finish: (value: unknown) => Result): Result | Promise<Result> {
  if (typeof returned === "object" && returned !== null && "then" in returned) {
    return Promise.resolve(returned).then(finish);
  }
  return finish(returned);
}

/**
 * `[code, message, perf]`, the last two optional, or the code alone.
 *
 * @throws TypeError for what has no code
 */
function queryResult(returned: unknown, command: unknown): CallbackKinds["query"]["value"] {
  const [code, message, perf]: unknown[] = Array.isArray(returned) ? returned : [returned];
  if (Array.isArray(returned) && returned.length === 0) return [3, "", ""];
  if (typeof code !== "number") {
    throw new TypeError(`${String(command)} returned ${describe(returned)} instead of [code, message, perf]`);
  }
  return [Number.isInteger(code) && code >= 0 && code <= 3 ? code : 3, text(message), text(perf)];
}

/** A message alone counts as handled. */
function codeAndMessage(returned: unknown): { value: unknown; message: unknown } {
  if (!Array.isArray(returned)) return { value: [0], message: returned };
  const [code, message] = returned as unknown[];
  return { value: [typeof code === "number" ? code : 3], message };
}

/** `undefined` is success: a subscriber that has nothing to object to need not say so. */
function isSuccess(returned: unknown): boolean {
  if (returned === undefined || returned === null || typeof returned === "boolean") return returned !== false;
  if (typeof returned === "number") return returned !== 0;
  throw new TypeError(`The subscription returned ${describe(returned)} instead of true or false`);
}

/** Numbers and texts; what is neither is left out. */
function metricValues(returned: unknown): Record<string, string | number> {
  if (typeof returned !== "object" || returned === null) return {};
  const values: Record<string, string | number> = {};
  for (const [key, value] of Object.entries(returned)) {
    if (typeof value === "string" || (typeof value === "number" && Number.isFinite(value))) values[key] = value;
    else if (typeof value === "boolean") values[key] = Number(value);
    else if (typeof value === "bigint") values[key] = Number(value);
  }
  return values;
}

function text(value: unknown): string {
  return typeof value === "string" ? value : value === undefined || value === null ? "" : String(value);
}

function describe(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  return Array.isArray(value) ? "an array without a code" : `a ${typeof value}`;
}
