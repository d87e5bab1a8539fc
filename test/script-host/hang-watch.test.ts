import { describe, expect, test } from "vitest";
import { HangWatch, type TimeoutAction } from "../../src/script-host/hang-watch.js";
import type { Whereabouts } from "../../src/script-host/script-session.js";
import { FakeClock } from "../support/fake-clock.js";
import { deferred } from "../support/kernel.js";
import { RecordingLog } from "../support/recording-log.js";

type Reply = { value: unknown; raw: undefined };

/** The watch over a script that is asked for signs of life; the test gives them. */
function watched(action: TimeoutAction, tellsWhere: boolean) {
  const clock = new FakeClock();
  const log = new RecordingLog();
  const events: string[] = [];
  const pings: ReturnType<typeof deferred<Reply>>[] = [];
  const places: ReturnType<typeof deferred<Whereabouts | undefined>>[] = [];
  const watch = new HangWatch(
    { name: "disk", action, clock, log },
    {
      tellsWhere,
      request() {
        const ping = deferred<Reply>();
        pings.push(ping);
        return ping.promise;
      },
      where() {
        const place = deferred<Whereabouts | undefined>();
        places.push(place);
        return place.promise;
      },
    },
    {
      hold: () => events.push("hold"),
      release: () => events.push("release"),
      hangs: (reason) => events.push(`hangs: ${reason}`),
      isStuck: (reason) => events.push(`stuck: ${reason}`),
    },
  );
  return {
    ...{ clock, log, events, watch, pings, places },
    late: () => watch.overdue({ id: 6, what: "check_disk" }),
    async says(place: string | undefined) {
      places.at(-1)?.resolve({ place, waits: false });
      await Promise.resolve();
    },
    async answers() {
      pings.at(-1)?.resolve({ value: undefined, raw: undefined });
      await Promise.resolve();
    },
  };
}

describe("restart", () => {
  test("a script whose other callbacks go on was only slow", async () => {
    const { clock, events, late, answers } = watched("restart", false);
    late();
    await answers();
    clock.advance(5_000);
    expect(events).toEqual(["hold", "release"]);
  });

  test("a script that gives no sign in a second hangs", () => {
    const { clock, events, late } = watched("restart", false);
    late();
    late();
    clock.advance(5_000);
    expect(events).toEqual(["hold", "hangs: it did not react any more"]);
  });

  test("the reason says where it hangs when that is known", async () => {
    const { clock, events, late, says } = watched("restart", true);
    late();
    await says("check_disk.py:12 in check");
    clock.advance(5_000);
    expect(events).toEqual(["hold", "hangs: it did not react any more: check_disk.py:12 in check"]);
  });

  test("a process that does not even say where it is is told from a script that hangs", () => {
    const { clock, events, late } = watched("restart", true);
    late();
    clock.advance(5_000);
    expect(events).toEqual(["hold", "stuck: check_disk of disk did not react any more"]);
  });
});

describe("report", () => {
  test("tells once that the script hangs, and once that it answers again, and holds nobody", async () => {
    const { clock, log, events, watch, late, says, answers } = watched("report", true);
    late();
    await says("check_disk.py:12 in check");
    expect(watch.report).toBe("");
    clock.advance(1_000);
    expect(watch.report).toBe("hangs at check_disk.py:12 in check");
    clock.advance(2_000);
    late();
    await says("check_disk.py:14 in check");
    clock.advance(9_300);
    await answers();
    expect(watch.report).toBe("");
    expect(log.records).toEqual([
      "warn: disk hangs at check_disk.py:12 in check",
      "info: disk answers again, 12.3 s late",
    ]);
    expect(events).toEqual([]);
  });

  test("says that it hangs also when nobody knows where", () => {
    const { clock, log, watch, late } = watched("report", false);
    late();
    clock.advance(1_000);
    expect([watch.report, log.records]).toEqual(["hangs", ["warn: disk hangs"]]);
  });

  test("tells of a script that hangs although its process was asked again a moment ago", async () => {
    const { clock, log, late, says } = watched("report", true);
    late();
    await says("check_disk.py:12 in check");
    clock.advance(999);
    late();
    clock.advance(1);
    expect(log.records).toEqual(["warn: disk hangs at check_disk.py:12 in check"]);
  });

  test("a process that gets stuck while a script hangs in it is found", async () => {
    const { clock, events, late, says } = watched("report", true);
    late();
    await says("check_disk.py:12 in check");
    clock.advance(60_000);
    late();
    clock.advance(1_000);
    expect(events).toEqual(["stuck: check_disk of disk did not react any more"]);
  });

  test("a script that was only slow is not told of", async () => {
    const { clock, log, late, answers } = watched("report", false);
    late();
    await answers();
    clock.advance(5_000);
    expect(log.records).toEqual([]);
  });
});
