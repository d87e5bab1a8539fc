import { Type } from "typebox";
import type { QueryParameters } from "../http/query-parameters.js";
import { jsonReply, textReply } from "../http/replies.js";
import type { ParameterDescription, WebReply, WebRequest } from "../route.js";

/** One page of a list. */
export interface Page<Item> {
  readonly items: readonly Item[];
  /** `X-Pagination-*` and `Link` (RFC 8288). */
  readonly headers: Readonly<Record<string, string>>;
}

const usualPerPage = 10;
const smallestPage = 2;
const largestPage = 500;

export const pageParameters: readonly ParameterDescription[] = [
  { name: "page", in: "query", description: "Counted from 1", schema: Type.Integer({ minimum: 0, default: 1 }) },
  {
    ...{ name: "per_page", in: "query", description: "Entries of a page" },
    schema: Type.Integer({ minimum: smallestPage, maximum: largestPage, default: usualPerPage }),
  },
];

/** What `pageOf` gives nothing for. */
export const badPage = textReply("Invalid request", 400);

/**
 * A list, whole as clients of older servers know it unless `page` or `per_page` asks for a part.
 *
 * @param kept parameters that the links to other pages repeat
 */
export function listReply<Item>(
  all: readonly Item[],
  { query, baseUrl, path }: WebRequest,
  show: (item: Item) => unknown,
  kept: readonly string[] = [],
): WebReply {
  if (query.get("page") === undefined && query.get("per_page") === undefined) return jsonReply(all.map(show));
  const repeated = kept.flatMap((name) => {
    const value = query.get(name);
    return value === undefined ? [] : [`${name}=${encodeURIComponent(value)}`];
  });
  const page = pageOf(all, query, `${baseUrl}${path.replace(/\/$/, "")}`, repeated);
  return page === undefined ? badPage : jsonReply(page.items.map(show), page.headers);
}

/**
 * The page that `page` (1 unless given) and `per_page` (10) ask for. Page 0 is empty, as is every page behind the last.
 *
 * @param url where the list is, with its host
 * @param kept what of the query string further pages need as well, encoded
 * @returns undefined when `per_page` is not between 2 and 500
 */
export function pageOf<Item>(
  all: readonly Item[],
  query: QueryParameters,
  url: string,
  kept: readonly string[],
): Page<Item> | undefined {
  const page = query.number("page", 1);
  const perPage = query.number("per_page", usualPerPage);
  if (perPage < smallestPage || perPage > largestPage) return undefined;
  const items = page === 0 ? [] : all.slice((page - 1) * perPage, page * perPage);
  const last = Math.max(1, Math.ceil(all.length / perPage));
  const link = (to: number, relation: string) => {
    const parameters = [`page=${to}`, `per_page=${perPage}`, ...kept].join("&");
    return `<${url}?${parameters}>; rel="${relation}"`;
  };
  const links = [...(page * perPage < all.length ? [link(page + 1, "next")] : []), link(last, "last")];
  return {
    items,
    headers: {
      "X-Pagination-Count": String(all.length),
      "X-Pagination-Page": String(page),
      "X-Pagination-Limit": String(perPage),
      Link: links.join(", "),
    },
  };
}
