import { describe, expect, test } from "vitest";
import type { Call } from "../../src/kernel/call.js";
import { GatewayError } from "../../src/kernel/errors.js";
import { commandPolicy } from "../../src/kernel/policy.js";
import type { QueryHandler, Target } from "../../src/kernel/registry.js";
import {
  Header,
  PB,
  QueryRequest,
  type QueryResponse,
  QueryResponseMessage,
  ResultCode,
} from "../../src/wire/messages.js";
import { textResponse } from "../../src/wire/responses.js";
import { deferred, incoming, kernel, owner, poller, query, rows } from "../support/kernel.js";

const alpha = owner(0, "Alpha");
const beta = owner(1, "Beta");

const echo: QueryHandler = (request) => textResponse(request, ResultCode.OK, request.arguments.join(" "));
const lateEcho: QueryHandler = async (request) =>
  textResponse(request, ResultCode.WARNING, request.arguments.join(" "));

describe("dispatch", () => {
  test("answers come in request order with their ids, whoever is faster", async () => {
    const { core, registry } = kernel();
    const slow = deferred<QueryResponse>();
    registry.addQuery(alpha, "check_sync", echo);
    registry.addQuery(beta, "check_late", lateEcho);
    registry.addQuery(beta, "check_slow", () => slow.promise);
    const pending = core.query(
      query([
        { id: 7, command: "check_slow" },
        { id: 5, command: "check_sync", arguments: ["a"] },
        { id: 9, command: "check_late", arguments: ["b"] },
        { id: 0, command: "CHECK_Sync", arguments: ["c"] },
      ]),
      incoming(),
    );
    slow.resolve(textResponse({ id: 0, command: "" }, ResultCode.CRITICAL, "done"));
    expect(rows(await pending)).toEqual([
      "7 check_slow CRITICAL done",
      "5 check_sync OK a",
      "9 check_late WARNING b",
      "0 CHECK_Sync OK c",
    ]);
  });

  test("when every owner answers at once the answer is there at once", () => {
    const { core, registry } = kernel();
    registry.addQuery(alpha, "check_sync", echo);
    const answer = core.query(query(["check_sync a"], { messageId: "m1", recipientId: "me" }), incoming());
    expect(answer).toEqual(
      QueryResponseMessage.create({
        header: Header.create({ messageId: "m1", recipientId: "me", sourceId: "me" }),
        payload: [textResponse({ id: 0, command: "check_sync" }, ResultCode.OK, "a")],
      }),
    );
  });

  test("an unknown command is answered in its place, the others run", async () => {
    const { core, registry } = kernel();
    registry.addQuery(alpha, "check_sync", echo);
    const answer = await core.query(
      query([
        { id: 1, command: "Check_Nothing" },
        { id: 2, command: "check_sync", arguments: ["a"] },
        { id: 3, command: "" },
      ]),
      incoming(),
    );
    expect(rows(answer)).toEqual([
      "1 Check_Nothing UNKNOWN Unknown command(s): check_nothing",
      "2 check_sync OK a",
      "3  UNKNOWN Unknown command(s): ",
    ]);
  });

  test("a message without payload and command is answered with an empty one", async () => {
    const { core } = kernel();
    expect(await core.query(query([]), incoming())).toEqual(QueryResponseMessage.create());
  });

  test("a command in the header takes every payload, and one of its own when there is none", async () => {
    const { core, registry } = kernel();
    const seen: string[] = [];
    registry.addQuery(alpha, "nrpe_forward", (request, _call, header) => {
      seen.push(`${header?.command} ${request.command}`);
      return textResponse(request, ResultCode.OK, "forwarded");
    });
    const header = { command: "NRPE_Forward" };
    expect(rows(await core.query(query(["check_a", "check_b"], header), incoming()))).toEqual([
      "0 check_a OK forwarded",
      "0 check_b OK forwarded",
    ]);
    expect(rows(await core.query(query([], header), incoming()))).toEqual(["0 NRPE_Forward OK forwarded"]);
    expect(rows(await core.query(query(["check_a"], { command: "other" }), incoming()))).toEqual([
      "0 check_a UNKNOWN Unknown command(s): other",
    ]);
    expect(seen).toEqual(["NRPE_Forward check_a", "NRPE_Forward check_b", "NRPE_Forward NRPE_Forward"]);
  });

  test("what a handler throws, rejects with or returns amiss becomes UNKNOWN and a record", async () => {
    const { core, registry, log } = kernel();
    registry.addQuery(alpha, "throws", () => {
      throw new Error("no disk");
    });
    registry.addQuery(alpha, "rejects", async () => {
      throw new GatewayError("UNAVAILABLE", "host is down");
    });
    registry.addQuery(alpha, "text", () => {
      throw "just text";
    });
    registry.addQuery(alpha, "nothing", (() => undefined) as unknown as QueryHandler);
    registry.addQuery(alpha, "nothing_late", (async () => undefined) as unknown as QueryHandler);
    const answer = await core.query(query(["throws", "rejects", "text", "nothing", "nothing_late"]), incoming());
    const nothing = "Cannot read properties of undefined (reading 'command')";
    expect(rows(answer)).toEqual([
      "0 throws UNKNOWN Failed to process command throws: no disk",
      "0 rejects UNKNOWN Failed to process command rejects: host is down",
      "0 text UNKNOWN Failed to process command text: just text",
      `0 nothing UNKNOWN Failed to process command nothing: ${nothing}`,
      `0 nothing_late UNKNOWN Failed to process command nothing_late: ${nothing}`,
    ]);
    expect(log.of("error").sort()).toEqual([
      `nothing failed: ${nothing}`,
      `nothing_late failed: ${nothing}`,
      "rejects failed: host is down",
      "text failed: just text",
      "throws failed: no disk",
    ]);
  });

  test("help comes from the description where the owner leaves it to the core", async () => {
    const { core, registry } = kernel();
    const { ParameterDetail, ParameterDetails } = PB.Registry;
    const parameters = ParameterDetails.create({ parameter: [ParameterDetail.create({ name: "path" })] });
    registry.addQuery(alpha, "described", echo, {
      description: "Looks at disks",
      helpFromDescription: true,
      parameters,
    });
    registry.addQuery(alpha, "Plain", echo, { helpFromDescription: true });
    registry.addQuery(alpha, "own", echo, { description: "not shown" });
    const answer = await core.query(
      query(["described help", "described help me", "plain help", "own help", "described help-pb", "plain help-pb"]),
      incoming(),
    );
    expect(rows(answer)).toEqual([
      "0 described OK Looks at disks",
      "0 described OK help me",
      "0 plain OK Plain has no description",
      "0 own OK help",
      "0 described OK see data segment",
      "0 plain OK see data segment",
    ]);
    expect(ParameterDetails.decode(answer.payload[4]?.data ?? new Uint8Array())).toEqual(parameters);
    expect(ParameterDetails.decode(answer.payload[5]?.data ?? new Uint8Array())).toEqual(ParameterDetails.create());
  });

  test("figures count by front end, state and duration", async () => {
    const { core, registry, clock } = kernel({ queryTimeoutMs: 1000 });
    const slow = deferred<QueryResponse>();
    registry.addQuery(alpha, "check", (request) =>
      request.arguments.length > 0 ? slow.promise : echo(request, incoming(), null),
    );
    core.query(query(["check"]), incoming({ frontEnd: "cli" }));
    const late = core.query(query(["check late"]), incoming());
    clock.advance(1000);
    await late;
    const figures = Object.fromEntries(registry.findQuery("check")?.figures ?? []);
    expect(figures).toEqual({
      cli: { states: [1, 0, 0, 0], inFlight: 0, timeouts: 0, totalMs: 0, latency: histogram(0) },
      grpc: { states: [0, 0, 0, 1], inFlight: 0, timeouts: 1, totalMs: 1000, latency: histogram(12) },
    });
  });
});

