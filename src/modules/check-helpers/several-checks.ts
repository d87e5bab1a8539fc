import { ArgumentError } from "../../kernel/arguments.js";
import { defineCheck, type RegistrableCheck } from "../../kernel/check.js";
import type { Core } from "../../kernel/core.js";
import { parseCommandLine } from "../../wire/command-line.js";
import { QueryRequest, QueryRequestMessage, type QueryResponse } from "../../wire/messages.js";
import { textResponse } from "../../wire/responses.js";
import { worstCode } from "../../wire/result-code.js";
import { innerHeader } from "./wrapped-check.js";

/** `check_multi`: runs several checks side by side and answers the worst of their states with all of their texts. */
export function multiCheck(core: Core): RegistrableCheck {
  return defineCheck({
    name: "check_multi",
    description: "Runs several checks and answers the worst state",
    arguments: {
      command: { type: "list", required: true, description: "A check and its arguments as one command line" },
      separator: { type: "text", default: ", ", description: "What stands between the messages" },
      prefix: { type: "text", default: "", description: "What stands before the first message" },
      suffix: { type: "text", default: "", description: "What stands behind the last message" },
    },
    async run({ command: lines, separator, prefix, suffix }, request, call, header) {
      const payload = lines.map(requestOf);
      const message = QueryRequestMessage.create({ header: innerHeader(header), payload });
      const answers = (await core.query(message, call)).payload;
      const texts = answers.map(textOf);
      const summary = `${prefix}${texts.map(({ summary }) => summary).join(separator)}${suffix}`;
      const details = texts.flatMap(({ details }) => details);
      const perf = answers.flatMap((answer) => answer.lines.flatMap((line) => line.perf));
      const state = worstCode(answers.map((answer) => answer.result));
      return textResponse(request, state, [summary, ...details].join("\n"), perf);
    },
  });
}

function requestOf(line: string): QueryRequest {
  const parsed = parseCommandLine(line);
  if (parsed.problem !== undefined) throw new ArgumentError(`command can't be "${line}": ${parsed.problem}`);
  const [command, ...args] = parsed.words;
  if (command === undefined) throw new ArgumentError("command is empty");
  return QueryRequest.create({ command, arguments: args });
}

/** The first row of an answer, and the rows of its long output. */
function textOf(answer: QueryResponse): { summary: string; details: string[] } {
  const [summary = "", ...details] = answer.lines.flatMap((line) => line.message.split("\n"));
  return { summary, details };
}
