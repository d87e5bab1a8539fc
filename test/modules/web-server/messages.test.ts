import { describe, expect, it } from "vitest";
import {
  ExecuteRequestMessage,
  ExecuteResponseMessage,
  type MessageType,
  PB,
  QueryRequestMessage,
  QueryResponse,
  QueryResponseMessage,
  ResultCode,
  SubmitRequestMessage,
} from "../../../src/wire/messages.js";
import { bodyHeaders, startWebServer, type TestUser, type WebGateway } from "../../support/web-server.js";
import { problemAnswer, traced, traceId } from "./problems.js";

const json = { "content-type": "application/json" };

function post(
  web: WebGateway,
  name: string,
  message: unknown,
  headers: Record<string, string> = {},
  as: TestUser = "admin",
) {
  const body = typeof message === "string" ? message : JSON.stringify(message);
  return web.request({
    method: "POST",
    path: `/api/v3/${name}`,
    as,
    headers: { ...json, ...traced, ...headers },
    body,
  });
}

function messageAnswer(message: unknown) {
  const body = JSON.stringify(message);
  return { status: 200, headers: { ...bodyHeaders("application/json", body), vary: "Accept" }, body };
}

function bytesOf<Message>(type: MessageType<Message>, message: Parameters<MessageType<Message>["encode"]>[0]): Buffer {
  return Buffer.from(type.encode(message).finish());
}

describe("POST /api/v3/query", () => {
  it("runs checks side by side and answers in their order", async () => {
    const web = await startWebServer();
    web.check("check_fast", "all well|'a'=1s;2;3");
    web.check("check_bad", "oh no", ResultCode.CRITICAL);
    const payload = [{ id: 7, command: "check_bad" }, { command: "check_fast" }];
    expect(await post(web, "query", { header: { messageId: "m1" }, payload })).toEqual(
      messageAnswer({
        header: { messageId: "m1" },
        payload: [
          { id: 7, command: "check_bad", result: "CRITICAL", lines: [{ message: "oh no" }] },
          {
            command: "check_fast",
            lines: [
              {
                message: "all well",
                perf: [
                  {
                    alias: "a",
                    floatValue: { value: 1, unit: "s", warning: { value: 2 }, critical: { value: 3 } },
                  },
                ],
              },
            ],
          },
        ],
      }),
    );
  });

  it("answers UNKNOWN for checks that are not there, and HTTP stays 200", async () => {
    const web = await startWebServer();
    expect(await post(web, "query", { payload: [{ command: "check_none" }] })).toEqual(
      messageAnswer({
        payload: [{ command: "check_none", result: "UNKNOWN", lines: [{ message: "Unknown command(s): check_none" }] }],
      }),
    );
  });

  it("writes fields that have their default when that is asked for", async () => {
    const web = await startWebServer();
    web.check("check_fast", "all well");
    const { body } = await post(web, "query?defaults=true", { payload: [{ command: "check_fast" }] });
    expect(JSON.parse(body).payload).toEqual([
      {
        ...{ id: 0, command: "check_fast", alias: "", result: "OK", data: "", source: "", arguments: [] },
        lines: [{ message: "all well", perf: [] }],
      },
    ]);
  });

  it.each(["application/x-protobuf", "application/protobuf"])(
    "takes and gives serialized messages as %s",
    async (type) => {
      const web = await startWebServer();
      web.check("check_fast", "all well");
      const request = bytesOf(QueryRequestMessage, { payload: [{ id: 3, command: "check_fast" }] });
      const wanted = bytesOf(QueryResponseMessage, {
        payload: [{ id: 3, command: "check_fast", lines: [{ message: "all well" }] }],
      }).toString("utf8");
      const path = "/api/v3/query";
      expect(
        await web.request({ method: "POST", path, as: "admin", headers: { "content-type": type }, body: request }),
      ).toEqual({ status: 200, headers: { ...bodyHeaders(type, wanted), vary: "Accept" }, body: wanted });
    },
  );

  it("answers as Accept wants it", async () => {
    const web = await startWebServer();
    web.check("check_fast", "all well");
    const asked = { payload: [{ command: "check_fast" }] };
    const typeFor = async (accept: string) => {
      const { status, headers } = await post(web, "query", asked, { accept });
      return [status, headers["content-type"]];
    };
    expect(await typeFor("*/*")).toEqual([200, "application/json"]);
    expect(await typeFor("application/x-protobuf, application/json;q=0.9")).toEqual([200, "application/x-protobuf"]);
    expect(await typeFor("application/protobuf")).toEqual([200, "application/protobuf"]);
    expect(await post(web, "query", asked, { accept: "text/html" })).toEqual(
      problemAnswer(
        406,
        "The answer can be one of application/json, application/x-protobuf, application/protobuf.",
        {},
        { traceId },
      ),
    );
  });

  it("ends checks before the caller stops waiting", async () => {
    const web = await startWebServer();
    web.check("check_slow", () => new Promise(() => {}));
    const { status, body } = await post(
      web,
      "query",
      { payload: [{ command: "check_slow" }] },
      { "X-Request-Timeout": "0.1" },
    );
    expect(status).toBe(200);
    expect(JSON.parse(body).payload).toMatchObject([{ command: "check_slow", result: "UNKNOWN" }]);
  });

  it("does not go round in circles between gateways", async () => {
    const web = await startWebServer();
    const seen: number[] = [];
    web.check("check_hops", (_request, call) => {
      seen.push(call.hops);
      return QueryResponse.create({ command: "check_hops" });
    });
    await post(web, "query", { payload: [{ command: "check_hops" }] }, { "nscp-hops": "5" });
    expect(seen).toEqual([5]);
  });

  it("stands in the audit as the rpc does", async () => {
    const web = await startWebServer();
    web.check("check_fast", "all well");
    await post(web, "query", { payload: [{ command: "check_fast" }] });
    await post(web, "query", "{");
    expect(web.audited.filter(({ action }) => action !== "login")).toMatchObject([
      { action: "queries.execute", outcome: "ok", objects: ["check_fast"], frontEnd: "http", traceId },
      { action: "queries.execute", outcome: "failed", objects: [], reason: expect.stringContaining("This is no JSON") },
    ]);
  });
});

