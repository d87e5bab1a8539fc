import { describe, expect, test } from "vitest";
import { QueryRequestMessage, QueryResponseMessage } from "../../../src/wire/messages.js";
import { query, rows } from "../../support/kernel.js";
import { notServed, refused, textAnswer } from "../../support/web-server.js";
import { jsonCheckAnswer, startCheckServer } from "./check-gateway.js";

/** The document of one line without measurements. */
function legacy(command: string, result: string, message: string) {
  return jsonCheckAnswer(result, { payload: [{ command, result, lines: [{ message, perf: [] }] }] });
}

describe("/query", () => {
  test("answers 200 in every state, with measurements in their order", async () => {
    const web = await startCheckServer();
    const ask = (path: string, headers = {}) => web.request({ path: `/query/${path}`, headers, as: "legacy" });
    const mock = jsonCheckAnswer("OK", {
      payload: [
        {
          command: "mock_query",
          result: "OK",
          lines: [
            {
              message: "mock_query::a=b,c=d,e=f",
              perf: [
                {
                  alias: "a label",
                  float_value: { value: 30, minimum: 10, maximum: 50, warning: 20, critical: 30, unit: "Z" },
                },
                { alias: "another label", float_value: { value: 33, warning: 20, critical: 30, unit: "Z" } },
              ],
            },
          ],
        },
      ],
    });
    const args = "?a=b&c=d&e=f";
    for (const path of [`mock_query${args}`, `Mock_Query${args}`, `mock_query/${args}`, `mock%5Fquery${args}`]) {
      expect(await ask(path)).toEqual(mock);
    }
    expect(await ask(`mock_query${args}`, { accept: "text/plain" })).toEqual(mock);
    expect(await web.request({ path: `//query/mock_query${args}`, as: "legacy" })).toEqual(mock);
    expect(await web.request({ method: "POST", path: `/query/mock_query${args}`, as: "legacy" })).toEqual(mock);
    expect([
      await ask("check_ok"),
      await ask("check_warning?message=this+is+a+message"),
      await ask("check_critical?message=%C3%BCml%c3%a4ut"),
      await ask("no_Such"),
      await ask("gr%C3%B6%C3%9Fe%20&%20co"),
      await ask("echo_alias"),
    ]).toEqual([
      legacy("check_ok", "OK", "No message"),
      legacy("check_warning", "WARNING", "this is a message"),
      legacy("check_critical", "CRITICAL", "ümläut"),
      legacy("no_such", "UNKNOWN", "Unknown command(s): no_such"),
      legacy("größe & co", "WARNING", "ümläut"),
      legacy("check_warning", "WARNING", "hello"),
    ]);
    expect(await ask("lines")).toEqual(
      jsonCheckAnswer("CRITICAL", {
        payload: [
          {
            command: "lines",
            result: "CRITICAL",
            lines: [
              {
                message: "one\nmore",
                perf: [
                  { alias: "b", float_value: { value: 2, unit: "" } },
                  { alias: "a", float_value: { value: 1, warning: "4:5", critical: "@1:2", unit: "s" } },
                  { alias: "b", float_value: { value: 3, unit: "" } },
                  { alias: "d", float_value: { value: "U", unit: "" } },
                ],
              },
              { message: "two", perf: [] },
            ],
          },
        ],
      }),
    );
  });

  test("needs the grant legacy, which stands for the one to run checks", async () => {
    const web = await startCheckServer();
    const path = "/query/check_ok";
    expect(await web.request({ path, as: "legacy" })).toEqual(legacy("check_ok", "OK", "No message"));
    expect(await web.request({ path, headers: { password: "admin-password" } })).toEqual(
      legacy("check_ok", "OK", "No message"),
    );
    for (const as of ["client", "nobody"] as const) expect(await web.request({ path, as })).toEqual(refused);
    expect(await web.request({ path })).toEqual(refused);
    expect(await web.request({ path, headers: { password: "wrong" } })).toEqual(refused);
    expect(await web.request({ path: "/query", as: "legacy" })).toEqual(
      textAnswer(404, "Document not found: GET /query"),
    );
    expect(await web.request({ path, method: "PUT", as: "legacy" })).toEqual(notServed("PUT", "GET, POST, OPTIONS"));
  });

  test("is limited to the checks that the grant names, and what these run in turn", async () => {
    const web = await startCheckServer({
      more: "[/settings/WEB/server/roles]\nnobody = legacy:*_alias,legacy:check_w*\n",
    });
    const ask = (name: string) => web.request({ path: `/query/${name}`, as: "nobody" });
    const denied = (name: string, ran = name) =>
      legacy(name, "UNKNOWN", `Permission denied: user:nobody is not allowed to run ${ran}`);
    expect([await ask("echo_alias"), await ask("check_ok"), await ask("mock_alias")]).toEqual([
      legacy("check_warning", "WARNING", "hello"),
      denied("check_ok"),
      denied("mock_query"),
    ]);
  });

  test("is an HTTP/1.0 answer for who asks that way: its length in front, the connection closed", async () => {
    const web = await startCheckServer();
    const answer = await web.raw("GET /query/check_ok?message=hi HTTP/1.0\r\npassword: admin-password\r\n\r\n");
    const body = '{"payload":[{"command":"check_ok","result":"OK","lines":[{"message":"hi","perf":[]}]}]}';
    const [head = "", ...rest] = answer.split("\r\n\r\n");
    expect(rest).toEqual([body]);
    expect(head.split("\r\n").filter((line) => !line.startsWith("Date:"))).toEqual([
      "HTTP/1.1 200 OK",
      "content-type: application/json",
      "x-check-result: OK",
      `Content-Length: ${body.length}`,
      "X-Content-Type-Options: nosniff",
      "Connection: close",
    ]);
  });
});

