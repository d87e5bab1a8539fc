import type { Call } from "../../kernel/call.js";
import { errorText, GatewayError } from "../../kernel/errors.js";
import type { Audit, AuditEvent } from "../../security/audit.js";
import { type QueryRequestMessage, type QueryResponseMessage, ResultCode } from "../../wire/messages.js";

/** What the audit log holds of an rpc. */
export interface AuditRule<Request> {
  /** Named like the grant that the rpc needs; a function where the request decides. */
  readonly action: string | ((request: Request) => string);
  /** What the request is about: commands, channels, modules. */
  objects(request: Request): readonly string[];
}

/** Reports to the audit log how calls ended. Nothing is built for events that the log would not keep. */
export class AuditTrail {
  constructor(private readonly audit: Audit) {}

  /** A call, or a message of a stream, that was carried out. */
  done<Request>(rule: AuditRule<Request>, request: Request, call: Call): void {
    const action = actionOf(rule, request);
    if (this.audit.keeps(action, "ok")) this.record(action, "ok", call, { objects: rule.objects(request) });
  }

  /** Queries of a message that were refused while the rest of it ran: they are answers and not errors. */
  refusedQueries({ payload }: QueryRequestMessage, answer: QueryResponseMessage, call: Call): void {
    for (let index = 0; index < answer.payload.length; index++) {
      const response = answer.payload[index];
      if (response?.result !== ResultCode.UNKNOWN) continue;
      const reason = response.lines[0]?.message ?? "";
      if (!reason.startsWith("Permission denied:")) continue;
      this.record("queries.execute", "denied", call, { objects: [payload[index]?.command ?? ""], reason });
    }
  }

  /** A call that ended with an error, after its caller was known. */
  failed<Request>(rule: AuditRule<Request>, request: Request | undefined, call: Call, thrown: unknown): void {
    const denied = thrown instanceof GatewayError && thrown.code === "PERMISSION_DENIED";
    const outcome = denied ? "denied" : "failed";
    const reason = errorText(thrown);
    // A request that could not be read says nothing of what it was about.
    const objects = request === undefined ? [] : rule.objects(request);
    this.record(actionOf(rule, request), outcome, call, { objects, reason });
  }

  private record(
    action: string,
    outcome: AuditEvent["outcome"],
    { principal, peer, frontEnd, traceId }: Call,
    more: Pick<AuditEvent, "objects" | "reason">,
  ): void {
    this.audit.record({ action, outcome, principal, peer, frontEnd, traceId, ...more });
  }
}

function actionOf<Request>({ action }: AuditRule<Request>, request: Request | undefined): string {
  if (typeof action === "string") return action;
  return request === undefined ? "malformed" : action(request);
}
