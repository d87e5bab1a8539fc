import { describe, expect, test } from "vitest";
import { GatewayError } from "../../src/kernel/errors.js";
import type { SubmissionHandler } from "../../src/kernel/registry.js";
import type { SubmitOutcome } from "../../src/kernel/submit.js";
import { Header, Line, PB, StatusCode, SubmitResponse } from "../../src/wire/messages.js";
import { deferred, incoming, kernel, owner, poller, submission } from "../support/kernel.js";

const alpha = owner(0, "Alpha");
const beta = owner(1, "Beta");

const { Result } = PB.Common;
const ok = (message = "", data = "") =>
  SubmitResponse.create({ result: Result.create({ code: StatusCode.STATUS_OK, message, data }) });
const failed = (message: string) =>
  SubmitResponse.create({ result: Result.create({ code: StatusCode.STATUS_ERROR, message }) });
const answers =
  (...given: SubmitResponse[]): SubmissionHandler =>
  () =>
    given;

function outcome({ handled, message }: SubmitOutcome): string[] {
  return [
    handled ? "handled" : "not handled",
    ...message.payload.map(
      ({ id, command, result }) =>
        `${id} ${command} ${StatusCode[result?.code ?? -1]} ${result?.message}${result?.data ? ` (${result.data})` : ""}`,
    ),
  ];
}

describe("answers become one per result", () => {
  const two = [
    { id: 1, command: "a" },
    { id: 2, command: "b" },
  ];
  test.each<{ name: string; channel: string; handlers: Record<string, SubmissionHandler[]>; expected: string[] }>([
    {
      name: "one subscriber, an answer each",
      channel: "NSCA",
      handlers: { nsca: [answers(ok("one"), failed("two"))] },
      expected: ["handled", "1 a STATUS_OK one", "2 b STATUS_ERROR two"],
    },
    {
      name: "one answer for all",
      channel: "nsca",
      handlers: { NSCA: [answers(ok("all", "queued"))] },
      expected: ["handled", "1 a STATUS_OK all (queued)", "2 b STATUS_OK all (queued)"],
    },
    {
      name: "an answer without a result is success",
      channel: "x",
      handlers: { x: [answers(SubmitResponse.create())] },
      expected: ["handled", "1 a STATUS_OK ", "2 b STATUS_OK "],
    },
    {
      name: "too few answers",
      channel: "x",
      handlers: { x: [answers()] },
      expected: ["handled", "1 a STATUS_ERROR No answer from x", "2 b STATUS_ERROR No answer from x"],
    },
    {
      name: "several subscribers, all well: the last text",
      channel: "x",
      handlers: { x: [answers(ok("first", "queued")), answers(ok("second")), answers(ok())] },
      expected: ["handled", "1 a STATUS_OK second (queued)", "2 b STATUS_OK second (queued)"],
    },
    {
      name: "several subscribers, errors joined, each once",
      channel: "x",
      handlers: {
        x: [answers(failed("down")), answers(ok("fine", "queued")), answers(failed("full")), answers(failed("down"))],
      },
      expected: ["handled", "1 a STATUS_ERROR down; full", "2 b STATUS_ERROR down; full"],
    },
    {
      name: "several channels",
      channel: "x, y,,x2",
      handlers: { x: [answers(ok("x"))], y: [answers(ok("y"), failed("not b"))], x2: [answers(ok())] },
      expected: ["handled", "1 a STATUS_OK y", "2 b STATUS_ERROR not b"],
    },
    {
      name: "one of the channels is unknown",
      channel: "x,none",
      handlers: { x: [answers(ok("x"))] },
      expected: [
        "handled",
        "1 a STATUS_ERROR Failed to submit message: none",
        "2 b STATUS_ERROR Failed to submit message: none",
      ],
    },
    {
      name: "no channel is known",
      channel: "None",
      handlers: { x: [answers(ok("x"))] },
      expected: [
        "not handled",
        "1 a STATUS_ERROR Failed to submit message: None",
        "2 b STATUS_ERROR Failed to submit message: None",
      ],
    },
    {
      name: "no channel at all",
      channel: " , ",
      handlers: {},
      expected: [
        "not handled",
        "1 a STATUS_ERROR Failed to submit message: no channel given",
        "2 b STATUS_ERROR Failed to submit message: no channel given",
      ],
    },
    {
      name: "noop",
      channel: "NOOP",
      handlers: {},
      expected: ["handled", "1 a STATUS_OK seems ok", "2 b STATUS_OK seems ok"],
    },
    {
      name: "who subscribed to everything",
      channel: "x",
      handlers: { "*": [answers(ok("all"))], x: [answers(ok())] },
      expected: ["handled", "1 a STATUS_OK all", "2 b STATUS_OK all"],
    },
  ])("$name", async ({ channel, handlers, expected }) => {
    const { core, registry } = kernel();
    let id = 0;
    for (const [names, list] of Object.entries(handlers)) {
      for (const handler of list) registry.addChannel(owner(id++, "Any"), names, handler);
    }
    expect(outcome(await core.submit(channel, submission(two), incoming()))).toEqual(expected);
  });

  test("texts stand in the order of subscription, whoever is faster", async () => {
    const { core, registry } = kernel();
    const slow = deferred<SubmitResponse[]>();
    registry.addChannel(alpha, "x", () => slow.promise);
    registry.addChannel(beta, "x", answers(failed("fast")));
    const pending = core.submit("x", submission([{ command: "a" }]), incoming());
    slow.resolve([failed("slow")]);
    expect(outcome(await pending)).toEqual(["handled", "0 a STATUS_ERROR slow; fast"]);
  });

  test("a subscriber that fails is an error of its own, the others get the result", async () => {
    const { core, registry, log } = kernel();
    registry.addChannel(alpha, "x", () => {
      throw new Error("disk full");
    });
    registry.addChannel(beta, "x", () => Promise.reject(new Error("socket closed")));
    registry.addChannel(beta, "x", answers(ok("fine")));
    expect(outcome(await core.submit("X", submission([{ command: "a" }]), incoming()))).toEqual([
      "handled",
      "0 a STATUS_ERROR Failed to process submission on X: disk full; Failed to process submission on X: socket closed",
    ]);
    expect(log.records).toEqual([
      "error: Failed to process submission on X: disk full",
      "error: Failed to process submission on X: socket closed",
    ]);
  });
});

