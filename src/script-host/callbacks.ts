/** What the kernel gets for a script's handlers: one answer per question, whatever the script does. */
import type { Call } from "../kernel/call.js";
import { errorText } from "../kernel/errors.js";
import { stampHeader } from "../kernel/header.js";
import type { Logger } from "../kernel/log.js";
import type { CommandHandler, EventHandler, MetricsSink, MetricsSource, QueryHandler } from "../kernel/registry.js";
import {
  EventMessage,
  ExecuteRequestMessage,
  ExecuteResponse,
  ExecuteResponseMessage,
  PB,
  QueryRequestMessage,
  QueryResponseMessage,
  ResultCode,
  StatusCode,
  SubmitRequestMessage,
  SubmitResponse,
  SubmitResponseMessage,
} from "../wire/messages.js";
import { parsePerfdata, renderPerfdata } from "../wire/perfdata.js";
import { textResponse, unknownResponse } from "../wire/responses.js";
import { toResultCode } from "../wire/result-code.js";
import { flattenMetrics, metricsBundle } from "./metrics.js";
import { type Answer, ScriptException } from "./script-session.js";

/** Calls one handler of a script. Rejects with {@link ScriptException} or ScriptUnavailable. */
export type Invoke = (args: unknown[], call: Call | undefined, raw?: Uint8Array) => Promise<Answer>;

export class Callbacks {
  constructor(private readonly log: Logger) {}

  query(invoke: Invoke): QueryHandler {
    return async (request, call) => {
      const { command } = request;
      try {
        const returned = fields((await invoke([command, request.arguments], call)).value);
        const perf = returned[2];
        return textResponse(
          request,
          stateOf(returned[0]),
          textOf(returned[1]),
          typeof perf === "string" && perf !== "" ? parsePerfdata(perf) : undefined,
        );
      } catch (thrown) {
        return unknownResponse(request, this.explain(thrown, command, `Exception in: ${command}`, call));
      }
    };
  }

  queryRaw(invoke: Invoke): QueryHandler {
    return async (request, call, header) => {
      const command = request.command.toLowerCase();
      const message = QueryRequestMessage.create({ header: stampHeader(header, call), payload: [request] });
      try {
        const { value, raw } = await invoke([command], call, QueryRequestMessage.encode(message).finish());
        if (fields(value)[0] !== 0) return unknownResponse(request, `Failed to execute script ${command}`);
        const payload = raw === undefined ? [] : decodeOr(() => QueryResponseMessage.decode(raw).payload);
        const [answer] = payload;
        if (answer === undefined || payload.length !== 1) {
          return unknownResponse(request, `Invalid response: ${command}`);
        }
        return answer;
      } catch (thrown) {
        return unknownResponse(request, this.explain(thrown, command, `Failed to execute script ${command}`, call));
      }
    };
  }

  command(invoke: Invoke): CommandHandler {
    return async (request, call) => {
      const { command } = request;
      try {
        const { value } = await invoke([command, request.arguments], call);
        const [code, message] = fields(value);
        return executed(command, stateOf(code), textOf(message));
      } catch (thrown) {
        return executed(command, ResultCode.UNKNOWN, this.explain(thrown, command, `Exception in: ${command}`, call));
      }
    };
  }

  commandRaw(invoke: Invoke): CommandHandler {
    return async (request, call, header) => {
      const { command } = request;
      const message = ExecuteRequestMessage.create({ header: stampHeader(header, call), payload: [request] });
      try {
        const { raw } = await invoke([command], call, ExecuteRequestMessage.encode(message).finish());
        const payload = raw === undefined ? [] : decodeOr(() => ExecuteResponseMessage.decode(raw).payload);
        const [answer] = payload;
        if (answer === undefined || payload.length !== 1) {
          return executed(command, ResultCode.UNKNOWN, `Invalid response: ${command}`);
        }
        return answer;
      } catch (thrown) {
        const text = this.explain(thrown, command, `Failed to execute script ${command}`, call);
        return executed(command, ResultCode.UNKNOWN, text);
      }
    };
  }

