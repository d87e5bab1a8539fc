import {
  type Header,
  Line,
  PB,
  QueryRequest,
  type QueryRequestMessage,
  QueryResponse,
  QueryResponseMessage,
  ResultCode,
} from "../wire/messages.js";
import type { Call } from "./call.js";
import type { Clock } from "./clock.js";
import { type Deadlines, secondsText } from "./deadlines.js";
import { errorText, GatewayError } from "./errors.js";
import { type CallFigures, countAnswer, figuresFor } from "./figures.js";
import { responseHeader } from "./header.js";
import type { Logger } from "./log.js";
import type { CommandPolicy } from "./policy.js";
import type { Owner, QueryEntry, Registry, Target } from "./registry.js";
import { explain, timeToExplain } from "./witness.js";

export interface QueryDispatchParts {
  readonly registry: Registry;
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly log: Logger;
  readonly policy: CommandPolicy;
  readonly limits: QueryLimits;
}

/** How long queries may take. */
export interface QueryLimits {
  /** Milliseconds for a query that nothing else is said about; `undefined`: as long as it takes. */
  readonly queryTimeoutMs: number | undefined;
  /** What the settings say for one command, which beats the rest. */
  timeoutOf(command: string): number | undefined;
}

/**
 * Runs queries: finds the owner of each payload, holds the call to its grants and deadlines, and turns whatever happens
 * into an answer per payload, in request order.
 */
export class QueryDispatch {
  constructor(private readonly parts: QueryDispatchParts) {}

  /**
   * @throws GatewayError PERMISSION_DENIED when the caller may run no query at all, RESOURCE_EXHAUSTED when a script
   * host that is asked has too many calls in flight
   */
  run(message: QueryRequestMessage, call: Call): QueryResponseMessage | Promise<QueryResponseMessage> {
    if (!call.principal.grants.allows("queries.execute")) {
      throw new GatewayError("PERMISSION_DENIED", `${call.principal.name} is not allowed to run queries.`);
    }
    const { header } = message;
    const batch = header === null || header.command === "" ? undefined : header.command;
    const payload =
      batch !== undefined && message.payload.length === 0 ? [QueryRequest.create({ command: batch })] : message.payload;
    const target = header === null ? undefined : this.targetOf(header, batch ?? payload[0]?.command ?? "");
    if (target !== undefined) return this.forward(target, message, payload, batch, call);

    const entries = this.lookUp(payload, batch);
    if (call.depth === 0) admit(entries);
    const answers = new Array<QueryResponse>(payload.length);
    let late: Late[] | undefined;
    for (let index = 0; index < payload.length; index++) {
      const request = payload[index];
      if (request === undefined) continue;
      const answer = this.answer(entries[index], request, batch, call, header);
      if ("pending" in answer) {
        answer.index = index;
        late ??= [];
        late.push(answer);
      } else {
        answers[index] = answer;
      }
    }
    if (late === undefined) return respond(header, answers);
    return this.gather(late, answers, header);
  }

  /** One promise for the whole message: what waits is alive when garbage is collected, and that is what it costs. */
  private gather(
    late: readonly Late[],
    answers: QueryResponse[],
    header: Header | null,
  ): Promise<QueryResponseMessage> {
    return new Promise((resolve) => {
      let open = late.length;
      const arrived = (index: number, answer: QueryResponse) => {
        answers[index] = answer;
        if (--open === 0) resolve(respond(header, answers));
      };
      for (const one of late) this.await(one, arrived);
    });
  }

  /** Why the caller can't run the command: it is unknown or not permitted. `undefined` when it can. */
  obstacle(command: string, call: Call): string | undefined {
    const entry = this.parts.registry.findQuery(command);
    return (
      this.refusal(command, entry?.owner, call, entry?.name) ?? (entry === undefined ? unknownText(command) : undefined)
    );
  }

  private targetOf(header: Header, command: string): Target | undefined {
    const name = header.recipientId || header.destinationId;
    if (name === "" || name.toLowerCase() === "local") return undefined;
    if (this.parts.registry.findQuery(command)?.options.takesRecipient === true) return undefined;
    return this.parts.registry.findTarget(name);
  }

