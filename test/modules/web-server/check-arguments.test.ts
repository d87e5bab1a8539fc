import { describe, expect, test } from "vitest";
import { textAnswer } from "../../support/web-server.js";
import { jsonCheckAnswer, startCheckServer } from "./check-gateway.js";

type Server = Awaited<ReturnType<typeof startCheckServer>>;
type Options = Parameters<Server["request"]>[0];

const execute = "/api/v2/queries/json/commands/execute";
const older = [execute, "/api/v1/queries/json/commands/execute", "/query/json"] as const;

/** What the check `json` was given. */
async function given(web: Server, options: Options): Promise<unknown> {
  const { body } = await web.request({ as: "admin", ...options });
  const answer = JSON.parse(body);
  return JSON.parse((answer.payload?.[0] ?? answer).lines[0].message);
}

describe("arguments", () => {
  test.each([
    ["", []],
    ["?", []],
    ["?k=v", ["k=v"]],
    ["?k", ["k"]],
    ["?k=", ["k"]],
    ["?k=a=b", ["k=a=b"]],
    ["?a&&b&", ["a", "b"]],
    ["?=&=v", ["=v"]],
    ["?time=5m&time=1m&a", ["time=5m", "time=1m", "a"]],
    ["?z=1&a=2", ["z=1", "a=2"]],
    ["?message=this+is+a+message", ["message=this is a message"]],
    ["?load+%3E+75&warning=load%20%3e%2075", ["load > 75", "warning=load > 75"]],
    ["?k%3Dx=%26%2B%25", ["k=x=&+%"]],
    ["?gr%C3%B6%C3%9Fe=%E2%82%AC", ["größe=€"]],
    ["?broken=%zz%4&100%", ["broken=%zz%4", "100%"]],
    ["?a?b=c/d;e#", ["a?b=c/d;e#"]],
    ["?password=secret&Token=x&token=y", ["password=secret", "Token=x", "token=y"]],
    ["?a=1&TOKEN=secret&__TOKEN=secret&b=2", ["a=1", "b=2"]],
    ["?TOKEN", ["TOKEN"]],
  ])("%j are %j", async (query, expected) => {
    const web = await startCheckServer();
    for (const path of older) expect(await given(web, { path: `${path}${query}` })).toEqual(expected);
  });

  test("of a request that is let in by a token of its URL hold no password", async () => {
    const web = await startCheckServer();
    const token = await web.login();
    const query = `?a=1&TOKEN=${token}&password=secret&b`;
    const headers = { "user-agent": "Icinga/check_nscp_api/2.13" };
    const { body } = await web.request({ path: `/query/json${query}`, headers });
    expect(JSON.parse(body).payload[0].lines[0].message).toBe('["a=1","b"]');
  });

  test("may come in the body of a POST, behind those of the URL, and a body of a GET is nothing", async () => {
    const web = await startCheckServer();
    const body = JSON.stringify({ arguments: ["c=ü x", "", "TOKEN=t"] });
    for (const path of older) {
      expect(await given(web, { method: "POST", path: `${path}?a=b`, body })).toEqual(["a=b", "c=ü x", "", "TOKEN=t"]);
      expect(await given(web, { method: "POST", path: `${path}?a=b` })).toEqual(["a=b"]);
      expect(await given(web, { path: `${path}?a=b`, body: "no JSON" })).toEqual(["a=b"]);
    }
  });

  test.each([
    ["no JSON", "Problems parsing JSON"],
    ["[]", 'The body must be {"arguments": ["…"]}, a list of texts'],
    ["null", 'The body must be {"arguments": ["…"]}, a list of texts'],
    ['{"arguments":"a"}', 'The body must be {"arguments": ["…"]}, a list of texts'],
    ['{"arguments":["a",1]}', 'The body must be {"arguments": ["…"]}, a list of texts'],
  ])("in the body %j are refused", async (body, problem) => {
    const web = await startCheckServer();
    for (const path of older) {
      expect(await web.request({ method: "POST", path, body, as: "admin" })).toEqual(textAnswer(400, problem));
    }
  });
});

describe("how an answer is wanted", () => {
  test("is said by names that no check uses, in version 2 only", async () => {
    const web = await startCheckServer();
    const query = "?nscp.perf=list&verbose=true&perf=list&nscp.verbose=false";
    expect(await given(web, { path: `${execute}${query}` })).toEqual(["verbose=true", "perf=list"]);
    const all = ["nscp.perf=list", "verbose=true", "perf=list", "nscp.verbose=false"];
    for (const path of older.slice(1)) expect(await given(web, { path: `${path}${query}` })).toEqual(all);
  });

  test("nscp.perf=list keeps the order of measurements and those with the same label", async () => {
    const web = await startCheckServer();
    const path = "/api/v2/queries/lines/commands/execute?nscp.perf=";
    expect(await web.request({ path: `${path}list`, as: "client" })).toEqual(
      jsonCheckAnswer("CRITICAL", {
        command: "lines",
        result: 2,
        lines: [
          {
            message: "one\nmore",
            perf: [
              { label: "b", value: 2, unit: "" },
              { label: "a", value: 1, warning: "4:5", critical: "@1:2", unit: "s" },
              { label: "b", value: 3, unit: "" },
              { label: "d", value: "U", unit: "" },
            ],
          },
          { message: "two", perf: [] },
        ],
      }),
    );
    expect(await web.request({ path: `${path}table`, as: "client" })).toEqual(
      textAnswer(400, 'nscp.perf can\'t be "table": give list or object'),
    );
  });

  test("nscp.verbose=true adds when the check began and how long it took", async () => {
    const web = await startCheckServer();
    for (const command of ["execute", "execute_nagios"]) {
      const path = `/api/v2/queries/check_ok/commands/${command}?nscp.verbose=true`;
      const { started, duration_ms, ...answer } = JSON.parse((await web.request({ path, as: "client" })).body);
      expect(Object.keys(answer)).toEqual(["command", "result", "lines"]);
      expect([new Date(started).toISOString(), typeof duration_ms]).toEqual([started, "number"]);
    }
  });
});

test("a client that accepts several types gets the one that it prefers, JSON when it does not care", async () => {
  const web = await startCheckServer();
  const typeFor = async (accept: string) => {
    const path = "/api/v1/queries/check_ok/commands/execute";
    return (await web.request({ path, headers: { accept }, as: "client" })).headers["content-type"];
  };
  expect([
    await typeFor("text/plain"),
    await typeFor("text/plain, */*"),
    await typeFor("text/plain;q=0.9, application/json;q=0.1"),
    await typeFor("*/*"),
    await typeFor("application/json"),
    await typeFor("text/html"),
  ]).toEqual(["text/plain", "application/json", "text/plain", ...Array(3).fill("application/json")]);
});
