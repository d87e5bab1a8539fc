import type { Call } from "../kernel/call.js";
import { errorText, GatewayError } from "../kernel/errors.js";
import type { Audit, AuditEvent } from "../security/audit.js";

/** What the audit log holds of an rpc. */
export interface AuditRule<Request, Response = unknown> {
  /** Named like the grant that the rpc needs; a function where the request decides. */
  readonly action: string | ((request: Request) => string);
  /** What the request is about: commands, channels, modules. */
  objects(request: Request): readonly string[];
  /** What was refused while the rest was carried out: such refusals are answers and not errors. */
  refusals?(request: Request, answer: Response): readonly Refusal[];
}

/** An object that the caller had no grant for. */
interface Refusal {
  readonly object: string;
  readonly reason: string;
  /** Whoever refused it has put it into the audit log already. */
  readonly isRecorded?: boolean;
}

/** Reports to the audit log how calls ended. Nothing is built for events that the log would not keep. */
export class AuditTrail {
  constructor(private readonly audit: Audit) {}

  /** A call, or a message of a stream, that was carried out. */
  done<Request, Response>(rule: AuditRule<Request, Response>, request: Request, call: Call, answer: Response): void {
    const action = actionOf(rule, request);
    const refusals = rule.refusals?.(request, answer) ?? [];
    for (const { object, reason, isRecorded } of refusals) {
      if (!isRecorded) this.record(action, "denied", call, { objects: [object], reason });
    }
    if (!this.audit.keeps(action, "ok")) return;
    const objects = rule.objects(request);
    const carriedOut = refusals.length === 0 ? objects : without(objects, refusals);
    if (objects.length === 0 || carriedOut.length > 0) this.record(action, "ok", call, { objects: carriedOut });
  }

  /** A call that ended with an error, after its caller was known. */
  failed<Request>(
    rule: Pick<AuditRule<Request>, "action" | "objects">,
    request: Request | undefined,
    call: Call,
    thrown: unknown,
  ): void {
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

function actionOf<Request>({ action }: Pick<AuditRule<Request>, "action">, request: Request | undefined): string {
  if (typeof action === "string") return action;
  return request === undefined ? "malformed" : action(request);
}

const refusalText = /(?:^|; )Permission denied:/;

/** The refusals among answers that come in the order of what they answer. */
export function refusalsAmong<Answer>(
  answers: readonly Answer[],
  textOf: (answer: Answer) => string,
  objectOf: (index: number) => string,
): readonly Refusal[] {
  let refusals: Refusal[] | undefined;
  for (const [index, answer] of answers.entries()) {
    const reason = textOf(answer);
    if (!refusalText.test(reason)) continue;
    refusals ??= [];
    refusals.push({ object: objectOf(index), reason });
  }
  return refusals ?? [];
}

function without(objects: readonly string[], refusals: readonly Refusal[]): string[] {
  const refused = new Set(refusals.map(({ object }) => object));
  return objects.filter((object) => !refused.has(object));
}