describe("POST /api/v3/execute", () => {
  it("runs a command", async () => {
    const web = await startWebServer();
    web.gateway.registry.addCommand({ id: 100, name: "LUAScript", alias: "lua" }, ["greet"], (request) =>
      PB.Commands.ExecuteResponseMessage.Response.create({
        command: request.command,
        message: `hello ${request.arguments.join(" ")}`,
      }),
    );
    const payload = [{ command: "greet", arguments: ["you"] }];
    expect(await post(web, "execute", { payload })).toEqual(
      messageAnswer({ payload: [{ command: "greet", message: "hello you" }] }),
    );
  });

  it("takes and gives serialized messages", async () => {
    const web = await startWebServer();
    const request = bytesOf(ExecuteRequestMessage, { payload: [{ command: "none" }] });
    const headers = { "content-type": "application/x-protobuf", accept: "application/json" };
    const { status, body } = await web.request({
      method: "POST",
      path: "/api/v3/execute",
      as: "admin",
      headers,
      body: request,
    });
    expect(status).toBe(200);
    expect(ExecuteResponseMessage.fromObject(JSON.parse(body)).payload[0]?.command).toBe("none");
  });
});

describe("POST /api/v3/submit", () => {
  it("hands results to those who listen to the channel", async () => {
    const web = await startWebServer();
    const taken: SubmitRequestMessage[] = [];
    web.gateway.registry.addChannel({ id: 100, name: "LUAScript", alias: "lua" }, "inbox", (message) => {
      taken.push(message);
      return message.payload.map(({ command }) =>
        PB.Commands.SubmitResponseMessage.Response.create({
          command,
          result: PB.Common.Result.create({ message: "Submission successful" }),
        }),
      );
    });
    const payload = [{ command: "disk", result: "WARNING", lines: [{ message: "full" }] }];
    expect(await post(web, "submit", { channel: "inbox", payload })).toEqual(
      messageAnswer({ payload: [{ command: "disk", result: { message: "Submission successful" } }] }),
    );
    expect(taken.map((message) => SubmitRequestMessage.toObject(message, { enums: String }).payload)).toMatchObject([
      payload,
    ]);
  });
});

