import { ArgumentError } from "../../kernel/arguments.js";
import { defineCheck, type RegistrableCheck } from "../../kernel/check.js";
import type { Clock } from "../../kernel/clock.js";
import type { Core } from "../../kernel/core.js";
import { GatewayError } from "../../kernel/errors.js";
import { parseTime } from "../../settings/values.js";
import { unknownResponse } from "../../wire/responses.js";
import { runWrapped } from "./wrapped-check.js";

const lateText = "Thread failed to return within given timeout";

/** `check_timeout`: runs a check and ends it when it is late. */
export function timeoutCheck(core: Core, clock: Clock): RegistrableCheck {
  return defineCheck({
    name: "check_timeout",
    description: "Runs a check and ends it when it takes too long",
    arguments: {
      timeout: {
        type: "text",
        default: "30",
        description: "How long it may take, in seconds or with a unit: 30, 500ms, 2m",
      },
      command: { type: "text", required: true, description: "The check to run" },
      arguments: { type: "rest", description: "Its arguments" },
      return: {
        type: "state",
        description:
          "The state to answer when the check was in time\nA check that is late is UNKNOWN whatever this says.",
      },
    },
    async run({ timeout, command, arguments: args, return: state }, request, call, header) {
      const ms = parseTime(timeout);
      if (ms === undefined || ms === 0)
        throw new ArgumentError(`timeout can't be "${timeout}": give seconds, or a time such as 2m`);
      const limited = call.nested();
      let isLate = false;
      const inTime = core.deadlines.add(clock.monotonic() + ms, () => {
        isLate = true;
        limited.abort(new GatewayError("DEADLINE_EXCEEDED", `${command} took longer than ${timeout}`));
      });
      try {
        const { hasRun, answer } = await runWrapped(core, { command, args, request, call: limited, header });
        if (isLate) return unknownResponse(request, lateText);
        if (hasRun && state !== undefined) answer.result = state;
        return answer;
      } finally {
        inTime();
        limited.finish();
      }
    },
  });
}
