import { describe, expect, test } from "vitest";
import { jsonAnswer, textAnswer } from "../../support/web-server.js";
import { startCheckServer } from "./check-gateway.js";

describe.each(["v1", "v2"])("pages of lists of %s", (version) => {
  test.each(["queries", "aliases", "modules?all=true"])("are there for who asks for them: %s", async (list) => {
    const web = await startCheckServer();
    const [name = "", query = ""] = list.split("?");
    const url = `/api/${version}/${name}`;
    const get = (parameters: string) =>
      web.request({ path: `${url}?${query === "" ? "" : `${query}&`}${parameters}`, as: "admin" });
    const whole = await web.request({ path: `/api/${version}/${list}`, as: "admin" });
    const all: unknown[] = JSON.parse(whole.body);
    expect(whole).toEqual(jsonAnswer(all));
    const last = Math.ceil(all.length / 3);
    const linkTo = (page: number, relation: string) =>
      `<${web.url}${url}?page=${page}&per_page=3${query === "" ? "" : `&${query}`}>; rel="${relation}"`;
    for (const page of [1, 2, last]) {
      const plain = jsonAnswer(all.slice((page - 1) * 3, page * 3));
      const links = page < last ? [linkTo(page + 1, "next"), linkTo(last, "last")] : [linkTo(last, "last")];
      expect(await get(`page=${page}&per_page=3`)).toEqual({
        ...plain,
        headers: {
          ...plain.headers,
          "x-pagination-count": String(all.length),
          "x-pagination-page": String(page),
          "x-pagination-limit": "3",
          link: links.join(", "),
        },
      });
    }
    expect((await get("page=1")).headers["x-pagination-limit"]).toBe("10");
    for (const size of ["1", "501"]) expect(await get(`per_page=${size}`)).toEqual(textAnswer(400, "Invalid request"));
  });
});

test("a page with other pages behind it is another one", async () => {
  const web = await startCheckServer();
  const path = "/api/v2/queries?page=1&per_page=2";
  const before = await web.request({ path, as: "admin", tags: true });
  for (const name of ["zz1", "zz2"]) web.check(name, "fine");
  const headers = { "if-none-match": String(before.headers["etag"]) };
  const after = await web.request({ path, as: "admin", headers, tags: true });
  expect([after.status, after.body]).toEqual([200, before.body]);
});
