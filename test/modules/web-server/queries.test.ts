import { describe, expect, test } from "vitest";
import { jsonAnswer, notServed, refused, textAnswer } from "../../support/web-server.js";
import { checkAnswer, jsonCheckAnswer, mockPerf, startCheckServer } from "./check-gateway.js";

const text = { accept: "text/plain" };
const mockByLabel = {
  "a label": { value: 30, minimum: 10, maximum: 50, warning: 20, critical: 30, unit: "Z" },
  "another label": { value: 33, warning: 20, critical: 30, unit: "Z" },
};

describe.each(["v1", "v2"])("queries of %s", (version) => {
  test("are listed by name, without aliases, whatever all says", async () => {
    const web = await startCheckServer();
    const list = `/api/${version}/queries`;
    const answer = await web.request({ path: list, as: "client" });
    const entries: { name: string }[] = JSON.parse(answer.body);
    const names = entries.map(({ name }) => name);
    expect(names).toEqual(web.gateway.registry.listQueries().map(({ name }) => name));
    expect([names.includes("mock_alias"), names.includes("mockquery"), names.includes("check_ok")]).toEqual([
      ...[false, false, true],
    ]);
    expect(answer).toEqual(jsonAnswer(entries));
    expect(entries.find(({ name }) => name === "mock_query")).toEqual({
      name: "mock_query",
      plugin: "LUAScript",
      query_url: `${web.url}/api/${version}/queries/mock_query/`,
      title: "mock_query",
      metadata: {},
      description: "Mock query used during tests",
    });
    expect(entries.find(({ name }) => name === "größe & co")).toMatchObject({
      query_url: `${web.url}/api/${version}/queries/gr%C3%B6%C3%9Fe%20%26%20co/`,
    });
    expect(entries.find(({ name }) => name === "check_ok")).toMatchObject({ plugin: "CheckHelpers" });
    for (const path of [`${list}?all=true`, `${list}?all=false`, `${list}/`]) {
      expect(await web.request({ path, as: "client" })).toEqual(answer);
    }
  });

  test("are shown one by one, in the spelling of the request, aliases too", async () => {
    const web = await startCheckServer();
    const url = `${web.url}/api/${version}/queries`;
    const details = (name: string, title: string, plugin: string, description: string, inUrl = name) =>
      jsonAnswer({
        ...{ name, plugin, title },
        execute_url: `${url}/${inUrl}/commands/execute`,
        execute_nagios_url: `${url}/${inUrl}/commands/execute_nagios`,
        metadata: {},
        description,
      });
    const mock = "Mock query used during tests";
    const rows = [
      ["mock_query", details("mock_query", "mock_query", "LUAScript", mock)],
      ["Mock_QUERY", details("Mock_QUERY", "mock_query", "LUAScript", mock)],
      ["Mock%5fQUERY/", details("Mock_QUERY", "mock_query", "LUAScript", mock)],
      ["mock_alias", details("mock_alias", "mock_alias", "CheckHelpers", "Alias for: mock_query")],
      ["echo_alias", details("echo_alias", "echo_alias", "CheckHelpers", "Alias for: check_warning message=hello")],
      ["MockQuery", details("MockQuery", "mockquery", "LUAScript", "Alias for: mock_query")],
      [
        "gr%C3%B6%C3%9Fe%20&%20co",
        details("größe & co", "größe & co", "LUAScript", "A name that URLs escape", "gr%C3%B6%C3%9Fe%20%26%20co"),
      ],
      ["no%20such", textAnswer(404, "Query not found: no such")],
      ["a%2Fb", textAnswer(400, "A part of the path holds a slash, a backslash or NUL.")],
    ] as const;
    for (const [name, expected] of rows) {
      expect(await web.request({ path: `/api/${version}/queries/${name}`, as: "client" })).toEqual(expected);
    }
  });

  test("run, and answer as JSON, as JSON with performance data, and as text", async () => {
    const web = await startCheckServer();
    const ask = (path: string, headers = {}) =>
      web.request({ path: `/api/${version}/queries/${path}`, headers, as: "client" });
    const args = "?a=b&c=d&e=f";
    const message = "mock_query::a=b,c=d,e=f";
    const command = "mock_query";
    expect(await ask(`mock_query/commands/execute${args}`)).toEqual(
      jsonCheckAnswer("OK", { command, result: 0, lines: [{ message, perf: mockByLabel }] }),
    );
    expect(await ask(`Mock_Query/commands/execute_nagios/${args}`)).toEqual(
      jsonCheckAnswer("OK", { command, result: "OK", lines: [{ message, perf: mockPerf }] }),
    );
    const row = checkAnswer("OK", "text/plain", `${message}|${mockPerf}\n`);
    expect(await ask(`mock_query/commands/execute${args}`, text)).toEqual(row);
    expect(await ask(`mock_query/commands/execute_nagios${args}`, text)).toEqual(row);
  });

  test.each([
    { path: "check_ok/commands/execute?message=this+is+a+message", state: "OK", result: 0, status: 200 },
    { path: "check_warning/commands/execute?message=this+is+a+message", state: "WARNING", result: 1, status: 202 },
    { path: "check_critical/commands/execute?message=this+is+a+message", state: "CRITICAL", result: 2, status: 500 },
    { path: "no_such/commands/execute", state: "UNKNOWN", result: 3, status: 503 },
  ])("$path is $state: $status in text and 200 in JSON", async ({ path, state, result, status }) => {
    const web = await startCheckServer();
    const ask = (way: string, headers = {}) =>
      web.request({ path: `/api/${version}/queries/${way}`, headers, as: "client" });
    const [command = ""] = path.split("/");
    const message = state === "UNKNOWN" ? "Unknown command(s): no_such" : "this is a message";
    const nagios = path.replace("execute", "execute_nagios");
    const row = checkAnswer(state, "text/plain", `${message}\n`, status);
    expect([await ask(path), await ask(nagios), await ask(path, text), await ask(nagios, text)]).toEqual([
      jsonCheckAnswer(state, { command, result, lines: [{ message, perf: {} }] }),
      jsonCheckAnswer(state, { command, result: state, lines: [{ message, perf: "" }] }),
      row,
      row,
    ]);
  });

  test("answer under the name of what ran, which for an alias is another one", async () => {
    const web = await startCheckServer();
    const ran = async (name: string) => {
      const path = `/api/${version}/queries/${name}/commands/execute?x=1`;
      const { command, lines } = JSON.parse((await web.request({ path, as: "client" })).body);
      return [command, lines[0].message];
    };
    expect([await ran("mock_alias"), await ran("ECHO_alias"), await ran("MockQuery"), await ran("No_Such")]).toEqual([
      ["mock_query", "mock_query::"],
      ["check_warning", "hello"],
      ["mock_query", "mockquery::x=1"],
      ["no_such", "Unknown command(s): no_such"],
    ]);
  });

  test("with several lines, ranges, twice the same label and without a value", async () => {
    const web = await startCheckServer();
    const ask = (command: string, headers = {}) =>
      web.request({ path: `/api/${version}/queries/lines/commands/${command}`, headers, as: "client" });
    const row = "one\nmore|'b'=2 'a'=1s;4:5;@1:2 'b'=3 'd'=U";
    expect([await ask("execute"), await ask("execute_nagios"), await ask("execute", text)]).toEqual([
      jsonCheckAnswer("CRITICAL", {
        command: "lines",
        result: 2,
        lines: [
          {
            message: "one\nmore",
            perf: {
              b: { value: 3, unit: "" },
              a: { value: 1, warning: "4:5", critical: "@1:2", unit: "s" },
              d: { value: "U" },
            },
          },
          { message: "two", perf: {} },
        ],
      }),
      jsonCheckAnswer("CRITICAL", {
        command: "lines",
        result: "CRITICAL",
        lines: [
          { message: "one\nmore", perf: "'b'=2 'a'=1s;4:5;@1:2 'b'=3 'd'=U" },
          { message: "two", perf: "" },
        ],
      }),
      checkAnswer("CRITICAL", "text/plain", `${row}\ntwo\n`, 500),
    ]);
  });

  test("have no other commands, and other methods reach nothing", async () => {
    const web = await startCheckServer();
    const ask = (method: string, path: string) =>
      web.request({ method, path: `/api/${version}/queries/${path}`, as: "client" });
    expect(await ask("GET", "check_ok/commands/load")).toEqual(textAnswer(404, "unknown command: load"));
    expect(await ask("POST", "no_such/commands/EXECUTE")).toEqual(textAnswer(404, "unknown command: EXECUTE"));
    for (const [method, path, allow] of [
      ["PUT", "check_ok/commands/execute", "GET, POST, OPTIONS"],
      ["DELETE", "check_ok", "GET, HEAD, OPTIONS"],
      ["POST", "check_ok", "GET, HEAD, OPTIONS"],
    ] as const) {
      expect(await ask(method, path)).toEqual(notServed(method, allow));
    }
  });

  test("need grants", async () => {
    const web = await startCheckServer();
    for (const path of ["queries", "queries/check_ok", "queries/check_ok/commands/execute", "queries/x/commands/y"]) {
      for (const user of ["legacy", "nobody", undefined] as const) {
        const as = user === undefined ? {} : { as: user };
        expect(await web.request({ path: `/api/${version}/${path}`, ...as })).toEqual(refused);
      }
    }
  });

  test("are not run for a page of another site, but are for browsers that come by themselves", async () => {
    const web = await startCheckServer();
    const path = `/api/${version}/queries/check_ok/commands/execute`;
    const from = (site: string) => web.request({ path, headers: { "sec-fetch-site": site }, as: "client" });
    expect(await from("cross-site")).toEqual(refused);
    expect((await from("none")).status).toBe(200);
  });

  test("are limited to those that a role names", async () => {
    const web = await startCheckServer({
      more: `
[/settings/WEB/server/roles]
nobody = queries.list,queries.get,aliases.list,queries.execute:check_*
client = queries.list:mock*,queries.get:mock*
`,
    });
    const ask = (path: string, as: "nobody" | "client" = "nobody") =>
      web.request({ path: `/api/${version}/${path}`, as });
    const names = async (path: string, as?: "client") =>
      (JSON.parse((await ask(path, as)).body) as { name: string }[]).map(({ name }) => name);
    expect((await names("queries")).filter((name) => !name.startsWith("check_"))).toEqual([]);
    expect((await names("queries")).slice(0, 2)).toEqual(["check_always_critical", "check_always_ok"]);
    expect((await names("aliases")).filter((name) => !name.startsWith("check"))).toEqual([]);
    expect(await names("queries", "client")).toEqual(["mock_query"]);
    expect((await ask("queries/check_ok")).status).toBe(200);
    expect(await ask("queries/mock_query")).toEqual(refused);
    expect(await ask("queries/no_such")).toEqual(refused);
    expect(await ask("queries/check_ok", "client")).toEqual(refused);
    expect((await ask("queries/mock_query", "client")).status).toBe(200);
    expect(await ask("queries/mock_query/commands/execute", "client")).toEqual(refused);
    const denied = "Permission denied: user:nobody is not allowed to run mock_query";
    expect(await ask("queries/mock_query/commands/execute")).toEqual(
      jsonCheckAnswer("UNKNOWN", { command: "mock_query", result: 3, lines: [{ message: denied, perf: {} }] }),
    );
    expect((await ask("queries/check_ok/commands/execute")).headers["x-check-result"]).toBe("OK");
  });
});
