import { describe, expect, test } from "vitest";
import { restDate } from "../../../src/modules/web-server/state/rest-date.js";
import {
  bodyHeaders,
  jsonAnswer,
  notServed,
  refused,
  startWebServer,
  textAnswer,
  type WebAnswer,
  type WebGateway,
} from "../../support/web-server.js";

const versions = ["v1", "v2"] as const;

/** The type of an empty answer is still that of JSON. */
const empty: WebAnswer = { status: 200, headers: bodyHeaders("application/json", ""), body: "" };

interface Entry {
  readonly file: string;
  readonly line: number;
  readonly level: string;
  readonly date: string;
  readonly message: string;
}

async function startWithEmptyLog(): Promise<WebGateway> {
  const web = await startWebServer();
  expect(await web.request({ method: "DELETE", path: "/api/v2/logs", as: "admin" })).toEqual(jsonAnswer({ count: 0 }));
  return web;
}

function post(web: WebGateway, version: string, entry: unknown, as: "admin" | "client" = "admin"): Promise<WebAnswer> {
  const body = typeof entry === "string" ? entry : JSON.stringify(entry);
  return web.request({ method: "POST", path: `/api/${version}/logs`, as, body });
}

function entriesOf({ body }: WebAnswer): Entry[] {
  return JSON.parse(body);
}

function messagesOf(answer: WebAnswer): string[] {
  return entriesOf(answer).map(({ message }) => message);
}

/** A page with exactly these entries, whose dates are those of the answer. */
function page(entries: readonly Partial<Entry>[], answer: WebAnswer, headers: Readonly<Record<string, string>>) {
  const dates = entriesOf(answer).map(({ date }) => date);
  const body = JSON.stringify(
    entries.map(({ file = "REST", line = 0, level = "error", message = "" }, index) => {
      return { file, line, level, date: dates[index], message };
    }),
  );
  return { status: 200, headers: { ...bodyHeaders("application/json", body), ...headers }, body };
}

describe("the log", () => {
  test.each(versions)("takes an entry and shows it with its place and time: %s", async (version) => {
    const web = await startWithEmptyLog();
    const before = Date.now();
    expect(await post(web, version, { level: "info", message: "m", file: "f", line: 3 })).toEqual(empty);
    const possible = [restDate(before), restDate(Date.now())];
    const answer = await web.request({ path: `/api/${version}/logs`, as: "admin" });
    expect(possible).toContain(entriesOf(answer)[0]?.date);
    expect(answer).toEqual(
      page([{ file: "f", line: 3, level: "info", message: "m" }], answer, {
        "x-pagination-count": "1",
        "x-pagination-page": "1",
        "x-pagination-limit": "10",
        link: `<${web.url}/api/${version}/logs?page=1&per_page=10>; rel="last"`,
      }),
    );
  });

  test("takes entries of every level, and what is no level is told as critical", async () => {
    const web = await startWithEmptyLog();
    const levels = ["critical", "ERROR", "warning", "info", "debug", "trace", "all", "off", "loud"];
    for (const level of levels) expect(await post(web, "v2", { level, message: level })).toEqual(empty);
    expect(await post(web, "v2", {})).toEqual(empty);
    const answer = await web.request({ path: "/api/v2/logs", as: "admin" });
    expect(entriesOf(answer).map(({ file, line, level, message }) => [file, line, level, message])).toEqual([
      ["REST", 0, "critical", "critical"],
      ["REST", 0, "error", "ERROR"],
      ["REST", 0, "warning", "warning"],
      ["REST", 0, "info", "info"],
      ["REST", 0, "debug", "debug"],
      // The log of the test is at debug, so that finer entries never get there.
      ["REST", 0, "critical", "Invalid log level for: loud"],
      ["REST", 0, "error", "no message"],
    ]);
  });

  test.each([
    "no JSON",
    "null",
    "[]",
    '{"level":1}',
    '{"message":{}}',
    '{"file":null}',
    '{"line":"3"}',
    '{"line":1.5}',
  ])("does not take %s", async (body) => {
    const web = await startWebServer();
    expect(await post(web, "v1", body)).toEqual(textAnswer(400, "Problems parsing JSON"));
  });

  test("is not written by those who may only read it, nor read by those who may not", async () => {
    const web = await startWebServer();
    expect(await post(web, "v2", { message: "m" }, "client")).toEqual(refused);
    for (const path of ["/logs", "/logs/since", "/logs/status"]) {
      expect(await web.request({ path: `/api/v2${path}`, as: "client" })).toEqual(refused);
      expect(await web.request({ path: `/api/v2${path}` })).toEqual(refused);
    }
    for (const path of ["/logs", "/logs/status"]) {
      expect(await web.request({ method: "DELETE", path: `/api/v2${path}`, as: "client" })).toEqual(refused);
    }
    expect(web.logLines.filter((line) => line.endsWith(" m"))).toEqual([]);
  });

  test("has names of files on one line, so that an entry can't pass for another one", async () => {
    const web = await startWithEmptyLog();
    await post(web, "v2", { message: "m", file: `a\nb\u001b${"c".repeat(300)}` });
    const [entry] = entriesOf(await web.request({ path: "/api/v2/logs", as: "admin" }));
    expect(entry?.file).toBe(`a?b?${"c".repeat(252)}`);
  });
});

