import { Type } from "typebox";
import { decodeMessage, encodeMessage } from "../../../front-end/operation.js";
import { settingsOperation } from "../../../front-end/settings-operation.js";
import type { SettingsRequestMessage, SettingsResponseMessage } from "../../../wire/messages.js";
import type { Route, WebRequest } from "../route.js";
import type { RouteParts } from "../route-parts.js";
import { granted } from "./granted-route.js";

const protobuf = "application/x-protobuf";

/** Settings messages as the rpc takes and gives them, for clients of older servers; each payload needs its own grant too. */
export function settingsProtobufRoutes({ gateway }: Pick<RouteParts, "gateway">): readonly Route[] {
  const operation = settingsOperation(gateway);
  const { method, audit } = operation;
  const read = ({ body }: Pick<WebRequest, "body">) => decodeMessage(method.request, body);
  /** What can't be read is not about anything. */
  const audited = <Part>(
    request: WebRequest,
    part: (message: SettingsRequestMessage) => Part,
    otherwise: Part,
  ): Part => {
    try {
      return part(read(request));
    } catch {
      return otherwise;
    }
  };
  const binary = { [protobuf]: Type.String({ format: "binary" }) };
  return [
    granted({
      methods: ["POST"],
      path: "/settings/query.pb",
      version: 0,
      grants: ["legacy"],
      description: {
        tag: "settings",
        summary: "A SettingsRequestMessage; the answer is a SettingsResponseMessage",
        body: binary,
        answers: { 200: binary },
        deprecated: true,
      },
      audit: {
        action: (request) =>
          audited(
            request,
            (message) => (typeof audit.action === "string" ? audit.action : audit.action(message)),
            "settings.get",
          ),
        objects: (request) => audited(request, (message) => audit.objects(message), []),
        refusals: (request, { body }) => {
          if (!Buffer.isBuffer(body)) return [];
          const answer: SettingsResponseMessage = method.response.decode(body);
          return audited(request, (message) => audit.refusals?.(message, answer) ?? [], []);
        },
      },
      async handle(request) {
        const answer = await operation.handle(read(request), request.call);
        return { status: 200, headers: { "content-type": protobuf }, body: encodeMessage(method.response, answer) };
      },
    }),
  ];
}
