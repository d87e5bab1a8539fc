import {
  type ExecuteRequest,
  ExecuteRequestMessage,
  ExecuteResponse,
  ExecuteResponseMessage,
  ResultCode,
} from "../wire/messages.js";
import { worstCode } from "../wire/result-code.js";
import type { Call } from "./call.js";
import type { Clock } from "./clock.js";
import { type Deadlines, secondsText } from "./deadlines.js";
import { errorText, GatewayError } from "./errors.js";
import { type CallFigures, countAnswer, type FiguresByFrontEnd, figuresFor } from "./figures.js";
import { responseHeader } from "./header.js";
import type { Logger } from "./log.js";
import type { CommandPolicy } from "./policy.js";
import type { CommandEntry, CommandHandler, Registry, Target } from "./registry.js";
import { explain, timeToExplain } from "./witness.js";

/** What became of a command: the answers, and whether any owner had one. */
export interface ExecuteOutcome {
  readonly handled: boolean;
  readonly message: ExecuteResponseMessage;
}

interface PayloadOutcome {
  readonly handled: boolean;
  readonly payload: ExecuteResponse[];
}

interface ExecuteDispatchParts {
  readonly registry: Registry;
  readonly log: Logger;
  readonly policy: CommandPolicy;
  readonly clock: Clock;
  readonly deadlines: Deadlines;
}

/** Targets that mean no module in particular: the first that answers. */
const anyone: ReadonlySet<string> = new Set(["", "local", "any"]);

