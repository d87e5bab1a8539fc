import type { Route } from "./route.js";

interface Pattern {
  readonly parts: readonly string[];
  /** Whether the last part takes all that follows. */
  readonly isOpen: boolean;
  readonly route: Route;
}

/** Which routes there are at a path, whatever the method: for those who asked with one that is not served there. */
export class RouteMatcher {
  private readonly patterns: readonly Pattern[];

  constructor(routes: readonly Route[]) {
    this.patterns = routes.map((route) => {
      const parts = partsOf(route.path);
      const isOpen = parts.at(-1) === "*";
      return { parts: isOpen ? parts.slice(0, -1) : parts, isOpen, route };
    });
  }

  /** @param path without the query string */
  at(path: string): Route[] {
    const parts = partsOf(path);
    return this.patterns.filter((pattern) => fits(pattern, parts)).map(({ route }) => route);
  }
}

/**
 * The methods that reach a route. HEAD is one of them where GET is, unless a GET changes something: RFC 9110 9.3.2 has HEAD do
 * what GET does, and nobody asks for the head of an answer to have a check run.
 */
export function methodsOf(route: Route): string[] {
  const changes = route.changes === true || (route.access === "granted" && route.audit !== undefined);
  return route.methods.flatMap((method) => (method === "GET" && !changes ? [method, "HEAD"] : [method]));
}

/** Methods as `Allow` lists them. */
export function allowOf(routes: readonly Route[]): string {
  return [...new Set([...routes.flatMap(methodsOf), "OPTIONS"])].join(", ");
}

function partsOf(path: string): string[] {
  const trimmed = path.length > 1 && path.endsWith("/") ? path.slice(1, -1) : path.slice(1);
  return trimmed === "" ? [] : trimmed.split("/");
}

function fits({ parts, isOpen }: Pattern, asked: readonly string[]): boolean {
  if (isOpen ? asked.length <= parts.length : asked.length !== parts.length) return false;
  return parts.every((part, index) => part.startsWith(":") || part === asked[index]);
}
