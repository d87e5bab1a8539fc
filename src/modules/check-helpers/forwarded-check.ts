import { defineCheck, type RegistrableCheck } from "../../kernel/check.js";
import type { Core } from "../../kernel/core.js";
import { GatewayError } from "../../kernel/errors.js";
import { QueryResponse, ResultCode, StatusCode, SubmitRequestMessage } from "../../wire/messages.js";
import { textResponse, unknownResponse } from "../../wire/responses.js";
import { innerHeader, runWrapped } from "./wrapped-check.js";

/** `check_and_forward`: runs a check and submits what comes of it; its state says whether that went well. */
export function forwardCheck(core: Core): RegistrableCheck {
  return defineCheck({
    name: "check_and_forward",
    description: "Runs a check and submits its result to a channel",
    arguments: {
      target: { type: "text", required: true, description: "The channel, or several with commas between" },
      command: {
        type: "text",
        required: true,
        description: "The check to run; the result is submitted under its name",
      },
      arguments: { type: "rest", description: "Its arguments" },
    },
    async run({ target, command, arguments: args }, request, call, header) {
      const { hasRun, answer } = await runWrapped(core, { command, args, request, call, header });
      if (!hasRun) return answer;
      const submission = SubmitRequestMessage.create({
        header: innerHeader(header),
        channel: target,
        payload: [QueryResponse.create({ ...answer, command })],
      });
      try {
        const { message } = await core.submit(target, submission, call);
        const result = message.payload[0]?.result;
        if (result?.code !== StatusCode.STATUS_OK) {
          return unknownResponse(request, `Failed to submit to ${target}: ${result?.message ?? "no answer"}`);
        }
        const note = result.data === "" ? "" : ` (${result.data})`;
        return textResponse(request, ResultCode.OK, `Message submitted: ${target}${note}`);
      } catch (thrown) {
        if (!(thrown instanceof GatewayError)) throw thrown;
        return unknownResponse(request, `Failed to submit to ${target}: ${thrown.message}`);
      }
    },
  });
}