function histogram(slot: number): Uint32Array {
  const counts = new Uint32Array(17);
  counts[slot] = 1;
  return counts;
}

describe("permissions", () => {
  test("a caller without any grant for queries is refused as a whole", () => {
    const { core } = kernel();
    const call = incoming({ principal: poller("submit") });
    expect(() => core.query(query(["check_a"]), call)).toThrow(
      new GatewayError("PERMISSION_DENIED", "poller is not allowed to run queries."),
    );
  });

  test("each payload is held to the grants, by the name that was asked for", async () => {
    const { core, registry } = kernel();
    registry.addQuery(alpha, "check_a", echo, { aliases: ["CheckA"] });
    registry.addQuery(alpha, "other", echo);
    const call = incoming({ principal: poller("queries.execute:check_*") });
    expect(rows(await core.query(query(["check_a x", "other", "CheckA", "check_none"]), call))).toEqual([
      "0 check_a OK x",
      "0 other UNKNOWN Permission denied: poller is not allowed to run other",
      "0 CheckA UNKNOWN Permission denied: poller is not allowed to run CheckA",
      "0 check_none UNKNOWN Unknown command(s): check_none",
    ]);
  });

  test("a command in the header needs the grant as well as each payload", async () => {
    const { core, registry } = kernel();
    registry.addQuery(alpha, "forward", echo);
    const both = incoming({ principal: poller("queries.execute:forward", "queries.execute:check_a") });
    expect(rows(await core.query(query(["check_a x", "check_b x"], { command: "forward" }), both))).toEqual([
      "0 check_a OK x",
      "0 check_b UNKNOWN Permission denied: poller is not allowed to run check_b",
    ]);
    const payloadOnly = incoming({ principal: poller("queries.execute:check_a") });
    expect(rows(await core.query(query(["check_a x"], { command: "forward" }), payloadOnly))).toEqual([
      "0 check_a UNKNOWN Permission denied: poller is not allowed to run forward",
    ]);
  });

  test("the policy goes by owner and command; an alias is the command it stands for", async () => {
    const decisions: string[] = [];
    const policy = commandPolicy({
      enabled: true,
      allowExecute: true,
      policies: new Map([
        ["grpc", ["Alpha.check_*"]],
        ["grpc:boss", ["Alpha.other"]],
        ["*python*", ["beta.?"]],
      ]),
      onDecision: (allowed, subject, object) => decisions.push(`${allowed} ${subject} ${object}`),
    });
    const { core, registry } = kernel({ policy });
    registry.addQuery(alpha, "check_a", echo, { aliases: ["CheckA"] });
    registry.addQuery(alpha, "other", echo);
    registry.addQuery(beta, "b", echo);
    expect(rows(await core.query(query(["check_a", "CheckA", "other", "b", "none"]), incoming()))).toEqual([
      "0 check_a OK ",
      "0 CheckA OK ",
      "0 other UNKNOWN Permission denied: grpc:poller is not allowed to run other",
      "0 b UNKNOWN Permission denied: grpc:poller is not allowed to run b",
      "0 none UNKNOWN Permission denied: grpc:poller is not allowed to run none",
    ]);
    const boss = incoming({ principal: { ...poller("*"), name: "boss" } });
    expect(rows(await core.query(query(["other"]), boss))).toEqual(["0 other OK "]);
    const module = { id: 3, name: "PythonScript", alias: "my python" };
    const script = incoming().madeBy(module, poller("*"));
    expect(rows(await core.query(query(["b", "other"]), script))).toEqual([
      "0 b OK ",
      "0 other UNKNOWN Permission denied: my python is not allowed to run other",
    ]);
    expect(decisions).toEqual([
      "true grpc:poller Alpha.check_a",
      "true grpc:poller Alpha.check_a",
      "false grpc:poller Alpha.other",
      "false grpc:poller Beta.b",
      "false grpc:poller *.none",
      "true grpc:boss Alpha.other",
      "true my python Beta.b",
      "false my python Alpha.other",
    ]);
  });

  test("header.hosts needs its grant, and what a caller says about itself never arrives", async () => {
    const { core, registry, log } = kernel();
    const headers: (Header | null)[] = [];
    registry.addQuery(alpha, "check", (request, _call, header) => {
      headers.push(header);
      return echo(request, incoming(), header);
    });
    const host = PB.Common.Host.create({ id: "gw2", address: "203.0.113.9" });
    const spoofed = PB.Common.KeyValue.create({ key: "NSCP.principal", value: "admin" });
    const other = PB.Common.KeyValue.create({ key: "note", value: "kept" });
    const header = { hosts: [host], metadata: [spoofed, other] };
    await core.query(query(["check"], header), incoming({ principal: poller("queries.*") }));
    await core.query(query(["check"], header), incoming({ principal: poller("queries.*", "targets.override") }));
    await core.query(query(["check"], header), incoming({ remote: false }));
    expect(headers).toEqual([
      Header.create({ metadata: [other] }),
      Header.create({ hosts: [host], metadata: [other] }),
      Header.create(header),
    ]);
    expect(log.of("warn")).toEqual(["Ignored header.hosts from poller: the grant targets.override is missing"]);
  });
});