test("/query.pb takes and gives messages, with as many checks as they hold", async () => {
  const web = await startCheckServer({ more: "[/settings/WEB/server/roles]\nnobody = legacy:check_*\n" });
  const ask = (body: Buffer | string, as: "nobody" | "client" = "nobody") =>
    web.send({ method: "POST", path: "/query.pb", body, as });
  const message = query([
    { id: 1, command: "check_warning", arguments: ["message=ü"] },
    { id: 2, command: "mock_query" },
  ]);
  const answer = await ask(Buffer.from(QueryRequestMessage.encode(message).finish()));
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk);
  expect([answer.statusCode, answer.headers["content-type"]]).toEqual([200, "application/x-protobuf"]);
  expect(rows(QueryResponseMessage.decode(Buffer.concat(chunks)))).toEqual([
    "1 check_warning WARNING ü",
    "2 mock_query UNKNOWN Permission denied: user:nobody is not allowed to run mock_query",
  ]);
  const broken = await ask("no message");
  expect([broken.statusCode, (await ask("", "client")).statusCode]).toEqual([400, 403]);
  expect(
    web.audited.filter(({ action }) => action === "queries.execute").map(({ outcome, objects }) => [outcome, objects]),
  ).toEqual([
    ["denied", ["mock_query"]],
    ["ok", ["check_warning"]],
    ["failed", []],
    ["denied", []],
  ]);
});

test("policies know callers of the web server by its name and their own, whatever their grants", async () => {
  const web = await startCheckServer({
    more: `
[/settings/permissions]
enabled = true
[/settings/permissions/policies]
WEBServer:admin = CheckHelpers.check_ok
WEBServer:legacy = CheckHelpers.*
`,
  });
  const refusal = (user: string, command: string) =>
    `Permission denied: WEBServer:${user} is not allowed to run ${command}`;
  const ask = (path: string, as: "admin" | "legacy" | "client") => web.request({ path, as });
  expect([
    await ask("/query/check_ok", "admin"),
    await ask("/query/check_warning", "admin"),
    await ask("/query/check_warning", "legacy"),
    await ask("/query/mock_query", "legacy"),
    await ask("/query/mock_alias", "legacy"),
    await ask("/api/v2/queries/check_ok/commands/execute", "client"),
  ]).toEqual([
    legacy("check_ok", "OK", "No message"),
    legacy("check_warning", "UNKNOWN", refusal("admin", "check_warning")),
    legacy("check_warning", "WARNING", "No message"),
    legacy("mock_query", "UNKNOWN", refusal("legacy", "mock_query")),
    legacy("mock_query", "UNKNOWN", refusal("legacy", "mock_query")),
    jsonCheckAnswer("UNKNOWN", {
      command: "check_ok",
      result: 3,
      lines: [{ message: refusal("client", "check_ok"), perf: {} }],
    }),
  ]);
});

test("the audit log holds what ran and what was refused, not how the check ended", async () => {
  const web = await startCheckServer({
    more: "[/settings/WEB/server/roles]\nnobody = queries.execute:check_*,legacy:check_*\n",
  });
  const ask = (path: string, headers = {}) => web.request({ path, headers, as: "nobody" });
  const execute = (name: string) => `/api/v2/queries/${name}/commands/execute`;
  await ask(execute("check_critical"), { accept: "text/plain" });
  await ask(execute("Mock_Query"));
  await ask("/query/check_warning");
  await ask("/query/mock_query");
  await ask(`${execute("check_ok")}?nscp.perf=wrong`);
  expect(
    web.audited
      .filter(({ action }) => action === "queries.execute")
      .map(({ outcome, objects, reason }) => [outcome, objects, reason]),
  ).toEqual([
    ["ok", ["check_critical"], undefined],
    ["denied", ["Mock_Query"], "Permission denied: user:nobody is not allowed to run mock_query"],
    ["ok", ["check_warning"], undefined],
    ["denied", ["mock_query"], "Permission denied: user:nobody is not allowed to run mock_query"],
    ["failed", ["check_ok"], 'nscp.perf can\'t be "wrong": give list or object'],
  ]);
});