test("subscribers see the channel as the caller spells it, and the answer has the header", async () => {
  const { core, registry } = kernel();
  const channels: string[] = [];
  registry.addChannel(alpha, "a,B", (message) => {
    channels.push(message.channel);
    return [ok()];
  });
  const done = await core.submit("A , b", submission([{ command: "x" }], { recipientId: "r" }), incoming());
  expect(channels).toEqual(["A", "b"]);
  expect(done.message.header).toEqual(Header.create({ recipientId: "r", sourceId: "r" }));
});

test("log writes a line for each result", async () => {
  const { core, log } = kernel();
  const lines = [Line.create({ message: "one" }), Line.create({ message: "two" })];
  const done = await core.submit(
    "log",
    submission([{ alias: "svc", command: "a", lines }, { command: "b" }]),
    incoming(),
  );
  expect(outcome(done)).toEqual(["handled", "0 a STATUS_OK seems ok", "0 b STATUS_OK seems ok"]);
  expect(log.records).toEqual(["info: svc: one two", "info: b: "]);
});

test("an empty submission is handed on and answered with nothing", async () => {
  const { core, registry } = kernel();
  registry.addChannel(alpha, "x", answers());
  expect(outcome(await core.submit("x", submission([]), incoming()))).toEqual(["handled"]);
});

