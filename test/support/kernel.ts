import { Call, type CallOrigin } from "../../src/kernel/call.js";
import { Core } from "../../src/kernel/core.js";
import { type CommandPolicy, commandPolicy } from "../../src/kernel/policy.js";
import { Grants, type Principal } from "../../src/kernel/principal.js";
import type { QueryLimits } from "../../src/kernel/query.js";
import { type Owner, Registry } from "../../src/kernel/registry.js";
import {
  ExecuteRequest,
  ExecuteRequestMessage,
  Header,
  QueryRequest,
  QueryRequestMessage,
  QueryResponse,
  type QueryResponseMessage,
  SubmitRequestMessage,
} from "../../src/wire/messages.js";
import { renderNagiosText } from "../../src/wire/nagios-text.js";
import { codeName } from "../../src/wire/result-code.js";
import { FakeClock } from "./fake-clock.js";
import { RecordingLog } from "./recording-log.js";

export interface KernelOptions {
  readonly policy?: CommandPolicy;
  readonly queryTimeoutMs?: number;
  readonly timeouts?: Readonly<Record<string, number>>;
}

/** Everybody may do everything. */
export const openPolicy = commandPolicy({ enabled: false, allowExecute: true, policies: new Map() });

/** A core with an empty registry, a clock that stands still and a log that remembers. */
export function kernel(options: KernelOptions = {}) {
  const clock = new FakeClock();
  const log = new RecordingLog();
  const registry = new Registry(log);
  const limits: QueryLimits = {
    queryTimeoutMs: options.queryTimeoutMs,
    timeoutOf: (command) => options.timeouts?.[command],
  };
  const core = new Core({ registry, clock, log, limits, policy: options.policy ?? openPolicy });
  return { clock, log, registry, core };
}

export function owner(id: number, name: string, alias = name.toLowerCase()): Owner {
  return { id, name, alias };
}

/** A poller with these grants. */
export function poller(...grants: string[]): Principal {
  return { name: "poller", kind: "token", grants: new Grants(grants) };
}

/** The call of a poller that may do everything, unless said otherwise. */
export function incoming(origin: Partial<CallOrigin> = {}): Call {
  return new Call({
    principal: poller("*"),
    frontEnd: "grpc",
    peer: "192.0.2.1",
    traceId: "t1",
    remote: true,
    ...origin,
  });
}

type Payload = string | Partial<QueryRequest>;

/** A query; a text is a command and its arguments, blank-separated. */
export function query(payload: readonly Payload[], header?: Partial<Header>): QueryRequestMessage {
  return QueryRequestMessage.create({
    header: header === undefined ? null : Header.create(header),
    payload: payload.map((one) => {
      if (typeof one !== "string") return QueryRequest.create(one);
      const [command = "", ...args] = one.split(" ");
      return QueryRequest.create({ command, arguments: args });
    }),
  });
}

export function execution(
  payload: readonly Partial<ExecuteRequest>[],
  header?: Partial<Header>,
): ExecuteRequestMessage {
  return ExecuteRequestMessage.create({
    header: header === undefined ? null : Header.create(header),
    payload: payload.map((one) => ExecuteRequest.create(one)),
  });
}

export function submission(payload: readonly Partial<QueryResponse>[], header?: Partial<Header>): SubmitRequestMessage {
  return SubmitRequestMessage.create({
    header: header === undefined ? null : Header.create(header),
    payload: payload.map((one) => QueryResponse.create(one)),
  });
}

/** What came back, a row for each payload: `id command STATE text`. */
export function rows(message: QueryResponseMessage): string[] {
  return message.payload.map(
    (answer) => `${answer.id} ${answer.command} ${codeName(answer.result)} ${renderNagiosText(answer)}`,
  );
}

/** A promise that the test settles. */
export function deferred<Value>() {
  let resolve: (value: Value) => void = () => {};
  let reject: (reason: unknown) => void = () => {};
  const promise = new Promise<Value>((onValue, onReason) => {
    resolve = onValue;
    reject = onReason;
  });
  return { promise, resolve, reject };
}
