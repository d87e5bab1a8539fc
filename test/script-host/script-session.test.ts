import { describe, expect, test } from "vitest";
import { GatewayError } from "../../src/kernel/errors.js";
import type { ToScript } from "../../src/script-host/protocol.js";
import { type RunningCallback, ScriptSession } from "../../src/script-host/script-session.js";
import { incoming } from "../support/kernel.js";

const handler = { h: 7, what: "check_hang" };

/** A session whose script never answers, and a gateway that never answers the script where `gateway` says so. */
function session({ tellsWhere = false, gateway = "answers" } = {}) {
  const sent: ToScript[] = [];
  const asked: (RunningCallback | undefined)[] = [];
  const begun = new ScriptSession(
    { tellsWhere, s: undefined, send: (message) => sent.push(message), close() {} },
    {
      name: "hang",
      register() {},
      unregister() {},
      async call(_message, _raw, during) {
        asked.push(during);
        if (gateway !== "answers") await new Promise(() => {});
        return { value: null, raw: undefined };
      },
      log() {},
      output() {},
      overdue() {},
    },
  );
  return { begun, sent, asked };
}

test("a callback whose caller goes away stops being waited for, and is known as long as it may still ask for something", async () => {
  const { begun, sent, asked } = session();
  const call = incoming().nested();
  const answer = begun.run(handler, [], call);
  expect(begun.inFlight).toBe(1);
  call.abort(new GatewayError("CANCELLED", "gone"));
  await expect(answer).rejects.toThrow("gone");
  await begun.idle();
  expect(sent.map(({ t }) => t)).toEqual(["run", "cancel"]);
  begun.receive({ t: "call", id: 1, op: "expandPath", args: [""], in: 1 }, undefined);
  expect(asked.map((during) => during?.call)).toEqual([call]);
});

test("of callbacks that never end the oldest are forgotten", async () => {
  const { begun, asked } = session();
  const answers = Array.from({ length: 1025 }, () => {
    const call = incoming().nested();
    const answer = begun.run(handler, [], call);
    call.abort(new GatewayError("CANCELLED", "gone"));
    return answer;
  });
  await Promise.allSettled(answers);
  for (const id of [1, 2]) begun.receive({ t: "call", id, op: "expandPath", args: [""], in: id }, undefined);
  expect(asked.map((during) => during !== undefined)).toEqual([false, true]);
  begun.receive({ t: "ok", id: 1, value: [0] }, undefined);
  expect(begun.inFlight).toBe(0);
});

describe("a host that knows where its callbacks are", () => {
  /** A callback that runs, and what is said about it when the host answers the question for it. */
  async function located(value: unknown) {
    const { begun, sent } = session({ tellsWhere: true });
    const call = incoming().nested();
    begun.run(handler, [], call).catch(() => {});
    const place = call.witness?.locate(call);
    expect(sent.at(-1)).toEqual({ t: "where", id: 2, run: 1 });
    begun.receive({ t: "ok", id: 2, value }, undefined);
    return place;
  }

  test("is asked for them by their call", async () => {
    expect(await located("hang.py:3 in check")).toBe("hang is at hang.py:3 in check");
  });

  test("may say that another callback has the turn, and where that one is", async () => {
    expect(await located({ turn: "hang.py:3 in check" })).toBe("its turn has not come: hang is at hang.py:3 in check");
    expect(await located({ turn: null })).toBe("its turn has not come");
  });

  test("may not know, or answer nonsense", async () => {
    for (const value of [null, undefined, 7, ["x"], {}]) expect(await located(value)).toBeUndefined();
    expect(await located("x".repeat(1_000))).toBe(`hang is at ${"x".repeat(300)}`);
  });

  test("is not asked about a call that has its answer", async () => {
    const { begun, sent } = session({ tellsWhere: true });
    const call = incoming().nested();
    const answer = begun.run(handler, [], call);
    begun.receive({ t: "ok", id: 1, value: [0] }, undefined);
    await answer;
    expect(await begun.locate(call)).toBeUndefined();
    expect(sent.map(({ t }) => t)).toEqual(["run"]);
  });
});

test("a host that does not know where its callbacks are is no witness", () => {
  const { begun } = session();
  const call = incoming().nested();
  begun.run(handler, [], call).catch(() => {});
  expect(call.witness).toBeUndefined();
});

test("what a script does is known, and what of it waits for the gateway", () => {
  const { begun } = session({ gateway: "hangs" });
  for (const message of [{ t: "load", file: "x" }, { t: "ping" }] as const) begun.request(message).catch(() => {});
  for (let count = 0; count < 2; count++) begun.run(handler, [], incoming().nested()).catch(() => {});
  begun.run({ h: 8, what: "check_asks" }, [], incoming().nested()).catch(() => {});
  begun.receive({ t: "call", id: 1, op: "expandPath", args: [""], in: 3 }, undefined);
  begun.receive({ t: "call", id: 2, op: "expandPath", args: [""], in: 5 }, undefined);
  expect(begun.activities).toEqual([
    { what: "load", waits: false },
    { what: "check_hang", waits: false },
    { what: "check_asks", waits: true },
  ]);
});
