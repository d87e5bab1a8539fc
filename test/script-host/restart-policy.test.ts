import { describe, expect, it } from "vitest";
import { HangPolicy, RestartPolicy } from "../../src/script-host/restart-policy.js";
import { FakeClock } from "../support/fake-clock.js";

const minute = 60_000;

describe("after a crash", () => {
  it("waits longer the second time and gives up at the third in five minutes", () => {
    const clock = new FakeClock();
    const policy = new RestartPolicy(clock);
    expect(policy.afterCrash()).toBe(250);
    clock.advance(2 * minute);
    expect(policy.afterCrash()).toBe(2_000);
    clock.advance(2 * minute);
    expect(policy.afterCrash()).toBeUndefined();
  });

  it("starts over when five minutes went well", () => {
    const clock = new FakeClock();
    const policy = new RestartPolicy(clock);
    for (let crash = 0; crash < 10; crash++) {
      expect(policy.afterCrash()).toBe(250);
      clock.advance(5 * minute);
    }
  });

  it("counts crashes and not restarts: a slow row of them ends it too", () => {
    const clock = new FakeClock();
    const policy = new RestartPolicy(clock);
    const waits = [0, 1, 2, 3].map(() => {
      const wait = policy.afterCrash();
      clock.advance(2.4 * minute);
      return wait;
    });
    expect(waits).toEqual([250, 2_000, undefined, undefined]);
  });
});

describe("after a hang", () => {
  it("goes on at once, then with longer and longer breaks, and never gives up", () => {
    const clock = new FakeClock();
    const policy = new HangPolicy(clock);
    const waits = Array.from({ length: 8 }, () => policy.afterHang());
    expect(waits).toEqual([0, 0, 1_000, 5_000, 15_000, 60_000, 60_000, 60_000]);
    clock.advance(5 * minute);
    expect(policy.afterHang()).toBe(0);
  });
});