describe("deadlines", () => {
  const hang: QueryHandler = () => new Promise(() => {});

  test.each([
    { name: "the default", options: {}, command: "hangs", expected: "hangs timed out after 60 s" },
    { name: "the owner's beats the default", options: {}, command: "hangs_5", expected: "hangs_5 timed out after 5 s" },
    {
      name: "a setting beats the owner's",
      options: { timeouts: { hangs_5: 90_000 } },
      command: "hangs_5",
      expected: "hangs_5 timed out after 90 s",
    },
    {
      name: "an earlier one of the caller",
      options: {},
      command: "hangs",
      deadline: 1250,
      expected: "hangs timed out after 1.25 s",
    },
    {
      name: "a later one of the caller",
      options: {},
      command: "hangs_5",
      deadline: 70_000,
      expected: "hangs_5 timed out after 5 s",
    },
    {
      name: "one that is over already",
      options: {},
      command: "hangs",
      deadline: -100,
      expected: "hangs timed out after 0 s",
    },
  ])("$name", async ({ options, command, deadline, expected }) => {
    const { core, registry, clock, log } = kernel({ queryTimeoutMs: 60_000, ...options });
    registry.addQuery(alpha, "hangs", hang);
    registry.addQuery(alpha, "hangs_5", hang, { timeoutMs: 5000 });
    const pending = core.query(query([command]), incoming(deadline === undefined ? {} : { deadline }));
    clock.advance(90_000);
    expect(rows(await pending)).toEqual([`0 ${command} UNKNOWN ${expected}`]);
    expect(log.records).toEqual([`warn: ${expected}`]);
    expect(clock.waiting).toBe(0);
  });

  test("the handler's signal is aborted, the calls it made end too, and its late answer is ignored", async () => {
    const { core, registry, clock } = kernel({ queryTimeoutMs: 1000 });
    const late = deferred<QueryResponse>();
    const calls: Call[] = [];
    registry.addQuery(
      alpha,
      "inner",
      (_request, call) => {
        calls.push(call);
        return new Promise(() => {});
      },
      { timeoutMs: 60_000 },
    );
    let inner: ReturnType<typeof core.query> | undefined;
    registry.addQuery(alpha, "outer", (_request, call) => {
      calls.push(call);
      inner = core.query(query(["inner"]), call);
      return late.promise;
    });
    const pending = core.query(query(["outer"]), incoming());
    const signals = calls.map((call) => call.signal);
    expect(signals.map((signal) => signal.aborted)).toEqual([false, false]);
    clock.advance(1000);
    late.resolve(textResponse({ id: 0, command: "outer" }, ResultCode.OK, "too late"));
    expect(rows(await pending)).toEqual(["0 outer UNKNOWN outer timed out after 1 s"]);
    expect(signals.map((signal) => signal.reason)).toEqual([
      new GatewayError("DEADLINE_EXCEEDED", "outer timed out after 1 s"),
      new GatewayError("DEADLINE_EXCEEDED", "outer timed out after 1 s"),
    ]);
    expect(rows((await inner) ?? QueryResponseMessage.create())).toEqual([
      "0 inner UNKNOWN inner was ended: outer timed out after 1 s",
    ]);
    expect(clock.waiting).toBe(0);
  });

  test("a handler that is in time leaves no timer and no record", async () => {
    const { core, registry, clock, log } = kernel({ queryTimeoutMs: 1000 });
    registry.addQuery(alpha, "late", lateEcho);
    await core.query(query(["late a"]), incoming());
    expect({ waiting: clock.waiting, records: log.records }).toEqual({ waiting: 0, records: [] });
  });

  test("no deadline at all unless somebody asks for one", () => {
    const { core, registry, clock } = kernel();
    registry.addQuery(alpha, "hangs", hang);
    core.query(query(["hangs"]), incoming());
    expect(clock.waiting).toBe(0);
  });

  test("a rejection after the deadline is ignored", async () => {
    const { core, registry, clock, log } = kernel({ queryTimeoutMs: 1000 });
    const late = deferred<QueryResponse>();
    registry.addQuery(alpha, "hangs", () => late.promise);
    const pending = core.query(query(["hangs"]), incoming());
    clock.advance(1000);
    late.reject(new Error("aborted"));
    expect(rows(await pending)).toEqual(["0 hangs UNKNOWN hangs timed out after 1 s"]);
    expect(log.of("error")).toEqual([]);
  });

  test("the caller goes away: what runs is aborted, what comes after does not run", async () => {
    const { core, registry } = kernel();
    let started = 0;
    registry.addQuery(alpha, "hangs", () => {
      started++;
      return new Promise(() => {});
    });
    const call = incoming();
    const pending = core.query(query(["hangs"]), call);
    call.abort(new GatewayError("CANCELLED", "The client went away."));
    expect(rows(await pending)).toEqual(["0 hangs UNKNOWN hangs was ended: The client went away."]);
    expect(rows(await core.query(query(["hangs"]), call))).toEqual([
      "0 hangs UNKNOWN hangs was ended: The client went away.",
    ]);
    expect(started).toBe(1);
  });

  test("a handler that aborts its own call is answered for", async () => {
    const { core, registry } = kernel();
    registry.addQuery(alpha, "gives_up", async (request, call) => {
      call.abort(new GatewayError("CANCELLED", "enough"));
      return echo(request, call, null);
    });
    expect(rows(await core.query(query(["gives_up"]), incoming()))).toEqual([
      "0 gives_up UNKNOWN gives_up was ended: enough",
    ]);
  });
});

