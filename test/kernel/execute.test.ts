import { describe, expect, test } from "vitest";
import { GatewayError } from "../../src/kernel/errors.js";
import type { ExecuteOutcome } from "../../src/kernel/execute.js";
import { commandPolicy } from "../../src/kernel/policy.js";
import type { CommandHandler } from "../../src/kernel/registry.js";
import { ExecuteResponse, ExecuteResponseMessage, Header, ResultCode } from "../../src/wire/messages.js";
import { codeName } from "../../src/wire/result-code.js";
import { deferred, execution, incoming, kernel, owner, poller } from "../support/kernel.js";

const python = owner(0, "PythonScript", "py");
const node = owner(1, "NodeScript", "node");
const other = owner(2, "NodeScript", "other");

function says(message: string, result: number = ResultCode.OK): CommandHandler {
  return () => ExecuteResponse.create({ result, message });
}

function outcome({ handled, message }: ExecuteOutcome): string[] {
  return message.payload.map(
    (answer) =>
      `${handled ? "handled" : "not handled"} ${answer.id} ${answer.command} ${codeName(answer.result)} ${answer.message}`,
  );
}

function loaded() {
  const parts = kernel();
  const { registry } = parts;
  registry.addCommand(other, ["run"], says("other"));
  registry.addCommand(node, [], (request) =>
    request.command === "RUN" || request.command === "run" ? ExecuteResponse.create({ message: "node" }) : undefined,
  );
  registry.addCommand(python, ["Run", "walk"], says("python", ResultCode.WARNING));
  registry.addTarget({
    name: "GW2",
    owner: node,
    query: () => Promise.reject(new Error("not here")),
    execute: async (message) =>
      ExecuteResponseMessage.create({
        payload: message.payload.map(({ command }) => ExecuteResponse.create({ message: `far ${command}` })),
      }),
  });
  return parts;
}

describe("targets", () => {
  test.each([
    { target: "", command: "run", expected: ["handled 4 run WARNING python"] },
    { target: "local", command: "RUN", expected: ["handled 4 RUN WARNING python"] },
    { target: " Any ", command: "run", expected: ["handled 4 run WARNING python"] },
    {
      target: "all",
      command: "run",
      expected: ["handled 4 run WARNING python", "handled 4 run OK node", "handled 4 run OK other"],
    },
    {
      target: "*",
      command: "run",
      expected: ["handled 4 run WARNING python", "handled 4 run OK node", "handled 4 run OK other"],
    },
    { target: "OTHER", command: "run", expected: ["handled 4 run OK other"] },
    { target: "nodescript", command: "run", expected: ["handled 4 run OK node"] },
    { target: "py", command: "walk", expected: ["handled 4 walk WARNING python"] },
    { target: "pythonscript", command: "walk", expected: ["handled 4 walk WARNING python"] },
    {
      target: "python",
      command: "walk",
      expected: ["not handled 4 walk UNKNOWN Command not found: walk (target python)"],
    },
    {
      target: "other",
      command: "walk",
      expected: ["not handled 4 walk UNKNOWN Command not found: walk (target other)"],
    },
    { target: "node", command: "walk", expected: ["not handled 4 walk UNKNOWN Command not found: walk (target node)"] },
    { target: "", command: "fly", expected: ["not handled 4 fly UNKNOWN Command not found: fly"] },
    { target: "all", command: "fly", expected: ["not handled 4 fly UNKNOWN Command not found: fly"] },
    { target: "gw2", command: "walk", expected: ["handled 4 walk OK far walk"] },
    { target: "gw2", command: "fly", expected: ["handled 4 fly OK far fly"] },
  ])("$target $command", async ({ target, command, expected }) => {
    const { core } = loaded();
    expect(outcome(await core.execute(target, execution([{ id: 4, command }]), incoming()))).toEqual(expected);
  });

  test("several payloads run side by side and are answered in order, with the header", async () => {
    const { core, registry } = kernel();
    const slow = deferred<ExecuteResponse>();
    registry.addCommand(python, ["slow"], () => slow.promise);
    registry.addCommand(python, ["fast"], says("fast"));
    const pending = core.execute(
      "",
      execution([{ command: "slow" }, { command: "fast" }, { command: "none" }], { recipientId: "r" }),
      incoming(),
    );
    slow.resolve(ExecuteResponse.create({ message: "slow" }));
    const done = await pending;
    expect(outcome(done)).toEqual([
      "handled 0 slow OK slow",
      "handled 0 fast OK fast",
      "handled 0 none UNKNOWN Command not found: none",
    ]);
    expect(done.message.header).toEqual(Header.create({ recipientId: "r", sourceId: "r" }));
  });

  test("a handler with several names is asked once, and a name registered again replaces the first", async () => {
    const { core, registry } = kernel();
    let asked = 0;
    const handler: CommandHandler = () => {
      asked++;
      return undefined;
    };
    registry.addCommand(python, ["run"], handler);
    registry.addCommand(python, ["run", "walk"], handler);
    registry.addCommand(node, ["run"], says("old"));
    registry.addCommand(node, ["Run"], says("new"));
    expect(outcome(await core.execute("all", execution([{ command: "run" }]), incoming()))).toEqual([
      "handled 0 run OK new",
    ]);
    expect(asked).toBe(1);
  });

  test("a target that fails is UNKNOWN, one without grant is refused", async () => {
    const { core, registry } = kernel();
    registry.addTarget({
      name: "gw3",
      owner: node,
      query: () => Promise.reject(new Error("not here")),
      execute: () => Promise.reject(new Error("connection refused")),
    });
    const message = execution([{ command: "run" }]);
    expect(outcome(await core.execute("gw3", message, incoming()))).toEqual([
      "handled 0 run UNKNOWN gw3: connection refused",
    ]);
    const call = incoming({ principal: poller("commands.execute") });
    expect(outcome(await core.execute("gw3", message, call))).toEqual([
      "handled 0 run UNKNOWN Permission denied: poller is not allowed to use the target gw3",
    ]);
  });
});

