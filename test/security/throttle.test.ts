import { describe, expect, it } from "vitest";
import { LoginThrottle } from "../../src/security/throttle.js";
import { FakeClock } from "../support/fake-clock.js";

function throttle(maxFailures = 3) {
  const clock = new FakeClock();
  const logins = new LoginThrottle(clock, { maxFailures, blockMs: 60_000 });
  const fail = (peer: string, times = 1) => {
    for (let count = 0; count < times; count++) logins.failed(peer);
  };
  return { clock, logins, fail };
}

describe("failed logins", () => {
  it("block their address at the limit and for the block time", () => {
    const { clock, logins, fail } = throttle();
    fail("10.0.0.1", 2);
    const before = logins.blockedFor("10.0.0.1");
    fail("10.0.0.1");
    const blocked = logins.blockedFor("10.0.0.1");
    clock.advance(59_999);
    const late = logins.blockedFor("10.0.0.1");
    clock.advance(1);
    expect([before, blocked, late, logins.blockedFor("10.0.0.1")]).toEqual([0, 60_000, 1, 0]);
  });

  it("begin to count anew after a block and after a success", () => {
    const { clock, logins, fail } = throttle();
    fail("10.0.0.1", 3);
    clock.advance(60_000);
    fail("10.0.0.1", 2);
    logins.succeeded("10.0.0.1");
    fail("10.0.0.1", 2);
    expect(logins.blockedFor("10.0.0.1")).toBe(0);
  });

  it("are forgotten after a quarter of an hour", () => {
    const { clock, logins, fail } = throttle();
    fail("10.0.0.1", 2);
    clock.advance(15 * 60_000 + 1);
    fail("10.0.0.1", 2);
    expect(logins.blockedFor("10.0.0.1")).toBe(0);
  });

  it("count for one address, in every way of writing it, and for an IPv6 network", () => {
    const { logins, fail } = throttle();
    fail("::ffff:10.0.0.1", 3);
    fail("2001:db8::1");
    fail("2001:db8:0:0:1::2");
    fail("2001:db8::ffff:3");
    const peers = ["10.0.0.1", "10.0.0.2", "2001:db8::99", "2001:db8:0:1::1"];
    expect(peers.map((peer) => logins.blockedFor(peer) > 0)).toEqual([true, false, true, false]);
  });

  it("never block when the limit is 0", () => {
    const { logins, fail } = throttle(0);
    fail("10.0.0.1", 1000);
    expect(logins.blockedFor("10.0.0.1")).toBe(0);
  });

  it("that are still being checked count as failed", () => {
    const { logins } = throttle();
    const running = [1, 2, 3, 4].map(() => logins.begin("10.0.0.1"));
    expect(running.map((finish) => finish !== undefined)).toEqual([true, true, true, false]);
    running[0]?.(true);
    expect(logins.begin("10.0.0.1")).toBeDefined();
  });

  it("of a hundred thousand addresses do not fill the memory, and the newest are remembered", () => {
    const { logins, fail } = throttle();
    for (let host = 0; host < 100_000; host++) fail(`10.${host >> 16}.${(host >> 8) & 255}.${host & 255}`, 3);
    expect([logins.blockedFor("10.0.0.0"), logins.blockedFor("10.1.134.159")]).toEqual([0, 60_000]);
  });
});
