import { Type } from "typebox";
import { GatewayError } from "../../../kernel/errors.js";
import { parseCommandLine } from "../../../wire/command-line.js";
import { QueryRequest, QueryRequestMessage } from "../../../wire/messages.js";
import { renderNagiosText } from "../../../wire/nagios-text.js";
import { codeName } from "../../../wire/result-code.js";
import { HttpError } from "../http/http-error.js";
import type { CallerRequest, Route, WebReply } from "../route.js";
import type { RouteParts } from "../route-parts.js";

/** Runs a check whose result goes to the log, where the settings allow it. What it runs needs its own grant too. */
export function consoleRoutes(parts: RouteParts): readonly Route[] {
  const { gateway, log } = parts;

  async function run({ query, call, method, path }: CallerRequest, isOn: boolean): Promise<WebReply> {
    if (!isOn) throw new HttpError(404, `Document not found: ${method} ${path}`);
    const line = parseCommandLine(query.get("command") ?? "");
    if (line.problem !== undefined)
      throw new GatewayError("INVALID_ARGUMENT", `The command is wrong: ${line.problem}.`);
    const [command, ...args] = line.words;
    if (command === undefined) throw new GatewayError("INVALID_ARGUMENT", "There is no command.");
    const payload = [QueryRequest.create({ command, arguments: args })];
    const { payload: answers } = await gateway.core.query(QueryRequestMessage.create({ payload }), call);
    for (const answer of answers)
      log.info(`${answer.command}: ${codeName(answer.result)}: ${renderNagiosText(answer)}`);
    return { status: 200, body: '{"status" : "ok"}' };
  }

  return [
    {
      methods: ["POST"],
      path: "/console/exec",
      version: 0,
      access: "granted",
      grants: ["console.exec"],
      audit: { action: "console.exec", objects: ({ query }) => [query.get("command") ?? ""] },
      description: {
        tag: "console",
        summary: "Run a check and write its result to the log; off unless the settings switch it on",
        parameters: [
          {
            name: "command",
            in: "query",
            description: "The check with its arguments",
            schema: Type.String(),
            required: true,
          },
        ],
        answers: { 200: { "application/json": Type.Object({ status: Type.String() }) } },
        deprecated: true,
      },
      handle: (request) => run(request, parts.settings.consoleExec),
    },
  ];
}
