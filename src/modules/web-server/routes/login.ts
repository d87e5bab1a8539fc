import { Type } from "typebox";
import { jsonReply, olderVersions } from "../http/replies.js";
import type { CallerRequest, Route, WebReply } from "../route.js";
import type { RouteParts } from "../route-parts.js";

const loginSchema = Type.Object({ user: Type.String(), key: Type.String() });
const statusSchema = Type.Object({ status: Type.String() });

/** A login gives a token for the calls that follow; only here is one made. */
export function loginRoutes(parts: RouteParts): readonly Route[] {
  const { security, state } = parts;

  function login({ call, shownToken }: CallerRequest): WebReply {
    const user = call.principal.name.replace(/^user:/, "");
    const key = shownToken ?? security.openSession(call.principal);
    const attributes = `; Path=/; HttpOnly${state.isSecure ? "; Secure" : ""}; SameSite=Strict`;
    const cookies = [`token=${key}${attributes}`, `uid=${encodeURIComponent(user)}${attributes}`];
    return jsonReply({ user, key }, { "Set-Cookie": cookies, "Cache-Control": "no-store" });
  }

  function logout({ sessionToken }: CallerRequest): WebReply {
    if (sessionToken !== undefined) security.closeSession(sessionToken);
    return jsonReply({ status: "ok" });
  }

  return olderVersions.flatMap((version): Route[] => [
    {
      methods: ["GET", "POST"],
      path: `/api/v${version}/login`,
      version,
      access: "granted",
      grants: ["login.get"],
      audit: { action: "login", objects: () => [] },
      description: {
        tag: "login",
        summary: "Log in: a token for the calls that follow",
        answers: { 200: { "application/json": loginSchema } },
      },
      handle: login,
    },
    {
      methods: ["DELETE"],
      path: `/api/v${version}/login`,
      version,
      access: "granted",
      grants: ["login.get"],
      audit: { action: "logout", objects: () => [] },
      description: {
        tag: "login",
        summary: "Log out: the token of this request is no good any more",
        answers: { 200: { "application/json": statusSchema } },
      },
      handle: logout,
    },
  ]);
}