describe("permissions", () => {
  test("no grant for commands refuses the whole call", async () => {
    const { core } = loaded();
    const call = incoming({ principal: poller("queries.execute") });
    await expect(core.execute("", execution([{ command: "run" }]), call)).rejects.toEqual(
      new GatewayError("PERMISSION_DENIED", "poller is not allowed to run commands."),
    );
  });

  test("grants are held to each payload, and exec can be switched off", async () => {
    const { core } = loaded();
    const call = incoming({ principal: poller("commands.execute:walk") });
    const message = execution([{ command: "run" }, { command: "walk" }]);
    expect(outcome(await core.execute("", message, call))).toEqual([
      "handled 0 run UNKNOWN Permission denied: poller is not allowed to run run",
      "handled 0 walk WARNING python",
    ]);
    core.configure({
      limits: { queryTimeoutMs: undefined, timeoutOf: () => undefined },
      policy: commandPolicy({ enabled: true, allowExecute: false, policies: new Map() }),
    });
    expect(outcome(await core.execute("", execution([{ command: "walk" }]), call))).toEqual([
      "handled 0 walk CRITICAL Permission denied: exec is globally disabled by [/settings/permissions] allow exec",
    ]);
  });
});

describe("failures and ends", () => {
  test("what a handler throws or rejects with is UNKNOWN and a record", async () => {
    const { core, registry, log } = kernel();
    registry.addCommand(python, ["throws"], () => {
      throw new Error("no");
    });
    registry.addCommand(python, ["rejects"], () => Promise.reject(new Error("never")));
    expect(
      outcome(await core.execute("", execution([{ command: "throws" }, { command: "rejects" }]), incoming())),
    ).toEqual([
      "handled 0 throws UNKNOWN Failed to execute throws: no",
      "handled 0 rejects UNKNOWN Failed to execute rejects: never",
    ]);
    expect(log.records).toEqual(["error: throws failed: no", "error: rejects failed: never"]);
  });

  test("the caller's deadline ends a command; without one it runs as long as it takes", async () => {
    const { core, registry, clock, log } = kernel({ queryTimeoutMs: 10 });
    registry.addCommand(python, ["hang"], () => new Promise(() => {}));
    const pending = core.execute("", execution([{ command: "hang" }]), incoming({ deadline: 2500 }));
    clock.advance(2500);
    expect(outcome(await pending)).toEqual(["handled 0 hang UNKNOWN hang timed out after 2.5 s"]);
    expect({ records: log.records, waiting: clock.waiting }).toEqual({
      records: ["warn: hang timed out after 2.5 s"],
      waiting: 0,
    });
    core.execute("", execution([{ command: "hang" }]), incoming());
    expect(clock.waiting).toBe(0);
  });

  test("a caller that goes away ends what runs and starts nothing more", async () => {
    const { core, registry } = kernel();
    let started = 0;
    registry.addCommand(python, ["hang"], () => {
      started++;
      return new Promise(() => {});
    });
    const call = incoming();
    const pending = core.execute("", execution([{ command: "hang" }]), call);
    call.abort(new GatewayError("CANCELLED", "gone"));
    expect(outcome(await pending)).toEqual(["handled 0 hang UNKNOWN hang was ended: gone"]);
    expect(outcome(await core.execute("", execution([{ command: "hang" }]), call))).toEqual([
      "handled 0 hang UNKNOWN hang was ended: gone",
    ]);
    expect(started).toBe(1);
  });

  test("commands nest 512 deep", async () => {
    const { core, registry } = kernel();
    registry.addCommand(python, ["recurse"], async (_request, call) => {
      const { message } = await core.execute("", execution([{ command: "recurse" }]), call);
      return message.payload[0];
    });
    expect(outcome(await core.execute("", execution([{ command: "recurse" }]), incoming()))).toEqual([
      "handled 0 recurse UNKNOWN Failed to execute recurse: Calls are nested deeper than 512.",
    ]);
  });
});