/** Targets that mean every module that answers. */
const everyone: ReadonlySet<string> = new Set(["all", "*"]);

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
  ): Promise<PayloadOutcome> {
    const refused = this.refusal(request, call);
    if (refused !== undefined) return { handled: true, payload: [refused] };
    const { clock, registry } = this.parts;
    const wanted = target.trim().toLowerCase();
    const owners = askedOwners(wanted, registry.findCommands(request.command));
    const figures = this.figuresOf(owners, request, call);
    const started = clock.monotonic();
    if (figures !== undefined) figures.inFlight++;
    const payload = await this.askOwners(owners, request, message, call, everyone.has(wanted));
    if (figures !== undefined) {
      countAnswer(figures, clock.monotonic() - started, worstCode(payload.map(({ result }) => result)));
    }
    if (payload.length > 0) return { handled: true, payload };

    const remote = owners.length === 0 ? registry.findTarget(wanted) : undefined;
    if (remote !== undefined) return { handled: true, payload: await this.askTarget(remote, request, message, call) };
    return { handled: false, payload: [unknown(request, notFound(target, request))] };
  }

  /** Commands that are registered by name are counted; what callers ask for in vain has no figures. */
  private figuresOf(owners: readonly CommandEntry[], request: ExecuteRequest, call: Call): CallFigures | undefined {
    const name = request.command.toLowerCase();
    if (!owners.some((owner) => owner.names.includes(name))) return undefined;
    const { commandFigures } = this.parts.registry;
    const byFrontEnd: FiguresByFrontEnd = commandFigures.get(name) ?? new Map();
    commandFigures.set(name, byFrontEnd);
    return figuresFor(byFrontEnd, call.frontEnd);
  }

  private refusal(request: ExecuteRequest, call: Call): ExecuteResponse | undefined {
    if (!this.parts.policy.allowsExecute) {
      const text = "Permission denied: exec is globally disabled by [/settings/permissions] allow exec";
      return answerWith(request, ResultCode.CRITICAL, text);
    }
    const { grants, name } = call.principal;
    if (grants.allows("commands.execute", request.command)) return undefined;
    return unknown(request, `Permission denied: ${name} is not allowed to run ${request.command}`);
  }

  /** Asks one after another; the first answer ends it unless everybody is to answer. */
  private async askOwners(
    owners: readonly CommandEntry[],
    request: ExecuteRequest,
    message: ExecuteRequestMessage,
    call: Call,
    all: boolean,
  ): Promise<ExecuteResponse[]> {
    const answers: ExecuteResponse[] = [];
    for (const handler of new Set(owners.map((owner) => owner.handler))) {
      const answer = await this.ask(handler, request, message, call);
      if (answer === undefined) continue;
      answers.push(complete(answer, request));
      if (!all) break;
    }
    return answers;
  }

  private async askTarget(
    remote: Target,
    request: ExecuteRequest,
    message: ExecuteRequestMessage,
    call: Call,
  ): Promise<ExecuteResponse[]> {
    const { grants, name } = call.principal;
    if (call.remote && !grants.allows("targets.use", remote.name)) {
      return [unknown(request, `Permission denied: ${name} is not allowed to use the target ${remote.name}`)];
    }
    try {
      const { payload } = await remote.execute(ExecuteRequestMessage.create({ ...message, payload: [request] }), call);
      return payload.map((answer) => complete(answer, request));
    } catch (thrown) {
      return [unknown(request, `${remote.name}: ${errorText(thrown)}`)];
    }
  }

  private async ask(
    handler: CommandHandler,
    request: ExecuteRequest,
    message: ExecuteRequestMessage,
    parent: Call,
  ): Promise<ExecuteResponse | undefined> {
    const gone = parent.aborted;
    if (gone !== undefined) return unknown(request, endedText(request, gone));
    let call: Call | undefined;
    let cancelDeadline = () => {};
    let stopListening = () => {};
    try {
      const nested = parent.nested();
      call = nested;
      const ended = new Promise<ExecuteResponse>((resolve) => {
        stopListening = nested.onAbort((reason) => resolve(unknown(request, endedText(request, reason))));
      });
      cancelDeadline = this.watchDeadline(request.command, nested);
      return await Promise.race([handler(request, nested, message.header), ended]);
    } catch (thrown) {
      const text = errorText(thrown);
      this.parts.log.error(`${request.command} failed: ${text}`, { error: thrown, traceId: parent.traceId });
      return unknown(request, `Failed to execute ${request.command}: ${text}`);
    } finally {
      cancelDeadline();
      stopListening();
      call?.finish();
    }
  }

  /** Commands have no time limit of their own; a caller's deadline ends them. */
  private watchDeadline(command: string, call: Call): () => void {
    const { deadline } = call;
    if (deadline === undefined) return () => {};
    const { clock, deadlines, log } = this.parts;
    const started = clock.monotonic();
    let over = false;
    const cancel = deadlines.add(deadline, () => {
      const plain = `${command} timed out after ${secondsText(deadline - started)} s`;
      explain(clock, call, plain, timeToExplain(call, started, clock.monotonic()), (text) => {
        if (over) return;
        log.warn(text, { traceId: call.traceId });
        call.abort(new GatewayError("DEADLINE_EXCEEDED", text));
      });
    });
    return () => {
      over = true;
      cancel();
    };
  }
}

function askedOwners(wanted: string, candidates: readonly CommandEntry[]): readonly CommandEntry[] {
  if (anyone.has(wanted) || everyone.has(wanted)) return candidates;
  return candidates.filter(({ owner }) => owner.alias.toLowerCase() === wanted || owner.name.toLowerCase() === wanted);
}

function notFound(target: string, { command }: ExecuteRequest): string {
  const wanted = target.trim().toLowerCase();
  if (anyone.has(wanted) || everyone.has(wanted)) return `Command not found: ${command}`;
  return `Command not found: ${command} (target ${target})`;
}

function complete(answer: ExecuteResponse, request: ExecuteRequest): ExecuteResponse {
  answer.id = request.id;
  if (answer.command === "") answer.command = request.command;
  return answer;
}

function unknown(request: ExecuteRequest, message: string): ExecuteResponse {
  return answerWith(request, ResultCode.UNKNOWN, message);
}

/** A deadline speaks for itself. */
function endedText(request: ExecuteRequest, reason: GatewayError): string {
  return reason.code === "DEADLINE_EXCEEDED" ? reason.message : `${request.command} was ended: ${reason.message}`;
}

function answerWith(request: ExecuteRequest, result: ResultCode, message: string): ExecuteResponse {
  return ExecuteResponse.create({ id: request.id, command: request.command, result, message });
}
