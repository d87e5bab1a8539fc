import { defineCheck, type RegistrableCheck } from "../../kernel/check.js";
import { ResultCode } from "../../wire/messages.js";
import { textResponse } from "../../wire/responses.js";

/** `check_ok`, `check_warning`, `check_critical`: answer the state of their name, for tests of what comes after. */
export function fixedStateChecks(): RegistrableCheck[] {
  return [
    fixedState("check_ok", ResultCode.OK),
    fixedState("check_warning", ResultCode.WARNING),
    fixedState("check_critical", ResultCode.CRITICAL),
  ];
}

function fixedState(name: string, state: ResultCode): RegistrableCheck {
  return defineCheck({
    name,
    description: `Answers ${ResultCode[state]} and a message`,
    arguments: { message: { type: "text", default: "No message", description: "The message" } },
    run: ({ message }, request) => textResponse(request, state, message),
  });
}

/** `check_version`: OK with the version of the gateway. */
export function versionCheck(version: string): RegistrableCheck {
  return defineCheck({
    name: "check_version",
    description: "Answers the version of the gateway",
    arguments: {},
    run: (_values, request) => textResponse(request, ResultCode.OK, version),
  });
}