  private async forward(
    target: Target,
    message: QueryRequestMessage,
    payload: readonly QueryRequest[],
    batch: string | undefined,
    call: Call,
  ): Promise<QueryResponseMessage> {
    const refused = payload.map(
      (request) =>
        this.targetRefusal(target.name, call) ??
        (batch === undefined ? undefined : this.refusal(batch, undefined, call)) ??
        this.refusal(request.command, undefined, call),
    );
    if (refused.some((reason) => reason !== undefined)) {
      return respond(
        message.header,
        payload.map((request, index) =>
          unknown(request, refused[index] ?? "Not run: another query of the message is not permitted"),
        ),
      );
    }
    try {
      return await target.query(message, call);
    } catch (thrown) {
      return respond(
        message.header,
        payload.map((request) => unknown(request, `${target.name}: ${errorText(thrown)}`)),
      );
    }
  }

  private lookUp(payload: readonly QueryRequest[], batch: string | undefined): (QueryEntry | undefined)[] {
    const { registry } = this.parts;
    if (batch !== undefined) {
      const entry = registry.findQuery(batch);
      return payload.map(() => entry);
    }
    return payload.map((request) => registry.findQuery(request.command));
  }

  private answer(
    entry: QueryEntry | undefined,
    request: QueryRequest,
    batch: string | undefined,
    call: Call,
    header: Header | null,
  ): QueryResponse | Late {
    const refused =
      this.refusal(batch ?? request.command, entry?.owner, call, entry?.name) ??
      (batch === undefined || request.command === "" ? undefined : this.refusal(request.command, entry?.owner, call));
    if (refused !== undefined) return unknown(request, refused);
    if (entry === undefined) {
      const text = unknownText(batch ?? request.command);
      this.parts.log.debug(text, { traceId: call.traceId });
      return unknown(request, text);
    }
    if (entry.options.helpFromDescription === true && request.arguments.length === 1) {
      const help = helpAnswer(entry, request);
      if (help !== undefined) return help;
    }
    return this.call(entry, request, call, header);
  }

  private call(entry: QueryEntry, request: QueryRequest, parent: Call, header: Header | null): QueryResponse | Late {
    const gone = parent.aborted;
    if (gone !== undefined) return ended(entry, request, gone);
    const started = this.parts.clock.monotonic();
    const figures = figuresFor(entry.figures, parent.frontEnd);
    figures.inFlight++;
    let call: Call | undefined;
    try {
      call = parent.nested();
      const pending = entry.handler(request, call, header);
      if (pending instanceof Promise) return { pending, entry, request, call, figures, started, index: 0 };
      const answer = complete(pending, request);
      call.finish();
      return this.count(figures, started, answer);
    } catch (thrown) {
      call?.finish();
      return this.count(figures, started, this.failed(entry, request, parent, thrown));
    }
  }

  private failed(entry: QueryEntry, request: QueryRequest, call: Call, thrown: unknown): QueryResponse {
    const text = errorText(thrown);
    this.parts.log.error(`${entry.name} failed: ${text}`, { error: thrown, traceId: call.traceId });
    return unknown(request, `Failed to process command ${entry.name}: ${text}`);
  }

  /**
   * Waits for the handler, but no longer than the deadline and only as long as the caller is there. Whoever works on a call
   * that is late has a moment to say where it hangs; an answer that comes in that moment still counts.
   */
  private await(late: Late, arrived: (index: number, answer: QueryResponse) => void): void {
    const { pending, entry, request, call, figures, started, index } = late;
    const { clock, log, limits, deadlines } = this.parts;
    const limit = limits.timeoutOf(entry.name) ?? entry.options.timeoutMs ?? limits.queryTimeoutMs;
    const own = limit === undefined ? Number.POSITIVE_INFINITY : started + limit;
    const until = Math.min(own, call.deadline ?? Number.POSITIVE_INFINITY);
    let cancelDeadline: (() => void) | undefined;
    let done = false;
    const settle = (answer: QueryResponse) => {
      if (done) return;
      done = true;
      cancelDeadline?.();
      call.finish();
      arrived(index, this.count(figures, started, answer));
    };
    const fail = (thrown: unknown) => {
      if (!done) settle(this.failed(entry, request, call, thrown));
    };
    call.onAbort((reason) => settle(ended(entry, request, reason)));
    if (until !== Number.POSITIVE_INFINITY && !done) {
      cancelDeadline = deadlines.add(until, () => {
        const plain = `${entry.name} timed out after ${secondsText(until - started)} s`;
        explain(clock, call, plain, timeToExplain(call, started, clock.monotonic()), (text) => {
          if (done) return;
          figures.timeouts++;
          log.warn(text, { traceId: call.traceId });
          settle(unknown(request, text));
          call.abort(new GatewayError("DEADLINE_EXCEEDED", text));
        });
      });
    }
    pending.then((answer) => {
      try {
        settle(complete(answer, request));
      } catch (thrown) {
        fail(thrown);
      }
    }, fail);
  }

