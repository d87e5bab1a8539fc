import type { QueryHandler } from "../../../src/kernel/registry.js";
import { Line, QueryResponse, ResultCode } from "../../../src/wire/messages.js";
import { parsePerfdata } from "../../../src/wire/perfdata.js";
import { textResponse } from "../../../src/wire/responses.js";
import { bodyHeaders, startWebServer, type WebAnswer, type WebServerOptions } from "../../support/web-server.js";

export const mockPerf = "'a label'=30Z;20;30;10;50 'another label'=33Z;20;30";

const aliases = `
[/settings/check helpers/alias]
mock_alias = mock_query
echo_alias = check_warning message=hello
`;

/** A web server with checks of a script and those of CheckHelpers, of which `mock_alias` and `echo_alias` are aliases. */
export async function startCheckServer({ more = "", ...options }: WebServerOptions = {}) {
  const web = await startWebServer({ ...options, modules: ["CheckHelpers"], more: `${aliases}${more}` });
  const lua = { id: 100, name: "LUAScript", alias: "lua" };
  const add = (name: string, description: string, handler: QueryHandler, ...names: readonly string[]) =>
    web.gateway.registry.addQuery(lua, name, handler, { description, aliases: names });
  add(
    "Mock_Query",
    "Mock query used during tests",
    (request) =>
      textResponse(request, ResultCode.OK, `${request.command}::${request.arguments}`, parsePerfdata(mockPerf)),
    "MockQuery",
  );
  add("json", "Its arguments", (request) => textResponse(request, ResultCode.OK, JSON.stringify(request.arguments)));
  add("größe & co", "A name that URLs escape", (request) => textResponse(request, ResultCode.WARNING, "ümläut"));
  add("lines", "Several lines", ({ command }) =>
    QueryResponse.create({
      command,
      result: ResultCode.CRITICAL,
      lines: [
        Line.create({ message: "one\nmore", perf: parsePerfdata("b=2 a=1s;4:5;@1:2 b=3 d=U") }),
        Line.create({ message: "two" }),
      ],
    }),
  );
  return web;
}

/** The whole answer to a check that ran. */
export function checkAnswer(state: string, type: string, body: string, status = 200): WebAnswer {
  return { status, headers: { ...bodyHeaders(type, body), "x-check-result": state }, body };
}

export function jsonCheckAnswer(state: string, value: unknown): WebAnswer {
  return checkAnswer(state, "application/json", JSON.stringify(value));
}