test("grants: the whole call without any, otherwise each channel", async () => {
  const { core, registry } = kernel();
  registry.addChannel(alpha, "x,y", answers(ok("taken")));
  const message = submission([{ command: "a" }]);
  await expect(core.submit("x", message, incoming({ principal: poller("queries.*") }))).rejects.toEqual(
    new GatewayError("PERMISSION_DENIED", "poller is not allowed to submit."),
  );
  const call = incoming({ principal: poller("submit:x") });
  expect(outcome(await core.submit("X", message, call))).toEqual(["handled", "0 a STATUS_OK taken"]);
  expect(outcome(await core.submit("x,y", message, call))).toEqual([
    "handled",
    "0 a STATUS_ERROR Permission denied: poller is not allowed to submit to y",
  ]);
});

describe("subscribers that can't take anything right now", () => {
  const full = new GatewayError("RESOURCE_EXHAUSTED", "The spool is full.");
  const away = new GatewayError("UNAVAILABLE", "The spool is closing.");
  const throwing =
    (error: Error): SubmissionHandler =>
    () => {
      throw error;
    };
  const submit = (handlers: Record<string, SubmissionHandler[]>, channels: string) => {
    const { core, registry, log, clock } = kernel();
    let id = 0;
    for (const [names, list] of Object.entries(handlers)) {
      for (const handler of list) registry.addChannel(owner(id++, "Any"), names, handler);
    }
    const again = () => core.submit(channels, submission([{ command: "a" }]), incoming());
    return { again, log, clock };
  };

  test.each<{ name: string; handlers: Record<string, SubmissionHandler[]>; channels: string }>([
    { name: "the only one", handlers: { x: [throwing(full)] }, channels: "x" },
    { name: "all of a channel", handlers: { x: [throwing(full), throwing(full)] }, channels: "x" },
    { name: "all of all channels", handlers: { x: [throwing(full)], y: [throwing(full)] }, channels: "x,y" },
  ])("$name: the whole call is refused", async ({ handlers, channels }) => {
    await expect(submit(handlers, channels).again()).rejects.toBe(full);
  });

  test.each<{ name: string; handlers: Record<string, SubmissionHandler[]>; channels: string; expected: string }>([
    {
      name: "another one took it",
      handlers: { x: [throwing(full), answers(ok("taken"))] },
      channels: "x",
      expected: "0 a STATUS_ERROR The spool is full.",
    },
    {
      name: "another one failed",
      handlers: { x: [throwing(full), answers(failed("no"))] },
      channels: "x",
      expected: "0 a STATUS_ERROR The spool is full.; no",
    },
    {
      name: "for different reasons",
      handlers: { x: [throwing(full), throwing(away)] },
      channels: "x",
      expected: "0 a STATUS_ERROR The spool is full.; The spool is closing.",
    },
    {
      name: "nobody is on the other channel",
      handlers: { x: [throwing(full)] },
      channels: "x,y",
      expected: "0 a STATUS_ERROR The spool is full.; Failed to submit message: y",
    },
    {
      name: "the other channel takes everything",
      handlers: { x: [throwing(full)] },
      channels: "x,noop",
      expected: "0 a STATUS_ERROR The spool is full.",
    },
  ])("$name: the answer says so", async ({ handlers, channels, expected }) => {
    expect(outcome(await submit(handlers, channels).again())).toEqual(["handled", expected]);
  });

  test("the log tells it now and then, not each time", async () => {
    const { again, log, clock } = submit({ x: [throwing(full)] }, "x");
    for (const ms of [0, 9_999, 1, 5_000]) {
      clock.advance(ms);
      await again().catch(() => {});
    }
    const line = "error: Failed to process submission on x: The spool is full.";
    expect(log.records).toEqual([line, line]);
  });
});

test("submissions nest 512 deep", async () => {
  const { core, registry } = kernel();
  registry.addChannel(
    alpha,
    "loop",
    async (_message, call) => (await core.submit("loop", submission([{}]), call)).message.payload,
  );
  expect(outcome(await core.submit("loop", submission([{}]), incoming()))).toEqual([
    "handled",
    "0  STATUS_ERROR Failed to process submission on loop: Calls are nested deeper than 512.",
  ]);
});
