import {
  type ExecuteRequest,
  type ExecuteRequestMessage,
  ExecuteResponse,
  ExecuteResponseMessage,
  ResultCode,
} from "../wire/messages.js";
import type { Call } from "./call.js";
import type { Clock } from "./clock.js";
import type { Deadlines } from "./deadlines.js";
import { errorText, GatewayError } from "./errors.js";
import { responseHeader } from "./header.js";
import type { Logger } from "./log.js";
import type { CommandPolicy } from "./policy.js";
import type { CommandHandler, Registry } from "./registry.js";

/** What became of a command: the answers, and whether any owner had one. */
export interface ExecuteOutcome {
  readonly handled: boolean;
  readonly message: ExecuteResponseMessage;
}

interface ExecuteDispatchParts {
  readonly registry: Registry;
  readonly log: Logger;
  readonly policy: CommandPolicy;
  readonly clock: Clock;
  readonly deadlines: Deadlines;
}

/**
 * Runs command-line commands. The target says who is asked: empty, `local` or `any`: the first owner that answers, in
 * the order in which modules were loaded; `all` or `*`: every owner; an alias or name of a module: that one; the name of
 * a configured gateway: that gateway.
 */
export class ExecuteDispatch {
  constructor(private readonly parts: ExecuteDispatchParts) {}

  /** @throws GatewayError PERMISSION_DENIED when the caller may run no command at all */
  async run(target: string, message: ExecuteRequestMessage, call: Call): Promise<ExecuteOutcome> {
    const { grants, name } = call.principal;
    if (!grants.allows("commands.execute")) {
      throw new GatewayError("PERMISSION_DENIED", `${name} is not allowed to run commands.`);
    }
    const header = message.header === null ? null : responseHeader(message.header);
    const answers = await Promise.all(
      message.payload.map((request) => this.runPayload(target, request, message, call)),
    );
    const payload = answers.flatMap((answer) => answer.payload);
    return {
      handled: answers.some((answer) => answer.handled),
      message: ExecuteResponseMessage.create({ header, payload }),
    };
  }

  private async runPayload(
    target: string,
    request: ExecuteRequest,
    message: ExecuteRequestMessage,
    call: Call,
  ): Promise<{ handled: boolean; payload: ExecuteResponse[] }> {
    const { grants, name } = call.principal;
    const one = (answer: ExecuteResponse, handled = true) => ({ handled, payload: [complete(answer, request)] });
    if (!this.parts.policy.allowsExecute) {
      return one(
        answerWith(
          request,
          ResultCode.CRITICAL,
          "Permission denied: exec is globally disabled by [/settings/permissions] allow exec",
        ),
      );
    }
    if (!grants.allows("commands.execute", request.command)) {
      return one(
        answerWith(request, ResultCode.UNKNOWN, `Permission denied: ${name} is not allowed to run ${request.command}`),
      );
    }
    const wanted = target.trim().toLowerCase();
    const candidates = this.parts.registry.findCommands(request.command);
    const everyone = wanted === "all" || wanted === "*";
    const owners =
      wanted === "" || wanted === "local" || wanted === "any" || everyone
        ? candidates
        : candidates.filter(({ owner }) => owner.alias.toLowerCase() === wanted || owner.name.toLowerCase() === wanted);
    const payload: ExecuteResponse[] = [];
    const seen = new Set<unknown>();
    for (const { handler } of owners) {
      if (seen.has(handler)) continue;
      seen.add(handler);
      const answer = await this.ask(handler, request, message, call);
      if (answer === undefined) continue;
      payload.push(complete(answer, request));
      if (!everyone) break;
    }
    if (payload.length > 0) return { handled: true, payload };

    const remote = this.parts.registry.findTarget(wanted);
    if (remote !== undefined && owners.length === 0) {
      if (call.remote && !grants.allows("targets.use", remote.name)) {
        return one(
          answerWith(
            request,
            ResultCode.UNKNOWN,
            `Permission denied: ${name} is not allowed to use the target ${remote.name}`,
          ),
        );
      }
      try {
        const single = onlyPayload(message, request);
        return { handled: true, payload: (await remote.execute(single, call)).payload };
      } catch (thrown) {
        return one(answerWith(request, ResultCode.UNKNOWN, `${remote.name}: ${errorText(thrown)}`));
      }
    }
    const reason =
      owners.length === 0 && candidates.length > 0
        ? `Target not found: ${target}`
        : `Command not found: ${request.command}${wanted === "" || wanted === "local" || wanted === "any" || everyone ? "" : ` (target ${target})`}`;
    return one(answerWith(request, ResultCode.UNKNOWN, reason), false);
  }

  private async ask(
    handler: CommandHandler,
    request: ExecuteRequest,
    message: ExecuteRequestMessage,
    parent: Call,
  ): Promise<ExecuteResponse | undefined> {
    const call = parent.nested();
    const cancelDeadline = this.watchDeadline(request.command, call);
    let stopListening = () => {};
    try {
      const ended = new Promise<never>((_, reject) => {
        stopListening = call.onAbort(reject);
      });
      ended.catch(() => {});
      return await Promise.race([handler(request, call, message.header), ended]);
    } catch (thrown) {
      this.parts.log.error(`${request.command} failed: ${errorText(thrown)}`, { error: thrown, traceId: call.traceId });
      return answerWith(request, ResultCode.UNKNOWN, `Failed to execute ${request.command}: ${errorText(thrown)}`);
    } finally {
      cancelDeadline();
      stopListening();
      call.finish();
    }
  }

  /** Commands have no time limit of their own; a caller's deadline ends them. */
  private watchDeadline(command: string, call: Call): () => void {
    const { deadline } = call;
    if (deadline === undefined) return () => {};
    const waits = Math.round(Math.max(0, deadline - this.parts.clock.monotonic())) / 1000;
    return this.parts.deadlines.add(deadline, () => {
      call.abort(new GatewayError("DEADLINE_EXCEEDED", `${command} timed out after ${waits} s`));
    });
  }
}

function complete(answer: ExecuteResponse, request: ExecuteRequest): ExecuteResponse {
  answer.id = request.id;
  if (answer.command === "") answer.command = request.command;
  return answer;
}

function answerWith(request: ExecuteRequest, result: ResultCode, message: string): ExecuteResponse {
  return ExecuteResponse.create({ id: request.id, command: request.command, result, message });
}

function onlyPayload(message: ExecuteRequestMessage, request: ExecuteRequest): ExecuteRequestMessage {
  return { ...message, payload: [request] };
}
