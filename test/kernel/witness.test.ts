import { describe, expect, test } from "vitest";
import type { Call } from "../../src/kernel/call.js";
import { GatewayError } from "../../src/kernel/errors.js";
import type { Witness } from "../../src/kernel/witness.js";
import { type QueryResponse, ResultCode } from "../../src/wire/messages.js";
import { textResponse } from "../../src/wire/responses.js";
import { deferred, execution, incoming, kernel, owner, query, rows } from "../support/kernel.js";

const scripts = owner(1, "PythonScript", "python");

/** A core with a check that does not answer, and somebody who is asked where it is. */
function hanging() {
  const parts = kernel({ queryTimeoutMs: 1_000 });
  const place = deferred<string | undefined>();
  const answer = deferred<QueryResponse>();
  const asked: Call[] = [];
  const witness: Witness = {
    locate(call) {
      asked.push(call);
      return place.promise;
    },
    silence: "the process of disk does not react",
  };
  let running: Call | undefined;
  const hang = (call: Call) => {
    running = call;
    call.witness = witness;
  };
  parts.registry.addQuery(scripts, "check_disk", (_request, call) => {
    hang(call);
    return answer.promise;
  });
  parts.registry.addCommand(scripts, ["clean"], (_request, call) => {
    hang(call);
    return new Promise(() => {});
  });
  return { ...parts, place, answer, asked, running: () => running };
}

describe("a query that is late", () => {
  test("says where it hangs, to the caller, in the log, and to the one that works on it", async () => {
    const { core, clock, log, place, asked, running, registry } = hanging();
    const pending = core.query(query(["check_disk"]), incoming());
    clock.advance(1_000);
    expect(asked).toEqual([running()]);
    expect(running()?.aborted).toBeUndefined();
    place.resolve("disk is at check_disk.py:12 in check");
    const text = "check_disk timed out after 1 s: disk is at check_disk.py:12 in check";
    expect(rows(await pending)).toEqual([`0 check_disk UNKNOWN ${text}`]);
    expect(log.records).toEqual([`warn: ${text}`]);
    expect(running()?.aborted).toEqual(new GatewayError("DEADLINE_EXCEEDED", text));
    expect(clock.waiting).toBe(0);
    expect([...(registry.findQuery("check_disk")?.figures.values() ?? [])].map(({ timeouts }) => timeouts)).toEqual([
      1,
    ]);
  });

  test("does not wait for somebody who says nothing", async () => {
    const { core, clock } = hanging();
    const pending = core.query(query(["check_disk"]), incoming());
    clock.advance(1_100);
    expect(rows(await pending)).toEqual([
      "0 check_disk UNKNOWN check_disk timed out after 1 s: the process of disk does not react",
    ]);
    expect(clock.waiting).toBe(0);
  });

  test("is told as it is when nobody knows where it hangs", async () => {
    const { core, clock, place } = hanging();
    const pending = core.query(query(["check_disk"]), incoming());
    place.resolve(undefined);
    clock.advance(1_000);
    expect(rows(await pending)).toEqual(["0 check_disk UNKNOWN check_disk timed out after 1 s"]);
  });

  test("still counts when it answers in the moment of the explanation", async () => {
    const { core, clock, log, answer } = hanging();
    const pending = core.query(query(["check_disk"]), incoming());
    clock.advance(1_050);
    answer.resolve(textResponse({ id: 0, command: "check_disk" }, ResultCode.OK, "all well"));
    expect(rows(await pending)).toEqual(["0 check_disk OK all well"]);
    clock.advance(1_000);
    expect(log.records).toEqual([]);
  });

  test("has its answer in time for a caller with little time", async () => {
    const { core, clock } = hanging();
    const pending = core.query(query(["check_disk"]), incoming({ deadline: 900 }));
    // Of 1000 ms the front end keeps 100 for the way back.
    clock.advance(950);
    expect(rows(await pending)).toEqual(["0 check_disk UNKNOWN check_disk timed out after 0.9 s"]);
  });

  test("asks nobody when the caller has no time for it", async () => {
    const { core, clock, asked } = hanging();
    const pending = core.query(query(["check_disk"]), incoming({ deadline: 90 }));
    clock.advance(90);
    expect(rows(await pending)).toEqual(["0 check_disk UNKNOWN check_disk timed out after 0.09 s"]);
    expect(asked).toEqual([]);
  });
});

test("a command that is late says where it hangs", async () => {
  const { core, clock, log, place } = hanging();
  const pending = core.execute("", execution([{ command: "clean" }]), incoming({ deadline: 5_000 }));
  clock.advance(5_000);
  place.resolve("disk is at check_disk.py:30 in clean");
  const text = "clean timed out after 5 s: disk is at check_disk.py:30 in clean";
  expect((await pending).message.payload.map(({ message }) => message)).toEqual([text]);
  expect(log.records).toEqual([`warn: ${text}`]);
});
