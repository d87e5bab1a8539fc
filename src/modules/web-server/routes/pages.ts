import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Type } from "typebox";
import { pagesPath } from "../dispatcher.js";
import { HttpError } from "../http/http-error.js";
import { builtInPage } from "../pages/built-in-page.js";
import type { OpenRoute, Route, WebReply, WebRequest } from "../route.js";
import type { RouteParts } from "../route-parts.js";

/** The files of the web interface; everything else it shows is drawn by the page itself. */
const assets: ReadonlySet<string> = new Set(["/nscp.png", "/assets/index.js", "/assets/index.css"]);

const types: Readonly<Record<string, string>> = {
  js: "application/javascript",
  css: "text/css",
  png: "image/png",
};

/** Paths that the page of the web interface has views for. */
const viewPath = /^\/(?:modules|queries|settings|metrics|logs)/;

/** Nobody puts the page into a frame of his own, and it takes nothing from elsewhere. */
const pageHeaders = {
  "Content-Type": "text/html",
  "X-Frame-Options": "DENY",
  "Referrer-Policy": "no-referrer",
  "Cache-Control": "no-cache",
};

const builtInHeaders = {
  ...pageHeaders,
  "Content-Security-Policy":
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; form-action 'none'",
};

/** The web pages: the interface in `${web-path}` when it is there, else a page that says that it is not. */
export function pageRoutes({ store }: Pick<RouteParts, "store">): readonly Route[] {
  async function page(): Promise<WebReply> {
    const file = await readFile(join(store.paths.get("web-path"), "index.html")).catch(() => undefined);
    if (file === undefined) return { status: 200, headers: builtInHeaders, body: builtInPage };
    return { status: 200, headers: pageHeaders, body: file };
  }

  async function asset(path: string, type: string): Promise<WebReply> {
    const file = assets.has(path)
      ? await readFile(join(store.paths.get("web-path"), path)).catch(() => undefined)
      : undefined;
    if (file === undefined) throw new HttpError(404, `Not found: ${path}`);
    return { status: 200, headers: { "Content-Type": type, "Cache-Control": "max-age=3600" }, body: file };
  }

  function handle({ path: asked }: WebRequest): WebReply | Promise<WebReply> {
    const path = asked.replace(/[^A-Za-z0-9_./-]/g, "");
    const type = types[/\.([a-z]+)$/.exec(path)?.[1] ?? ""];
    if (path.startsWith("/api/")) throw new HttpError(404, `Document not found: GET ${path}`);
    if (type !== undefined) return asset(path, type);
    if (path.endsWith("/") || path.endsWith(".html") || viewPath.test(path)) return page();
    throw new HttpError(404, `Document not found: GET ${path}`);
  }

  const route = (path: string, summary: string): OpenRoute => ({
    methods: ["GET"],
    path,
    version: 0,
    access: "open",
    description: { tag: "pages", summary, answers: { 200: { "text/html": Type.String() } } },
    handle,
  });
  return [route("/", "The web interface"), route(pagesPath, "The views and files of the web interface")];
}
