import { type AuditRule, refusalsAmong } from "../../../front-end/audit-trail.js";
import type { Call } from "../../../kernel/call.js";
import { soon } from "../../../kernel/soon.js";
import { QueryRequest, QueryRequestMessage, QueryResponse, ResultCode } from "../../../wire/messages.js";
import { codeName } from "../../../wire/result-code.js";
import type { CallerRequest, WebReply } from "../route.js";
import type { RouteParts } from "../route-parts.js";
import { checkArguments } from "./check-arguments.js";

/** What routes about checks need of the gateway. */
export type CheckParts = Pick<RouteParts, "gateway">;

/** The answers of a check as they are to be shown: nearly always one. */
export type Answers = readonly QueryResponse[];

/** A reply with the answers that it shows, for the audit log. */
interface CheckReply extends WebReply {
  readonly answers: Answers;
}

/** The check that a path names. */
export function checkName({ params }: Pick<CallerRequest, "params">): string {
  return params["name"] ?? "";
}

/**
 * Runs the check that the path names. Its answers bear the name of what ran, in lower case, and not that of an alias.
 *
 * @throws GatewayError INVALID_ARGUMENT for a body that is wrong; what the core throws
 */
export function runCheck(
  { gateway: { core, registry } }: CheckParts,
  request: CallerRequest,
  call: Call,
): Answers | Promise<Answers> {
  const asked = checkName(request).toLowerCase();
  const query = QueryRequest.create();
  query.command = asked;
  query.arguments = checkArguments(request);
  const message = QueryRequestMessage.create();
  message.payload = [query];
  return soon(core.query(message, call), ({ payload }) => {
    const behind = registry.nameBehind(asked);
    return payload.map((answer) => {
      const named = answer.command.toLowerCase();
      const command = named === asked ? behind : named;
      if (answer.command === command) return answer;
      const shown = QueryResponse.create(answer);
      shown.command = command;
      return shown;
    });
  });
}

/** The state of a check for those who see one only: of several the last that is not OK. */
export function stateOf(answers: Answers): ResultCode {
  return answers.findLast(({ result }) => result !== ResultCode.OK)?.result ?? ResultCode.OK;
}

/** The reply to a check that ran; the state stands in a header, too, for clients and proxies that don't read bodies. */
export function checkReply(answers: Answers, type: string, body: string, status = 200): CheckReply {
  const headers = { "content-type": type, "x-check-result": codeName(stateOf(answers)) };
  return { status, headers, body, isCarriedOut: true, answers };
}

/** What the audit log holds of a check. */
export const checkAudit: AuditRule<CallerRequest, WebReply> = {
  action: "queries.execute",
  objects: (request) => [checkName(request)],
  refusals: (request, reply) =>
    refusalsAmong(
      isCheckReply(reply) ? reply.answers : [],
      ({ result, lines }) => (result === ResultCode.UNKNOWN ? (lines[0]?.message ?? "") : ""),
      () => checkName(request),
    ),
};

function isCheckReply(reply: WebReply): reply is CheckReply {
  return "answers" in reply;
}
