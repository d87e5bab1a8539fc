import { soon } from "../../../kernel/soon.js";
import { legacyResult } from "../../../wire/check-json.js";
import { type CheckParts, checkAudit, checkReply, runCheck } from "../checks/check-run.js";
import { argumentsBody, legacySchema, nameParameter } from "../checks/check-schemas.js";
import { legacyCall } from "../checks/legacy-grant.js";
import type { CallerRequest, Route, WebReply } from "../route.js";

/** `/query/<command>`, which check_nsc_web and check_nscp_api ask. */
export function legacyQueryRoutes(parts: CheckParts): readonly Route[] {
  return [
    {
      methods: ["GET", "POST"],
      path: "/query/:name",
      version: 0,
      access: "granted",
      grants: ["legacy"],
      audit: checkAudit,
      description: {
        tag: "queries",
        summary: "Runs a check for clients of older servers",
        parameters: [nameParameter],
        body: argumentsBody,
        answers: { 200: { "application/json": legacySchema } },
      },
      handle: (request) => runLegacy(parts, request),
    },
  ];
}

function runLegacy(parts: CheckParts, request: CallerRequest): WebReply | Promise<WebReply> {
  return soon(runCheck(parts, request, legacyCall(request.call)), (answers) =>
    checkReply(answers, "application/json", JSON.stringify({ payload: answers.map(legacyResult) })),
  );
}
