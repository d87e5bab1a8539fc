// A check that works on messages: the answer has several lines, and says who asked.
import { type QueryFunction, Registry, status } from "nscp-gateway/script";

export function init(pluginId: number): void {
  Registry.get(pluginId).function("check_raw_sample", checkRaw, "Answers with its arguments, a line each");
}

const checkRaw: QueryFunction = (command, request, call) => ({
  payload: [
    {
      command,
      result: status.OK,
      lines: [
        { message: `${call.principal} asked for ${command}` },
        ...(request.payload[0]?.arguments ?? []).map((argument) => ({ message: `\n${argument}` })),
      ],
    },
  ],
});
