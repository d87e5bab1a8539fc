import { Type } from "typebox";
import { GatewayError } from "../../../kernel/errors.js";
import { adminUser, frontEnd, isLegacyProgram } from "../door.js";
import { jsonReply } from "../http/replies.js";
import type { OpenRoute, Route, WebReply, WebRequest } from "../route.js";
import type { RouteParts } from "../route-parts.js";

const tokenSchema = Type.Object({ status: Type.String(), "auth token": Type.String() });
const goneSchema = Type.Object({ status: Type.String(), message: Type.String() });

const goneText =
  "This endpoint was removed: a password or token does not belong into a query parameter. Log in at /api/v2/login.";

/** How old programs log in and out: with password and token in the URL. All others are told that it is gone. */
export function legacyLoginRoutes(parts: RouteParts): readonly Route[] {
  const { security } = parts;

  async function login({ query, peer }: WebRequest): Promise<WebReply> {
    const password = query.get("password") ?? "";
    if (password === "") throw new GatewayError("UNAUTHENTICATED", "There is no password in the URL.");
    const basic = { user: adminUser, password };
    const principal = await security.authenticate({ frontEnd, peer, basic });
    const isAllowed = principal.grants.allows("login.get");
    security.audit.record({ action: "login", outcome: isAllowed ? "ok" : "denied", principal, peer, frontEnd });
    if (!isAllowed) throw new GatewayError("PERMISSION_DENIED", "It needs the grant login.get.");
    return answer(security.openSession(principal));
  }

  function logout({ query, peer }: WebRequest): WebReply {
    const token = query.get("token") ?? "";
    const principal = security.recognise({ frontEnd, peer, token });
    if (security.closeSession(token) && principal !== undefined) {
      security.audit.record({ action: "logout", outcome: "ok", principal, peer, frontEnd });
    }
    return answer("");
  }

  const route = (
    path: string,
    summary: string,
    handle: (request: WebRequest) => WebReply | Promise<WebReply>,
  ): OpenRoute => ({
    methods: ["GET", "POST"],
    path,
    version: 0,
    access: "open",
    changes: true,
    description: {
      tag: "login",
      summary,
      answers: { 200: { "application/json": tokenSchema }, 410: { "application/json": goneSchema } },
      deprecated: true,
    },
    handle: (request) => (isLegacyProgram(request.headers, parts.settings.legacyUserAgents) ? handle(request) : gone()),
  });
  return [
    route("/auth/token", "Log in as old programs do, with the password of admin in the URL", login),
    route("/auth/logout", "Log out as old programs do", logout),
  ];
}

function answer(token: string): WebReply {
  return jsonReply({ status: "ok", "auth token": token }, { __TOKEN: token, "Cache-Control": "no-store" });
}

function gone(): WebReply {
  const body = JSON.stringify({ status: "error", message: goneText });
  return { status: 410, headers: { "Content-Type": "application/json" }, body };
}
