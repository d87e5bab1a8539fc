import { expect, test } from "vitest";
import { GatewayError } from "../../src/kernel/errors.js";
import type { ToScript } from "../../src/script-host/protocol.js";
import { type RunningCallback, ScriptSession } from "../../src/script-host/script-session.js";
import { incoming } from "../support/kernel.js";

const handler = { h: 7, what: "check_hang" };

/** A session whose script never answers. */
function session() {
  const sent: ToScript[] = [];
  const asked: (RunningCallback | undefined)[] = [];
  const begun = new ScriptSession(
    { tellsWhere: false, send: (message) => sent.push(message), close() {} },
    {
      name: "hang",
      register() {},
      unregister() {},
      async call(_message, _raw, during) {
        asked.push(during);
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