describe("nesting", () => {
  test("calls nest 512 deep and then get an answer that says so", async () => {
    const { core, registry } = kernel();
    let depth = 0;
    registry.addQuery(alpha, "recurse", async (request, call) => {
      depth = call.depth;
      const { payload } = await core.query(query(["recurse"]), call);
      return payload[0] ?? textResponse(request, ResultCode.OK, "");
    });
    expect(rows(await core.query(query(["recurse"]), incoming()))).toEqual([
      "0 recurse UNKNOWN Failed to process command recurse: Calls are nested deeper than 512.",
    ]);
    expect(depth).toBe(512);
  });

  test("a full host refuses calls from outside, never what it called itself", async () => {
    const { core, registry } = kernel();
    let full = false;
    const admission = { name: "python", isFull: () => full };
    registry.addQuery(alpha, "inner", echo, { admission });
    registry.addQuery(
      alpha,
      "outer",
      async (request, call) => {
        full = true;
        const { payload } = await core.query(query(["inner nested", "inner again"]), call);
        return payload[1] ?? textResponse(request, ResultCode.OK, "");
      },
      { admission },
    );
    registry.addQuery(beta, "elsewhere", echo);
    expect(rows(await core.query(query(["outer"]), incoming()))).toEqual(["0 inner OK again"]);
    expect(() => core.query(query(["elsewhere", "inner"]), incoming())).toThrow(
      new GatewayError("RESOURCE_EXHAUSTED", "python has too many calls in flight."),
    );
    expect(rows(await core.query(query(["elsewhere a"]), incoming()))).toEqual(["0 elsewhere OK a"]);
  });
});

