import { AuditTrail } from "../../front-end/audit-trail.js";
import { queryOperation } from "../../front-end/gateway-operations.js";
import type { Operation } from "../../front-end/operation.js";
import type { Call } from "../../kernel/call.js";
import type { GatewayControl } from "../../kernel/control.js";
import { errorText, GatewayError } from "../../kernel/errors.js";
import type { Principal } from "../../kernel/principal.js";
import type { Security } from "../../security/security.js";
import { QueryRequest, QueryRequestMessage, type QueryResponseMessage, ResultCode } from "../../wire/messages.js";
import { renderNagiosText } from "../../wire/nagios-text.js";
import { NRPE_CHECK, type NrpeAnswer } from "../../wire/nrpe/packet.js";
import { gatewayMethods } from "../../wire/services.js";
import { frontEnd } from "./door.js";
import type { Figures } from "./figures.js";
import { parseRequest, type RequestRules, refusalOf } from "./request.js";

export interface DeskParts {
  readonly gateway: GatewayControl;
  readonly security: Security;
  readonly figures: Figures;
  readonly rules: RequestRules;
  /** Milliseconds that a command may take. */
  readonly timeoutMs: number;
  readonly withPerfdata: boolean;
}

/** Runs what queries ask for. Whatever goes wrong is an answer with state UNKNOWN: clients show its text. */
export class Desk {
  private readonly operation: Operation<QueryRequestMessage, QueryResponseMessage>;
  private readonly audit: AuditTrail;

  constructor(private readonly parts: DeskParts) {
    this.operation = queryOperation(parts.gateway, gatewayMethods.query);
    this.audit = new AuditTrail(parts.security.audit);
  }

  /** The call of a query that has come, to be aborted when its client goes away. */
  open(principal: Principal, address: string): Call {
    const { gateway, timeoutMs } = this.parts;
    const deadline = gateway.clock.monotonic() + timeoutMs;
    return gateway.call({ principal, peer: address, frontEnd, remote: true, deadline });
  }

  /** Answers at once when the check does. Neither throws nor rejects. */
  answer(text: string, call: Call): NrpeAnswer | Promise<NrpeAnswer> {
    if (text === NRPE_CHECK) {
      return { result: ResultCode.OK, text: `I (${this.parts.gateway.version}) seem to be doing fine...` };
    }
    const request = parseRequest(text);
    const message = QueryRequestMessage.create({
      payload: [QueryRequest.create({ command: request.command, arguments: [...request.arguments] })],
    });
    try {
      const refusal = refusalOf(request, this.parts.rules);
      if (refusal !== undefined) return this.refuse(refusal, message, call);
      const answer = this.operation.handle(message, call);
      if (!(answer instanceof Promise)) return this.done(message, answer, call);
      return answer
        .then((late) => this.done(message, late, call))
        .catch((thrown) => this.failed(thrown, message, call));
    } catch (thrown) {
      return this.failed(thrown, message, call);
    }
  }

  /** The answer to somebody who may not come in. */
  turnAway(thrown: unknown): NrpeAnswer {
    this.parts.figures.refused++;
    return unknown(thrown instanceof GatewayError ? `Permission denied: ${thrown.message}` : errorText(thrown));
  }

  private refuse(refusal: string, message: QueryRequestMessage, call: Call): NrpeAnswer {
    this.parts.figures.refused++;
    this.audit.failed(this.operation.audit, message, call, new GatewayError("PERMISSION_DENIED", refusal));
    return unknown(`Exception processing request: ${refusal}`);
  }

  private done(request: QueryRequestMessage, message: QueryResponseMessage, call: Call): NrpeAnswer {
    this.audit.done(this.operation.audit, request, call, message);
    this.parts.figures.answered++;
    const [response] = message.payload;
    if (response === undefined) return unknown("The check gave no answer");
    const text = renderNagiosText(response, { perfdata: this.parts.withPerfdata });
    return { result: response.result, text: text === "" ? `No output from ${response.command}` : text };
  }

  private failed(thrown: unknown, message: QueryRequestMessage, call: Call): NrpeAnswer {
    this.audit.failed(this.operation.audit, message, call, thrown);
    this.parts.figures.refused++;
    const isDenied = thrown instanceof GatewayError && thrown.code === "PERMISSION_DENIED";
    return unknown(isDenied ? `Permission denied: ${thrown.message}` : errorText(thrown));
  }
}

function unknown(text: string): NrpeAnswer {
  return { result: ResultCode.UNKNOWN, text };
}
