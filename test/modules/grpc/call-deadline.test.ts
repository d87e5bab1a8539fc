import { describe, expect, it } from "vitest";
import { ownDeadline } from "../../../src/modules/grpc-server/call-deadline.js";
import { FakeClock } from "../../support/fake-clock.js";

describe("the deadline of a caller", () => {
  const clock = new FakeClock();
  clock.advance(5000);
  const own = (ms: number) => ownDeadline(clock.now() + ms, clock);

  it.each([
    ["a minute", 60_000, 5000 + 60_000 - 250],
    ["a second", 1000, 5000 + 900],
    ["ten milliseconds", 10, 5000 + 9],
    ["nothing", 0, 5000],
  ])("of %s leaves time for the way back", (_what, ms, expected) => expect(own(ms)).toBe(expected));

  it("that is past is past", () => expect(own(-100)).toBe(4900));

  it("is none when it is infinite or further away than timers count", () => {
    expect(ownDeadline(Number.POSITIVE_INFINITY, clock)).toBeUndefined();
    expect(own(2 ** 31)).toBeUndefined();
    expect(ownDeadline(Number.NaN, clock)).toBeUndefined();
  });

  it("may be a date", () => expect(ownDeadline(new Date(clock.now() + 1000), clock)).toBe(5900));
});
