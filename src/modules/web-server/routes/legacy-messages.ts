import { Type } from "typebox";
import { queryOperation } from "../../../front-end/gateway-operations.js";
import { decodeMessage, encodeMessage } from "../../../front-end/operation.js";
import type { QueryRequestMessage, QueryResponseMessage } from "../../../wire/messages.js";
import { gatewayMethods } from "../../../wire/services.js";
import type { CheckParts } from "../checks/check-run.js";
import { legacyCall } from "../checks/legacy-grant.js";
import type { CallerRequest, Route } from "../route.js";

const binaryType = "application/x-protobuf";
const serialized = Type.String({ contentEncoding: "binary", description: "A message of plugin.proto, serialized" });

/** `/query.pb`: queries of older programs as serialized messages, whatever type they say that these have. */
export function legacyMessageRoutes({ gateway }: CheckParts): readonly Route[] {
  const { method, audit, handle } = queryOperation(gateway, gatewayMethods.query);
  /** What was asked and answered, for the audit log. */
  const exchanges = new WeakMap<CallerRequest, { query: QueryRequestMessage; answer?: QueryResponseMessage }>();
  return [
    {
      methods: ["POST"],
      path: "/query.pb",
      version: 0,
      access: "granted",
      grants: ["legacy"],
      description: {
        tag: "queries",
        summary: "Runs the checks of a serialized QueryRequestMessage",
        body: { [binaryType]: serialized },
        answers: { 200: { [binaryType]: serialized } },
        deprecated: true,
      },
      audit: {
        action: "queries.execute",
        // A request that could not be read says nothing of what it was about.
        objects: (request) => {
          const query = exchanges.get(request)?.query;
          return query === undefined ? [] : audit.objects(query);
        },
        refusals: (request) => {
          const { query, answer } = exchanges.get(request) ?? {};
          return query === undefined || answer === undefined ? [] : (audit.refusals?.(query, answer) ?? []);
        },
      },
      handle: async (request) => {
        const query = decodeMessage(method.request, request.body);
        exchanges.set(request, { query });
        const call = legacyCall(request.call);
        try {
          const answer = await handle(query, call);
          exchanges.set(request, { query, answer });
          return { status: 200, headers: { "content-type": binaryType }, body: encodeMessage(method.response, answer) };
        } finally {
          call.finish();
        }
      },
    },
  ];
}
