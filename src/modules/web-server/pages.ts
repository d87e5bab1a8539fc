import type { QueryParameters } from "./query-parameters.js";

/** One page of a list. */
export interface Page<Item> {
  readonly items: readonly Item[];
  /** `X-Pagination-*` and `Link` (RFC 8288). */
  readonly headers: Readonly<Record<string, string>>;
}

const usualPerPage = 10;
const smallestPage = 2;
const largestPage = 500;

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