describe("targets", () => {
  const reply = QueryResponseMessage.create({
    payload: [textResponse({ id: 1, command: "check_far" }, ResultCode.OK, "from afar")],
  });

  function withTarget(answer: Target["query"] = async () => reply) {
    const parts = kernel();
    const asked: unknown[] = [];
    parts.registry.addTarget({
      name: "GW2",
      owner: beta,
      query: (message, call) => {
        asked.push(message);
        return answer(message, call);
      },
      execute: () => Promise.reject(new Error("not here")),
    });
    parts.registry.addQuery(alpha, "check_far", (request) => textResponse(request, ResultCode.OK, "from here"));
    parts.registry.addQuery(alpha, "nrpe", (request) => textResponse(request, ResultCode.OK, "own target"), {
      takesRecipient: true,
    });
    return { ...parts, asked };
  }

  test.each([
    { header: { recipientId: "gw2" }, command: "check_far", expected: "from afar" },
    { header: { destinationId: "GW2" }, command: "check_far", expected: "from afar" },
    { header: { recipientId: "Local", destinationId: "gw2" }, command: "check_far", expected: "from here" },
    { header: { recipientId: "gw9" }, command: "check_far", expected: "from here" },
    { header: {}, command: "check_far", expected: "from here" },
    { header: { recipientId: "gw2" }, command: "nrpe", expected: "own target" },
    { header: { recipientId: "gw2", command: "nrpe" }, command: "check_far", expected: "own target" },
  ])("$header asks for $command: $expected", async ({ header, command, expected }) => {
    const { core } = withTarget();
    const answer = await core.query(query([{ id: 1, command }], header), incoming());
    expect(rows(answer)).toEqual([`1 ${command} OK ${expected}`]);
  });

  test("the message goes whole", async () => {
    const { core, asked } = withTarget();
    const message = query(["check_far a", "check_other"], { recipientId: "gw2", messageId: "m" });
    await core.query(message, incoming());
    expect(asked).toEqual([message]);
  });

  test("a caller needs the grant for the target, for the header's command and for every payload", async () => {
    const header = { recipientId: "gw2" };
    const { core, asked } = withTarget();
    const run = (message: ReturnType<typeof query>, ...grants: string[]) =>
      core.query(message, incoming({ principal: poller(...grants) }));
    expect(rows(await run(query(["check_far"], header), "queries.execute"))).toEqual([
      "0 check_far UNKNOWN Permission denied: poller is not allowed to use the target GW2",
    ]);
    const some = ["queries.execute:check_far", "targets.use:gw2"];
    expect(rows(await run(query(["check_far", "check_other"], header), ...some))).toEqual([
      "0 check_far UNKNOWN Not run: another query of the message is not permitted",
      "0 check_other UNKNOWN Permission denied: poller is not allowed to run check_other",
    ]);
    expect(rows(await run(query(["check_far"], { ...header, command: "secret" }), ...some))).toEqual([
      "0 check_far UNKNOWN Permission denied: poller is not allowed to run secret",
    ]);
    expect(asked).toEqual([]);
    expect(rows(await run(query(["check_far"], header), ...some))).toEqual(["1 check_far OK from afar"]);
  });

  test("a target that fails answers UNKNOWN for each payload", async () => {
    const { core } = withTarget(() => Promise.reject(new Error("connection refused")));
    const answer = await core.query(
      query(
        [
          { id: 4, command: "a" },
          { id: 5, command: "b" },
        ],
        { recipientId: "gw2" },
      ),
      incoming(),
    );
    expect(rows(answer)).toEqual(["4 a UNKNOWN GW2: connection refused", "5 b UNKNOWN GW2: connection refused"]);
  });
});

test("changed limits and policy hold for the next call", async () => {
  const { core, registry, clock } = kernel({ queryTimeoutMs: 1000 });
  registry.addQuery(alpha, "hangs", () => new Promise(() => {}));
  core.configure({
    limits: { queryTimeoutMs: 2000, timeoutOf: () => undefined },
    policy: commandPolicy({ enabled: true, allowExecute: true, policies: new Map([["*", ["*.hangs"]]]) }),
  });
  const pending = core.query(query(["hangs", "other"]), incoming());
  clock.advance(2000);
  expect(rows(await pending)).toEqual([
    "0 hangs UNKNOWN hangs timed out after 2 s",
    "0 other UNKNOWN Permission denied: grpc:poller is not allowed to run other",
  ]);
});

test("a payload is handed over as it came", async () => {
  const { core, registry } = kernel();
  const seen: QueryRequest[] = [];
  registry.addQuery(alpha, "check", (request) => {
    seen.push(request);
    return textResponse(request, ResultCode.OK, "");
  });
  const request = { id: 3, command: "Check", alias: "svc", arguments: ["a b", ""], target: "t" };
  await core.query(query([request]), incoming());
  expect(seen).toEqual([QueryRequest.create(request)]);
});