describe("pages of the log", () => {
  test.each(versions)("say how many there are and where to go on, and don't overlap: %s", async (version) => {
    const web = await startWithEmptyLog();
    for (let number = 1; number <= 4; number++) {
      await post(web, version, { level: number % 2 ? "error" : "info", message: `m${number}` });
    }
    const get = (query: string) => web.request({ path: `/api/${version}/logs${query}`, as: "admin" });
    const url = `${web.url}/api/${version}/logs`;
    const headers = (number: number, count: number) => ({
      "x-pagination-count": String(count),
      "x-pagination-page": String(number),
      "x-pagination-limit": "2",
    });
    const entry = (number: number) => ({ level: number % 2 ? "error" : "info", message: `m${number}` });
    const first = await get("?page=1&per_page=2");
    const next = `<${url}?page=2&per_page=2>; rel="next"`;
    const last = `<${url}?page=2&per_page=2>; rel="last"`;
    expect(first).toEqual(page([entry(1), entry(2)], first, { ...headers(1, 4), link: `${next}, ${last}` }));
    const second = await get("?page=2&per_page=2");
    expect(second).toEqual(page([entry(3), entry(4)], second, { ...headers(2, 4), link: last }));
    const zeroth = await get("?page=0&per_page=2");
    const fromStart = `<${url}?page=1&per_page=2>; rel="next"`;
    expect(zeroth).toEqual(page([], zeroth, { ...headers(0, 4), link: `${fromStart}, ${last}` }));
    const behind = await get("?page=9&per_page=2");
    expect(behind).toEqual(page([], behind, { ...headers(9, 4), link: last }));

    await post(web, version, { level: "Warning", message: "m5" });
    const some = await get("?page=2&per_page=2&level=error,warning");
    const lastOfSome = `<${url}?page=2&per_page=2&level=error,warning>; rel="last"`;
    expect(some).toEqual(page([{ level: "warning", message: "m5" }], some, { ...headers(2, 3), link: lastOfSome }));
    expect(messagesOf(await get("?level=critical"))).toEqual([]);
  });

  test("are of 2 to 500 entries, and of 10 for what is no number", async () => {
    const web = await startWebServer();
    for (const size of ["0", "1", "501"]) {
      const answer = await web.request({ path: `/api/v2/logs?per_page=${size}`, as: "admin" });
      expect(answer).toEqual(textAnswer(400, "Invalid request"));
    }
    for (const [size, limit] of Object.entries({ 2: "2", 500: "500", many: "10", "-3": "10" })) {
      const { headers } = await web.request({ path: `/api/v2/logs/since?per_page=${size}`, as: "admin" });
      expect(headers["x-pagination-limit"]).toBe(limit);
    }
  });

  test("never hold the secrets that callers show and that settings have", async () => {
    const web = await startWebServer();
    await web.request({ path: "/api/v2/login", as: "admin" });
    const token = await web.login();
    await web.request({ path: `/api/v2/logs?TOKEN=${token}`, headers: { "user-agent": "Icinga/check_nscp_api" } });
    const body = JSON.stringify({ path: "/settings/default", key: "password", value: "s3cret-value" });
    await web.request({ method: "PUT", path: "/api/v2/settings", as: "admin", body });
    const { body: log } = await web.request({ path: "/api/v2/logs?per_page=500", as: "admin" });
    for (const secret of [token, "admin-password", "s3cret-value"]) expect(log).not.toContain(secret);
  });
});

