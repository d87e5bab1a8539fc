import { GatewayError } from "../../../kernel/errors.js";
import { soon } from "../../../kernel/soon.js";
import { executeResult, nagiosResult, plainResult } from "../../../wire/check-json.js";
import { type QueryResponse, ResultCode } from "../../../wire/messages.js";
import { type AnswerOptions, answerOptions } from "../checks/check-arguments.js";
import { type CheckParts, checkAudit, checkName, checkReply, runCheck, stateOf } from "../checks/check-run.js";
import {
  argumentsBody,
  detailsSchema,
  executeSchema,
  listSchema,
  nagiosSchema,
  nameParameter,
  optionParameters,
  plainAnswers,
  plainSchema,
} from "../checks/check-schemas.js";
import { isShown, listedQuery, queryFacts, queryUrl } from "../checks/query-entry.js";
import { preferredType } from "../http/accept.js";
import { jsonReply, olderVersions } from "../http/replies.js";
import { listReply, pageParameters } from "../pages/pages.js";
import type { CallerRequest, GrantedRoute, Route, WebReply } from "../route.js";

/** `/api/v1/queries` and `/api/v2/queries`: which checks there are, and running them. */
export function queryRoutes(parts: CheckParts): readonly Route[] {
  return olderVersions.flatMap((version) => versionRoutes(parts, version));
}

function versionRoutes(parts: CheckParts, version: (typeof olderVersions)[number]): GrantedRoute[] {
  const queries = `/api/v${version}/queries`;
  const execution = {
    methods: ["GET", "POST"],
    version,
    access: "granted",
    grants: ["queries.execute"],
    audit: checkAudit,
  } as const satisfies Partial<GrantedRoute>;
  const parameters = [nameParameter, ...(version === 2 ? optionParameters : [])];
  return [
    {
      ...{ methods: ["GET"], path: queries, version, access: "granted", grants: ["queries.list"], isTagged: true },
      description: {
        tag: "queries",
        summary: "The checks that the caller may see, sorted by name",
        parameters: pageParameters,
        answers: { 200: { "application/json": listSchema } },
      },
      handle: (request) => listQueries(parts, request),
    },
    {
      ...{
        methods: ["GET"],
        path: `${queries}/:name`,
        version,
        access: "granted",
        grants: ["queries.get"],
        isTagged: true,
      },
      description: {
        tag: "queries",
        summary: "A check or an alias, and where it is run",
        parameters: [nameParameter],
        answers: { 200: { "application/json": detailsSchema } },
      },
      handle: (request) => showQuery(parts, request),
    },
    {
      ...execution,
      path: `${queries}/:name/commands/execute`,
      description: {
        tag: "queries",
        summary: "Runs a check: the query string, and with POST the body, holds its arguments",
        parameters,
        body: argumentsBody,
        answers: { 200: { "application/json": executeSchema, "text/plain": plainSchema }, ...plainAnswers },
      },
      handle: (request) => execute(parts, request, (answer, { perf }) => executeResult(answer, perf)),
    },
    {
      ...execution,
      path: `${queries}/:name/commands/execute_nagios`,
      description: {
        tag: "queries",
        summary: "Runs a check and answers with performance data as plugins print it",
        parameters,
        body: argumentsBody,
        answers: { 200: { "application/json": nagiosSchema, "text/plain": plainSchema }, ...plainAnswers },
      },
      handle: (request) => execute(parts, request, nagiosResult),
    },
    {
      ...{ methods: ["GET", "POST"], version, access: "granted", grants: ["queries.execute"] },
      path: `${queries}/:name/commands/:command`,
      changes: true,
      description: { tag: "queries", summary: "Any other command of a query: there is none", answers: {} },
      handle: ({ params }) => {
        throw new GatewayError("NOT_FOUND", `unknown command: ${params["command"]}`);
      },
    },
  ];
}

function listQueries({ gateway: { registry } }: CheckParts, request: CallerRequest): WebReply {
  const shown = registry.listQueries().filter(({ name }) => isShown(request.call, "queries.list", name));
  return listReply(shown, request, (entry) => listedQuery(request, queryFacts(entry.name, entry)));
}

function showQuery({ gateway: { registry } }: CheckParts, request: CallerRequest): WebReply {
  const asked = checkName(request);
  if (!isShown(request.call, "queries.get", asked)) {
    throw new GatewayError("PERMISSION_DENIED", `${request.call.principal.name} is not allowed to see ${asked}.`);
  }
  const entry = registry.findQuery(asked);
  if (entry === undefined) throw new GatewayError("NOT_FOUND", `Query not found: ${asked}`);
  const { name, plugin, title, description } = queryFacts(asked, entry);
  const url = `${queryUrl(request, name)}/commands`;
  return jsonReply({
    ...{ name, plugin, title },
    execute_url: `${url}/execute`,
    execute_nagios_url: `${url}/execute_nagios`,
    metadata: {},
    description,
  });
}

/** The status of plain text says the state, for clients that can't take an answer to pieces. */
const plainStatus: Readonly<Record<number, number>> = {
  [ResultCode.OK]: 200,
  [ResultCode.WARNING]: 202,
  [ResultCode.CRITICAL]: 500,
};

type Render = (answer: QueryResponse, options: AnswerOptions) => object;

function execute(parts: CheckParts, request: CallerRequest, render: Render): WebReply | Promise<WebReply> {
  const options = answerOptions(request);
  const type = preferredType(request.headers.accept, ["application/json", "text/plain"]);
  const times = options.verbose ? stopwatch(parts) : undefined;
  return soon(runCheck(parts, request, request.call), (answers) => {
    if (type === "text/plain") {
      return checkReply(answers, type, plainResult(answers), plainStatus[stateOf(answers)] ?? 503);
    }
    const [answer] = answers;
    if (answer === undefined) throw new GatewayError("INTERNAL", `${checkName(request)} has no answer.`);
    const shown = render(answer, options);
    return checkReply(answers, type, JSON.stringify(times === undefined ? shown : { ...shown, ...times() }));
  });
}

/** Begins to measure. @returns what answers say of when it began and how long it has taken */
function stopwatch({ gateway: { clock } }: CheckParts) {
  const started = new Date(clock.now()).toISOString();
  const begun = clock.monotonic();
  return () => ({ started, duration_ms: Math.round((clock.monotonic() - begun) * 1000) / 1000 });
}