  /** Grants go by the name that the caller gives, the policy by the query's own, which differ for an alias. */
  private refusal(command: string, owner: Owner | undefined, call: Call, ownName = command): string | undefined {
    const { grants, name } = call.principal;
    if (!grants.allows("queries.execute", command)) {
      return `Permission denied: ${name} is not allowed to run ${command}`;
    }
    return this.parts.policy.refusal(call, owner, ownName.toLowerCase());
  }

  private targetRefusal(target: string, call: Call): string | undefined {
    const { grants, name } = call.principal;
    if (!call.remote || grants.allows("targets.use", target)) return undefined;
    return `Permission denied: ${name} is not allowed to use the target ${target}`;
  }

  private count(figures: CallFigures, started: number, answer: QueryResponse): QueryResponse {
    countAnswer(figures, this.parts.clock.monotonic() - started, answer.result);
    return answer;
  }
}

/** A query whose handler has not answered yet. */
interface Late {
  readonly pending: Promise<QueryResponse>;
  readonly entry: QueryEntry;
  readonly request: QueryRequest;
  readonly call: Call;
  readonly figures: CallFigures;
  readonly started: number;
  /** Which payload of the message it is. */
  index: number;
}

function admit(entries: readonly (QueryEntry | undefined)[]): void {
  let asked: unknown;
  for (const entry of entries) {
    const admission = entry?.options.admission;
    if (admission === undefined || admission === asked) continue;
    asked = admission;
    if (admission.isFull())
      throw new GatewayError("RESOURCE_EXHAUSTED", `${admission.name} has too many calls in flight.`);
  }
}

function respond(header: Header | null, payload: QueryResponse[]): QueryResponseMessage {
  const message = QueryResponseMessage.create();
  if (header !== null) message.header = responseHeader(header);
  message.payload = payload;
  return message;
}

/** The id of the request goes back with every answer; a handler need not copy it. */
function complete(answer: QueryResponse, request: QueryRequest): QueryResponse {
  if (request.id !== 0) answer.id = request.id;
  if (answer.command === "") answer.command = request.command;
  return answer;
}

function unknownText(command: string): string {
  return `Unknown command(s): ${command.toLowerCase()}`;
}

function ended(entry: QueryEntry, request: QueryRequest, reason: GatewayError): QueryResponse {
  return unknown(request, `${entry.name} was ended: ${reason.message}`);
}

function unknown(request: QueryRequest, message: string): QueryResponse {
  return QueryResponse.create({
    id: request.id,
    command: request.command,
    result: ResultCode.UNKNOWN,
    lines: [Line.create({ message })],
  });
}

function helpAnswer(entry: QueryEntry, request: QueryRequest): QueryResponse | undefined {
  const word = request.arguments[0];
  const { description, parameters } = entry.options;
  if (word === "help") {
    const text = description === undefined || description === "" ? `${entry.spelling} has no description` : description;
    return answerText(request, text);
  }
  if (word !== "help-pb") return undefined;
  const answer = answerText(request, "see data segment");
  answer.data = PB.Registry.ParameterDetails.encode(parameters ?? PB.Registry.ParameterDetails.create()).finish();
  return answer;
}

function answerText(request: QueryRequest, message: string): QueryResponse {
  return QueryResponse.create({
    id: request.id,
    command: request.command,
    result: ResultCode.OK,
    lines: [Line.create({ message })],
  });
}