  /**
   * A subscription: the raw handler is asked first, for the message as a whole. Unless it answers with results the simple
   * one decides, called once per line of each result.
   */
  async submission(
    handlers: { readonly raw: Invoke | undefined; readonly simple: Invoke | undefined },
    submission: SubmitRequestMessage,
    call: Call,
  ): Promise<SubmitResponse[]> {
    const { channel } = submission;
    if (handlers.raw !== undefined) {
      const answers = await this.submitRaw(handlers.raw, submission, call);
      const decided = answers !== undefined && answers.length > 0;
      if (answers !== undefined && (decided || handlers.simple === undefined)) {
        return decided ? answers : [submitted(true, "")];
      }
    }
    const { simple } = handlers;
    if (simple === undefined) return [submitted(false, `Unable to process message: ${channel}`)];
    return Promise.all(submission.payload.map((payload) => this.submitSimple(simple, channel, payload, call)));
  }

  event(invoke: Invoke): EventHandler {
    return async (event, _message, call) => {
      const data = Object.fromEntries(event.data.map(({ key, value }) => [key, value]));
      await this.tell(invoke, [event.event, data], event.event, call);
    };
  }

  eventRaw(invoke: Invoke): EventHandler {
    return async (event, message, call) => {
      await this.tell(invoke, [event.event], event.event, call, EventMessage.encode(message).finish());
    };
  }

  metricsSink(invoke: Invoke): MetricsSink {
    return (message) => this.tell(invoke, [flattenMetrics(message)], "submitMetrics", undefined);
  }

  metricsSource(invoke: Invoke): MetricsSource {
    return async () => {
      try {
        return [metricsBundle((await invoke([], undefined)).value)];
      } catch (thrown) {
        this.explain(thrown, "fetchMetrics", "", undefined);
        return [];
      }
    };
  }

  private async submitRaw(
    invoke: Invoke,
    submission: SubmitRequestMessage,
    call: Call,
  ): Promise<SubmitResponse[] | undefined> {
    const message = { ...submission, header: stampHeader(submission.header, call) };
    try {
      const { value, raw } = await invoke([submission.channel], call, SubmitRequestMessage.encode(message).finish());
      if (value !== true) return undefined;
      if (raw === undefined || raw.byteLength === 0) return [];
      const answers = decodeOr(() => SubmitResponseMessage.decode(raw).payload);
      return answers.length === 1 || answers.length === submission.payload.length ? answers : undefined;
    } catch (thrown) {
      this.explain(thrown, submission.channel, "", call);
      return undefined;
    }
  }

  private async submitSimple(
    invoke: Invoke,
    channel: string,
    payload: PB.Commands.QueryResponseMessage.Response,
    call: Call,
  ): Promise<SubmitResponse> {
    try {
      for (const { message, perf } of payload.lines) {
        const args = [channel, payload.source, payload.command, payload.result, message, renderPerfdata(perf)];
        if ((await invoke(args, call)).value !== true) return submitted(false, `Invalid response: ${channel}`);
      }
      return submitted(true, "");
    } catch (thrown) {
      return submitted(false, this.explain(thrown, channel, `Invalid response: ${channel}`, call));
    }
  }

  private async tell(
    invoke: Invoke,
    args: unknown[],
    what: string,
    call: Call | undefined,
    raw?: Uint8Array,
  ): Promise<void> {
    try {
      await invoke(args, call, raw);
    } catch (thrown) {
      this.explain(thrown, what, "", call);
    }
  }

  /** What the caller gets to read: a script's exception goes to the log, why a script is not there goes to the caller. */
  private explain(thrown: unknown, what: string, forException: string, call: Call | undefined): string {
    if (!(thrown instanceof ScriptException)) return errorText(thrown);
    this.log.error(`Exception in ${what}: ${thrown.trace}`, call === undefined ? {} : { traceId: call.traceId });
    return forException;
  }
}

function fields(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function stateOf(code: unknown): ResultCode {
  return typeof code === "number" ? toResultCode(code) : ResultCode.UNKNOWN;
}

function textOf(message: unknown): string {
  return typeof message === "string" ? message : "";
}

/** Bytes that are no message count as a message with nothing in it. */
function decodeOr<Item>(decode: () => Item[]): Item[] {
  try {
    return decode();
  } catch {
    return [];
  }
}

function executed(command: string, result: ResultCode, message: string): ExecuteResponse {
  return ExecuteResponse.create({ command, result, message });
}

function submitted(ok: boolean, message: string): SubmitResponse {
  const code = ok ? StatusCode.STATUS_OK : StatusCode.STATUS_ERROR;
  return SubmitResponse.create({ result: PB.Common.Result.create({ code, message }) });
}
