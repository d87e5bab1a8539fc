import Type from "typebox";
import { type OpenApiDocument, openApiDocument } from "../open-api/document.js";
import { openApiPage, pagePolicy } from "../open-api/page.js";
import type { Route } from "../route.js";
import type { RouteParts } from "../route-parts.js";

const documentPath = "/api/openapi.json";

/**
 * What describes the API to programs and to people. It is the same for every gateway of a version, so the page is open: a
 * browser has no way to show credentials at a server that never asks for them.
 *
 * @param all every route of the server, these ones among them
 */
export function documentationRoutes(
  { gateway }: Pick<RouteParts, "gateway">,
  all: () => readonly Route[],
): readonly Route[] {
  let made: { readonly document: OpenApiDocument; readonly text: string; readonly page: string } | undefined;
  const documentation = () => {
    if (made !== undefined) return made;
    const document = openApiDocument(all(), gateway.version);
    made = { document, text: JSON.stringify(document), page: openApiPage(document, documentPath) };
    return made;
  };
  const document = (path: string, version: 0 | 3): Route => ({
    methods: ["GET"],
    path,
    version,
    access: "granted",
    grants: ["public"],
    isTagged: true,
    description: {
      tag: "documentation",
      summary: "This document",
      answers: { 200: { "application/json": Type.Object({ openapi: Type.String() }) } },
    },
    handle: () => ({ status: 200, body: documentation().text }),
  });
  return [
    document(documentPath, 0),
    document("/api/v3/openapi.json", 3),
    {
      methods: ["GET"],
      path: "/api/docs",
      version: 0,
      access: "open",
      description: {
        tag: "documentation",
        summary: "This document as a page for people",
        answers: { 200: { "text/html": Type.String() } },
      },
      handle: () => ({
        status: 200,
        headers: {
          "content-type": "text/html",
          "content-security-policy": pagePolicy,
          "referrer-policy": "no-referrer",
        },
        body: documentation().page,
      }),
    },
  ];
}