describe("what is refused", () => {
  it("is a caller without the grant", async () => {
    const web = await startWebServer();
    expect(await post(web, "query", { payload: [{ command: "check_ok" }] }, {}, "nobody")).toEqual(
      problemAnswer(403, "user:nobody is not allowed to run queries.", {}, { code: "PERMISSION_DENIED", traceId }),
    );
    expect(web.audited.filter(({ action }) => action !== "login")).toMatchObject([
      { action: "queries.execute", outcome: "denied", objects: ["check_ok"] },
    ]);
  });

  it("is what is neither JSON nor protobuf", async () => {
    const web = await startWebServer();
    const problem = problemAnswer(
      415,
      "The Content-Type has to be one of application/json, application/x-protobuf, application/protobuf.",
      { accept: "application/json, application/x-protobuf, application/protobuf" },
      { traceId },
    );
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "application/jsonp"]) {
      expect(await post(web, "query", "{}", { "content-type": type })).toEqual(problem);
    }
    expect(await post(web, "query", "{}", { "content-type": "application/json; charset=latin1" })).toEqual(
      problemAnswer(415, "The charset of a message has to be utf-8.", {}, { traceId }),
    );
    expect(await post(web, "query", "{}", { "content-encoding": "gzip" })).toEqual(
      problemAnswer(
        415,
        "The body of a request has to come without a Content-Encoding.",
        {
          "accept-encoding": "identity",
        },
        { traceId },
      ),
    );
    expect((await post(web, "query", "{}", { "content-type": 'Application/JSON; charset="UTF-8"' })).status).toBe(200);
  });

  it("is a message with something wrong in it, by its path", async () => {
    const web = await startWebServer();
    expect(await post(web, "query", '{"payload":[{},{},{"linez":1}]}')).toEqual(
      problemAnswer(
        400,
        "payload[2].linez: PB.Commands.QueryRequestMessage.Request has no such field.",
        {},
        { code: "INVALID_ARGUMENT", traceId },
      ),
    );
    const latin = Buffer.from([0x7b, 0xff, 0x7d]);
    expect(
      await web.request({
        method: "POST",
        path: "/api/v3/query",
        as: "admin",
        headers: { ...json, ...traced },
        body: latin,
      }),
    ).toEqual(problemAnswer(400, "The body is not UTF-8.", {}, { code: "INVALID_ARGUMENT", traceId }));
  });
});

describe("a message with more than can be answered while others wait", () => {
  const empty = (count: number) => `{"payload":[${"{},".repeat(count - 1)}{}]}`;

  it.each(["query", "execute", "submit"])("is refused as a whole: %s", async (name) => {
    const web = await startWebServer();
    expect(await post(web, name, empty(10_001))).toEqual(
      problemAnswer(
        400,
        "A message may hold 10000 payloads; this one has 10001.",
        {},
        { code: "INVALID_ARGUMENT", traceId },
      ),
    );
  });

  it("may have as many as are allowed", async () => {
    const web = await startWebServer();
    const { status, body } = await post(web, "query", empty(10_000));
    expect([status, JSON.parse(body).payload.length]).toEqual([200, 10_000]);
  });

  it("goes to so many channels and no more", async () => {
    const web = await startWebServer();
    const message = { channel: "a,".repeat(101), payload: [{ command: "disk" }] };
    expect(await post(web, "submit", message)).toEqual(
      problemAnswer(
        400,
        "A message may name 100 channels; this one names 101.",
        {},
        { code: "INVALID_ARGUMENT", traceId },
      ),
    );
  });
});