describe("newer entries", () => {
  test.each(versions)("are those after the index that the last answer gave: %s", async (version) => {
    const web = await startWithEmptyLog();
    const since = (query: string) => web.request({ path: `/api/${version}/logs/since?${query}`, as: "admin" });
    const start = Number(web.log.recent(1)[0]?.index);
    const none = await since(`since=${start}`);
    const url = `${web.url}/api/${version}/logs/since`;
    expect(none).toEqual(
      page([], none, {
        "x-pagination-count": "0",
        "x-pagination-page": "1",
        "x-pagination-limit": "10",
        link: `<${url}?page=1&per_page=10&since=${start}>; rel="last"`,
        "x-log-index": String(start),
      }),
    );
    for (const message of ["a", "b", "c"]) await post(web, version, { message });
    const first = await since(`since=${start}&per_page=2`);
    const further = `per_page=2&since=${start}`;
    expect(first).toEqual(
      page([{ message: "a" }, { message: "b" }], first, {
        "x-pagination-count": "3",
        "x-pagination-page": "1",
        "x-pagination-limit": "2",
        link: `<${url}?page=2&${further}>; rel="next", <${url}?page=2&${further}>; rel="last"`,
        "x-log-index": String(start + 2),
      }),
    );
    expect(messagesOf(await since(`since=${start}&per_page=2&page=2`))).toEqual(["c"]);
    expect(messagesOf(await since(`since=${start + 2}`))).toEqual(["c"]);
    expect(messagesOf(await since(""))).toEqual(["a", "b", "c"]);
  });

  test("have numbers that go on when the view is cleared", async () => {
    const web = await startWithEmptyLog();
    await post(web, "v1", { message: "a" });
    const { headers } = await web.request({ path: "/api/v1/logs/since", as: "admin" });
    const index = Number(headers["x-log-index"]);
    expect(await web.request({ method: "DELETE", path: "/api/v1/logs", as: "admin" })).toEqual(
      jsonAnswer({ count: 0 }),
    );
    await post(web, "v1", { message: "b" });
    const after = await web.request({ path: `/api/v1/logs/since?since=${index}`, as: "admin" });
    expect([messagesOf(after), after.headers["x-log-index"]]).toEqual([["b"], String(index + 1)]);
    expect(web.log.recent(2).map(({ message }) => message)).toEqual(["a", "b"]);
  });
});

describe("the count of errors", () => {
  test.each(versions)("is reset without the entries, and with them: %s", async (version) => {
    const web = await startWithEmptyLog();
    const path = `/api/${version}/logs`;
    const status = () => web.request({ path: `${path}/status`, as: "admin" });
    expect(await status()).toEqual(jsonAnswer({ errors: 0, last_error: "" }));
    for (const level of ["error", "critical", "info"]) await post(web, version, { level, message: `an ${level}` });
    expect(await status()).toEqual(jsonAnswer({ errors: 2, last_error: "an critical" }));
    expect(await web.request({ method: "DELETE", path: `${path}/status`, as: "admin" })).toEqual(empty);
    expect(await status()).toEqual(jsonAnswer({ errors: 0, last_error: "" }));
    expect(messagesOf(await web.request({ path, as: "admin" }))).toEqual(["an error", "an critical", "an info"]);
    await post(web, version, { message: "another" });
    await web.request({ method: "DELETE", path, as: "admin" });
    expect(await status()).toEqual(jsonAnswer({ errors: 0, last_error: "" }));
    expect(
      web.audited.filter(({ action }) => action.startsWith("logs.")).map(({ action, objects }) => [action, objects]),
    ).toEqual([
      ["logs.delete", ["entries"]],
      ["logs.put", []],
      ["logs.put", []],
      ["logs.put", []],
      ["logs.delete", ["status"]],
      ["logs.put", []],
      ["logs.delete", ["entries"]],
    ]);
  });
});

describe("the log of older clients", () => {
  test("is status, messages and reset", async () => {
    const web = await startWithEmptyLog();
    const get = (path: string) => web.request({ path, as: "legacy" });
    expect(await get("/log/status")).toEqual(jsonAnswer({ status: { count: 0, error: "" } }));
    for (const message of ["a", "last text"]) await post(web, "v2", { message, file: "f", line: 3 });
    expect(await get("/log/status")).toEqual(jsonAnswer({ status: { count: 2, error: "last text" } }));
    const shown = await get("/log/messages?pos=1");
    const [{ date }] = JSON.parse(shown.body).log.data;
    const entry = { file: "f", line: 3, type: "error", date, message: "last text" };
    expect(shown).toEqual(jsonAnswer({ log: { data: [entry], pos: 1 } }));
    expect(JSON.parse((await get("/log/messages")).body).log.data).toHaveLength(2);
    const ok = '{"status" : "ok"}';
    expect(await web.request({ method: "POST", path: "/log/reset", as: "legacy" })).toEqual({
      status: 200,
      headers: bodyHeaders("application/json", ok),
      body: ok,
    });
    expect(await get("/log/status")).toEqual(jsonAnswer({ status: { count: 0, error: "" } }));
    expect(await get("/log/reset")).toEqual(notServed("GET", "POST, OPTIONS"));
    for (const path of ["/log/status", "/log/messages"]) {
      expect(await web.request({ path, as: "client" })).toEqual(refused);
    }
    expect(await web.request({ method: "POST", path: "/log/reset", as: "client" })).toEqual(refused);
  });
});
