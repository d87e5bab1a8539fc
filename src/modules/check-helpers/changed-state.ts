import { ArgumentError } from "../../kernel/arguments.js";
import { defineCheck, type RegistrableCheck } from "../../kernel/check.js";
import type { Core } from "../../kernel/core.js";
import { ResultCode } from "../../wire/messages.js";
import { toResultCode } from "../../wire/result-code.js";
import { runWrapped } from "./wrapped-check.js";

/** `check_always_ok`, `check_always_warning`, `check_always_critical`: run a check and change its state to theirs. */
export function alwaysChecks(core: Core): RegistrableCheck[] {
  return [ResultCode.OK, ResultCode.WARNING, ResultCode.CRITICAL].map((state) => always(core, state));
}

function always(core: Core, state: ResultCode): RegistrableCheck {
  const word = ResultCode[state];
  const check = defineCheck({
    name: `check_always_${word.toLowerCase()}`,
    description: `Runs a check and answers ${word} whatever its state`,
    arguments: { command: { type: "rest", description: "The check to run and its arguments, one after the other" } },
    async run({ command: [command, ...args] }, request, call, header) {
      if (command === undefined) throw new ArgumentError("command is missing");
      const { hasRun, answer } = await runWrapped(core, { command, args, request, call, header });
      if (hasRun) answer.result = state;
      return answer;
    },
  });
  return { ...check, handler: (request, call, header) => check.handler(positional(request), call, header) };
}

/** Every argument belongs to the wrapped check; only a word alone can ask for help. */
function positional<Request extends { arguments: string[] }>(request: Request): Request {
  const { arguments: args } = request;
  const isAlone = args.length === 1 && /^(?:--?)?(?:help|help-short|help-pb|show-default)$/.test(args[0] ?? "");
  return isAlone || args.length === 0 ? request : { ...request, arguments: ["command", ...args] };
}

/** `check_negate`: runs a check and maps each state to another, all in one step. */
export function negateCheck(core: Core): RegistrableCheck {
  return defineCheck({
    name: "check_negate",
    description: "Runs a check and changes its state",
    arguments: {
      ok: { type: "state", description: "The state to answer for OK" },
      warning: { type: "state", description: "The state to answer for WARNING" },
      critical: { type: "state", description: "The state to answer for CRITICAL" },
      unknown: { type: "state", description: "The state to answer for UNKNOWN" },
      command: { type: "text", required: true, description: "The check to run" },
      arguments: { type: "rest", description: "Its arguments" },
    },
    async run({ command, arguments: args, ok, warning, critical, unknown }, request, call, header) {
      const { hasRun, answer } = await runWrapped(core, { command, args, request, call, header });
      if (hasRun) answer.result = [ok, warning, critical, unknown][toResultCode(answer.result)] ?? answer.result;
      return answer;
    },
  });
}
