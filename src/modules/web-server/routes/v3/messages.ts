/** The gateway's own three calls over HTTP: the messages are those of the rpcs, and so are the grants and the audit. */
import Type, { type TSchema } from "typebox";
import type { AuditRule } from "../../../../front-end/audit-trail.js";
import { executeOperation, queryOperation, submitOperation } from "../../../../front-end/gateway-operations.js";
import type { Operation } from "../../../../front-end/operation.js";
import { gatewayMethods } from "../../../../wire/services.js";
import { messageSchema } from "../../open-api/message-schemas.js";
import type { CallerRequest, GrantedRoute, ParameterDescription, RouteDescription, WebReply } from "../../route.js";
import type { RouteParts } from "../../route-parts.js";
import { formatOfAnswer, formatOfBody, jsonType, messageTypes, readMessage, writeMessage } from "./message-formats.js";

export function messageRoutes({ gateway }: Pick<RouteParts, "gateway">): readonly GrantedRoute[] {
  return [
    route(queryOperation(gateway, gatewayMethods.query), {
      name: "query",
      summary: "Runs checks side by side and answers in their order",
      example: { payload: [{ id: 1, command: "check_ok", arguments: ["message=all well"] }] },
    }),
    route(executeOperation(gateway), {
      name: "execute",
      summary: "Runs a command of a module or a script",
      example: { payload: [{ command: "help" }] },
    }),
    route(submitOperation(gateway, gatewayMethods.submit), {
      name: "submit",
      summary: "Submits passive results to the subscribers of a channel",
      example: {
        header: { hosts: [{ id: "web1", host: "web1" }], senderId: "web1" },
        channel: "NSCA",
        payload: [{ command: "disk", result: "OK", lines: [{ message: "all well" }] }],
      },
    }),
  ];
}

interface About {
  readonly name: string;
  readonly summary: string;
  readonly example: unknown;
}

const parameters: readonly ParameterDescription[] = [
  {
    ...{ name: "defaults", in: "query", schema: Type.Boolean({ default: false }) },
    description: "With true, JSON also has the fields that have their default, such as a result of OK.",
  },
  {
    ...{ name: "X-Request-Timeout", in: "header", schema: Type.String({ examples: ["10"] }) },
    description: "How many seconds the caller waits; a check that takes longer answers UNKNOWN shortly before.",
  },
  {
    ...{ name: "traceparent", in: "header", schema: Type.String() },
    description: "The trace of the caller, as W3C Trace Context has it; it stands in logs and in the audit.",
  },
];

function route<Request, Response>(
  operation: Operation<Request, Response>,
  { name, summary, example }: About,
): GrantedRoute {
  const { request, response } = operation.method;
  const exchanges: Exchanges<Request, Response> = new WeakMap();
  const description: RouteDescription = {
    tag: "gateway",
    summary,
    parameters,
    body: content({ allOf: [messageSchema(request)], examples: [example] }),
    answers: { 200: content(messageSchema(response)) },
  };
  return {
    methods: ["POST"],
    path: `/api/v3/${name}`,
    version: 3,
    access: "granted",
    // The core asks for a grant for each payload, as it does for the rpcs.
    grants: [],
    description,
    audit: auditRule(operation, exchanges),
    handle: (incoming) => answer(operation, incoming, exchanges),
  };
}

const binarySchema = Type.String({ contentEncoding: "binary", description: "The same message, serialized." });

function content(json: TSchema): Record<string, TSchema> {
  return Object.fromEntries(messageTypes.map((type) => [type, type === jsonType ? json : binarySchema]));
}

/** What was read from requests and answered to them, for the audit. */
type Exchanges<Request, Response> = WeakMap<CallerRequest, { readonly request: Request; response?: Response }>;

/** The audit of the operation, whose messages stand in the requests and replies of HTTP. */
function auditRule<Request, Response>(
  { audit }: Operation<Request, Response>,
  exchanges: Exchanges<Request, Response>,
): AuditRule<CallerRequest, WebReply> {
  const { action } = audit;
  return {
    action: (incoming) => {
      if (typeof action === "string") return action;
      const exchange = exchanges.get(incoming);
      return exchange === undefined ? "malformed" : action(exchange.request);
    },
    // A request that could not be read says nothing of what it was about.
    objects: (incoming) => {
      const exchange = exchanges.get(incoming);
      return exchange === undefined ? [] : audit.objects(exchange.request);
    },
    refusals: (incoming) => {
      const { request, response } = exchanges.get(incoming) ?? {};
      return request === undefined || response === undefined ? [] : (audit.refusals?.(request, response) ?? []);
    },
  };
}

async function answer<Request, Response>(
  operation: Operation<Request, Response>,
  incoming: CallerRequest,
  exchanges: Exchanges<Request, Response>,
): Promise<WebReply> {
  const { call, body, query } = incoming;
  const format = formatOfBody(incoming);
  const wanted = formatOfAnswer(incoming, format);
  const request = readMessage(operation.method.request, body, format);
  exchanges.set(incoming, { request });
  const response = await operation.handle(request, call);
  exchanges.set(incoming, { request, response });
  const message = writeMessage(operation.method.response, response, wanted, { defaults: query.flag("defaults") });
  return { status: 200, headers: { "content-type": wanted, vary: "Accept" }, body: message };
}
